import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from passerelle.cli.commands import app

REPOSITORY = Path(__file__).parents[3]


def names() -> list[str]:
    tree = get_command(app)
    found: list[str] = []
    for name, command in tree.commands.items():  # type: ignore[attr-defined]  # a group, by construction
        found += [f"{name} {one}" for one in getattr(command, "commands", {})] or [name]
    return found


def passerelle(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "passerelle.cli", *arguments], capture_output=True, text=True, timeout=60, check=False
    )


@pytest.mark.parametrize("name", names())
def test_every_command_is_documented_and_shows_an_example(name: str) -> None:
    documented = (REPOSITORY / "docs/commands.md").read_text(encoding="utf-8")

    shown = CliRunner().invoke(app, [*name.split(), "--help"], prog_name="passerelle")

    assert f"passerelle {name}" in documented
    assert shown.exit_code == 0
    assert f"passerelle {name}" in shown.stdout.partition("Example:")[2]


def test_what_cannot_be_built_is_said_in_one_line(tmp_path: Path) -> None:
    done = passerelle("build", str(tmp_path / "nowhere"), "--into", str(tmp_path / "into"))

    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert str(tmp_path / "nowhere") in done.stderr
