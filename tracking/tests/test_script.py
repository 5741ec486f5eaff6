"""The tracking scripts as files: what is served is small, and made of what is read."""

import gzip
import re
from pathlib import Path

import pytest

from tracking.collector.script import FOLDER, TRACKER, script_of

minify = pytest.importorskip("tracking.collector.minify", reason="There is no minifier here.")
NEWER_THAN_ES2019 = re.compile(r"\?\.\D|\?\?|\|\|=|&&=|\d_\d|\d+n\b|\bimport\(|#\w+\s*[=(;]")


@pytest.mark.parametrize("source", minify.sources(), ids=lambda source: source.name)
def test_what_is_served_is_up_to_date(source: Path) -> None:
    assert minify.result_of(source).read_text() == minify.minified(source), "Run `make script`."


def test_a_visitor_loads_less_than_two_thousand_bytes() -> None:
    assert len(gzip.compress(TRACKER.body, 9)) <= 2000


@pytest.mark.parametrize("source", minify.sources(), ids=lambda source: source.name)
def test_the_syntax_is_es2019_at_most(source: Path) -> None:
    assert NEWER_THAN_ES2019.findall(minify.result_of(source).read_text()) == []


@pytest.mark.parametrize("newer", ["a?.b", "a ?? b", "a ||= b", "1_000", "10n", "#x = 1"])
def test_newer_syntax_would_be_found(newer: str) -> None:
    assert NEWER_THAN_ES2019.search(newer)


def test_scripts_run_one_after_the_other_and_have_a_tag_for_caches() -> None:
    once, twice = script_of("tracker.js"), script_of("tracker.js", "tracker.js")
    assert once.body == TRACKER.body == (FOLDER / "tracker.min.js").read_bytes()
    assert twice.body == TRACKER.body * 2
    assert re.fullmatch(r'"[0-9a-f]{16}"', once.etag)
    assert once.etag != twice.etag
