"""The tracking scripts as files: what is served is small, and made of what is read."""

import gzip
import re
import textwrap
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from django.test import RequestFactory

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
    assert re.fullmatch(r'W/"[0-9a-f]{16}"', once.etag)
    assert once.etag != twice.etag


def test_the_django_recipe_of_the_documentation_passes_requests_on() -> None:
    docs = (Path(__file__).parents[2] / "docs/collecting.md").read_text()
    begin = docs.index("    import requests\n")
    recipe = docs[begin : docs.index("    urlpatterns", begin)]
    made: dict[str, Any] = {}
    exec(textwrap.dedent(recipe), made)
    address = "https://stats.example.com/t/0b9b0a2c"
    headers = {"User-Agent": "Mozilla", "Referer": "https://example.com/a"}
    with responses.RequestsMock() as server:
        server.post(address, status=202)
        server.get(f"{address}.js", body="code", content_type="text/javascript")
        server.get(f"{address}.gif", body=requests.ConnectTimeout())
        post = RequestFactory().post("/t/x", b"{}", "text/plain", headers=headers)
        assert made["collector"](post, "0b9b0a2c").status_code == 202
        sent = server.calls[0].request
        script = made["collector"](RequestFactory().get("/t/x", {"v": "1"}), "0b9b0a2c.js")
        assert (script.content, script["Content-Type"]) == (b"code", "text/javascript")
        assert server.calls[1].request.url == f"{address}.js?v=1"
        assert made["collector"](RequestFactory().get("/t/x"), "0b9b0a2c.gif").status_code == 503
    assert sent.body == b"{}"
    assert {name: sent.headers[name] for name in headers} == headers
    assert sent.headers["X-Forwarded-For"] == "127.0.0.1"
