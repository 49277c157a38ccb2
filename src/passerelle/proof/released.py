"""What of a unit gets out: the release and its weight, the data's papers, and nothing that must stay in."""

import ast
import hashlib
import importlib
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from passerelle.courses import Fault, Kind, UnitFolder
from passerelle.grading import Marked
from passerelle.grading.prepare import engine
from passerelle.grading.warm import Tried
from passerelle.proof.submissions import Release, is_marker

MOST_BYTES = 300_000
"""What a fellow loads before she sees the unit: its notebook, its card, its pictures."""
MOST_SECONDS = 60.0
"""How long the solution may run from top to bottom."""

_PICTURES = (".png", ".jpg", ".jpeg", ".svg", ".gif", ".webp")
_DATASHEET = "data/DATASHEET.md"
_LICENCE = re.compile(r"licen[cs]e", re.IGNORECASE)
_LEAST_LINE = 12
_LEAST_NOTE = 30


def size(release: Release) -> int:
    """Return the bytes that open a release."""
    shown = [content for name, content in release.files.items() if name == "unit.json" or name.endswith(_PICTURES)]
    return len(json.dumps(release.notebook, ensure_ascii=False).encode()) + sum(map(len, shown))


def size_faults(folder: UnitFolder, release: Release) -> list[Fault]:
    """Return a fault where the release opens slowly over a poor connection."""
    weight = size(release)
    if weight <= MOST_BYTES:
        return []
    what = f"it takes {weight / 1000:.0f} kB to open, {MOST_BYTES / 1000:.0f} are the most"
    return [Fault(folder.where("release"), what, "make the pictures smaller, or the text shorter")]


def data_faults(folder: UnitFolder) -> list[Fault]:
    """Return the data without a datasheet, and what the datasheet does not say."""
    names = sorted(name for name in folder.data if name != _DATASHEET and not name.endswith(".md"))
    if not names:
        return []
    where = folder.where(_DATASHEET)
    sheet = folder.pages.get(_DATASHEET)
    if sheet is None:
        return [Fault(where, "there are data and no datasheet", "write where they come from, and their licence")]
    faults = [
        Fault(where, f"it says nothing of {name}", "write its source, its columns and its licence")
        for name in names
        if Path(name).name not in sheet
    ]
    if not _LICENCE.search(sheet):
        faults.append(Fault(where, "it names no licence", "write under which licence the data may be passed on"))
    return faults


def run_faults(solved: Marked, where: str) -> list[Fault]:
    """Return what is not clean in a run of the solution from top to bottom."""
    faults = []
    if solved.verdict.seconds > MOST_SECONDS:
        what = f"it takes {solved.verdict.seconds:.0f} s, {MOST_SECONDS:.0f} are the most"
        faults.append(Fault(where, what, "make the work smaller"))
    for cell in solved.notebook.cells:
        place = f"{where}, cell {cell.metadata.get('passerelle', {}).get('key', '?')!r}"
        for output in cell.get("outputs", ()) if not _is_check(cell) else ():
            if output.output_type == "error":
                said = f"{output.ename}: {output.evalue}"[:200]
                faults.append(Fault(place, f"it ends with {said}", "mend the cell"))
            elif output.output_type == "stream" and output.name == "stderr":
                said = output.text.strip().split("\n")[-1][:200]
                faults.append(Fault(place, f"it warns: {said}", "write it so that nothing warns"))
    return faults


def _is_check(cell: Any) -> bool:
    return bool(cell.metadata.get("passerelle", {}).get("kind") == Kind.CHECK)


# Nothing secret


def secret_faults(folder: UnitFolder, release: Release) -> list[Fault]:
    """Return what in the release must not leave: found by what it says, wherever it stands."""
    texts = {f"{release.unit}.ipynb": "\n".join(_strings(release.notebook))}
    texts |= {name: _text(name, content) for name, content in release.files.items()}
    public = _public(folder)
    faults = []
    for name, text in texts.items():
        for kind, line in _secrets(folder):
            if line in text and line not in public:
                where = folder.where(f"release, {name}")
                faults.append(Fault(where, f"it holds a line of {kind}: «{line[:60]}»", "mend the unit's regions"))
        for value in Hidden.of(folder).values:
            if _holds(text, value):
                where = folder.where(f"release, {name}")
                faults.append(Fault(where, f"it holds {value}, a value of a hidden test", "take it out"))
    return faults


def _secrets(folder: UnitFolder) -> Iterator[tuple[str, str]]:
    """Yield every line that must not be in a release, and what it is of."""
    for cell in folder.cells:
        for kind, region in (("a solution", "SOLUTION"), ("a hidden test", "HIDDEN TESTS")):
            for line in _inside(cell.source, region):
                if len(line) >= _LEAST_LINE:
                    yield kind, line
    for name in ("mentor.md", "trainer.md"):
        for line in map(str.strip, folder.pages.get(name, "").split("\n")):
            if len(line) >= _LEAST_NOTE:
                yield "the notes for staff", line
    for file in sorted((folder.path / "truth").rglob("*")):
        if file.is_file():
            for line in file.read_text("utf-8", "replace").split("\n"):
                if len(line.strip()) >= _LEAST_LINE:
                    yield "a truth file", line.strip()


def _public(folder: UnitFolder) -> str:
    """Return what the author shows on purpose: the prose, visible code, messages, hints, data."""
    said = [part for cell in folder.cells for part in _outside(cell.source)]
    table = folder.table
    said += [table.title, table.summary, *table.messages.values(), *table.glossary.values(), *table.tasks.values()]
    said += [step for hint in table.hints.values() for step in (hint.nudge, hint.concept, hint.outline)]
    said += [_text(name, content) for name, content in folder.data.items()]
    said += [translation for text in folder.texts.all() if (translation := _translated(folder, text))]
    return "\n".join(said)


def _translated(folder: UnitFolder, text: Any) -> str:
    if text.context in ("mentor.md", "trainer.md"):
        return ""
    found = [catalogue.translation(text.context, text.english) or "" for catalogue in folder.catalogues.values()]
    return "\n".join(found)


def _outside(source: str) -> Iterator[str]:
    inside = False
    for line in source.split("\n"):
        if is_marker(line) or "HIDDEN TESTS" in line:
            inside = "BEGIN " in line
        elif not inside:
            yield line


def _inside(source: str, region: str) -> Iterator[str]:
    inside = False
    for line in source.split("\n"):
        if region in line and ("BEGIN " in line or "END " in line):
            inside = "BEGIN " in line
        elif inside and line.strip():
            yield line.strip()


def _strings(value: Any) -> Iterator[str]:
    """Yield every text in JSON data."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, one in value.items():
            yield str(name)
            yield from _strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _strings(one)


def _text(name: str, content: bytes) -> str:
    text = content.decode("utf-8", "replace")
    return "\n".join(_strings(json.loads(text))) if name.endswith(".json") else text


# Nothing hidden in what a check says


@dataclass(frozen=True)
class Hidden:
    """The values that stand in a unit's hidden tests and nowhere else, and what everybody may read."""

    values: frozenset[str]
    public: str

    @classmethod
    def of(cls, folder: UnitFolder) -> "Hidden":
        """Read a unit."""
        public = _public(folder)
        found = {value for cell in folder.cells if cell.kind is Kind.CHECK for value in _literals(cell.source)}
        return cls(frozenset(value for value in found if not _holds(public, value)), public)

    def said_faults(self, said: Iterable[str], where: str) -> list[Fault]:
        """Return the messages that hold a hidden value."""
        return [
            Fault(where, f"«{sentence}» shows {value}, a value of a hidden test", "take the value out of the message")
            for sentence in said
            for value in sorted(self.values)
            if _holds(sentence, value)
        ]

    def computed_faults(self, tried: Tried, where: str) -> list[Fault]:
        """Return the numbers that a message about hidden tests gets to say: computed ones are hidden, too."""
        return [
            Fault(
                where,
                f"the message {message.id!r} is given {name} = {value}, a number of a hidden test",
                "take it out of the message: what the check draws is nobody's to know",
            )
            for message in tried.messages
            for name, value in message.args.items()
            if isinstance(value, int | float) and not isinstance(value, bool) and not _holds(self.public, str(value))
        ]


def _literals(source: str) -> Iterator[str]:
    """Yield the numbers and texts of the hidden lines that nobody would write by chance."""
    hidden = hidden_lines(source)
    tree = ast.parse(source)
    named = {id(word.value) for word in ast.walk(tree) if isinstance(word, ast.keyword) and word.arg in _NO_VALUES}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Constant) or node.lineno not in hidden or id(node) in named:
            continue
        value = node.value
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and len(str(value)) >= 4
        if is_number or (isinstance(value, str) and len(value.strip()) >= 4):
            yield str(value)


def hidden_lines(source: str) -> set[int]:
    """Return the numbers of a cell's lines, from 1, that are hidden tests."""
    hidden, inside = set[int](), False
    for number, line in enumerate(source.split("\n"), 1):
        if "HIDDEN TESTS" in line:
            inside = "BEGIN " in line
        elif inside:
            hidden.add(number)
    return hidden


_NO_VALUES = frozenset({"else_", "look", "tolerance", "title"})


def _holds(text: str, value: str) -> bool:
    return re.search(rf"(?<![\w.]){re.escape(value)}(?![\w])", text) is not None


def digest(path: Path) -> str:
    """Return what names a proof: the files of a unit's folder, and what marks them and words what it finds.

    The engine's own digest, which is in the key of each verdict, holds the checks' words in English; their catalogues
    lie beside them.
    """
    # By name: no room below marking imports what check cells call.
    words = Path(str(importlib.import_module("autograders").__file__)).parent / "locale"
    found = hashlib.sha256(engine().encode())
    for folder, pattern in ((path, "*"), (words, "*.po")):
        for file in sorted(folder.rglob(pattern)):
            if file.is_file() and "__pycache__" not in file.parts and not file.name.endswith("~"):
                found.update(f"{file.relative_to(folder).as_posix()}\0".encode() + file.read_bytes() + b"\0")
    return found.hexdigest()[:16]
