"""The collector through both of its doors: the WSGI wrapper and the view."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIRequest
from django.test import Client, RequestFactory

from tracking.collector.wsgi import with_collector
from tracking.spool import Record


@dataclass
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> str:
        return json.loads(self.body)["errors"]["message"]


@dataclass
class Door:
    """Sends requests to the collector, as a page of another origin would."""

    ask: Callable[[WSGIRequest], Response]
    factory: RequestFactory = field(default_factory=RequestFactory)

    def __call__(self, method: str, path: str, body: bytes = b"", /, **headers: str) -> Response:
        request = self.factory.generic(method, path, content_type="text/plain", headers=headers)
        request.environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        return self.ask(request)


def through_wsgi(request: WSGIRequest) -> Response:
    started: list[Any] = []
    application = with_collector(lambda environ, start: pytest.fail("Django was asked."))

    def start(*arguments: Any) -> Callable[[bytes], object]:
        started.append(arguments)
        return lambda data: None

    body = application(request.environ, start)
    ((status, headers),) = started
    return Response(int(status[:3]), dict(headers), b"".join(body))


def through_view(request: WSGIRequest) -> Response:
    client = Client(enforce_csrf_checks=True)
    answer = client.request(**request.environ)
    return Response(answer.status_code, dict(answer.headers), answer.content)


Queue = Callable[[], list[Record]]
