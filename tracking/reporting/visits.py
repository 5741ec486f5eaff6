"""The filters of a report as a condition on the rows of visits, for the visit log."""

import re
from collections.abc import Iterable
from functools import reduce
from operator import or_

from django.db.models import Q, QuerySet, TextField
from django.db.models.functions import Cast
from django.utils.translation import gettext

from tracking.models import Event, Site
from tracking.models.fields import PropertyText
from tracking.reporting.dimensions import PROPERTY, Of, dimension_named
from tracking.reporting.filters import AnyOf, Condition, Did, Filter, Operator

LOOKUPS = {
    Operator.CONTAINS: "icontains",
    Operator.CONTAINS_NOT: "icontains",
    Operator.STARTS_WITH: "istartswith",
    Operator.MATCHES: "iregex",
}


def visits_where(conditions: Iterable[Condition], site: Site) -> Q:
    """Holds for the visits that reports count: filters of events have to hold for one and the same.

    ValueError for what only reports know: the hour of the day, the weekday.
    """
    of_visit, of_event = Q(), []
    for condition in conditions:
        if isinstance(condition, Filter) and not is_of_visit(condition):
            of_event.append(condition)
        else:
            of_visit &= condition_on_visit(condition, site)
    return of_visit & Q(pk__in=visits_with(of_event, site)) if of_event else of_visit


def condition_on_visit(condition: Condition, site: Site) -> Q:
    match condition:
        case AnyOf(filters):
            return reduce(or_, (condition_on_visit(one, site) for one in filters))
        case Did(filter, done):
            did = Q(pk__in=visits_with([filter], site))
            return did if done else ~did
        case Filter() if is_of_visit(condition):
            return condition_on(condition, dimension_named(condition.dimension).column)
    return Q(pk__in=visits_with([condition], site))


def visits_with(filters: Iterable[Filter], site: Site) -> QuerySet[Event, int]:
    """The ids of visits in which an event happened for which all of these hold."""
    events = Event.objects.filter(site=site)
    for number, filter in enumerate(filters):
        dimension = dimension_named(filter.dimension)
        column = dimension.column
        if dimension.of is Of.PROPERTY:
            column, name = f"property_{number}", filter.dimension.removeprefix(PROPERTY)
            events = events.alias(**{column: Cast(PropertyText(name, "props"), TextField())})
        if dimension.of is Of.VIEW:
            events = events.filter(name=Event.PAGEVIEW)
        elif dimension.of is Of.NAMED:
            events = events.exclude(name=Event.PAGEVIEW)
        events = events.filter(condition_on(filter, column))
    return events.values_list("visit_id", flat=True)


def condition_on(filter: Filter, column: str) -> Q:
    if dimension_named(filter.dimension).of is Of.TIME:
        raise ValueError(
            gettext("Visits cannot be filtered by “%(dimension)s”.")
            % {"dimension": dimension_named(filter.dimension).label}
        )
    if filter.operator.is_exact:
        found = Q(**{f"{column}__in": [value for value in filter.values if value]})
        if "" in filter.values:
            found |= Q(**{f"{column}__isnull": True})
    else:
        lookup = f"{column}__{LOOKUPS[filter.operator]}"
        found = reduce(or_, (Q(**{lookup: pattern(filter, value)}) for value in filter.values))
    return ~found if filter.operator.negates else found


def pattern(filter: Filter, value: str) -> str:
    """`*` stands for anything within a segment of a path, `**` for anything at all."""
    if filter.operator is not Operator.MATCHES:
        return value
    return "^" + re.escape(value).replace(r"\*\*", ".*").replace(r"\*", "[^/]*") + "$"


def is_of_visit(condition: Filter) -> bool:
    return dimension_named(condition.dimension).of in (Of.VISIT, Of.TIME)
