"""A real ClickHouse for tests: one node, or a cluster of some, which tests may stop and kill.

    python -m tracking.tests.clickhouse --shards 2 -- make test

runs a command with EVENTS_DATABASE_URL (and EVENTS_CLUSTER) set to one that lives as long.
"""

import argparse
import contextlib
import logging
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from clickhouse_driver import Client
from clickhouse_driver.errors import Error

from tracking.tests.service import free_port, wait_for

# All of ClickHouse 26.7 as a library; Debian's own package of the server is from 2018.
PACKAGE = "@chdb/lib-linux-x64-gnu@26.7.3-stable.1"
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tracking-tests"
NODE = Path(__file__).with_name("clickhouse_node.py")
CLUSTER = "shards"
CONFIGURATION = """<clickhouse>
<listen_host>127.0.0.1</listen_host><tcp_port>{port}</tcp_port>
<path>{folder}/data/</path><timezone>UTC</timezone>
<logger><level>warning</level><log>{folder}/log</log><errorlog>{folder}/errors</errorlog></logger>
<remote_servers><{cluster}>{shards}</{cluster}></remote_servers>
</clickhouse>"""
SHARD = "<shard><replica><host>127.0.0.1</host><port>{}</port></replica></shard>"


def library() -> Path:
    """libchdb.so, fetched (180 MB) unless a test run has done so before."""
    if found := os.environ.get("LIBCHDB"):
        return Path(found)
    path = CACHE / PACKAGE.rpartition("@")[2] / "libchdb.so"
    if not path.exists():
        assert shutil.which("npm"), "npm is needed (on Debian: apt install npm)."
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            subprocess.run(
                ["npm", "pack", "--silent", PACKAGE],
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )
            (archive,) = Path(folder).glob("*.tgz")
            with tarfile.open(archive) as opened:
                opened.extract("package/libchdb.so", folder, filter="data")
            (Path(folder) / "package/libchdb.so").rename(path)
    return path


@dataclass
class Node:
    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)

    @property
    def is_running(self) -> bool:
        return bool(self.process and self.process.poll() is None)

    def launch(self) -> None:
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(NODE), str(library()), str(self.folder / "config.xml")],
                cwd=self.folder,
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    def answers(self) -> bool:
        logging.getLogger("clickhouse_driver").setLevel(logging.CRITICAL)
        assert self.is_running, (self.folder / "output").read_text()[-2000:]
        try:
            return self.rows("SELECT 1") == [(1,)]
        except (Error, OSError):
            return False

    def rows(self, sql: str, database: str = "default") -> list[tuple[object, ...]]:
        with Client("127.0.0.1", self.port, database=database, connect_timeout=2) as client:
            found: list[tuple[object, ...]] = client.execute(sql)
        return found

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process:
            self.process.send_signal(number)
            self.process.wait(30)
            self.process = None


@dataclass
class ClickHouse:
    nodes: list[Node]

    def url(self, database: str) -> str:
        # The library ends when a shard that has more rows than are wanted is left alone by the
        # node that asked; so all are read. A server only notes it in its log.
        setting = "?exact_rows_before_limit=1" if self.cluster else ""
        return f"clickhouse://127.0.0.1:{self.nodes[0].port}/{database}{setting}"

    @property
    def cluster(self) -> str:
        return CLUSTER if len(self.nodes) > 1 else ""

    def environment(self, database: str) -> dict[str, str]:
        return {"EVENTS_DATABASE_URL": self.url(database), "EVENTS_CLUSTER": self.cluster}

    def start(self) -> None:
        for node in self.nodes:
            if not node.is_running:
                node.launch()
        for node in self.nodes:
            wait_for(node.answers, 60)

    def kill(self) -> None:
        for node in self.nodes:
            node.kill()


@contextlib.contextmanager
def clickhouse(shards: int = 1, folder: Path | None = None) -> Iterator[ClickHouse]:
    """Started, each node on a free port; ends with the block, and its rows with it unless they
    are in a folder that is given."""
    with contextlib.ExitStack() as stack:
        temporary = tempfile.TemporaryDirectory(prefix="tracking-clickhouse-")
        base = folder.resolve() if folder else Path(stack.enter_context(temporary))
        nodes = [Node(base / str(number), free_port()) for number in range(shards)]
        listed = "".join(SHARD.format(node.port) for node in nodes)
        for node in nodes:
            node.folder.mkdir(parents=True, exist_ok=True)
            (node.folder / "config.xml").write_text(
                CONFIGURATION.format(
                    port=node.port, folder=node.folder, cluster=CLUSTER, shards=listed
                )
            )
        server = ClickHouse(nodes)
        stack.callback(server.kill)
        server.start()
        yield server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shards", type=int, default=1)
    parser.add_argument("--folder", type=Path, help="keep the rows here")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    with clickhouse(options.shards, options.folder) as server:
        environment = {**os.environ, **server.environment("tracking")}
        sys.exit(subprocess.run(options.command, env=environment, check=False).returncode)


if __name__ == "__main__":
    main()
