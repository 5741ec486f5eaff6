"""Nobody pays for what is not configured."""

import os
import subprocess
import sys

from django.conf import settings

LOADED = (
    "import sys, tracking_project.wsgi, tracking.management.commands.process_hits;"
    "print([name for name in sys.modules if name.startswith('clickhouse')])"
)


def test_without_clickhouse_its_driver_is_not_loaded() -> None:
    """Which takes a quarter of all memory, and a tenth of a second."""
    told = subprocess.run(
        [sys.executable, "manage.py", "shell", "--verbosity", "0", "-c", LOADED],
        cwd=settings.BASE_DIR,
        env={**os.environ, "EVENTS_DATABASE_URL": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.strip() == "[]"
