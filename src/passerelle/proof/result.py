"""What a proof says of a unit: lines for people, a record for programs."""

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from passerelle.courses import Fault


@dataclass(frozen=True)
class PlantedCount:
    """How the planted bugs of a unit were marked.

    `found` could be planted, `planted` were; `caught` lost points; `equivalent` are listed as no bugs; `errored` ended
    with an error; `survived` are the ids of those that lost nothing and are not listed.
    """

    found: int = 0
    planted: int = 0
    caught: int = 0
    equivalent: int = 0
    errored: int = 0
    survived: tuple[str, ...] = ()

    def __str__(self) -> str:
        sample = f" (a sample of {self.found})" if self.found > self.planted else ""
        listed = f", {self.equivalent} listed as equivalent" if self.equivalent else ""
        return f"{self.caught} of {self.planted} planted bugs caught{sample}{listed}"


@dataclass(frozen=True)
class Readability:
    """The prose of a unit in one language.

    `words` and `sentences` are counts, `longest` is the longest sentence's words, `mean` words a sentence, `score` the
    language's own measure (`measure`).
    """

    words: int
    sentences: int
    mean: float
    longest: int
    measure: str
    score: float


@dataclass(frozen=True)
class UnitProof:
    """The proof of one unit: it holds where there is no fault.

    `points` are those that the reference solution earned by itself, `by_hand` those that a person gives,
    `wrong` and `right` count the other answers that were marked, `answer_seconds` is how long the solution runs,
    `release_bytes` what a release weighs, `digest` names the unit's files and what marked them, as they were,
    `seconds` is how long the proof took. `planted` is None where no bug was planted yet.
    """

    unit: str
    faults: tuple[Fault, ...] = ()
    track: str = ""
    points: float = 0.0
    by_hand: float = 0.0
    wrong: int = 0
    right: int = 0
    languages: tuple[str, ...] = ()
    planted: PlantedCount | None = None
    readability: dict[str, Readability] = field(default_factory=dict)
    minutes: int = 0
    terms: int = 0
    answer_seconds: float = 0.0
    release_bytes: int = 0
    digest: str = ""
    seconds: float = 0.0

    @property
    def proved(self) -> bool:
        """Say whether there is nothing to mend."""
        return not self.faults

    def record(self) -> dict[str, Any]:
        """Return it as plain data; docs/proof.md names the fields."""
        return {**asdict(self), "proved": self.proved}


def lines(proofs: Iterable[UnitProof]) -> Iterator[str]:
    """Yield a line a unit; under a unit that is not proved, a line for each thing to mend."""
    for proof in proofs:
        if proof.proved:
            yield f"{proof.unit}: {'; '.join(_held(proof))} ({proof.seconds:.0f} s)"
            continue
        count = len(proof.faults)
        planted = f"; {proof.planted}" if proof.planted is not None else ""
        thing = "thing" if count == 1 else "things"
        yield f"{proof.unit}: {count} {thing} to mend{planted} ({proof.seconds:.0f} s)"
        yield from (f"  {fault}" for fault in proof.faults)


def _held(proof: UnitProof) -> Iterator[str]:
    by_hand = f" and {proof.by_hand:g} by hand" if proof.by_hand else ""
    word = "proved" if proof.planted is not None else "so far"
    yield f"{word}: {proof.points:g} points by machine{by_hand}, {' and '.join(proof.languages)} complete"
    if proof.planted is not None:
        yield f"{proof.wrong} wrong and {proof.right} other right answers"
        yield str(proof.planted)
