"""Somebody else's Django project, whole: no database, no app, and the middleware.

The test copies it, and beside it the two files that it takes from us, into a folder of its own.
"""

import os

import django
from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path, re_path

settings.configure(
    SECRET_KEY="of a test",
    ALLOWED_HOSTS=["*"],
    ROOT_URLCONF=__name__,
    MIDDLEWARE=["tracking.middleware.PageviewMiddleware"],
    TRACKING_URL=os.environ["TRACKING_URL"],
    TRACKING_TOKEN=os.environ["TRACKING_TOKEN"],
    TRACKING_TRUSTED_PROXIES=1,
    TRACKING_EXCLUDE="/admin/",
)
django.setup()

from django.core.asgi import get_asgi_application  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402

from tracking.middleware import event  # noqa: E402


def page(request: HttpRequest, **parameters: object) -> HttpResponse:
    return HttpResponse("<title>A page</title>")


async def page_async(request: HttpRequest, **parameters: object) -> HttpResponse:
    return HttpResponse("<title>A page</title>")


def data(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"queued": "not a page"})


def order(request: HttpRequest) -> HttpResponse:
    event(request, "Order", props={"plan": "pro"}, revenue="19.90", currency="EUR")
    return HttpResponse(status=204)


def broken(request: HttpRequest) -> HttpResponse:
    raise ValueError("on purpose")


urlpatterns = [
    path("", page),
    path("user/<int:id>", page),
    path("async/<slug:name>/", page_async),
    path("blog/", include([re_path(r"^(?P<year>[0-9]{4})/(\w+)/$", page)])),
    path("admin/", page),
    path("data", data),
    path("order", order),
    path("broken", broken),
]

wsgi = get_wsgi_application()
asgi = get_asgi_application()
