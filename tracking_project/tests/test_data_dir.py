import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tracking_project.data_dir import make_data_dir, secret_key_in


def test_the_folder_is_made_in_ones_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert make_data_dir("~/some/data") == tmp_path / "some" / "data"
    assert (tmp_path / "some" / "data").stat().st_mode & 0o777 == 0o700


def test_the_key_is_made_once_and_for_the_owner_only(tmp_path: Path) -> None:
    key = secret_key_in(tmp_path)
    assert len(key) == 86
    assert secret_key_in(tmp_path) == key
    assert [path.name for path in tmp_path.iterdir()] == ["secret_key"]
    assert (tmp_path / "secret_key").stat().st_mode & 0o777 == 0o600


def test_processes_that_start_at_once_agree_on_the_key(tmp_path: Path) -> None:
    script = (
        "import pathlib, sys\n"
        "from tracking_project.data_dir import secret_key_in\n"
        "sys.stdin.readline()\n"
        "print(secret_key_in(pathlib.Path(sys.argv[1])))\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    keys = {process.communicate()[0].strip() for process in processes}
    assert keys == {secret_key_in(tmp_path)}


@pytest.mark.django_db
def test_what_a_started_server_makes_is_for_its_user_only(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where DATA_DIR was made by hand, for everybody to look into."""
    settings.SERVER_PORT = 0
    made: dict[str, int] = {}

    def make(*args: object, **kwargs: object) -> None:
        name = str(len(made))
        (tmp_path / name).touch()
        made[name] = (tmp_path / name).stat().st_mode & 0o777

    monkeypatch.setattr("tracking.management.commands.start.call_command", make)
    monkeypatch.setattr("os.chdir", lambda path: None)
    monkeypatch.setattr("os.execv", make)
    before = os.umask(0o022)
    try:
        call_command("start")
    finally:
        os.umask(before)
    assert set(made.values()) == {0o600}
