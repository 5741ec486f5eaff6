"""The map of the world: the outline of each country, and how much of something is there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tracking.charts import level

OUTLINES = Path(__file__).with_name("data") / "world.json"
FLAGS = Path(__file__).with_name("static") / "tracking" / "flags"
WIDTH, HEIGHT = 1000, 454
SHADES = 5


@cache
def outlines() -> dict[str, str]:
    """SVG paths within WIDTH and HEIGHT, by ISO 3166-1 alpha-2 code."""
    return json.loads(OUTLINES.read_text())  # type: ignore[no-any-return]


@cache
def flags() -> frozenset[str]:
    """The codes, in small letters, for which there is a flag among the static files."""
    return frozenset(flag.stem for flag in FLAGS.glob("*.svg"))


@dataclass(frozen=True)
class Country:
    code: str
    outline: str
    level: int


@dataclass(frozen=True)
class WorldMap:
    """The countries that have a value, in shades of it, and the outlines of all the others."""

    countries: list[Country]
    others: str

    @classmethod
    def of(cls, values: Mapping[str, float]) -> "WorldMap":
        greatest = max(values.values(), default=0)
        countries = [
            Country(code, outline, level(values[code], greatest, SHADES))
            for code, outline in outlines().items()
            if values.get(code)
        ]
        others = "".join(path for code, path in outlines().items() if not values.get(code))
        return cls(countries, others)
