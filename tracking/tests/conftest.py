import pytest
from pytest_django import Settings

from tracking import spool
from tracking.models import Site
from tracking.spool import Record
from tracking.tests.doors import Door, Queue, through_view, through_wsgi


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
