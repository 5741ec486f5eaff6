import re

from django.urls import URLPattern, path

from tracking.collector import receivers
from tracking.views import deletion, exclusions, install, sites
from tracking.views.annotations import AnnotationAddView, AnnotationEditView
from tracking.views.collect import CollectView
from tracking.views.dashboard import CurrentVisitorsView, SiteDashboardView
from tracking.views.filters import FilterView
from tracking.views.realtime import RealtimeView
from tracking.views.report_list import ReportCsvView, ReportListView
from tracking.views.segments import SegmentAddView, SegmentEditView
from tracking.views.site_list import IndexView
from tracking.views.visits import VisitLogView, VisitView
from tracking.views.waiting import WaitingView

# The collector's paths, for where Django is served without its WSGI wrapper.
COLLECTED = (
    *dict.fromkeys(f"{first}/<path:rest>" for first in receivers.FIRST if first != "sites"),
    "sites/<int:pk>/visit",
    *receivers.WHOLE,
    *(f"<path:site>/{last}" for last in receivers.LAST),
)


def collected(route: str) -> URLPattern:
    own_path = re.sub(r"<\w+:(\w+)>", r"{\1}", route)
    return path(route, CollectView.as_view(path=f"/{own_path}"))


urlpatterns = [
    path("", IndexView.as_view(), name="index"),
    path("sites/add/", sites.SiteAddView.as_view(), name="site_add"),
    path("sites/<int:pk>/", SiteDashboardView.as_view(), name="site_dashboard"),
    path("sites/<int:pk>/current/", CurrentVisitorsView.as_view(), name="current_visitors"),
    path("sites/<int:pk>/realtime/", RealtimeView.as_view(), name="realtime"),
    path("sites/<int:pk>/report/<str:dimension>/", ReportListView.as_view(), name="report_list"),
    path("sites/<int:pk>/report/<str:dimension>/csv/", ReportCsvView.as_view(), name="report_csv"),
    path("sites/<int:pk>/filter/", FilterView.as_view(), name="report_filter"),
    path("sites/<int:pk>/segments/add/", SegmentAddView.as_view(), name="segment_add"),
    path("sites/<int:pk>/segments/<int:segment>/", SegmentEditView.as_view(), name="segment_edit"),
    path("sites/<int:pk>/notes/add/", AnnotationAddView.as_view(), name="annotation_add"),
    path("sites/<int:pk>/notes/<int:note>/", AnnotationEditView.as_view(), name="annotation_edit"),
    path("sites/<int:pk>/visits/", VisitLogView.as_view(), name="visit_log"),
    path("sites/<int:pk>/visits/<int:visit>/", VisitView.as_view(), name="visit"),
    path("sites/<int:pk>/waiting/", WaitingView.as_view(), name="site_waiting"),
    path("sites/<int:pk>/settings/", sites.SiteEditView.as_view(), name="site_edit"),
    path(
        "sites/<int:pk>/settings/exclusions/",
        exclusions.ExclusionsView.as_view(),
        name="site_exclusions",
    ),
    path("sites/<int:pk>/filtered/", exclusions.FilteredView.as_view(), name="site_filtered"),
    path("sites/<int:pk>/crawlers/", exclusions.CrawlersView.as_view(), name="site_crawlers"),
    path("opt-out/<uuid:public_id>/", exclusions.OptOutView.as_view(), name="opt_out"),
    path(
        "sites/<int:pk>/settings/visits/",
        deletion.DeleteVisitsView.as_view(),
        name="site_delete_visits",
    ),
    path("sites/<int:pk>/token/", sites.SiteTokenView.as_view(), name="site_token"),
    path("sites/<int:pk>/delete/", sites.SiteDeleteView.as_view(), name="site_delete"),
    path("sites/<int:pk>/install/", install.InstallView.as_view(), name="site_snippet"),
    path(
        "sites/<int:pk>/install/requests/",
        install.RequestsView.as_view(),
        name="site_requests",
    ),
    path(
        "sites/<int:pk>/install/status/",
        install.FirstVisitView.as_view(),
        name="site_snippet_status",
    ),
    *map(collected, COLLECTED),
]
