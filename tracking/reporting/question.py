"""What can be asked: a `Query` describes figures, `Row`s are what it is answered by."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext

from tracking.models import Site
from tracking.reporting.dimensions import TIME, Dimension, Of, dimension_named
from tracking.reporting.filters import AnyOf, Condition, Did, filters_in
from tracking.reporting.metrics import MEASURES, METRICS, Base
from tracking.reporting.period import Period

Key = tuple[Any, ...]
# What makes a visitor one who converts.
GOALS = (Of.NAMED, Of.PROPERTY)


@dataclass(frozen=True)
class Query:
    """Which metrics, of which sites and period, told apart by which dimensions.

    `filters` must all hold. Rows come with the greatest `order` first: a metric (the first one
    by default) or a dimension; “-” before its name turns them round. Equal ones come by their
    dimensions. Rows told apart by time alone come in order of time, and include the intervals
    in which nothing happened.
    """

    sites: tuple[Site, ...]
    period: Period
    metrics: tuple[str, ...]
    dimensions: tuple[str, ...] = ()
    filters: tuple[Condition, ...] = ()
    order: str = ""
    limit: int | None = None
    offset: int = 0

    def __post_init__(self) -> None:
        for name in self.metrics:
            if name not in METRICS:
                raise ValueError(gettext("There is no metric “%(name)s”.") % {"name": name})
        if not self.metrics:
            raise ValueError(gettext("Ask for one metric at least."))
        told_by = self.told_by
        if self.ordered_by not in (*self.metrics, *self.dimensions):
            raise ValueError(
                gettext("Rows can be ordered by “%(name)s” only if it is asked for.")
                % {"name": self.ordered_by}
            )
        filtered = [dimension_named(one.dimension) for one in filters_in(self.filters)]
        if "conversion_rate" in self.metrics and not any(
            dimension.of in GOALS for dimension in (*told_by, *filtered)
        ):
            raise ValueError(
                gettext("A conversion rate needs an event: tell apart or filter by it.")
            )

    @property
    def told_by(self) -> tuple[Dimension, ...]:
        return tuple(dimension_named(name) for name in self.dimensions)

    @property
    def ordered_by(self) -> str:
        return self.order.removeprefix("-") or self.metrics[0]

    @property
    def is_reversed(self) -> bool:
        return self.order.startswith("-")

    @property
    def is_timeline(self) -> bool:
        return self.dimensions == (TIME,)

    @property
    def measures(self) -> tuple[str, ...]:
        """What has to be counted, in the order of `MEASURES`."""
        wanted = {measure for name in self.metrics for measure in METRICS[name].measures}
        return tuple(measure for measure in MEASURES if measure in wanted)

    def bases(self) -> dict[Base, "Query"]:
        """Those whom shares are of: the question about each of them."""
        wanted = {METRICS[name].base for name in self.metrics} - {Base.SAME}
        return {base: self.about(base) for base in Base if base in wanted}

    def about(self, base: Base) -> "Query":
        plain = replace(self, metrics=("visitors",), order="", limit=None, offset=0)
        match base:
            case Base.ALL:
                return replace(plain, dimensions=())
            case Base.PAGE:
                return replace(
                    plain,
                    metrics=("pageviews",),
                    dimensions=tuple(self.dimension_of(base, name) for name in self.dimensions),
                )
            case _:
                return replace(
                    plain,
                    dimensions=tuple(
                        name for name in self.dimensions if self.dimension_of(base, name)
                    ),
                    filters=tuple(filter(None, map(without_goals, self.filters))),
                )

    def dimension_of(self, base: Base, name: str) -> str:
        """By which dimension a base is told apart where the question is by this one; if any."""
        match base:
            case Base.ALL:
                return ""
            case Base.PAGE:
                return "page" if name == "exit_page" else name
            case _:
                return "" if dimension_named(name).of in GOALS else name

    def key_in(self, base: Base, key: Key) -> Key:
        """The key of a row among those of the base."""
        return tuple(
            value
            for name, value in zip(self.dimensions, key, strict=True)
            if self.dimension_of(base, name)
        )


@dataclass(frozen=True)
class Row:
    """`key` has a value for each dimension of the query (a `Bucket` for time)."""

    key: Key
    values: Mapping[str, float | None]

    def __getitem__(self, metric: str) -> float | None:
        return self.values[metric]


class Rows(list[Row]):
    """The rows that were asked for, of `total` that there are."""

    total: int = 0


def without_goals(condition: Condition) -> Condition | None:
    """What is left if nobody needs to have caused an event."""
    match condition:
        case AnyOf():
            return condition if all(map(without_goals, condition.filters)) else None
        case Did():
            return condition if without_goals(condition.filter) else None
        case _:
            return None if dimension_named(condition.dimension).of in GOALS else condition
