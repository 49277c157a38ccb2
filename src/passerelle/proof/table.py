"""The table units by proofs of a track: docs/courses/<track>.md."""

from collections.abc import Sequence
from pathlib import Path

from passerelle.proof.released import digest
from passerelle.proof.result import PlantedCount, UnitProof

_HEAD = """\
# {track}: what is proved

Written by `passerelle check {track} --table docs/courses`, never by hand; a test compares the stamp of each unit
with its files, the marking engine and the checks' words.
What each column means, and how it is proved: [proof.md](../proof.md).
How the units look: [units.md](../units.md).

| Unit | Proved | Points: machine + hand | Wrong answers | Other right answers | Planted bugs caught | Equivalent | \
With an error | French | Sentence, mean words en / fr | Terms | Minutes | Solution runs | Release | Stamp |
|---|---|--:|--:|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|---|
"""


def write_tables(proofs: Sequence[UnitProof], into: Path) -> list[Path]:
    """Write the table of each track of these proofs; return the files.

    Args:
        proofs: of all units of their tracks, in order.
        into: the folder to write into.
    """
    into.mkdir(parents=True, exist_ok=True)
    written = []
    for track in dict.fromkeys(proof.track for proof in proofs):
        path = into / f"{track}.md"
        path.write_text(table(track, [proof for proof in proofs if proof.track == track]), "utf-8")
        written.append(path)
    return written


def table(track: str, proofs: Sequence[UnitProof]) -> str:
    """Return the table of one track."""
    return _HEAD.format(track=track) + "".join(f"| {' | '.join(_row(proof))} |\n" for proof in proofs)


def stale_units(page: str, source: Path, units: Sequence[str]) -> list[str]:
    """Return the units whose row in a table is absent, or of other files or another engine than now."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in page.split("\n") if line.startswith("|")]
    stamps = {row[0]: row[-1].strip("`") for row in rows}
    return [unit for unit in units if stamps.get(unit) != digest(source / "units" / unit)]


def _row(proof: UnitProof) -> list[str]:
    planted = proof.planted or PlantedCount()
    mean = {language: figures.mean for language, figures in proof.readability.items()}
    return [
        proof.unit,
        "yes" if proof.proved else f"no: {len(proof.faults)} to mend",
        f"{proof.points:g} + {proof.by_hand:g}",
        str(proof.wrong),
        str(proof.right),
        f"{planted.caught} of {planted.planted}"
        + (f" (of {planted.found})" if planted.found > planted.planted else ""),
        str(planted.equivalent),
        str(planted.errored),
        "complete" if not any(".po" in fault.where for fault in proof.faults) else "incomplete",
        f"{mean.get('en', 0):g} / {mean.get('fr', 0):g}",
        str(proof.terms),
        str(proof.minutes),
        f"{proof.answer_seconds:.0f} s",
        f"{proof.release_bytes / 1000:.0f} kB",
        f"`{proof.digest}`",
    ]
