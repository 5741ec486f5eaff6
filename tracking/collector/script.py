"""The scripts as they are served: the same bytes for every site.

`make script` makes them of the sources beside them, which are for reading.
"""

import gzip
import hashlib
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent


class Script(NamedTuple):
    body: bytes
    zipped: bytes
    etag: str  # weak, since both are the same script


def script_of(*sources: str) -> Script:
    """Of sources that run one after the other: `script_of("plausible.js", "tracker.js")`."""
    body = b"".join((FOLDER / source).with_suffix(".min.js").read_bytes() for source in sources)
    etag = f'W/"{hashlib.sha256(body).hexdigest()[:16]}"'
    return Script(body, gzip.compress(body, 9, mtime=0), etag)


TRACKER = script_of("tracker.js")
