"""A throw-away installation, and how figures are printed."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent


@dataclass
class Installation:
    folder: Path
    environment: dict[str, str]

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def run(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=BASE_DIR,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    def add_site(self) -> tuple[int, str]:
        """The number and the public id of a new site."""
        self.manage("createsuperuser", "--noinput", "--email", "owner@example.com")
        lines = self.manage("add_site", "example.com", "--owner", "owner@example.com").splitlines()
        told = dict(line.split(":", 1) for line in lines[:3])
        return int(told["Id"]), told["Public id"].strip()


@contextlib.contextmanager
def installation(
    database_url: str = "", keep: Path | None = None, settings: Mapping[str, str] | None = None
) -> Iterator[Installation]:
    """Migrated, on SQLite unless the URL of an empty database is given.

    In a folder that goes away afterwards, unless one to keep is named.
    """
    with contextlib.ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="tracking-benchmark-")
        folder = str(keep.resolve()) if keep else stack.enter_context(temporary)
        environment = {
            **os.environ,
            "DATA_DIR": folder,
            "DATABASE_URL": database_url or f"sqlite:///{folder}/db.sqlite3",
            "DJANGO_SUPERUSER_PASSWORD": "correct horse",
            **(settings or {}),
        }
        made = Installation(Path(folder), environment)
        made.manage("migrate", "--verbosity", "0")
        yield made


def show(title: str, rows: Sequence[Mapping[str, object]]) -> None:
    """Print rows (with the same keys) as a table and as JSON."""
    print(f"\n{title}")
    cells = [list(rows[0]), *([str(value) for value in row.values()] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for line in cells:
        print("  " + "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)))
    print(json.dumps({"title": title, "rows": list(rows)}))
