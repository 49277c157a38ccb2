"""All submissions: answers of each kind, seeded mixtures of them, and quirks over both. The same ones every time."""

import hashlib
import json
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import nbformat

from tests.grading.differential import assignments, more_assignments
from tests.grading.differential.making import Assignment, Part
from tests.grading.differential.quirks import QUIRKS, Quirk, Sent

ALL: tuple[Assignment, ...] = assignments.ASSIGNMENTS + more_assignments.ASSIGNMENTS
SEED = 4
MIXTURES, QUIRKS_EACH = 2, 3
# Arrays and frames take long to import: fewer of them. Quirks of trouble would be trouble twice.
_FEW = {"arrays", "frames", "trouble"}


@dataclass(frozen=True)
class Submission:
    """One submission: `name` says its kind and is the student's; `files` by relative path."""

    assignment: str
    name: str
    files: Mapping[str, bytes] = field(repr=False)

    @property
    def place(self) -> str:
        return f"{self.assignment}/{self.name}"

    def digest(self, course: Path) -> str:
        """Return the hash of all that nbgrader's scores depend on but nbgrader itself."""
        digest = hashlib.sha256()
        source = course / "source" / self.assignment
        around = {
            path.relative_to(course).as_posix(): path.read_bytes() for path in source.rglob("*") if path.is_file()
        }
        around["config"] = (course / "nbgrader_config.py").read_bytes()
        for files in (around, self.files):
            for name, content in sorted(files.items()):
                digest.update(name.encode() + b"\0" + hashlib.sha256(content).digest())
        return digest.hexdigest()[:32]

    def lay(self, course: Path) -> None:
        """Lay it where `nbgrader collect` lays it."""
        folder = course / "submitted" / self.name / self.assignment
        for name, content in self.files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content)
        (folder / "timestamp.txt").write_text("2025-03-10 11:00:00 UTC")


def submissions(course: Path) -> list[Submission]:
    """Return all of them, of a course that is released; of two that are the same, the first."""
    found: dict[tuple[str, str], Submission] = {}
    for assignment in ALL:
        for one in _of(assignment, course):
            found.setdefault((one.assignment, one.digest(course)), one)
    return list(found.values())


def _of(assignment: Assignment, course: Path) -> Iterator[Submission]:
    parts = [*assignment.parts("answer"), *assignment.parts("manual")]
    right = {part.key: part.text for part in parts}

    def made(name: str, answers: Mapping[str, str], *quirks: Quirk) -> Submission:
        sent = Sent(_released(assignment, course, answers), random.Random(f"{SEED}/{assignment.name}/{name}"))
        for quirk in quirks:
            quirk(sent)
        written = {f"{key}.ipynb": json.dumps(made, indent=1).encode() for key, made in sent.notebooks.items()}
        return Submission(assignment.name, _word(name), written | sent.files)

    yield made("released", {})
    yield made("right", right)
    for part in parts:
        for label, text in part.others.items():
            yield made(f"{part.key}-{label}", right | {part.key: text})
    for number in range(0 if assignment.name in _FEW else MIXTURES):
        yield made(f"mixture-{number}", _mixture(parts, f"{assignment.name}/{number}"))
    for quirk in QUIRKS:
        for name, hers in (("right", right), ("mixture", _mixture(parts, f"{assignment.name}/{quirk.__name__}"))):
            if assignment.name in _chosen(quirk, name):
                yield made(f"{quirk.__name__}-{name}", hers, quirk)


def _mixture(parts: list[Part], seed: str) -> dict[str, str]:
    """Return answers of all kinds, half of them right; one now and then as it was released."""
    dice = random.Random(f"{SEED}/{seed}")
    found = {}
    for part in parts:
        others = [text for label, text in part.others.items() if label not in ("endless", "much")]
        roll = dice.random()
        if roll < 0.5 or not others:
            found[part.key] = part.text
        elif roll < 0.9:
            found[part.key] = dice.choice(others)
    return found


def _chosen(quirk: Quirk, answers: str) -> set[str]:
    """Return the assignments that a quirk is tried on."""
    names = [assignment.name for assignment in ALL if assignment.name not in _FEW]
    dice = random.Random(f"{SEED}/{quirk.__name__}")
    chosen = dice.sample(names, QUIRKS_EACH)
    if quirk.__name__ in ("locked_edited", "locked_gone", "free_edited"):
        chosen = ["order", "iterators"]
    return set(chosen[:2] if answers == "right" else chosen[1:])


def _released(assignment: Assignment, course: Path, answers: Mapping[str, str]) -> dict[str, nbformat.NotebookNode]:
    found = {}
    for name in assignment.notebooks:
        path = course / "release" / assignment.name / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        for cell in notebook.cells:
            key = cell.metadata.get("nbgrader", {}).get("grade_id")
            if key in answers and cell.metadata.nbgrader.solution:
                cell.source = answers[key]
        found[name] = notebook
    return found


def _word(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower())
