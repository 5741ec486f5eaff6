"""The application of processes that take hits and do nothing else."""

from typing import Any
from wsgiref.util import setup_testing_defaults

import pytest

from tracking.models import Event, Site
from tracking.tests.hits import FIREFOX, process
from tracking_project.collector import application


def get(path: str) -> tuple[str, bytes]:
    environ: dict[str, Any] = {"PATH_INFO": path, "HTTP_USER_AGENT": FIREFOX}
    setup_testing_defaults(environ)
    environ |= {"QUERY_STRING": "url=/a", "REMOTE_ADDR": "1.2.3.4"}
    statuses: list[str] = []
    body = application(environ, lambda status, headers: statuses.append(status))  # type: ignore[arg-type]
    return statuses[0], b"".join(body)


def test_hits_are_taken(site: Site) -> None:
    status, body = get(f"/t/{site.public_id}.gif")
    assert (status, body[:3]) == ("200 OK", b"GIF")
    process()
    assert [event.page for event in Event.objects.all()] == ["/a"]


@pytest.mark.parametrize("path", ["/", "/admin/", "/sites/1/"])
def test_there_are_no_pages(path: str, db: None) -> None:
    assert get(path) == (
        "404 Not Found",
        b"Hits are taken here, and nothing else is served.\n",
    )
