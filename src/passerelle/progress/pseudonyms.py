"""Ids that stand for a fellow in exports: stable within the programme, different for every recipient outside."""

import base64
import hashlib
import hmac
from pathlib import Path

from passerelle.model.keys import kept_secret

PROGRAMME = "programme"
"""The recipient of the programme's own exports, which a coordinator may join."""


def of_reader(handle: str) -> str:
    """Return the recipient that a reader of single fellows' files is.

    Who reads one fellow's page knows who she is: under the programme's id her file would name her in every export of
    the programme. No name that `--for` takes has a line's end in it.
    """
    return f"reader\n{handle}"


def pseudonym_secret(directory: Path) -> bytes:
    """Return the programme's secret, made on the first call (file 0600)."""
    return bytes.fromhex(kept_secret(directory, "export-pseudonyms"))


def pseudonym(handle: str, secret: bytes, recipient: str = PROGRAMME) -> str:
    """Return the id of a fellow in the exports of one recipient: `f-` and 12 letters and digits.

    60 bits of an HMAC: nobody without the secret can find the handle by trying handles, and two fellows of a
    programme of 10,000 share an id with a chance of 1 in 20 thousand million.
    """
    digest = hmac.digest(secret, f"{recipient}\0{handle}".encode(), hashlib.sha256)
    return "f-" + base64.b32encode(digest)[:12].decode("ascii").lower()
