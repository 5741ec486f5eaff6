from django.conf import settings
from django.urls import path

from tracking.views import sites
from tracking.views.collect import CollectView
from tracking.views.dashboard import CurrentVisitorsView, SiteDashboardView
from tracking.views.visits import VisitLogView
from tracking.views.waiting import WaitingView

urlpatterns = [
    *(
        path(f"{prefix}/<path:key>", CollectView.as_view(path=f"/{prefix}/{{key}}"))
        for prefix in {"t", settings.TRACKER_PREFIX}
    ),
    path(
        "sites/<int:pk>/visit",
        CollectView.as_view(path="/sites/{pk}/visit"),
        name="collect_visit",
    ),
    path("", sites.IndexView.as_view(), name="index"),
    path("sites/add/", sites.SiteAddView.as_view(), name="site_add"),
    path("sites/<int:pk>/", SiteDashboardView.as_view(), name="site_dashboard"),
    path("sites/<int:pk>/current/", CurrentVisitorsView.as_view(), name="current_visitors"),
    path("sites/<int:pk>/visits/", VisitLogView.as_view(), name="visit_log"),
    path("sites/<int:pk>/waiting/", WaitingView.as_view(), name="site_waiting"),
    path("sites/<int:pk>/settings/", sites.SiteEditView.as_view(), name="site_edit"),
    path("sites/<int:pk>/token/", sites.SiteTokenView.as_view(), name="site_token"),
    path("sites/<int:pk>/delete/", sites.SiteDeleteView.as_view(), name="site_delete"),
    path("sites/<int:pk>/install/", sites.SiteSnippetView.as_view(), name="site_snippet"),
    path(
        "sites/<int:pk>/install/status/",
        sites.SiteSnippetStatusView.as_view(),
        name="site_snippet_status",
    ),
]
