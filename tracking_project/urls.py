from django.contrib import admin
from django.urls import include, path

from tracking_project.theme import ThemeView

urlpatterns = [
    path("", include("tracking.urls")),
    path("account/", include("accounts.urls")),
    path("theme/", ThemeView.as_view(), name="theme"),
    path("admin/", admin.site.urls),
]

handler400 = "tracking_project.errors.bad_request"
handler403 = "tracking_project.errors.permission_denied"
handler404 = "tracking_project.errors.page_not_found"
handler429 = "tracking_project.errors.too_many_requests"  # for allauth's rate limits
handler500 = "tracking_project.errors.server_error"
