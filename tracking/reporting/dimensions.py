"""What figures can be told apart by: each dimension is declared here, and nowhere else."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache

from babel import Locale
from babel.core import UnknownLocaleError
from django.utils.dates import WEEKDAYS
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext, gettext_lazy, pgettext_lazy, to_locale

Text = str | Promise

TIME, HOUR, WEEKDAY, PROPERTY = "time", "hour", "weekday", "prop:"
UNKNOWN = gettext_lazy("Unknown")
NONE = gettext_lazy("(none)")
NOT_SET = gettext_lazy("(not set)")


class Of(Enum):
    """Whose quality a dimension is."""

    TIME = auto()
    VISIT = auto()  # and so of each of its events
    EVENT = auto()
    VIEW = auto()  # of an event; told apart by it, pageviews count only
    NAMED = auto()  # the same for events that are no pageviews
    PROPERTY = auto()


@dataclass(frozen=True)
class Dimension:
    """`column` is the field of `Visit` or `Event` that holds it.

    `name_of` is how people call a value, `empty` how they call it where there is none.
    """

    name: str
    label: Text
    of: Of
    column: str = ""
    empty: Text = UNKNOWN
    name_of: Callable[[str], str] = str

    @property
    def can_filter(self) -> bool:
        return self.name != TIME

    @property
    def is_of_visit(self) -> bool:
        return self.of is Of.VISIT

    def written(self, value: str) -> str:
        return self.name_of(value) if value else str(self.empty)


def locale() -> Locale:
    """The reader's language, as far as its names of places and languages are known."""
    return locale_of(get_language() or "en")


@cache
def locale_of(language: str) -> Locale:
    try:
        return Locale.parse(to_locale(language))
    except (UnknownLocaleError, ValueError):
        return Locale("en")


def country_name(code: str) -> str:
    """“Nepal” for NP; a code that nobody knows stands for itself."""
    return str(locale().territories.get(code, code))


def language_name(tag: str) -> str:
    """“German (Germany)” for de-DE."""
    try:
        return Locale.parse(tag, sep="-").get_display_name(locale()) or tag
    except (UnknownLocaleError, ValueError):
        return tag


def weekday_name(number: str) -> str:
    return next((str(name) for day, name in WEEKDAYS.items() if str(day) == number), number)


def of_visit(
    name: str, label: Text, empty: Text = UNKNOWN, name_of: Callable[[str], str] = str
) -> Dimension:
    return Dimension(name, label, Of.VISIT, name, empty, name_of)


DIMENSIONS = {
    dimension.name: dimension
    for dimension in (
        Dimension(TIME, gettext_lazy("Time"), Of.TIME),
        Dimension(HOUR, gettext_lazy("Hour of the day"), Of.TIME),
        Dimension(WEEKDAY, gettext_lazy("Weekday"), Of.TIME, name_of=weekday_name),
        Dimension("page", gettext_lazy("Page"), Of.VIEW, "page", NONE),
        Dimension(
            "title", gettext_lazy("Page title"), Of.VIEW, "title", gettext_lazy("(no title)")
        ),
        Dimension("hostname", gettext_lazy("Host name"), Of.EVENT, "hostname", NONE),
        Dimension("event", pgettext_lazy("name of an event", "Event"), Of.NAMED, "name", NONE),
        of_visit("entry_page", gettext_lazy("Entry page"), gettext_lazy("(no page viewed)")),
        of_visit("exit_page", gettext_lazy("Exit page"), gettext_lazy("(no page viewed)")),
        of_visit("channel", gettext_lazy("Channel"), name_of=gettext),
        of_visit("source", gettext_lazy("Source"), gettext_lazy("Direct / none")),
        of_visit("referrer", gettext_lazy("Referrer"), gettext_lazy("Direct / none")),
        of_visit("utm_source", gettext_lazy("Campaign source"), NOT_SET),
        of_visit("utm_medium", gettext_lazy("Campaign medium"), NOT_SET),
        of_visit("utm_campaign", gettext_lazy("Campaign"), NOT_SET),
        of_visit("utm_term", gettext_lazy("Campaign term"), NOT_SET),
        of_visit("utm_content", gettext_lazy("Campaign content"), NOT_SET),
        of_visit("country", gettext_lazy("Country"), name_of=country_name),
        of_visit("region", gettext_lazy("Region")),
        of_visit("city", gettext_lazy("City")),
        of_visit("browser", gettext_lazy("Browser")),
        of_visit("browser_version", gettext_lazy("Browser version")),
        of_visit("os", gettext_lazy("Operating system")),
        of_visit("os_version", gettext_lazy("Operating system version")),
        of_visit("device", gettext_lazy("Device"), name_of=gettext),
        of_visit("screen", gettext_lazy("Screen size")),
        of_visit("language", gettext_lazy("Language"), name_of=language_name),
    )
}


def dimension_named(name: str) -> Dimension:
    """`prop:plan` is the property “plan” of an event; ValueError if there is no such dimension."""
    if name in DIMENSIONS:
        return DIMENSIONS[name]
    key = name.removeprefix(PROPERTY)
    if not key or key == name:
        raise ValueError(gettext("There is no dimension “%(name)s”.") % {"name": name})
    return Dimension(name, key, Of.PROPERTY, name, NONE)
