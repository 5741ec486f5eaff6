import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "command",
    [["setup_link"], ["seed_demo"], ["add_site", "example.com", "--owner", "olive@example.com"]],
)
def test_before_the_first_migrate_commands_say_what_to_do(
    tmp_path: Path, command: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "manage.py", *command],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path), "DATABASE_URL": "sqlite://:memory:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (
        1,
        "",
        "CommandError: The database is not set up yet: run “make run” (or “manage.py migrate”) "
        "first.\n",
    )
