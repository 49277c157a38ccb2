"""`passerelle check`: proves a unit on the real marking path."""

from passerelle.proof.check import check
from passerelle.proof.result import UnitProof, lines

__all__ = ["UnitProof", "check", "lines"]
