"""Texts with wildcards: `*` stands for anything but a slash, `**` for anything.

A regular expression is quicker for short texts, and may take the square of the length of long
ones: whoever chooses pattern and text could stall a worker. So each character of a long text takes
one step, whatever the pattern: all places of the pattern at once, as the bits of a number.
"""

import re
from collections import defaultdict
from functools import cached_property

LONG = 100  # characters, beyond which it is done step by step


class Wildcards:
    def __init__(self, pattern: str) -> None:
        self.pattern = pattern

    def match(self, text: str) -> bool:
        """Whether the whole of the text fits."""
        if len(text) > LONG:
            return self._steps.match(text)
        return self._regex.fullmatch(text) is not None

    @cached_property
    def _regex(self) -> re.Pattern[str]:
        return re.compile(regex(self.pattern), re.DOTALL)

    @cached_property
    def _steps(self) -> "Steps":
        return Steps(self.pattern)


class Steps:
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


def regex(pattern: str) -> str:
    """For texts that are not long. What has been found is not looked for again elsewhere
    (`(?>…)`): where a later place would do, the first does as well.
    """
    *chunks, last = pattern.split("**")
    found = "".join(
        f"(?>{'.*?' if number else ''}{within_segments(chunk.split('*'))})"
        for number, chunk in enumerate(chunks)
    )
    *parts, end = last.split("*")
    tail = f"{within_segments(parts)}[^/]*{re.escape(end)}" if parts else re.escape(end)
    return f"{found}.*{tail}" if chunks else tail


def within_segments(parts: list[str]) -> str:
    first, *others = map(re.escape, parts)
    return first + "".join(f"(?>[^/]*?{part})" for part in others)
