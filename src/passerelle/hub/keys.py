"""Secrets that must outlive a restart: service tokens, cookie secrets. One 0600 file each."""

import os
import secrets
from pathlib import Path


def kept_secret(directory: Path, name: str, size_bytes: int = 32) -> str:
    """Return the secret of that name as hex, made at first use.

    A token that changed with every start would shut out whatever still runs with the old one.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / name
    try:
        return path.read_text().strip()
    except FileNotFoundError:
        write_private(path, secrets.token_hex(size_bytes))
        return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
    fresh.replace(path)
