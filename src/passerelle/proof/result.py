"""What a proof says of a unit."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from passerelle.courses import Fault


@dataclass(frozen=True)
class UnitProof:
    """The proof of one unit: it holds where there is no fault.

    `points` are those that the reference solution earned by itself, `by_hand` those that a person gives,
    `wrong` counts the wrong answers that were marked.
    """

    unit: str
    faults: tuple[Fault, ...] = ()
    points: float = 0.0
    by_hand: float = 0.0
    wrong: int = 0
    languages: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def proved(self) -> bool:
        """Say whether there is nothing to mend."""
        return not self.faults


def lines(proofs: Iterable[UnitProof]) -> Iterator[str]:
    """Yield a line a unit; under a unit that is not proved, a line for each thing to mend."""
    for proof in proofs:
        if proof.proved:
            by_hand = f" and {proof.by_hand:g} by hand" if proof.by_hand else ""
            yield (
                f"{proof.unit}: proved: {proof.points:g} points by machine{by_hand}, {proof.wrong} wrong answers,"
                f" {' and '.join(proof.languages)} complete ({proof.seconds:.0f} s)"
            )
            continue
        count = len(proof.faults)
        yield f"{proof.unit}: {count} {'thing' if count == 1 else 'things'} to mend"
        yield from (f"  {fault}" for fault in proof.faults)
