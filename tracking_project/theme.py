"""Light or dark: what a person chose for this browser, or what their system says."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _
from django.views import View
from django.views.decorators.csrf import csrf_exempt

COOKIE = "theme"
ONE_YEAR = 365 * 24 * 60 * 60
SYSTEM = ""
THEMES = {SYSTEM: _("System"), "light": _("Light"), "dark": _("Dark")}


def theme_of(request: HttpRequest) -> str:
    theme = request.COOKIES.get(COOKIE, SYSTEM)
    return theme if theme in THEMES else SYSTEM


def theme(request: HttpRequest) -> dict[str, object]:
    """For every template: the page comes in its colours at once, without a flash of others."""
    return {"theme": theme_of(request), "themes": THEMES}


# Whoever tricks a browser into sending this form changes a colour. Without a token in it, the
# switch costs public pages no cookie.
@method_decorator(csrf_exempt, name="dispatch")
class ThemeView(View):
    """Remembers the choice, and leads back to where it was made."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        back = request.POST.get("next", "")
        if not url_has_allowed_host_and_scheme(back, {request.get_host()}, request.is_secure()):
            back = "/"
        response = HttpResponseRedirect(back)
        chosen = request.POST.get("theme", SYSTEM)
        if chosen in THEMES and chosen != SYSTEM:
            response.set_cookie(
                COOKIE, chosen, max_age=ONE_YEAR, samesite="Lax", secure=settings.HTTPS
            )
        else:
            response.delete_cookie(COOKIE, samesite="Lax")
        return response
