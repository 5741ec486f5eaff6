"""Lists that people edit as text: one entry a line, with a note behind a # if they like."""

from collections.abc import Callable, Iterator
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

MAX_ENTRIES = 1000
MAX_NOTE = 100
MAX_FAULTS = 5  # as many are told at once

# Gives an entry as it is kept; raises ValidationError with a message for who typed it.
CleanEntry = Callable[[str], str]


def entries(text: str) -> Iterator[str]:
    """The entries of a list that has been cleaned, without their notes."""
    for line in text.splitlines():
        if entry := line.partition("#")[0].strip():
            yield entry


class LinesFormField(forms.CharField):
    """Names every line that cannot stay; what is fine comes back tidy and without doubles."""

    def __init__(self, *, clean_entry: CleanEntry, **kwargs: Any) -> None:
        super().__init__(**{**kwargs, "widget": forms.Textarea})
        self.clean_entry = clean_entry

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {"rows": 3, "spellcheck": "false", "autocapitalize": "none"}

    def to_python(self, value: Any) -> str:
        lines, faults = dict[str, str](), list[ValidationError]()
        for number, line in enumerate((super().to_python(value) or "").splitlines(), start=1):
            typed, _hash, note = (part.strip() for part in line.partition("#"))
            try:
                entry = self.clean_entry(typed) if typed else ""
            except ValidationError as error:
                faults += [at_line(number, message) for message in error.messages]
                continue
            if entry or note:
                lines.setdefault(entry or line, written(entry, note[:MAX_NOTE]))
        if faults:
            raise ValidationError(few(faults))
        if len(lines) > MAX_ENTRIES:
            message = _("There are %(count)s entries; %(max)s is the most.")
            counts = {"count": len(lines), "max": MAX_ENTRIES}
            raise ValidationError(message, code="too_many", params=counts)
        return "\n".join(lines.values())


def written(entry: str, note: str) -> str:
    return f"{entry}  # {note}".strip() if note else entry


def at_line(number: int, message: str) -> ValidationError:
    text = _("Line %(number)s: %(message)s")
    return ValidationError(text, params={"number": number, "message": message})


def few(faults: list[ValidationError]) -> list[ValidationError]:
    rest = len(faults) - MAX_FAULTS
    if rest <= 0:
        return faults
    more = ngettext("… and one more line.", "… and %(count)s more lines.", rest)
    return [*faults[:MAX_FAULTS], ValidationError(more, params={"count": rest})]


class LinesField(models.TextField):  # type: ignore[type-arg]
    """Such a list in a model; `clean_entry` comes into every form that is made of it."""

    def __init__(self, *args: Any, clean_entry: CleanEntry = str, **kwargs: Any) -> None:
        super().__init__(*args, **{"blank": True, "default": "", **kwargs})
        self.clean_entry = clean_entry

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        # A migration needs the column alone.
        return name, "django.db.models.TextField", args, kwargs

    def formfield(self, **kwargs: Any) -> Any:
        return super().formfield(
            **{
                "form_class": LinesFormField,
                "clean_entry": self.clean_entry,
                "max_length": None,
                **kwargs,
            }
        )
