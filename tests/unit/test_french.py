"""French as it is typeset, in every catalogue and guide: no-break spaces, ’ and « », and none of the words we never say."""

import re
from pathlib import Path

import polib
import pytest

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted(
    path
    for room in ("src", "autograders", "courses")
    for path in (ROOT / room).rglob("*.po")
    if "fr" in path.stem or "fr" in path.parts or "fr_FR" in path.parts
)
GUIDES = sorted((ROOT / "docs").rglob("*.fr.md"))
CODE = re.compile(r"```.*?```|`[^`\n]*`|\{\w+\}|%\(\w+\)s|https?://\S+", re.DOTALL)
# A sign after an ordinary space or none, an open quote before one, a straight apostrophe in a word.
LOOSE = re.compile(r" [:;!?»%](?=\s|$)|\w[;!?»](?=\s|$)|\w:(?=\s|$)|«[^\u00a0\u202f]|\w'\w")
NEVER = re.compile(r"\b(wrong|failed|late|only|échec|échou\w+|en retard|rat[ée]\w?|seulement)\b", re.IGNORECASE)


def french(path: Path) -> list[str]:
    """Return a file's French texts, without their code."""
    if path.suffix == ".po":
        entries = polib.pofile(str(path))
        texts = [text for entry in entries for text in (entry.msgstr, *entry.msgstr_plural.values())]
    else:
        texts = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL).splitlines()
    return [CODE.sub("x", text) for text in texts]


def test_there_is_french_to_look_at() -> None:
    assert (len(CATALOGUES) >= 9, len(GUIDES)) == (True, 11)


@pytest.mark.parametrize("path", [*CATALOGUES, *GUIDES], ids=lambda path: str(path.relative_to(ROOT)))
def test_its_signs_do_not_come_loose(path: Path) -> None:
    assert [text for text in french(path) if LOOSE.search(text)] == []


@pytest.mark.parametrize("path", [*CATALOGUES, *GUIDES], ids=lambda path: str(path.relative_to(ROOT)))
def test_it_never_blames(path: Path) -> None:
    assert [text for text in french(path) if NEVER.search(text)] == []
