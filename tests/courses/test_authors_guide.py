"""The authors' guide, walked: its commands as they stand there, from a new unit to one that is corrected and proved."""

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import polib
import pytest
from typer.main import get_command

from passerelle.cli.commands import app
from passerelle.courses import read_course_table
from passerelle.model.settings import Settings
from tests.unit.courses.example import edit

CHECKOUT = Path(__file__).parents[2]
GUIDES = {"en": CHECKOUT / "docs/authors.md", "fr": CHECKOUT / "docs/authors.fr.md"}
BINDER = {"en": CHECKOUT / "docs/guides/binder.en.md", "fr": CHECKOUT / "docs/guides/binder.fr.md"}
UNIT = "courses/data-science/units/d2-clean"
TEN_MINUTES_S = 600
"""What the guide promises for a correction, its commands and an author's typing; the commands alone must leave room."""


def typed(guide: Path) -> list[str]:
    """Return the lines of a guide's blocks, which a reader copies."""
    blocks = re.findall(r"^```\n(.*?)^```$", guide.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("guides", [GUIDES, BINDER], ids=["authors", "binder"])
def test_both_languages_have_the_same_commands(guides: dict[str, Path]) -> None:
    assert typed(guides["en"]) == typed(guides["fr"])
    assert typed(guides["en"])


@pytest.mark.parametrize("guides", [GUIDES, BINDER], ids=["authors", "binder"])
def test_both_languages_have_the_same_parts_links_and_pictures(guides: dict[str, Path]) -> None:
    def shape(text: str) -> list[str]:
        marks = re.findall(r"^#+|^\d\.|^- |\]\(([^)]+)\)", text, re.MULTILINE)
        return [re.sub(r"\.(en|fr)\.md|\.md", ".md", mark) for mark in marks]

    english, french = (path.read_text("utf-8") for path in guides.values())
    assert shape(english) == shape(french)
    for path in guides.values():
        for target in re.findall(r"\]\(([^)#]+)\)", path.read_text("utf-8")):
            assert (path.parent / target).exists(), f"{path.name} names {target}"


@pytest.mark.parametrize(
    "line", [line for path in (GUIDES["en"], BINDER["en"]) for line in typed(path) if "passerelle" in line[:10]]
)
def test_a_command_of_the_guide_can_be_typed(line: str) -> None:
    _, name, *words = shlex.split(line)
    command = get_command(app).commands[name]  # type: ignore[attr-defined]  # a group, by construction
    if hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]

    assert not command.make_context(command.name, list(words)).args


@pytest.fixture
def author(tmp_path: Path) -> Path:
    """A checkout of an author: the courses' text, one unit of data science."""
    shutil.copytree(CHECKOUT / "courses/data-science", tmp_path / "courses/data-science")
    return tmp_path


def run(checkout: Path, line: str) -> tuple[int, str]:
    """Type a line of the guide."""
    command = shlex.split(line)
    if command[0] == "passerelle":
        command = [sys.executable, "-m", "passerelle.cli", *command[1:]]
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "PYTHONPATH": f"{CHECKOUT / 'src'}:{CHECKOUT}",
        "PASSERELLE_LEARNER": str(Settings().learner.resolve()),
        "HOME": str(checkout),
        "LANG": "C.UTF-8",
    }
    done = subprocess.run(
        command, cwd=checkout, env=environment, capture_output=True, text=True, timeout=TEN_MINUTES_S, check=False
    )
    return done.returncode, done.stdout + done.stderr


def lines_with(words: str) -> Iterator[str]:
    return (line for line in typed(GUIDES["en"]) if words in line)


@pytest.mark.slow
def test_a_unit_is_begun_corrected_and_proved_by_the_commands_of_the_guide(author: Path) -> None:
    new, build, left = (next(lines_with(words)) for words in ("new unit", "--update-po", "grep"))
    check = next(line for line in lines_with("passerelle check") if "--watch" not in line)
    code, said = run(author, new)
    assert (code, (author / UNIT / "unit.md").is_file()) == (0, True), said
    assert read_course_table(author / "courses/data-science").units[-1].unit == "d2-clean"

    # A correction: a sentence is mended, and its French has to follow.
    begun = time.monotonic()
    edit(
        author / UNIT / "unit.toml",
        "Say it aloud for one day. When is this day busy?",
        "Say it for one day. Is it busy?",
    )
    code, said = run(author, build)
    assert code == 0, said
    catalogue = polib.pofile(str(author / UNIT / "fr.po"))
    (entry,) = [entry for entry in catalogue if entry.msgid == "Say it for one day. Is it busy?"]
    assert entry.msgstr == "" or entry.fuzzy
    code, said = run(author, check)
    assert code == 1
    assert "d2-clean/fr.po, unit.toml:hints.count.nudge" in said
    entry.msgstr, entry.flags = "Dis-le pour un jour. Est-il chargé\u00a0?", []
    catalogue.save()
    code, said = run(author, check)

    assert (code, "d2-clean: proved" in said) == (0, True), said
    assert time.monotonic() - begun < TEN_MINUTES_S / 2
    code, said = run(author, left)
    assert len(said.splitlines()) > 40, "what is still to write is found"
