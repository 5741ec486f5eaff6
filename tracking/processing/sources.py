"""Who stands behind a host name, or behind a word in a campaign tag: “Google”, “Hacker News” …

Read from the lists in `data/`, whose README says where they come from.
"""

from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml

DATA = Path(__file__).parent / "data"


class Kind(StrEnum):
    AI = "ai"
    EMAIL = "email"
    VIDEO = "video"
    SHOPPING = "shopping"
    SOCIAL = "social"
    SEARCH = "search"


# Of these, other subdomains are other things: docs.google.com is no search engine.
EXACT = {Kind.SEARCH, Kind.SHOPPING}


class Source(NamedTuple):
    name: str
    kind: Kind


class Directory:
    """The known sources. Where two lists name the same place, the one that came first holds."""

    def __init__(self) -> None:
        # Place (host, or host with path) → source; in hosts, {} stands for a country.
        self._exact: dict[str, Source] = {}
        self._with_subdomains: dict[str, Source] = {}
        self._words: dict[str, Source] = {}

    def add(self, name: str, kind: Kind, places: Iterable[str]) -> None:
        source = Source(name, kind)
        table = self._exact if kind in EXACT else self._with_subdomains
        for place in places:
            table.setdefault(normal(place), source)
        if kind is not Kind.SEARCH:  # many of them are called like an everyday word
            self._words.setdefault(name.lower(), source)

    def add_word(self, word: str, host: str) -> None:
        if source := self.at(host):
            self._words[word] = source

    def at(self, host: str, path: str = "") -> Source | None:
        """The source at a lower-case host name; some tell by the path what they are."""
        host = host.removeprefix("www.")
        for table, hosts in (
            (self._with_subdomains, with_parents(host)),
            (self._exact, with_country_left_open(host)),
        ):
            for name in hosts:
                for place in paths_from(name, path):
                    if source := table.get(place):
                        return source
        return None

    def called(self, word: str) -> Source | None:
        """The source that a campaign tag means, by name or by host."""
        word = word.lower()
        return self._words.get(word) or (self.at(word) if "." in word else None)


def normal(place: str) -> str:
    """A place of the lists as `at` looks it up."""
    if place.startswith("android-app//"):
        return place.split("/")[2]
    return place.lower().removeprefix("www.").rstrip("/")


def with_parents(host: str) -> Iterator[str]:
    while host:
        yield host
        host = host.partition(".")[2]


def with_country_left_open(host: str) -> Iterator[str]:
    """google.co.uk → itself, google.{}; de.search.yahoo.com → itself, {}.search.yahoo.com."""
    yield host
    labels = host.split(".")
    if len(labels) > 2 and labels[-2] in {"co", "com"} and len(labels[-1]) == 2:
        yield ".".join([*labels[:-2], "{}"])
    for index, label in enumerate(labels):
        if len(label) == 2:
            yield ".".join([*labels[:index], "{}", *labels[index + 1 :]])


def paths_from(host: str, path: str) -> Iterator[str]:
    """bing.com/images/search → itself, bing.com/images, bing.com."""
    parts = path.strip("/").split("/", 2)[:2] if path.strip("/") else []
    for count in range(len(parts), -1, -1):
        yield "/".join([host, *parts[:count]])


@cache
def directory() -> Directory:
    """Read once, on the first call: 30 ms."""
    own, known = load("sources"), Directory()
    names: dict[str, str] = own["names"]

    def add_all(kind: Kind, places_by_name: dict[str, list[str]]) -> None:
        for name, places in places_by_name.items():
            known.add(names.get(name, name), kind, places)

    for kind in Kind:
        add_all(kind, own.get(kind, {}))
    add_all(Kind.AI, load("AIAssistants"))
    add_all(Kind.SOCIAL, load("Socials"))
    add_all(
        Kind.SEARCH,
        {
            name: [place for variant in variants for place in variant["urls"]]
            for name, variants in load("SearchEngines").items()
        },
    )
    for word, host in own["aliases"].items():
        known.add_word(word, host)
    return known


def load(name: str) -> Any:
    with (DATA / f"{name}.yml").open(encoding="utf-8") as file:
        return yaml.load(file, Loader=yaml.CSafeLoader)
