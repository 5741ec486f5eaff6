"""The map of the world: the outline of each country, and how much of something is there."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from math import radians, sqrt
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


def position(latitude: float, longitude: float) -> tuple[float, float]:
    """Where on the map a place is: the Natural Earth projection of the outlines.

    Scale and centre were found by comparing capes of the outlines with their coordinates; it
    is exact to half a percent of the map's width.
    """
    x, y = radians(longitude), radians(latitude)
    y2 = y * y
    y4 = y2 * y2
    across = x * (0.8707 - 0.131979 * y2 + y4 * (-0.013791 + y4 * (0.003971 * y2 - 0.001529 * y4)))
    up = y * (1.007226 + y2 * (0.015085 + y4 * (-0.044475 + 0.028874 * y2 - 0.005916 * y4)))
    return round(460 + 187.9 * across, 1), round(260 - 187.9 * up, 1)


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
            # By root: few countries have most visitors, and the others shall tell too.
            Country(code, outline, level(sqrt(values[code]), sqrt(greatest), SHADES))
            for code, outline in outlines().items()
            if values.get(code)
        ]
        others = "".join(path for code, path in outlines().items() if not values.get(code))
        return cls(countries, others)
