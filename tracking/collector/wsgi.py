"""The collector's fast door: a wrapper around Django's WSGI application."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from tracking.collector.collect import collect


def with_collector(application: WSGIApplication) -> WSGIApplication:
    """`application`, with the collector's paths answered before it is asked."""

    def door(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = collect(environ, environ["wsgi.input"].read)
        if answer is None:
            return application(environ, start_response)
        start_response(answer.status, answer.headers)
        return [answer.body]

    return door
