"""What a line of the log says: who asked for what, and what happened."""

import logging
import re
import time
from collections.abc import Callable
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import LazyObject, empty

from tracking_project.client_ip import client_ip

current_request: ContextVar[HttpRequest | None] = ContextVar("current_request", default=None)

# Whatever could begin a new line or column, or command a terminal.
CONTROL_CHARACTERS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

# What opens an account to its bearer: the last part of a link that we mailed or printed, and
# values that are named for what they are.
SECRETS = re.compile(
    r"(/account/(?:setup|confirm-email|password/reset/key)/)[^/\s\"]+"
    r"|((?:token|passwd|password|secret|api_?key|sessionid)[\w-]{0,20}=)[^&\s\"]+",
    re.IGNORECASE,
)


class RequestContextMiddleware:
    """Lets the log know which request is being answered. To be the first."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = current_request.set(request)
        try:
            return self.get_response(request)
        finally:
            current_request.reset(token)


class ContextualFilter(logging.Filter):
    """Adds `url`, `method`, `ip` and `user_id` to every record.

    The URL goes without its query string: that may carry secrets, and what visitors of tracked
    pages did. `user_id` is -1 for somebody who is not (yet) known; outside of a request all
    four are “-”.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        # Django logs some answers after the middleware is done, but hands over the request.
        request = getattr(record, "request", None)
        if not isinstance(request, HttpRequest):
            request = current_request.get()
        if request is None:
            record.url = record.method = record.ip = record.user_id = "-"
        else:
            record.url = request.path
            record.method = request.method
            record.ip = client_ip(request.META)
            record.user_id = user_id(request)
        return True


def user_id(request: HttpRequest) -> int:
    """The id of a person who has been looked up already: logging never asks the database."""
    user = getattr(request, "user", None)
    if user is None or (isinstance(user, LazyObject) and user._wrapped is empty):
        return -1
    return user.pk or -1


def is_not_404(record: logging.LogRecord) -> bool:
    """Missing pages are in the access log of the proxy; here they would hide the rest."""
    return getattr(record, "status_code", None) != 404


class SeldomFilter(logging.Filter):
    """Lets a message through once in `seconds`: what goes wrong with a hit may go wrong with
    thousands of them a second."""

    def __init__(self, seconds: float = 10.0) -> None:
        super().__init__()
        self.seconds = seconds
        self._next: dict[object, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        # By the message before its arguments are put in: the code has few of those.
        now = time.monotonic()
        if now < self._next.get(record.msg, 0.0):
            return False
        self._next[record.msg] = now + self.seconds
        return True


class OneLineFormatter(logging.Formatter):
    """Writes one line a record, and nothing that is in a record can begin another.

    A traceback follows on lines of its own, which are indented.
    """

    def format(self, record: logging.LogRecord) -> str:
        # A copy: the next handler shall see the record as it was.
        record = logging.makeLogRecord(record.__dict__)
        for name in ("url", "method", "ip"):
            setattr(record, name, escape(str(getattr(record, name))))
        record.msg, record.args = escape(record.getMessage()), None
        record.exc_text = None
        return SECRETS.sub(r"\1\2***", super().format(record))

    def formatException(self, exc_info: Any) -> str:  # noqa: N802
        return indent(super().formatException(exc_info))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802
        return indent(stack_info)


def escape(text: str) -> str:
    return CONTROL_CHARACTERS.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def indent(text: str) -> str:
    return "\n".join("    " + escape(line) for line in text.splitlines())


CONSOLE_FORMAT = "\t".join(
    f"%({name})s" for name in ("asctime", "levelname", "user_id", "ip", "method", "url", "message")
)
FILE_FORMAT = """\
Time: %(asctime)s
Level: %(levelname)s
Method: %(method)s
Path: %(url)s
IP: %(ip)s
User ID: %(user_id)s
Message: %(message)s"""


class BlockFormatter(OneLineFormatter):
    """A block of lines for each record, with an empty line after it."""

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record) + "\n"


LOUD_WHEN_BROKEN = ("tracking.collector.collect", "tracking.collector.sites", "tracking.spool")


def logging_config(error_log_path: str) -> dict[str, Any]:
    """Django's LOGGING: everything to the console, errors also to where the back office finds
    them, and to a file if one is named."""
    handlers: dict[str, dict[str, Any]] = {
        "console": {
            "class": "logging.StreamHandler",
            "formatter": "line",
            "filters": ["context"],
        },
        "recent": {
            "class": "tracking_project.recent_errors.RecentErrorsHandler",
            "filters": ["context"],
        },
    }
    if error_log_path:
        Path(error_log_path).parent.mkdir(parents=True, exist_ok=True)
        handlers["errors"] = {
            # Turns over daily, however many processes write to it, without losing a line.
            "class": "concurrent_log_handler.ConcurrentTimedRotatingFileHandler",
            "filename": error_log_path,
            "when": "midnight",
            "backupCount": 7,
            "encoding": "utf-8",
            "level": "ERROR",
            "formatter": "block",
            "filters": ["context"],
        }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {
            "context": {"()": ContextualFilter},
            "seldom": {"()": SeldomFilter},
            "not_404": {"()": "django.utils.log.CallbackFilter", "callback": is_not_404},
        },
        "formatters": {
            "line": {"()": OneLineFormatter, "format": CONSOLE_FORMAT},
            "block": {"()": BlockFormatter, "format": FILE_FORMAT},
        },
        "handlers": handlers,
        "root": {"level": "INFO", "handlers": list(handlers)},
        "loggers": {
            # Without handlers of their own, which Django gives them: no line comes twice.
            "django": {"level": "INFO", "handlers": []},
            "django.request": {"filters": ["not_404"]},
            **{name: {"filters": ["seldom"]} for name in LOUD_WHEN_BROKEN},
            # Its warnings hold the URLs that are asked for, and so visitors' addresses.
            "urllib3": {"level": "ERROR"},
            # Its warnings are traces of connections that fail; ours say so in a line.
            "clickhouse_driver": {"level": "ERROR"},
            # runserver's access log; what went wrong is in the error log already.
            "django.server": {"level": "INFO", "handlers": ["console"], "propagate": False},
        },
    }
