"""What an installation keeps in DATA_DIR besides its database: the secret key."""

import contextlib
import os
import secrets
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured


def make_data_dir(name: str) -> Path:
    """The folder, made unless it is there; “~” is one's home."""
    try:
        path = Path(name).expanduser().resolve()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except (OSError, RuntimeError) as error:
        raise ImproperlyConfigured(
            f"DATA_DIR={name} cannot be made: {getattr(error, 'strerror', error)}. Name a folder "
            "that the user who runs this may write to."
        ) from None
    return path


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
