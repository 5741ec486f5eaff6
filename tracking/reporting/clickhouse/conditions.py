"""Filters as conditions on the rows of visits and of events.

A condition is about visits, and so about each of their events, or about events; a visit counts
for one of its events.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tracking.clickhouse.tables import OF_VISITS
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
    """`of_visits` are about visits, and true of all of their events or of none; `of_events` tell
    events of a visit apart."""

    scope: Scope
    filters: tuple[Condition, ...]
    chosen: Mapping[Filter, Chosen]
    of_visits: list[Condition] = field(default_factory=list)
    of_events: list[Condition] = field(default_factory=list)

    @classmethod
    def of(cls, scope: Scope, filters: tuple[Condition, ...]) -> "Conditions":
        return cls(scope, filters, choose(scope, filters))

    def __post_init__(self) -> None:
        for condition in self.filters:
            (self.of_visits if is_of_visits(condition) else self.of_events).append(condition)

    @property
    def visits(self) -> list[str]:
        """True of rows of visits that count, if they began in the period: of which one event at
        least does."""
        conditions = [*self.scope.visits, *(self.holds(one, VISITS) for one in self.of_visits)]
        if self.of_events or self.scope.period.since:
            events = [
                *self.scope.events,
                *(self.scope.happened if self.scope.period.since else []),
                *(self.holds(one, EVENTS) for one in self.of_events),
            ]
            conditions.append(f"id IN ({sql.select(['visit_id'], sql.EVENTS, events)})")
        return conditions

    @property
    def events(self) -> list[str]:
        """True of rows of events that count, if they, or their visits, are of the period."""
        return [*self.scope.events, *(self.holds(one, EVENTS) for one in self.filters)]

    def holds(self, condition: Condition, rows: "Rows") -> str:
        match condition:
            case AnyOf():
                return f"({' OR '.join(self.holds(one, rows) for one in condition.filters)})"
            case Did():
                did = self.did(condition.filter, rows)
                return did if condition.done else f"NOT ({did})"
            case Filter() if is_asked_of_visits(condition) and rows is EVENTS:
                where = [*self.scope.around, self.holds(condition, VISITS)]
                return f"visit_id IN ({sql.select(['id'], sql.VISITS, where)})"
            case Filter() if dimension_named(condition.dimension).of is Of.TIME:
                return self.time_of_visit(condition)
        found = sql.one_of(column_of(dimension_named(condition.dimension)), self.chosen[condition])
        return f"NOT ({found})" if condition.operator.negates else found

    def did(self, filter: Filter, rows: "Rows") -> str:
        if is_of_visits(filter):
            return self.holds(filter, rows)
        events = [*self.scope.around, self.holds(filter, EVENTS)]
        return f"{rows.visit} IN ({sql.select(['visit_id'], sql.EVENTS, events)})"

    def time_of_visit(self, filter: Filter) -> str:
        zone = sql.text(str(self.scope.zone))
        if filter.dimension == WEEKDAY:
            expression, numbers = f"toDayOfWeek(started_at, 0, {zone}) - 1", range(7)
        else:
            expression, numbers = f"toHour(started_at, {zone})", range(24)
        return sql.one_of(expression, [one for one in numbers if filter.accepts(str(one))])


@dataclass(frozen=True)
class Rows:
    """Of a table; `visit` is the column with the number of the visit."""

    visit: str


VISITS, EVENTS = Rows("id"), Rows("visit_id")


def is_of_visits(condition: Condition) -> bool:
    match condition:
        case AnyOf():
            return all(map(is_of_visits, condition.filters))
        case Did():
            return True
        case Filter():
            return dimension_named(condition.dimension).of in (Of.VISIT, Of.TIME)


def is_asked_of_visits(filter: Filter) -> bool:
    """Whether rows of events do not know it."""
    return is_kept_by_visits(dimension_named(filter.dimension))


def is_kept_by_visits(dimension: Dimension) -> bool:
    return dimension.of is Of.VISIT and dimension.column not in OF_VISITS
