import fcntl
import gc
import multiprocessing
import os
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from pytest_django import Settings

from tracking import spool
from tracking.spool import QueueFull, Record, Spool


def record(time: float = 1.0, query: str = "url=/") -> Record:
    return Record(1, time, "1.2.3.4", "Mozilla", "", False, query)


def read_all(folder: Path) -> list[Record]:
    return [
        spool.decode(line)
        for path in spool.files(folder)
        for _, line in spool.read(path, 0, 1 << 20).lines
    ]


def test_what_was_appended_is_read_before_any_flush(tmp_path: Path) -> None:
    writer = Spool(tmp_path)
    writer.append(record(1.5, "url=/ü\n"))
    writer.append(record(2.5))
    assert read_all(tmp_path) == [record(1.5, "url=/ü\n"), record(2.5)]


def test_appending_leaves_nothing_in_memory(tmp_path: Path) -> None:
    writer = Spool(tmp_path)
    writer.append(record())
    gc.collect()
    before = len(gc.get_objects())
    for _ in range(5000):
        writer.append(record())
    # What leaks is at least an object a hit; other threads of the test run make a few hundred.
    assert len(gc.get_objects()) - before < 2500


def test_chunk_begins_at_a_position_and_holds_whole_lines(tmp_path: Path) -> None:
    Spool(tmp_path).append(record(1))
    (path,) = spool.files(tmp_path)
    length = path.stat().st_size
    with path.open("ab") as file:
        file.write(spool.encode(record(2)) + b"\n" + b"[1, torn")
    chunk = spool.read(path, length, 1 << 20)
    assert chunk.lines == [(length, spool.encode(record(2)))]


def test_a_chunk_has_one_line_at_least(tmp_path: Path) -> None:
    writer = Spool(tmp_path)
    writer.append(record(1, "url=/" + "x" * 1000))
    writer.append(record(2))
    (path,) = spool.files(tmp_path)
    chunk = spool.read(path, 0, 10)
    assert [offset for offset, _ in chunk.lines] == [0]
    assert not chunk.reaches_end


def test_end_is_final_when_the_writer_is_gone(tmp_path: Path) -> None:
    writer = Spool(tmp_path)
    writer.append(record())
    (path,) = spool.files(tmp_path)
    chunk = spool.read(path, 0, 1 << 20)
    assert (chunk.reaches_end, chunk.is_final) == (True, False)
    writer.close()
    chunk = spool.read(path, 0, 1 << 20)
    assert (chunk.reaches_end, chunk.is_final) == (True, True)


def test_torn_line_of_a_dead_writer_does_not_keep_the_file(tmp_path: Path) -> None:
    path = tmp_path / "1-1-x.log"
    path.write_bytes(spool.encode(record()) + b"\n[1, 2")
    chunk = spool.read(path, 0, 1 << 20)
    assert len(chunk.lines) == 1
    assert chunk.reaches_end
    assert chunk.is_final


def test_a_hit_that_the_disk_did_not_take_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    writer = Spool(tmp_path)
    writer.append(record(1))
    (path,) = spool.files(tmp_path)
    size = path.stat().st_size

    def half(descriptor: int, line: bytes, write: Any = os.write) -> int:
        return write(descriptor, line[:9])

    with patch("tracking.spool.os.write", half):
        for _ in range(3):
            with pytest.raises(OSError, match="only a part"):
                writer.append(record(2))
    assert path.stat().st_size == size
    writer.append(record(3))
    assert read_all(tmp_path) == [record(1), record(3)]
    assert spool.files(tmp_path) == [path]


def test_where_a_torn_line_cannot_be_removed_a_new_file_is_begun(tmp_path: Path) -> None:
    writer = Spool(tmp_path)
    writer.append(record(1))

    def half(descriptor: int, line: bytes, write: Any = os.write) -> int:
        return write(descriptor, line[:9])

    with (
        patch("tracking.spool.os.write", half),
        patch("tracking.spool.os.ftruncate", side_effect=OSError),
        pytest.raises(OSError, match="only a part"),
    ):
        writer.append(record(2))
    writer.append(record(3))
    assert read_all(tmp_path) == [record(1), record(3)]
    assert len(spool.files(tmp_path)) == 2


def test_a_flush_that_fails_is_tried_again_and_keeps_no_file_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(spool, "MAX_FILE_BYTES", 10)
    writer = Spool(tmp_path)
    writer.append(record(1))
    writer.append(record(2))
    with patch("tracking.spool.os.fdatasync", side_effect=OSError("broken")):
        writer.flush()
    assert "could not be flushed" in caplog.text
    assert all(spool.read(path, 0, 1 << 20).is_final for path in spool.files(tmp_path))


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "notes.log").write_text("mine")
    Spool(tmp_path).append(record())
    assert len(spool.files(tmp_path)) == 1


def test_files_are_closed_when_large_or_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Spool(tmp_path)
    monkeypatch.setattr(spool, "MAX_FILE_BYTES", 10)
    writer.append(record(1))
    monkeypatch.setattr(spool, "MAX_FILE_BYTES", 1 << 20)
    writer.append(record(2))
    monkeypatch.setattr(spool, "MAX_FILE_SECONDS", 0)
    writer.flush()
    writer.append(record(3))
    first, second, _third = spool.files(tmp_path)
    assert spool.read(first, 0, 1 << 20).is_final
    assert spool.read(second, 0, 1 << 20).is_final
    assert read_all(tmp_path) == [record(1), record(2), record(3)]


def test_a_full_folder_takes_no_more_until_there_is_room(tmp_path: Path) -> None:
    writer = Spool(tmp_path, max_bytes=50)
    writer.append(record(1))
    writer.append(record(2))
    writer.measure()
    with pytest.raises(QueueFull, match="More than 50 bytes are waiting"):
        writer.append(record(3))
    writer.close()
    spool.files(tmp_path)[0].unlink()
    writer.measure()
    writer.append(record(4))
    assert read_all(tmp_path) == [record(4)]


def test_files_are_private(tmp_path: Path) -> None:
    Spool(tmp_path / "spool").append(record())
    (path,) = spool.files(tmp_path / "spool")
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def append_in_child() -> None:
    spool.spool().append(record(2))
    os._exit(0)  # like a kill: nothing is closed in order


def test_a_forked_process_writes_a_file_of_its_own(settings: Settings) -> None:
    spool.spool().append(record(1))
    child = multiprocessing.get_context("fork").Process(target=append_in_child)
    child.start()
    child.join(10)
    parents, childs = spool.files(settings.SPOOL_DIR)
    assert spool.read(childs, 0, 1 << 20).is_final
    with parents.open() as file, pytest.raises(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
