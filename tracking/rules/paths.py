"""Paths of pages with wildcards: `*` stands for anything but a slash, `**` for anything."""

import re
from collections.abc import Iterable
from urllib.parse import unquote

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from tracking.rules.wildcards import LONG, Wildcards

MAX_LENGTH = 500


def clean_path(text: str) -> str:
    if len(text) > MAX_LENGTH:
        message = _("A path may have %(max)s characters at most.")
        raise ValidationError(message, code="long", params={"max": MAX_LENGTH})
    if not text.startswith(("/", "*")):
        message = _(
            "“%(text)s” is no path: it begins with a slash, as in /imprint or /blog/**, and has "
            "neither https:// nor a host name."
        )
        raise ValidationError(message, code="path", params={"text": text[:100]})
    return text


class Paths:
    """Which of many paths with wildcards does a page match? `/blog/**` is `/blog`, too."""

    def __init__(self, paths: Iterable[str] = ()) -> None:
        self._paths = list(paths)
        self._long: list[tuple[Wildcards, str]] | None = None  # made when a long page comes
        self._pattern = re.compile("|".join(f"({regex(path)})" for path in self._paths), re.DOTALL)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def find(self, page: str) -> str | None:
        if not self._paths:
            return None
        page = unquote(page)
        if len(page) > LONG:
            return self._find_long(page)
        match = self._pattern.fullmatch(page)
        return self._paths[match.lastindex - 1] if match and match.lastindex else None

    def _find_long(self, page: str) -> str | None:
        if self._long is None:
            self._long = [(Wildcards(each), path) for path in self._paths for each in forms(path)]
        return next((path for wildcards, path in self._long if wildcards.match(page)), None)


def forms(path: str) -> list[str]:
    """The path, and for a folder what is in it as well."""
    path = unquote(path)
    return [path[:-3], path] if path.endswith("/**") else [path]


def regex(path: str) -> str:
    """Never tries more than it must, for pages that are not long.

    Where something follows that begins with `**`, the first match of what is before it is as
    good as any other; atomic groups keep Python from trying those as well.
    """
    path = unquote(path)
    is_folder = path.endswith("/**")
    pieces = re.split(r"\*\*+", path[:-3] if is_folder else path)
    *middle, last = pieces
    found = [piece(text, is_last=False) for text in middle]
    if not middle:
        expression = piece(last, is_last=True)
    else:
        expression = found[0] + "".join(f"(?>.*?{part})" for part in found[1:])
        expression += f".*{piece(last, is_last=True)}"
    return f"{expression}(?:/.*)?" if is_folder else expression


def piece(text: str, *, is_last: bool) -> str:
    """A part of a path without `**`."""
    first, *rest = (re.escape(literal) for literal in text.split("*"))
    for literal in rest[:-1]:
        first += f"(?>[^/]*?{literal})"
    if rest:
        first += f"[^/]*{rest[-1]}" if is_last else f"(?>[^/]*?{rest[-1]})"
    return first
