"""Which visits and events a question is about, and how that is written in an address.

A filter holds for an event or it does not; what is true of a visit is true of each of its
events. A visit counts where all filters hold for one of its events, a pageview where they hold
for itself. “Did …” holds for all events of a visit in which one such event happened.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from django.utils.translation import gettext, gettext_lazy

from tracking.reporting.dimensions import dimension_named
from tracking.rules.wildcards import Wildcards

MOST_FILTERS, MOST_WILDCARDS = 20, 20


class Operator(StrEnum):
    IS = "is"
    IS_NOT = "is_not"
    CONTAINS = "contains"
    CONTAINS_NOT = "contains_not"
    STARTS_WITH = "starts_with"
    MATCHES = "matches"

    @property
    def negates(self) -> bool:
        return self in (Operator.IS_NOT, Operator.CONTAINS_NOT)

    @property
    def is_exact(self) -> bool:
        """Compares whole texts, for which no others need to be looked at."""
        return self in (Operator.IS, Operator.IS_NOT)


OPERATOR_LABELS = {
    Operator.IS: gettext_lazy("is"),
    Operator.IS_NOT: gettext_lazy("is not"),
    Operator.CONTAINS: gettext_lazy("contains"),
    Operator.CONTAINS_NOT: gettext_lazy("does not contain"),
    Operator.STARTS_WITH: gettext_lazy("starts with"),
    Operator.MATCHES: gettext_lazy("matches"),
}


@dataclass(frozen=True)
class Filter:
    """A dimension's value is (contains, …) one of `values`; negated: none of them.

    Only `is` and `is_not` heed upper and lower case. No value at all is the empty text.
    """

    dimension: str
    operator: Operator
    values: tuple[str, ...]

    def __post_init__(self) -> None:
        dimension = dimension_named(self.dimension)
        if not dimension.can_filter:
            raise ValueError(
                gettext("“%(dimension)s” cannot be filtered by.") % {"dimension": dimension.label}
            )
        if not self.values:
            raise ValueError(
                gettext("Give a value for the filter by “%(dimension)s”.")
                % {"dimension": dimension.label}
            )

    def accepts(self, text: str) -> bool:
        return self.chooses(text) is not self.operator.negates

    def chooses(self, text: str) -> bool:
        """Whether one of the values fits, whatever that means for the filter."""
        if self.operator.is_exact:
            return text in self.values
        return any(fits(text) for fits in map(self.test_for, self.values))

    def test_for(self, value: str) -> Callable[[str], bool]:
        wanted = value.casefold()
        match self.operator:
            case Operator.STARTS_WITH:
                return lambda text: text.casefold().startswith(wanted)
            case Operator.MATCHES:
                return lambda text: wildcards(wanted).match(text.casefold())
            case _:
                return lambda text: wanted in text.casefold()

    def __str__(self) -> str:
        return ",".join(map(escaped, (self.dimension, self.operator, *self.values)))


@dataclass(frozen=True)
class Did:
    """In the visit an event happened for which the filter holds (`done=False`: none did)."""

    filter: Filter
    done: bool = True

    def __str__(self) -> str:
        return f"{'did' if self.done else 'did_not'}.{self.filter}"


@dataclass(frozen=True)
class AnyOf:
    """One of several filters holds."""

    filters: tuple[Filter | Did, ...]

    def __str__(self) -> str:
        return ";".join(map(str, self.filters))


Condition = Filter | Did | AnyOf


def filters_in(conditions: Iterable[Condition]) -> list[Filter]:
    """All filters, whatever they are combined to."""
    found: list[Filter] = []
    for condition in conditions:
        match condition:
            case AnyOf():
                found += filters_in(condition.filters)
            case Did():
                found.append(condition.filter)
            case Filter():
                found.append(condition)
    return found


def parse(texts: Iterable[str]) -> tuple[Condition, ...]:
    """The filters that stand in an address, one for each `f`; `str(filter)` is the reverse.

    `f=country,is,NP,IN` · `f=page,matches,/blog/**;source,is,` (any of) ·
    `f=did.event,is,Sign-up` · `f=did_not.event,is,Sign-up`; before `,` and `;` in a value
    stands a backslash. ValueError says what is wrong, in words for people.
    """
    found = tuple(parse_one(text) for text in texts)
    # Each is repeated in each link of a page, and tried on each page that was viewed.
    filters = filters_in(found)
    if len(filters) > MOST_FILTERS:
        raise ValueError(gettext("There can be %(max)s filters at most.") % {"max": MOST_FILTERS})
    if sum(len(one.values) for one in filters if not one.operator.is_exact) > MOST_WILDCARDS:
        raise ValueError(
            gettext("There can be %(max)s texts to look for at most.") % {"max": MOST_WILDCARDS}
        )
    return found


def parse_one(text: str) -> Condition:
    alternatives = [[unescaped(part) for part in split(one, ",")] for one in split(text, ";")]
    filters = tuple(parse_filter(parts) for parts in alternatives)
    return AnyOf(filters) if len(filters) > 1 else filters[0]


def parse_filter(parts: list[str]) -> Filter | Did:
    if len(parts) < 3:
        raise ValueError(
            gettext("“%(text)s” is not a filter: it needs a dimension, an operator and a value.")
            % {"text": ",".join(parts)}
        )
    name, operator, *values = parts
    scope, dot, rest = name.partition(".")
    did = {"did": True, "did_not": False}.get(scope) if dot else None
    if operator not in set(Operator):
        raise ValueError(gettext("There is no operator “%(name)s”.") % {"name": operator})
    found = Filter(name if did is None else rest, Operator(operator), tuple(values))
    return found if did is None else Did(found, did)


def escaped(text: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", text)


def unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)


def split(text: str, separator: str) -> list[str]:
    """What stands between separators that have no backslash before them."""
    parts, escape = [""], False
    for character in text:
        if character == separator and not escape:
            parts.append("")
        else:
            parts[-1] += character
        escape = character == "\\" and not escape
    return parts


# Asked for each text that there is.
wildcards = lru_cache(maxsize=100)(Wildcards)
