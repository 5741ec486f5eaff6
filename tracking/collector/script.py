"""The tracking script as it is served: the same bytes for every site."""

import hashlib
from pathlib import Path

SCRIPT = (Path(__file__).parent / "tracker.js").read_bytes()
SCRIPT_ETAG = f'"{hashlib.sha256(SCRIPT).hexdigest()[:16]}"'
