import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine

from tracking_project import recent_errors
from tracking_project.recent_errors import RecentErrorsHandler

NOON = datetime(2026, 3, 15, 12, tzinfo=UTC)


@pytest.fixture
def logger() -> logging.Logger:
    logger = logging.Logger("tracking.example")
    logger.addHandler(RecentErrorsHandler())
    return logger


def messages() -> list[str]:
    return [error.message for error in recent_errors.recent_errors().errors]


def test_errors_of_a_day_are_kept_newest_first(logger: logging.Logger) -> None:
    for ago, text in ((25, "too old"), (23, "yesterday"), (1, "today")):
        with time_machine.travel(NOON - timedelta(hours=ago), tick=False):
            logger.error("It was %s.", text)
    logger.warning("no error")
    with time_machine.travel(NOON):
        found = recent_errors.recent_errors()
    assert [(error.time, error.url, error.message) for error in found.errors] == [
        (NOON - timedelta(hours=1), "-", "It was today."),
        (NOON - timedelta(hours=23), "-", "It was yesterday."),
    ]
    assert found.all_kept


def test_an_exception_is_named_on_the_same_line_without_secrets(logger: logging.Logger) -> None:
    try:
        raise ValueError("password=hunter2 is\nwrong")
    except ValueError:
        logger.exception("Failed.")
    assert messages() == ["Failed. ValueError: password=*** is\\nwrong"]


def test_a_flood_does_not_fill_the_disk(
    logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recent_errors, "MAX_BYTES", 100)
    for _ in range(20):
        logger.error("a line of some forty characters or so")
    assert len(messages()) == 2
    assert not recent_errors.recent_errors().all_kept


def test_files_of_days_before_are_removed(logger: logging.Logger, tmp_path: Path) -> None:
    for day in range(4):
        with time_machine.travel(NOON + timedelta(days=day)):
            logger.error("once a day")
    assert sorted(path.name for path in (tmp_path / "errors").iterdir()) == [
        "2026-03-17.log",
        "2026-03-18.log",
    ]


def test_a_folder_that_cannot_be_written_to_costs_nothing(
    logger: logging.Logger, tmp_path: Path
) -> None:
    (tmp_path / "errors").write_text("a file is in the way")
    logger.error("lost, but on the console")
