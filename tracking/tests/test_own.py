"""What our own script may report, from the beacon to the hit."""

from decimal import Decimal

import msgspec
import pytest

from tracking.collector.hit import Hit
from tracking.collector.receivers import own, read_hit
from tracking.spool import Record, decode, encode

BEACON = {
    "url": "https://example.com/prices?utm_source=x",
    "referrer": "https://www.google.com/",
    "event": "Purchase",
    "title": "Prices",
    "page": "/prices/<id>",
    "screen": "1440x900",
    "language": "de-DE",
    "props": {"plan": "pro", "seats": 3},
    "revenue": 19.90,
    "currency": "EUR",
    "engaged": 1200,
    "scroll": 80,
    "interactive": False,
}


def through_the_queue(fields: object, receiver: str = "") -> Hit:
    record = Record(1, 1.5e9, "1.2.3.4", "Mozilla", "", False, "", fields, receiver)
    return read_hit(decode(encode(record)))


def test_all_that_a_beacon_may_say() -> None:
    hit = through_the_queue(own.decode_beacon(msgspec.json.encode(BEACON)))
    assert hit == Hit(
        1,
        hit.time,
        "1.2.3.4",
        "Mozilla",
        "https://example.com/prices?utm_source=x",
        "https://www.google.com/",
        "Purchase",
        title="Prices",
        page="/prices/<id>",
        screen="1440x900",
        language="de-DE",
        props={"plan": "pro", "seats": "3"},
        revenue=Decimal("19.9"),
        currency="EUR",
        engaged=1200,
        scroll=80,
        interactive=False,
    )


def test_a_line_holds_only_what_was_said() -> None:
    beacon = own.decode_beacon(b'{"url": "/", "event": "", "scroll": 0}')
    assert encode(Record(1, 1.5, "", "", "", False, "", beacon)) == (
        b'[1,1.5,"","","",false,"",{"url":"/"},"",""]'
    )


@pytest.mark.parametrize(
    ("field", "value", "fault"),
    [
        ("url", None, "Expected `str`, got `null` - at `$.url`"),
        ("title", 5, "Expected `str`, got `int` - at `$.title`"),
        ("props", [], "Expected `object | null`, got `array` - at `$.props`"),
        ("props", {"a": {}}, "got `object` - at `$.props[...]`"),
        ("revenue", "much", "Invalid decimal string - at `$.revenue`"),
        ("engaged", "5", "Expected `int`, got `str` - at `$.engaged`"),
        ("engaged", -1, "Expected `int` >= 0 - at `$.engaged`"),
        ("engaged", 86_400_001, "Expected `int` <= 86400000 - at `$.engaged`"),
        ("scroll", 101, "Expected `int` <= 100 - at `$.scroll`"),
        ("interactive", 1, "Expected `bool`, got `int` - at `$.interactive`"),
    ],
)
def test_wrong_types_are_refused(field: str, value: object, fault: str) -> None:
    with pytest.raises(msgspec.ValidationError) as refused:
        own.decode_beacon(msgspec.json.encode(BEACON | {field: value}))
    assert fault in str(refused.value)
