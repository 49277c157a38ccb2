"""`passerelle check`: proves a unit on the real marking path."""

from passerelle.proof.check import JOBS, Depth, check
from passerelle.proof.result import UnitProof, lines

__all__ = ["JOBS", "Depth", "UnitProof", "check", "lines"]
