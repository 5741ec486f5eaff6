"""A PostgreSQL server of a test's own, which it may stop, and whose processes it may kill."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tracking.tests.service import free_port


def program(name: str) -> str | None:
    """Debian keeps the server's programs out of the PATH."""
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    path = os.pathsep.join([*map(str, places), os.environ.get("PATH", "")])
    return shutil.which(name, path=path)


INITDB, PG_CTL = program("initdb"), program("pg_ctl")
# The server refuses to run as root.
AS_WHOM = ["runuser", "-u", "postgres", "--"] if os.getuid() == 0 else []


@dataclass
class PostgresServer:
    folder: Path
    port: int

    @property
    def url(self) -> str:
        return f"postgres://tests@127.0.0.1:{self.port}/postgres"

    def control(self, *arguments: str) -> None:
        log = self.folder / "server.log"
        subprocess.run(
            [*AS_WHOM, str(PG_CTL), "-D", str(self.folder), "-w", "-l", str(log), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
        )

    def start(self) -> None:
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        self.control("-o", options, "start")

    def stop(self) -> None:
        self.control("-m", "immediate", "stop")

    def backends(self) -> list[int]:
        """The processes that serve a connection."""
        postmaster = (self.folder / "postmaster.pid").read_text().split()[0]
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                command = (folder / "cmdline").read_bytes()
                parent = (folder / "stat").read_text().rpartition(")")[2].split()[1]
                if parent == postmaster and b" 127.0.0.1(" in command:
                    found.append(int(folder.name))
        return found

    def kill_backend(self, number: int) -> bool:
        """kill -9; the server then ends all others, and recovers. False if there was none."""
        backends = self.backends()
        if not backends:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(backends[number % len(backends)], signal.SIGKILL)
        return True


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    with tempfile.TemporaryDirectory(prefix="tracking-postgres-") as name:
        folder = Path(name)
        if AS_WHOM:
            os.chown(folder, *pwd.getpwnam("postgres")[2:4])
        subprocess.run(
            [*AS_WHOM, str(INITDB), "-D", str(folder), "-U", "tests", "-A", "trust"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        server = PostgresServer(folder, free_port())
        server.start()
        try:
            yield server
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                server.stop()
