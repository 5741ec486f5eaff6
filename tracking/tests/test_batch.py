"""Many hits at once, from a server that shows the token of its site: all are kept, or none."""

import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import User
from tracking.collector.receivers import read_hit
from tracking.models import Site
from tracking.spool import Record
from tracking.tests.doors import Door, Queue
from tracking.tests.factories import SiteFactory

VISITOR = {"ip": "1.2.3.4", "user_agent": "Mozilla (ö)"}


def test_a_server_reports_many_hits_at_once(
    door: Door, site: Site, queue: Queue, token: str
) -> None:
    moment = datetime.now(UTC) - timedelta(hours=1)
    hits = [
        VISITOR | {"url": "/a", "time": moment.isoformat()},
        VISITOR | {"url": "/b", "event": "Sign-up", "props": {"plan": "pro"}},
    ]
    response = door(
        "POST",
        f"/t/{site.public_id}/batch",
        json.dumps(hits).encode(),
        Authorization=f"Bearer {token}",
        Referer="https://example.com/not-the-visitors",
    )
    assert (response.status, response.body) == (202, b"")
    one, two = queue()
    assert one == Record(
        site.pk,
        moment.timestamp(),
        "1.2.3.4",
        "Mozilla (Ã¶)",
        "",
        False,
        fields={"url": "/a"},
    )
    assert read_hit(two).user_agent == "Mozilla (ö)"
    assert two.fields == {"url": "/b", "event": "Sign-up", "props": {"plan": "pro"}}
    assert time.time() - two.time < 5


@pytest.mark.parametrize(
    ("hits", "fault"),
    [
        ([], "Expected `array` of length >= 1"),
        ([VISITOR | {"url": "/"}] * 101, "Expected `array` of length <= 100"),
        ([VISITOR], "missing required field `url` - at `$[0]`"),
        ([VISITOR | {"url": " "}], "At `$[0]`: Give `url`."),
        ([{"url": "/", "ip": "1.2.3.4"}], "At `$[0]`: Give `user_agent`."),
        (
            [VISITOR | {"url": "/"}, VISITOR | {"url": "/", "ip": "localhost"}],
            "At `$[1]`: `ip` is not an IP address.",
        ),
        (
            [VISITOR | {"url": "/", "time": "2026-01-01T00:00:00Z"}],
            "not within the last 24 hours.",
        ),
        (
            [VISITOR | {"url": "/", "time": "2999-01-01T00:00:00Z"}],
            "not within the last 24 hours.",
        ),
        ([VISITOR | {"url": "/", "time": "2026-01-01T00:00:00"}], "with a timezone component"),
        ({}, "Expected `array`, got `object`"),
    ],
)
def test_of_a_batch_all_is_kept_or_nothing(
    door: Door, site: Site, queue: Queue, token: str, hits: object, fault: str
) -> None:
    path, body = f"/t/{site.public_id}/batch", json.dumps(hits).encode()
    response = door("POST", path, body, Authorization=f"Bearer {token}")
    assert response.status == 400
    assert fault in response.message
    assert queue() == []


@pytest.mark.parametrize("authorization", ["", "Bearer", "Bearer x", "Basic {token}", "{token}"])
def test_a_batch_needs_the_token_of_its_site(
    door: Door, site: Site, owner: User, queue: Queue, token: str, authorization: str
) -> None:
    body = json.dumps([VISITOR | {"url": "/"}]).encode()
    headers = {"Authorization": authorization.format(token=token)}
    response = door("POST", f"/t/{site.public_id}/batch", body, **headers)
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    other = SiteFactory(owner=owner)
    headers = {"Authorization": f"Bearer {token}"}
    assert door("POST", f"/t/{other.public_id}/batch", body, **headers).status == 401
    assert door("GET", f"/t/{site.public_id}/batch", body, **headers).status == 405
    assert queue() == []


def test_a_batch_may_have_a_mebibyte(door: Door, site: Site, queue: Queue, token: str) -> None:
    def send(size: int) -> int:
        body = json.dumps([VISITOR | {"url": "/"}]).encode().ljust(size)
        path = f"/t/{site.public_id}/batch"
        return door("POST", path, body, Authorization=f"Bearer {token}").status

    assert (send(1 << 20), send((1 << 20) + 1)) == (202, 413)
    assert len(queue()) == 1


def test_a_replaced_token_ends_to_work(door: Door, site: Site, queue: Queue, token: str) -> None:
    site.new_token()
    site.save()
    body = json.dumps([VISITOR | {"url": "/"}]).encode()
    path = f"/t/{site.public_id}/batch"
    assert door("POST", path, body, Authorization=f"Bearer {token}").status == 401
