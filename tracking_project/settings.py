"""The one settings file. Everything that differs between installations comes from the
environment or from `.env`; `.env.example` says what each variable means."""

from pathlib import Path
from urllib.parse import urlsplit

from csp.constants import NONE, SELF
from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext_lazy as _
from django.utils.translation import to_locale

from tracking.clickhouse.configuration import clickhouse
from tracking_project.data_dir import make_data_dir, secret_key_in
from tracking_project.environment import Environment
from tracking_project.logs import logging_config

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
env.read_env(BASE_DIR / ".env")

DEBUG = env.bool("DEBUG", default=False)
DATA_DIR = make_data_dir(env.str("DATA_DIR", default=str(BASE_DIR / "data")))
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_key_in(DATA_DIR)
# Where people reach this installation, as in https://stats.example.com; links in mails,
# snippets and shell output begin with it.
BASE_URL = env.str("BASE_URL", default="").rstrip("/")
# Where granian listens, which reads these variables by itself. Whoever chose one address of
# this machine reaches the server by that; the others include localhost.
SERVER_HOST = env.str("GRANIAN_HOST", default="127.0.0.1")
SERVER_PORT = env.int("GRANIAN_PORT", default=8000)
at_home = SERVER_HOST in ("127.0.0.1", "::1", "0.0.0.0", "::")  # noqa: S104
server_name = "localhost" if at_home else f"[{SERVER_HOST}]" if ":" in SERVER_HOST else SERVER_HOST
if not BASE_URL:
    BASE_URL = f"http://{server_name}:{SERVER_PORT}"
ALLOWED_HOSTS = env.list(
    "ALLOWED_HOSTS",
    default=["localhost", "127.0.0.1", "[::1]", server_name, urlsplit(BASE_URL).hostname or ""],
)

INSTALLED_APPS = [
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it replaces
    "unfold.contrib.filters",
    "tracking_project.apps.BackOfficeConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.forms",  # so that FORM_RENDERER finds the widgets that we do not replace
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "csp",
    "django_htmx",
    "hijack",
    "accounts",
    "tracking",
]

MIDDLEWARE = [
    "tracking_project.logs.RequestContextMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # Of varying length, and with CSRF tokens that differ each time: see Django's notes on BREACH.
    "django.middleware.gzip.GZipMiddleware",
    "tracking_project.errors.ErrorPageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "accounts.middleware.TimeZoneMiddleware",
    "accounts.middleware.PrivateMiddleware",
]

ROOT_URLCONF = "tracking_project.urls"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "accounts.context_processors.registration",
                "tracking_project.theme.theme",
            ],
        },
    },
]

FORM_RENDERER = "django.forms.renderers.TemplatesSetting"

# Data

DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{DATA_DIR / 'db.sqlite3'}")}
if DATABASES["default"].get("ENGINE") not in {
    "django.db.backends.sqlite3",
    "django.db.backends.postgresql",
}:
    raise ImproperlyConfigured(
        "DATABASE_URL is the address of a database of SQLite or PostgreSQL, as in "
        "postgres://user:password@localhost:5432/tracking"
    )
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    DATABASES["default"]["OPTIONS"] = {
        # Readers and the worker do not wait for each other (WAL); a commit is on disk before
        # the worker removes what it came from (FULL); writers queue up instead of failing
        # half-way (IMMEDIATE); what is deleted, like salts, is overwritten.
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
        "PRAGMA secure_delete=ON; PRAGMA cache_size=-32000",
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
    }
else:
    DATABASES["default"].setdefault("CONN_MAX_AGE", 60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # Compiling a report's query takes PostgreSQL longer than to answer it.
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")
# Visits and events may live in ClickHouse, on one server or spread over a cluster.
DATABASE_ROUTERS = ["tracking.routers.EventsRouter"]
EVENTS_DATABASE_URL = env("EVENTS_DATABASE_URL", default="")
if EVENTS_DATABASE_URL:
    DATABASES["events"] = clickhouse(
        EVENTS_DATABASE_URL,
        cluster=env("EVENTS_CLUSTER", default=""),
        is_replicated=env.bool("EVENTS_REPLICATED", default=False),
    )
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# Shared by the web processes of one host; counts the attempts behind the rate limits. Room for
# many, since a full cache forgets at random: nobody shall wipe a count by filling it.
CACHES = {
    "default": env.cache("CACHE_URL", default=f"filecache://{DATA_DIR / 'cache'}?max_entries=10000")
}

# People

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ["name", "email"]},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "index"
LOGOUT_REDIRECT_URL = "index"
REGISTRATION_OPEN = env.bool("REGISTRATION_OPEN", default=True)

ACCOUNT_ADAPTER = "accounts.adapter.AccountAdapter"
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_FORMS = {
    "login": "accounts.forms.LoginForm",
    "signup": "accounts.forms.SignupForm",
    "change_password": "accounts.forms.ChangePasswordForm",
    "set_password": "accounts.forms.SetPasswordForm",
    "reset_password": "accounts.forms.ResetPasswordForm",
    "reset_password_from_key": "accounts.forms.ResetPasswordKeyForm",
    "reauthenticate": "accounts.forms.ReauthenticateForm",
}
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_CHANGE_EMAIL = True  # a person has one address; a new one replaces it once confirmed
ACCOUNT_LOGIN_ON_EMAIL_CONFIRMATION = True
ACCOUNT_EMAIL_SUBJECT_PREFIX = ""

# Mail: without EMAIL_URL nothing is sent to the internet; mails are printed to the console.

EMAIL_URL = env.str("EMAIL_URL", default="")
vars().update(env.email_url_config(EMAIL_URL or "consolemail://"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.str("DEFAULT_FROM_EMAIL", default="webmaster@localhost")
ACCOUNT_EMAIL_VERIFICATION = "mandatory" if EMAIL_URL else "none"
ACCOUNT_EMAIL_NOTIFICATIONS = bool(EMAIL_URL)

# A second factor, for whoever wants one

MFA_ADAPTER = "accounts.two_factor.TwoFactorAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = not EMAIL_URL  # where no mail is sent no address can be verified
MFA_FORMS = {
    "activate_totp": "accounts.two_factor.ActivateForm",
    "authenticate": "accounts.two_factor.AuthenticateForm",
    "reauthenticate": "accounts.two_factor.ReauthenticateForm",
}

# Collecting

# How many reverse proxies of your own stand before this server: the visitor's address is
# that many entries from the right of X-Forwarded-For; 0 trusts only the connection itself.
TRUSTED_PROXIES = env.int("TRUSTED_PROXIES", default=0)
# Under which first part of the path pages reach us, and the name of the script: those who block
# trackers know the usual ones.
TRACKER_PREFIX = env.str("TRACKER_PREFIX", default="t")
TRACKER_SCRIPT_NAME = env.str("TRACKER_SCRIPT_NAME", default="")
SPOOL_DIR = DATA_DIR / "spool"
# How many bytes of hits may wait in the queue, and how often they are flushed to the disk.
QUEUE_MAX_BYTES = env.int("QUEUE_MAX_BYTES", default=10 << 30)
QUEUE_FSYNC_SECONDS = env.float("QUEUE_FSYNC_SECONDS", default=0.2)
# For how many whole months visits are kept, besides the one that runs; 0 for ever.
RETENTION_MONTHS = env.int("RETENTION_MONTHS", default=0)
# How long a web process may go without having noticed a new or deleted site.
COLLECTOR_SITES_SECONDS = 2.0

# Location of visitors

GEOIP_PATH = Path(env.str("GEOIP_PATH", default=str(DATA_DIR / "city.mmdb"))).expanduser()
GEOIP_URL = env.str("GEOIP_URL", default="")
MAXMIND_LICENSE_KEY = env.str("MAXMIND_LICENSE_KEY", default="")
# By what visits from data centres are told: a list of networks, and a file of who runs them.
DATACENTRES_PATH = Path(
    env.str("DATACENTRES_PATH", default=str(DATA_DIR / "datacentres.txt"))
).expanduser()
ASN_PATH = Path(env.str("ASN_PATH", default=str(DATA_DIR / "asn.mmdb"))).expanduser()

# Language and time

LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = "tracking_project.formats"
LOCALE_PATHS = [BASE_DIR / "locale"]
# A translation is a file, as makemessages and compilemessages make it.
LANGUAGES = [
    (code, name)
    for code, name in global_settings.LANGUAGES
    if code == "en" or (LOCALE_PATHS[0] / to_locale(code) / "LC_MESSAGES" / "django.mo").is_file()
]
TIME_ZONE = "UTC"
USE_TZ = True

# Static files

STATIC_URL = "static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}

# Security

HTTPS = BASE_URL.startswith("https://")
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
# Only behind a proxy that says how a request came: without one, a request is what the server
# itself speaks, and a redirect to HTTPS could come back here for ever.
SECURE_SSL_REDIRECT = HTTPS and TRUSTED_PROXIES > 0
SECURE_REDIRECT_EXEMPT = [r"^t/", rf"^{TRACKER_PREFIX}/", r"^sites/\d+/visit$"]
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
CSRF_TRUSTED_ORIGINS = [BASE_URL] if HTTPS else []
SILENCED_SYSTEM_CHECKS = [
    # Indexes with conditions are for the databases that know some.
    "models.W037",
    # HSTS for subdomains and preloading: the domain's other names are not ours to decide about.
    "security.W005",
    "security.W021",
    # HSTS, redirect, secure cookies: all follow from BASE_URL, which accounts.W001 asks about.
    "security.W004",
    "security.W008",
    "security.W012",
    "security.W016",
]
CSRF_FAILURE_VIEW = "tracking_project.errors.csrf_failure"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    },
}

# Logs

ERROR_LOG_PATH = env.str("ERROR_LOG_PATH", default="")
LOGGING = logging_config(ERROR_LOG_PATH)

# Back office

UNFOLD = {
    "SITE_TITLE": "Tracking",
    "SITE_HEADER": "Tracking",
    "SITE_SUBHEADER": _("Back office"),
    "SITE_URL": "/",
    "SITE_SYMBOL": "monitoring",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": "tracking_project.back_office.favicon"}
    ],
    "STYLES": [
        "tracking_project.back_office.style_sheet",
        "tracking_project.back_office.style_sheet_of_reports",
    ],
    "BORDER_RADIUS": "6px",
    "ENVIRONMENT": "tracking_project.back_office.environment",
    "ACCOUNT": {"navigation": "tracking_project.back_office.account_links"},
    "SIDEBAR": {
        "command_search": True,
        "navigation": "tracking_project.navigation.navigation",
    },
    "COMMAND": {"search_callback": "tracking_project.back_office.find"},
}
