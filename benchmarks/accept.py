"""How many hits a second does a web server accept, beside an application that does nothing?

Both run under the same granian, one after the other, and are asked by wrk through 16 connections,
with varying User-Agents, Referers, addresses and pages. With `--busy` two clients ask in a loop
for a page of the same server that takes 0.3 s, waiting or computing.
"""

import argparse
import contextlib
import re
import shutil
import signal
import socket
import subprocess
import threading
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.installation import BASE_DIR, BIN, Installation, installation, show
from tracking.tests.service import free_port, wait_for

HEADERS = """
local n = 0
local function headers()
  n = n + 1
  wrk.headers["User-Agent"] = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 " ..
    "(KHTML, like Gecko) Chrome/" .. (100 + n % 50) .. ".0.0.0 Safari/537.36"
  wrk.headers["Referer"] = "https://example.com/page/" .. (n % 1000)
  wrk.headers["X-Forwarded-For"] = "10." .. (n % 250) .. "." .. (n % 251) .. "." .. (n % 252)
end
"""
REQUESTS = {
    "pixel": """
request = function()
  headers()
  return wrk.format("GET", "/t/{id}.gif?url=https%3A%2F%2Fexample.com%2Fpage%2F" .. (n % 1000) ..
    "&referrer=https%3A%2F%2Fwww.google.com%2F")
end
""",
    "beacon": """
request = function()
  headers()
  wrk.headers["Origin"] = "https://example.com"
  wrk.headers["Content-Type"] = "text/plain;charset=UTF-8"
  return wrk.format("POST", "/t/{id}", nil, '{"event":"pageview","url":"https://example.com/' ..
    (n % 1000) .. '","referrer":"https://www.google.com/"}')
end
""",
    "plausible": """
request = function()
  headers()
  wrk.headers["Origin"] = "https://example.com"
  wrk.headers["Content-Type"] = "text/plain"
  return wrk.format("POST", "/api/event", nil, '{"n":"pageview","v":36,"u":"https://example.com/' ..
    (n % 1000) .. '","d":"example.com","r":"https://www.google.com/"}')
end
""",
    "umami": """
request = function()
  headers()
  wrk.headers["Origin"] = "https://example.com"
  wrk.headers["Content-Type"] = "application/json"
  return wrk.format("POST", "/api/send", nil, '{"type":"event","payload":{"website":"{id}",' ..
    '"screen":"1920x1080","language":"de-DE","title":"A page","hostname":"example.com",' ..
    '"url":"https://example.com/' .. (n % 1000) .. '","referrer":"https://www.google.com/"}}')
end
""",
    "goatcounter": """
request = function()
  headers()
  return wrk.format("POST", "/example.com/count?p=%2Fpage%2F" .. (n % 1000) ..
    "&t=A%20page&r=https%3A%2F%2Fwww.google.com%2F&e=false&s=1920%2C1080%2C1&b=0&q=&rnd=abcde")
end
""",
    "matomo": """
request = function()
  headers()
  wrk.headers["Origin"] = "https://example.com"
  return wrk.format("POST", "/matomo.php?action_name=A%20page&idsite={number}&rec=1&r=123456" ..
    "&h=12&m=30&s=5&url=https%3A%2F%2Fexample.com%2Fpage%2F" .. (n % 1000) ..
    "&urlref=https%3A%2F%2Fwww.google.com%2F&_id=0123456789abcdef&_idn=1&send_image=0&_refts=0" ..
    "&pv_id=AbCdEf&pf_net=10&pf_srv=200&cookie=1&res=1920x1080")
end
""",
    "shynet": """
request = function()
  headers()
  return wrk.format("GET", "/ingress/{id}/pixel.gif")
end
""",
}


BARE = "benchmarks.bare:application"
APPLICATIONS = {
    "web": "tracking_project.wsgi:application",
    "collector": "tracking_project.collector:application",
    "busy": "benchmarks.busy:application",
}
CLIENTS = 2


@dataclass
class Load:
    """What wrk saw."""

    per_second: float
    p99: float  # milliseconds
    failed: int


def ask(url: str, script: Path, seconds: int) -> Load:
    printed = subprocess.run(
        ["wrk", "-t1", "-c16", f"-d{seconds}", "--latency", "-s", str(script), url],
        check=True,
        capture_output=True,
        text=True,
    ).stdout

    def find(pattern: str, default: str = "0") -> str:
        found = re.search(pattern, printed)
        return found[1] if found else default

    return Load(
        float(find(r"Requests/sec:\s+([\d.]+)")),
        milliseconds(find(r"(?m)^\s+99%\s+(\S+)")),
        int(find(r"Non-2xx or 3xx responses: (\d+)")),
    )


def milliseconds(text: str) -> float:
    """As wrk writes it: `712.00us`, `1.07ms`, `1.20s`."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", text).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def measure(
    made: Installation, application: str, script: Path, options: argparse.Namespace
) -> tuple[Load, int]:
    """The load that the application bore, and the memory of its workers in MiB."""
    port = free_port()
    server = subprocess.Popen(
        [
            str(BIN / "granian"),
            *("--interface", "wsgi", "--http", "1", "--no-ws", "--log-level", "error"),
            *("--workers", str(options.workers), "--blocking-threads", str(options.threads)),
            *("--port", str(port), application),
        ],
        cwd=BASE_DIR,
        env=made.environment,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        wait_for(lambda: listens(port))
        is_busy = application == APPLICATIONS["busy"]
        with looping(f"{url}/{options.busy}") if is_busy else contextlib.nullcontext():
            load = ask(url, script, options.seconds)
        return load, resident(server.pid)
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
        for file in (made.folder / "spool").glob("*.log"):
            file.unlink()


def compared(bares: list[Load], loads: list[Load]) -> dict[str, object]:
    """Medians of the rounds; each round compares the two within a few seconds."""
    ratios = sorted(
        load.per_second / bare.per_second for load, bare in zip(loads, bares, strict=True)
    )
    return {
        "of bare": f"{median(ratios):.0%}",
        "from": f"{ratios[0]:.0%}",
        "to": f"{ratios[-1]:.0%}",
        "hits/s": round(median(load.per_second for load in loads)),
        "bare/s": round(median(bare.per_second for bare in bares)),
        "p99 ms": round(median(load.p99 for load in loads), 1),
        "bare p99": round(median(bare.p99 for bare in bares), 1),
        "failed": sum(load.failed for load in loads),
    }


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def looping(url: str) -> Iterator[None]:
    """Clients that ask for a page again and again."""
    stop = threading.Event()

    def loop() -> None:
        while not stop.is_set():
            urllib.request.urlopen(url, timeout=30).read()

    clients = [threading.Thread(target=loop) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        yield
    finally:
        stop.set()
        for client in clients:
            client.join()


def resident(parent: int) -> int:
    """MiB of the largest child of a process."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    pages = [int(Path(f"/proc/{child}/statm").read_text().split()[1]) for child in children]
    return max(pages, default=0) * 4 // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument(
        "--process", choices=("web", "collector"), default="web", help="which of our applications"
    )
    parser.add_argument("--busy", choices=("waiting", "computing"), help="beside a slow page")
    parser.add_argument(
        "--threads", type=int, help="blocking threads of a worker (web 16, collector 1)"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", nargs="+", choices=REQUESTS, default=list(REQUESTS))
    options = parser.parse_args()
    if not shutil.which("wrk"):
        parser.error("wrk is needed (Debian: apt install wrk)")
    options.threads = options.threads or {"web": 16, "collector": 1}[options.process]
    name = "busy" if options.busy else options.process
    rows = []
    with installation(settings={"TRUSTED_PROXIES": "1"}) as made:
        number, public_id = made.add_site()
        for kind in options.requests:
            script = made.folder / f"{kind}.lua"
            filled = REQUESTS[kind].replace("{id}", public_id).replace("{number}", str(number))
            script.write_text(HEADERS + filled)
            bares, loads, memories = [], [], []
            for _ in range(options.rounds):
                bares.append(measure(made, BARE, script, options)[0])
                load, memory = measure(made, APPLICATIONS[name], script, options)
                loads.append(load)
                memories.append(memory)
            rows.append({"request": kind, **compared(bares, loads), "MiB": max(memories)})
    beside = f", beside two clients of a page {options.busy} for 0.3 s" if options.busy else ""
    title = f"{options.process}: {options.workers} worker(s), {options.threads} thread(s)"
    show(f"{title}, 16 connections{beside}", rows)


if __name__ == "__main__":
    main()
