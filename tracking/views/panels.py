"""The panels of the dashboard: which tabs they have, what they ask, and what they show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from tracking.reporting.dimensions import PROPERTY, Dimension, dimension_named
from tracking.reporting.filters import Condition, Did, Filter, Operator
from tracking.reporting.metrics import METRICS, Metric
from tracking.reporting.query import Query, Row, Rows
from tracking.reporting.question import GOALS
from tracking.templatetags.figures import share, written
from tracking.views.report import Report
from tracking.world import Country, WorldMap, flags

Text = str | Promise

ROWS = 9
FLAGGED = {"country"}


@dataclass(frozen=True)
class Tab:
    """What a panel can be about; `metrics` stand beside each row, the first one as its bar."""

    dimension: str
    label: Text
    metrics: tuple[str, ...] = ("visitors",)
    name: str = ""  # in the address, where that is not the dimension's
    group: Text = ""
    rows: int | None = ROWS
    has_share: bool = True

    @property
    def value(self) -> str:
        return self.name or self.dimension


EVENT_METRICS = ("visitors", "events", "conversion_rate")
CAMPAIGNS = _("Campaigns")
TABS: dict[str, tuple[Tab, ...]] = {
    "pages": (
        Tab("page", _("Top"), ("visitors", "pageviews", "time_on_page", "scroll_depth")),
        Tab("entry_page", _("Entry"), ("visitors", "visits", "bounce_rate")),
        Tab("exit_page", _("Exit"), ("visitors", "visits", "exit_rate")),
    ),
    "sources": (
        Tab("channel", _("Channels")),
        Tab("source", _("Sources")),
        Tab("referrer", _("Referrers")),
        Tab("utm_campaign", pgettext_lazy("UTM tag", "Campaign"), group=CAMPAIGNS),
        Tab("utm_source", pgettext_lazy("UTM tag", "Source"), group=CAMPAIGNS),
        Tab("utm_medium", pgettext_lazy("UTM tag", "Medium"), group=CAMPAIGNS),
        Tab("utm_term", pgettext_lazy("UTM tag", "Term"), group=CAMPAIGNS),
        Tab("utm_content", pgettext_lazy("UTM tag", "Content"), group=CAMPAIGNS),
    ),
    "places": (
        Tab("country", _("Map"), name="map", rows=None),
        Tab("country", _("Countries")),
        Tab("region", _("Regions")),
        Tab("city", _("Cities")),
    ),
    "devices": (
        Tab("browser", _("Browsers")),
        Tab("os", _("Systems")),
        Tab("device", _("Devices")),
        Tab("screen", _("Screens")),
        Tab("language", _("Languages")),
    ),
    "events": (Tab("event", _("Events"), EVENT_METRICS, has_share=False),),
}
BY_DIMENSION = {tab.dimension: tab for tabs in TABS.values() for tab in tabs}
TITLES: dict[str, Text] = {
    "pages": _("Pages"),
    "sources": _("Sources"),
    "places": _("Places"),
    "devices": _("Devices"),
    "events": _("Events"),
}


@dataclass(frozen=True)
class TabLink:
    value: str
    label: Text
    address: str
    is_current: bool


@dataclass(frozen=True)
class PanelRow:
    """A value of the dimension; `width` is that of its bar, in percent."""

    label: str
    values: list[tuple[Metric, float | None]]
    share: float
    width: float
    address: str
    flag: str = ""

    @property
    def tip(self) -> str:
        """What the map says of it."""
        metric, value = self.values[0]
        return f"{self.label} · {written(metric, value)} · {share(self.share)}"


class Panel:
    """One question and its answer as a list with tabs."""

    template_name = "tracking/report/panel.html"

    def __init__(self, name: str, report: Report, more_tabs: Iterable[Tab] = ()) -> None:
        self.name = name
        self.report = report
        self.title = TITLES[name]
        self.choices = (*TABS[name], *more_tabs)
        chosen = report.parameters.get(name)
        self.tab = next((tab for tab in self.choices if tab.value == chosen), self.choices[0])
        self.total = 0
        self.rows: list[PanelRow] = []
        self.world: WorldMap | None = None
        self.map: list[tuple[Country, PanelRow]] = []

    @staticmethod
    def id_of(name: str) -> str:
        """Of what the page swaps when one of the tabs is chosen."""
        return f"panel-{name}"

    @property
    def id(self) -> str:
        return self.id_of(self.name)

    @property
    def query(self) -> Query:
        return self.report.query(self.tab.metrics, (self.tab.dimension,), limit=self.tab.rows)

    @cached_property
    def dimension(self) -> Dimension:
        return dimension_named(self.tab.dimension)

    @cached_property
    def metrics(self) -> list[Metric]:
        return [METRICS[name] for name in self.tab.metrics]

    @cached_property
    def tabs(self) -> list[TabLink]:
        """Tabs of a group are one, which opens on its first."""
        links: dict[str, TabLink] = {}
        for tab in self.choices:
            is_current = tab.group == self.tab.group if tab.group else tab is self.tab
            links.setdefault(str(tab.group or tab.label), self._link(tab, is_current, tab.group))
        return list(links.values())

    @cached_property
    def group(self) -> list[TabLink]:
        return [
            self._link(tab, tab is self.tab)
            for tab in self.choices
            if tab.group and tab.group == self.tab.group
        ]

    @property
    def in_words(self) -> str:
        """The map, for those who cannot see it."""
        return ", ".join(row.tip for row in self.rows[:5])

    def _link(self, tab: Tab, is_current: bool, label: Text = "") -> TabLink:
        address = self.report.address(**{self.name: tab.value})
        return TabLink(tab.value, label or tab.label, address, is_current)

    def show(self, rows: Rows, everybody: float) -> None:
        self.total = rows.total
        self.rows = list(panel_rows(self.report, self.tab, rows, everybody))
        if self.tab.name == "map":
            shown = dict(zip((str(row.key[0]) for row in rows), self.rows, strict=True))
            self.world = WorldMap.of({code: row.values[0][1] or 0 for code, row in shown.items()})
            self.map = [(country, shown[country.code]) for country in self.world.countries]
        self.rows = self.rows[:ROWS]


def panel_rows(report: Report, tab: Tab, rows: Sequence[Row], everybody: float) -> list[PanelRow]:
    """Shares are of everybody in the period, bars in proportion to the longest."""
    first = tab.metrics[0]
    dimension = dimension_named(tab.dimension)
    greatest = max((row[first] or 0 for row in rows), default=0)
    return [
        PanelRow(
            label=dimension.written(value),
            values=[(METRICS[name], row[name]) for name in tab.metrics],
            share=(row[first] or 0) / everybody if everybody else 0,
            width=round(100 * (row[first] or 0) / greatest, 1) if greatest else 0,
            address=report.filtered(filter_by(dimension, value)),
            flag=flag_of(value) if tab.dimension in FLAGGED else "",
        )
        for row in rows
        for value in (str(row.key[0]),)
    ]


def filter_by(dimension: Dimension, value: str) -> Condition:
    """Of an event, whole visits in which it happened: their other events are of interest."""
    filter = Filter(dimension.name, Operator.IS, (value,))
    return Did(filter) if dimension.of in GOALS else filter


def tabs_of_properties(names: Iterable[str]) -> list[Tab]:
    return [
        Tab(f"{PROPERTY}{name}", name, EVENT_METRICS, group=_("Properties"), has_share=False)
        for name in names
    ]


def flag_of(code: str) -> str:
    return code.lower() if code.lower() in flags() else ""
