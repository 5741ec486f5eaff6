"""What receivers read out of a record is made clean in one place."""

from decimal import Decimal
from typing import Any

import pytest

from tracking.collector.hit import Hit, clean_props
from tracking.spool import Record

RECORD = Record(1, 1.5e9, "1.2.3.4", "Mozilla", "https://example.com/referer", False)


def test_a_bare_hit_is_a_pageview_of_the_referer() -> None:
    hit = Hit.of(RECORD, "")
    assert (hit.name, hit.url, hit.is_pageview) == (
        "pageview",
        "https://example.com/referer",
        True,
    )
    assert (hit.title, hit.screen, hit.props, hit.revenue, hit.currency) == ("", "", None, None, "")
    assert (hit.engaged, hit.scroll, hit.interactive) == (0, 0, True)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"name": "a\x00b" + "x" * 200}, {"name": "a b" + "x" * 117}),
        ({"title": " Prices\n2026 "}, {"title": "Prices 2026"}),
        ({"page": "/user/<id>"}, {"page": "/user/<id>"}),
        ({"page": "javascript:alert(1)"}, {"page": "/javascript:alert(1)"}),
        ({"screen": "1440x900"}, {"screen": "1440x900"}),
        ({"screen": "<b>"}, {"screen": ""}),
        ({"screen": "1440x900x1"}, {"screen": ""}),
        ({"language": "de-DE"}, {"language": "de-DE"}),
        ({"engaged": -1, "scroll": -1}, {"engaged": 0, "scroll": 0}),
        ({"engaged": 10**30, "scroll": 10**30}, {"engaged": 86_400_000, "scroll": 100}),
        (
            {"revenue": Decimal("19.90"), "currency": "eur"},
            {"revenue": Decimal("19.90"), "currency": "EUR"},
        ),
        ({"revenue": Decimal("19.90")}, {"revenue": Decimal("19.90"), "currency": ""}),
        ({"revenue": Decimal(5), "currency": "€"}, {"revenue": None, "currency": ""}),
        ({"revenue": Decimal("1.00049")}, {"revenue": Decimal(1)}),
        ({"revenue": Decimal("NaN"), "currency": "EUR"}, {"revenue": None, "currency": ""}),
        ({"revenue": Decimal("1e400"), "currency": "EUR"}, {"revenue": None, "currency": ""}),
        ({"currency": "EUR"}, {"revenue": None, "currency": ""}),
        (
            {"props": {"plan": "pro", "seats": 3, "trial": True, "price": 1.5, "none": None}},
            {"props": {"plan": "pro", "seats": "3", "trial": "true", "price": "1.5"}},
        ),
        ({"props": {"": "x", "y": "", "z": None}}, {"props": None}),
        ({"props": {"a" * 400: "b" * 3000}}, {"props": {"a" * 300: "b" * 2000}}),
    ],
)
def test_what_is_kept(given: dict[str, Any], kept: dict[str, Any]) -> None:
    hit = Hit.of(RECORD, "/", **given)
    assert {name: getattr(hit, name) for name in kept} == kept


def test_thirty_properties_are_kept() -> None:
    hit = Hit.of(RECORD, "/", props={f"p{number}": number for number in range(50)})
    assert hit.props == {f"p{number}": str(number) for number in range(30)}


def test_properties_take_so_much_room_and_no_more() -> None:
    long = {f"{number}": "x" * 1_999 for number in range(10)}
    assert clean_props(long) == dict(list(long.items())[:4])
