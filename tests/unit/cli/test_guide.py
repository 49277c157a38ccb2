"""The commands of the operator's guide and of the examples are commands of ours, with options that they have.

That is all this proves: each line is parsed as it stands, and none is run. What the commands do is shown by their own tests;
systemd's own lines (`systemctl`, `journalctl`, the unit files beside `ExecStart`) and cron's are tried by nothing here.
"""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from passerelle.cli.commands import app

REPOSITORY = Path(__file__).parents[3]
GUIDES = {language: REPOSITORY / f"docs/guides/operator.{language}.md" for language in ("en", "fr")}
OURS = re.compile(r"(?:^|[ =])(?:/opt/passerelle/bin/)?passerelle ((?:[a-z]+ ).*|[a-z]+$)")


def blocks(path: Path) -> list[str]:
    """Return the lines of a guide's code blocks."""
    text = path.read_text("utf-8")
    return [
        line for block in re.findall(r"^```\n(.*?)^```$", text, re.DOTALL | re.MULTILINE) for line in block.splitlines()
    ]


def commands() -> list[str]:
    """Return each command line of ours that a reader may copy."""
    lines = [line for path in GUIDES.values() for line in blocks(path)]
    lines += [
        line
        for path in sorted((REPOSITORY / "docs/examples").glob("*.service"))
        for line in path.read_text().splitlines()
    ]
    lines += re.findall(r"`(passerelle \S+ [^`…]+)`", GUIDES["en"].read_text("utf-8"))
    starts = [
        line
        for line in lines
        if not line.startswith(("#", "Description", "User", "Group", "sudo systemctl", "journalctl"))
    ]
    return sorted({found[1] for line in starts if (found := OURS.search(line))})


@pytest.mark.parametrize("line", commands())
def test_a_command_of_the_guide_can_be_typed(line: str) -> None:
    name, *words = shlex.split(line)
    command = get_command(app).commands[name]  # type: ignore[attr-defined]  # a group, by construction
    if hasattr(command, "commands"):
        command, words = command.commands[words[0]], words[1:]

    # Parsed, not run: an option that is not there, or a missing argument, is an error here.
    made = command.make_context(command.name, list(words))

    assert not made.args


def test_what_the_piece_is_about_is_in_the_guide() -> None:
    typed = {line.split()[0] for line in commands()}

    assert {"backup", "restore", "doctor", "upgrade", "hub"} <= typed


def test_both_guides_have_the_same_commands() -> None:
    english, french = ([line for line in blocks(GUIDES[one]) if OURS.search(line)] for one in ("en", "fr"))

    assert english == french
