"""Where what is drawn at random begins: at the unit's name, or, where the unit says so, at a seed of each fellow.

A fellow's seed is a keyed hash of her handle and the unit: the same in every run and on every worker, another for
everybody else, and nobody without the installation's secret can tell it.
"""

import hashlib
import hmac
from pathlib import Path
from typing import Self

from passerelle.model.course import CourseUnit
from passerelle.model.errors import ServiceError
from passerelle.model.keys import kept_secret

SECRET = "marking-seeds"  # noqa: S105  # the name of its file
EXAMPLE = "example"
"""Stands for a fellow where a unit is proved: there is no secret, and a proof is the same everywhere."""


class NobodyError(ServiceError):
    """A unit asks for a seed of each fellow, and nobody said whose work it is."""

    @classmethod
    def of(cls, unit: str) -> Self:
        """Build the error from the unit's id."""
        return cls(f"{unit}: its seed is each fellow's, and marking was not told whose work this is; name her")


def fellow_key(secrets: Path, handle: str) -> str:
    """Return what stands for a fellow in the seeds; the secret is made in that directory at first use (file 0600)."""
    return _keyed(kept_secret(secrets, SECRET), handle)


def seed_of(unit: CourseUnit, fellow: str) -> str:
    """Return the seed of a submission; `fellow` is what `fellow_key` gave, or `EXAMPLE`.

    Raises:
        NobodyError: the unit needs to know who she is, and `fellow` is empty.
    """
    if unit.seed == "unit":
        return unit.card.unit
    if not fellow:
        raise NobodyError.of(unit.card.unit)
    return _keyed(fellow, f"{unit.card.track}\0{unit.card.unit}")


def seed_of_box(unit: str, seed: str) -> str:
    """Return the seed of what her own code draws: it tells nothing of what the checks draw at a seed of hers."""
    return unit if seed == unit else _keyed(seed, "box")


def _keyed(key: str, text: str) -> str:
    return hmac.digest(key.encode(), text.encode(), hashlib.sha256).hex()
