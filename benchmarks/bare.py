"""The least that a WSGI application can do: the bound for a collector under the same server."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIEnvironment

GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    b"\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)
HEADERS = [("Content-Type", "image/gif"), ("Content-Length", "43"), ("Cache-Control", "no-store")]


def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("200 OK", HEADERS)
    return [GIF]
