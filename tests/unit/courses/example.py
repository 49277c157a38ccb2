"""The unit of docs/decisions/0002-unit-format.md, written out: the example in the document is the fixture."""

import re
from pathlib import Path

DOCUMENT = Path(__file__).parents[3] / "docs" / "decisions" / "0002-unit-format.md"
_FILE = re.compile(r"^`(courses/[^`]+)`\n(`{3,})\w+\n(.*?)\n\2$", re.DOTALL | re.MULTILINE)


def write_example(root: Path) -> Path:
    """Write the document's course below a folder; return the course's folder."""
    for path, _, text in _FILE.findall(DOCUMENT.read_text("utf-8")):
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n", "utf-8")
    return root / "courses" / "demo"


def edit(file: Path, old: str, new: str) -> None:
    """Replace a part of a file; it must be there once."""
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file.name}"
    file.write_text(text.replace(old, new), "utf-8")
