"""What an installation keeps in DATA_DIR besides its database: the secret key."""

import contextlib
import os
import secrets
from pathlib import Path


def secret_key_in(data_dir: Path) -> str:
    """Return the secret key kept in `data_dir`, made on the first call (mode 0600).

    Web server and worker may start at the same instant: the file is written under another
    name and linked into place, so that both read one and the same complete key.
    """
    path = data_dir / "secret_key"
    if not path.exists():
        draft = data_dir / f".secret_key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(64))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
        draft.unlink()
    return path.read_text()
