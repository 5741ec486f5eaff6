import pytest
from pytest_django import Settings

from tracking import spool
from tracking.collector.sites import SiteDirectory, directory
from tracking.models import Event, Site
from tracking.spool import Record
from tracking.tests.doors import Door, Queue, through_view, through_wsgi
from tracking.tests.factories import EventFactory, VisitFactory


@pytest.fixture
def event(site: Site) -> Event:
    return EventFactory(visit=VisitFactory(site=site))


@pytest.fixture(params=[through_wsgi, through_view])
def door(request: pytest.FixtureRequest) -> Door:
    return Door(request.param)


@pytest.fixture
def queue(settings: Settings) -> Queue:
    def records() -> list[Record]:
        return [
            spool.decode(line)
            for path in spool.files(settings.SPOOL_DIR)
            for _, line in spool.read(path, 0, 1 << 20).lines
        ]

    return records


@pytest.fixture
def token(site: Site) -> str:
    token = site.new_token()
    site.save()
    return token


@pytest.fixture
def long_lived(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> SiteDirectory:
    """The directory as in production, but for the thread that refreshes it."""
    settings.COLLECTOR_SITES_SECONDS = 3600
    monkeypatch.setattr(directory, "_refresher", object())
    monkeypatch.setattr(directory, "_numbers", None)
    monkeypatch.setattr(directory, "_unknown", {})
    return directory
