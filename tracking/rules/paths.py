"""Paths of pages with wildcards: `*` stands for anything but a slash, `**` for anything."""

import re
from collections.abc import Iterable
from functools import cached_property
from urllib.parse import unquote

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from tracking.rules.wildcards import LONG, Wildcards, regex

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
        each = ("|".join(map(regex, forms(path))) for path in self._paths)
        self._pattern = re.compile("|".join(f"({one})" for one in each), re.DOTALL)

    def __bool__(self) -> bool:
        return bool(self._paths)

    def find(self, page: str) -> str | None:
        if not self._paths:
            return None
        page = unquote(page)
        if len(page) > LONG:
            return next((path for one, path in self._one_by_one if one.match(page)), None)
        match = self._pattern.fullmatch(page)
        return self._paths[match.lastindex - 1] if match and match.lastindex else None

    @cached_property
    def _one_by_one(self) -> list[tuple[Wildcards, str]]:
        return [(Wildcards(form), path) for path in self._paths for form in forms(path)]


def forms(path: str) -> list[str]:
    """The path, and for a folder what is in it as well."""
    path = unquote(path)
    return [path[:-3], path] if path.endswith("/**") else [path]
