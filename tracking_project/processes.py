"""What `manage.py start` turns into: the processes of the Procfile, which live and end together.

honcho runs them. Here is what its own command leaves out: they end when the terminal is closed
(SIGHUP), on Linux also when honcho itself is killed, and being told to stop is no failure.
"""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from honcho import environ, manager, printer, process

PR_SET_PDEATHSIG = 1
# To a process of honcho's, which ignores other signals: end the one that you look after.
END = signal.SIGUSR1
STOPPED = (0, -signal.SIGTERM)  # the latter before it could install its handler


class Child(process.Popen):
    """Is the first of a process group, which does not outlive it."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        threading.Thread(target=self.end_group, daemon=True).start()

    def end_group(self) -> None:
        # A web server that was killed can leave workers that go on, and hold our pipe open.
        self.wait()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


class Process(process.Process):
    """Starts one process and passes on what it prints; is forked from the manager."""

    def run(self, *args: Any, **kwargs: Any) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Not SIG_IGN, which the process to be started would inherit.
            signal.signal(number, lambda *_: None)
        signal.signal(END, self.end)
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, END)
        self._child_ctor = Child
        super().run(*args, **kwargs)

    def end(self, *_: object) -> None:
        if self._child:
            self._child.terminate()
        else:
            sys.exit()


class Printer(printer.Printer):
    def write(self, message: printer.Message) -> None:
        with contextlib.suppress(OSError):  # the terminal may be gone
            super().write(message)


class Manager(manager.Manager):
    def __init__(self) -> None:
        super().__init__(Printer(sys.stdout))
        self._process_ctor = Process

    def loop(self) -> None:
        if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # as nohup has it
            signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))
        try:
            with contextlib.suppress(KeyError):  # stopped before it knew whom to stop
                super().loop()
        finally:
            for child in multiprocessing.active_children():
                os.kill(child.pid, END)  # type: ignore[arg-type]

    @property
    def exit_code(self) -> int:
        told_to_stop = self.returncode in {known["rc"] for known in manager.SIGNALS.values()}
        ended = all(each.get("returncode", 0) in STOPPED for each in self._processes.values())
        return 0 if told_to_stop and ended else 1


def main() -> int:
    procfile = environ.parse_procfile(Path("Procfile").read_text())
    processes = Manager()
    for each in environ.expand_processes(procfile.processes):
        processes.add_process(each.name, each.cmd, env={**os.environ, **each.env})
    processes.loop()
    return processes.exit_code


if __name__ == "__main__":
    sys.exit(main())
