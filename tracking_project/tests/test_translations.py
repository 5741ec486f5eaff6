"""The catalogues of translations are complete, and pages speak the language they are asked for."""

import re
from datetime import date
from gettext import GNUTranslations
from pathlib import Path

import pytest
from babel.messages import Catalog, Message
from babel.messages.pofile import read_po
from django.conf import settings
from django.test import Client
from django.utils import translation

from tracking.reporting.comparison import change
from tracking.reporting.metrics import METRICS
from tracking.templatetags.figures import compact, duration, share
from tracking.views.wording import range_in_words

CATALOGUES = sorted((settings.BASE_DIR / "locale").glob("*/LC_MESSAGES/django.po"))
PLACEHOLDERS = re.compile(r"%\(\w+\)[-#0 +.\d]*[a-z]|%%|<[^>]*>")


def language_of(path: Path) -> str:
    return path.parts[-3]


def catalogue(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file, locale=language_of(path))


def forms(text: str | tuple[str, ...] | list[str] | None) -> list[str]:
    return [text] if isinstance(text, str) else list(text or ())


def fault(message: Message) -> str:
    """What is wrong with a translation; nothing where it is as it should be."""
    originals, translations = forms(message.id), forms(message.string)
    if message.fuzzy:
        return "fuzzy"
    if not all(translations):
        return "missing"
    wanted = [sorted(PLACEHOLDERS.findall(text)) for text in originals]
    if any(sorted(PLACEHOLDERS.findall(text)) not in wanted for text in translations):
        return "placeholders differ"
    return ""


@pytest.mark.parametrize("path", CATALOGUES, ids=language_of)
def test_catalogue_is_complete(path: Path) -> None:
    messages = [message for message in catalogue(path) if message.id]
    assert len(messages) > 900
    faults = {message.id: fault(message) for message in messages}
    assert {text: found for text, found in faults.items() if found} == {}


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (Message("Save", "Speichern"), ""),
        (Message("Save"), "missing"),
        (Message("Save", "Speichern", flags=["fuzzy"]), "fuzzy"),
        (Message("At %(time)s", "Um %(time)s"), ""),
        (Message("At %(time)s", "Um %(zeit)s"), "placeholders differ"),
        (Message("<a>Save</a>", "Speichern"), "placeholders differ"),
        (Message(("One hit", "%(n)s hits"), ("Ein Zugriff", "%(n)s Zugriffe")), ""),
        (Message(("One hit", "%(n)s hits"), ("Ein Zugriff", "")), "missing"),
    ],
)
def test_finds_faults(message: Message, found: str) -> None:
    assert fault(message) == found


@pytest.mark.parametrize("path", CATALOGUES, ids=language_of)
def test_catalogue_is_compiled(path: Path) -> None:
    """What servers read is what was translated: run `make messages` otherwise."""
    with path.with_suffix(".mo").open("rb") as file:
        compiled = GNUTranslations(file)
    stale = [
        message.id
        for message in catalogue(path)
        if message.id and written(compiled, message) != set(forms(message.string))
    ]
    assert stale == []


def written(compiled: GNUTranslations, message: Message) -> set[str]:
    singular, *plural = forms(message.id)
    if plural:
        return {compiled.ngettext(singular, plural[0], number) for number in range(200)}
    if message.context:
        return {compiled.pgettext(message.context, singular)}
    return {compiled.gettext(singular)}


def test_what_has_a_catalogue_is_offered() -> None:
    assert sorted(code for code, _ in settings.LANGUAGES) == ["de", "en"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("asked", "language", "title"),
    [
        ("de-CH,de;q=0.9,en;q=0.5", "de", "Webanalyse auf dem eigenen Server"),
        ("en-GB", "en", "Web analytics on your own server"),
        ("tlh", "en", "Web analytics on your own server"),
        ("", "en", "Web analytics on your own server"),
    ],
)
def test_page_is_in_the_language_that_the_browser_asks_for(
    client: Client, asked: str, language: str, title: str
) -> None:
    page = client.get("/", headers={"accept-language": asked})
    assert f'<html lang="{language}">' in page.text
    assert f"<title>{title} · Tracking</title>" in " ".join(page.text.split())
    assert page["Content-Language"] == language


def test_numbers_and_dates_follow_the_language() -> None:
    first, last = date(2026, 3, 3), date(2026, 3, 9)
    fewer = change(METRICS["visitors"], 1000, 4000)
    with translation.override("de"):
        written = [
            range_in_words(first, last),
            range_in_words(date(2026, 2, 27), last),
            compact(12_345),
            compact(9_876),
            share(0.41),
            duration(3_900),
            str(fewer),
        ]
    assert [text.replace("\N{NO-BREAK SPACE}", " ") for text in written] == [
        "3.–9. März 2026",
        "27. Februar – 9. März 2026",
        "12,3k",
        "9.876",
        "41 %",
        "1:05 h",
        "75 % weniger",
    ]
