"""Secrets that must outlive a restart: service tokens, cookie secrets. One 0600 file each."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def kept_secret(directory: Path, name: str, size_bytes: int = 32) -> str:
    """Return the secret of that name as hex, made at first use.

    A token that changed with every start would shut out whatever still runs with the old one. Processes that start
    together and ask at once get the same: whoever comes second takes what the first has put there.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    with suppress(FileNotFoundError):
        return path.read_text().strip()
    draft = _draft(path, secrets.token_hex(size_bytes))
    # A link, unlike a renaming, never takes the place of what is there.
    with suppress(FileExistsError):
        path.hardlink_to(draft)
    draft.unlink()
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    _draft(path, text).replace(path)


def _draft(path: Path, text: str) -> Path:
    """Return a file beside that path with a text, for its owner only; nobody else writes to it."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
    except OSError:
        draft.unlink()  # a full disk: it is tried again and again, under another name
        raise
    return draft
