"""Filters as conditions on the rows of visits and of events.

A condition is about visits, and so about each of their events, or about events; a visit counts
for one of its events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from django.utils import timezone

from tracking.models import Label
from tracking.reporting.clickhouse import sql
from tracking.reporting.clickhouse.scope import Scope
from tracking.reporting.dimensions import PROPERTY, WEEKDAY, Dimension, Of, dimension_named
from tracking.reporting.filters import AnyOf, Condition, Did, Filter, filters_in

Chosen = Sequence[int] | Sequence[str]


def column_of(dimension: Dimension) -> str:
    """Of the table of visits or of events: the number of a label, or the text of a property."""
    if dimension.of is Of.PROPERTY:
        return f"props[{sql.text(dimension.name.removeprefix(PROPERTY))}]"
    return f"{dimension.column}_id"


def choose(scope: Scope, filters: Iterable[Condition]) -> dict[Filter, Chosen]:
    """The labels, and texts of properties, that filters mean; whether negated or not."""
    wanted = [
        one
        for one in dict.fromkeys(filters_in(filters))
        if dimension_named(one.dimension).of is not Of.TIME
    ]
    exact = [value for one in wanted if one.operator.is_exact for value in one.values]
    ids = Label.objects.find(exact)
    chosen: dict[Filter, Chosen] = {}
    for one in wanted:
        dimension = dimension_named(one.dimension)
        if not one.operator.is_exact:
            chosen[one] = fitting(one, scope, dimension)
        elif dimension.of is Of.PROPERTY:
            chosen[one] = one.values
        else:
            chosen[one] = [ids[value] or 0 for value in one.values if value in ids]
    return chosen


def fitting(one: Filter, scope: Scope, dimension: Dimension) -> Chosen:
    """Of all that occurs what fits a pattern."""
    table = sql.VISITS if dimension.is_of_visit else sql.EVENTS
    columns = sql.run(sql.select([f"DISTINCT {column_of(dimension)}"], table, scope.around))
    occurring = columns[0] if columns else ()
    if dimension.of is Of.PROPERTY:
        return [text for text in occurring if one.chooses(text)]
    texts = Label.objects.texts(occurring)
    return [label for label in occurring if one.chooses(texts[label])]


@dataclass
class Conditions:
    """`of_visits` hold for rows of visits, `of_events` for rows of events; both have to."""

    scope: Scope
    filters: tuple[Condition, ...]
    chosen: Mapping[Filter, Chosen]
    of_visits: list[str] = field(default_factory=list)
    of_events: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, scope: Scope, filters: tuple[Condition, ...]) -> "Conditions":
        return cls(scope, filters, choose(scope, filters))

    def __post_init__(self) -> None:
        for condition in self.filters:
            if self.is_of_visits(condition):
                self.of_visits.append(self.on_visit(condition))
            else:
                self.of_events.append(self.on_event(condition))

    @property
    def on_events(self) -> list[str]:
        """All of them for rows of events."""
        if not self.of_visits:
            return self.of_events
        return [self.of_a_visit(sql.all_of(self.of_visits)), *self.of_events]

    @property
    def visits(self) -> list[str]:
        """Rows of visits that count: of which one event at least does."""
        conditions = [*self.scope.began, *self.of_visits]
        if self.of_events or self.scope.period.since:
            events = [*self.scope.happened_in_visits, *self.of_events]
            found = sql.select(["visit_id"], sql.EVENTS, events)
            conditions.append(f"id IN ({found})")
        return conditions

    @property
    def linked(self) -> list[str]:
        """Rows of events that make their visits count."""
        if not self.of_visits and not self.scope.period.since:
            return [*self.scope.happened_in_visits, *self.of_events, *self.of_no_other_visits()]
        visits = [*self.scope.began, *self.of_visits]
        found = sql.select(["id"], sql.VISITS, visits)
        return [*self.scope.happened_in_visits, *self.of_events, f"visit_id IN ({found})"]

    def of_no_other_visits(self) -> list[str]:
        """Few visits go over an end of the period; of all others every event counts."""
        scope = self.scope
        start, end = sql.moment(scope.start), sql.moment(scope.end)
        before = [*scope.around, f"started_at < {start}", f"ended_at >= {start}"]
        conditions = [f"visit_id NOT IN ({sql.select(['id'], sql.VISITS, before)})"]
        if scope.end < timezone.now():
            after = sql.select(["id"], sql.VISITS, [*scope.began, f"ended_at >= {end}"])
            conditions.append(f"(time < {end} OR visit_id IN ({after}))")
        return conditions

    @property
    def events(self) -> list[str]:
        """Rows of events that count by themselves."""
        return [*self.scope.happened, *self.on_events]

    def is_of_visits(self, condition: Condition) -> bool:
        match condition:
            case AnyOf():
                return all(map(self.is_of_visits, condition.filters))
            case Did():
                return True
            case Filter():
                return dimension_named(condition.dimension).of in (Of.VISIT, Of.TIME)

    def on_visit(self, condition: Condition) -> str:
        match condition:
            case AnyOf():
                return f"({' OR '.join(map(self.on_visit, condition.filters))})"
            case Did():
                did = self.did(condition.filter)
                return did if condition.done else f"NOT ({did})"
            case Filter():
                return self.holds(condition)

    def did(self, filter: Filter) -> str:
        if self.is_of_visits(filter):
            return self.holds(filter)
        events = [*self.scope.around, self.holds(filter)]
        return f"id IN ({sql.select(['visit_id'], sql.EVENTS, events)})"

    def on_event(self, condition: Condition) -> str:
        if self.is_of_visits(condition):
            return self.of_a_visit(self.on_visit(condition))
        match condition:
            case AnyOf():
                return f"({' OR '.join(map(self.on_event, condition.filters))})"
            case Filter():
                return self.holds(condition)
        raise TypeError(f"{condition} is of visits.")

    def of_a_visit(self, condition: str) -> str:
        visits = sql.select(["id"], sql.VISITS, [*self.scope.around, condition])
        return f"visit_id IN ({visits})"

    def holds(self, filter: Filter) -> str:
        """For a row of the table that has the column."""
        dimension = dimension_named(filter.dimension)
        if dimension.of is Of.TIME:
            return self.time_of_visit(filter)
        found = sql.one_of(column_of(dimension), self.chosen[filter])
        return f"NOT ({found})" if filter.operator.negates else found

    def time_of_visit(self, filter: Filter) -> str:
        zone = sql.text(str(self.scope.zone))
        if filter.dimension == WEEKDAY:
            expression, numbers = f"toDayOfWeek(started_at, 0, {zone}) - 1", range(7)
        else:
            expression, numbers = f"toHour(started_at, {zone})", range(24)
        return sql.one_of(expression, [one for one in numbers if filter.accepts(str(one))])
