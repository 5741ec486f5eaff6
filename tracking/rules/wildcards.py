"""Wildcards for texts of any length: `*` stands for anything but a slash, `**` for anything.

Regular expressions are quicker for short texts, and may take the square of the length for long
ones: whoever chooses pattern and text could stall a worker. Here each character of the text takes
one step, whatever the pattern: all places of the pattern at once, as the bits of a number.
"""

import re
from collections import defaultdict

LONG = 200  # characters, from which on it is done step by step


class Wildcards:
    def __init__(self, pattern: str) -> None:
        self._after: defaultdict[str, int] = defaultdict(int)  # bits of the places before each
        self._anything = self._but_slash = 0  # bits of the places at which a wildcard stands
        place = 0
        for part in re.findall(r"\*+|[^*]", pattern, re.DOTALL):
            if part == "*":
                self._but_slash |= 1 << place
            elif part.startswith("*"):
                self._anything |= 1 << place
            else:
                self._after[part] |= 1 << place
                place += 1
        self._end = 1 << place

    def match(self, text: str) -> bool:
        """Whether the whole of the text fits."""
        after, anything = self._after, self._anything
        but_slash = anything | self._but_slash
        places = 1
        for character in text:
            stays = places & (anything if character == "/" else but_slash)
            places = stays | (places & after.get(character, 0)) << 1
            if not places:
                return False
        return bool(places & self._end)
