"""Ids that stand for a fellow in exports: stable within the programme, different for every recipient outside."""

import base64
import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from pathlib import Path

PROGRAMME = "programme"
"""The recipient of the programme's own exports, which a coordinator may join."""


def pseudonym_secret(directory: Path) -> bytes:
    """Return the programme's secret, made on the first call (file 0600).

    Two services that ask at once get the same secret: it is written beside its place and linked there once.
    """
    place = directory / "export-pseudonyms"
    if not place.exists():
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = directory / f".export-pseudonyms.{secrets.token_hex(8)}"
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as out:
            out.write(secrets.token_hex(32))
        with suppress(FileExistsError):
            place.hardlink_to(draft)
        draft.unlink()
    return bytes.fromhex(place.read_text(encoding="ascii"))


def pseudonym(handle: str, secret: bytes, recipient: str = PROGRAMME) -> str:
    """Return the id of a fellow in the exports of one recipient: `f-` and 12 letters and digits.

    60 bits of an HMAC: nobody without the secret can find the handle by trying handles, and two fellows of a
    programme of 10,000 share an id with a chance of 1 in 20 thousand million.
    """
    digest = hmac.digest(secret, f"{recipient}\0{handle}".encode(), hashlib.sha256)
    return "f-" + base64.b32encode(digest)[:12].decode("ascii").lower()
