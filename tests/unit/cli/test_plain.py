"""A command that is quick to start takes its options as any other does, and imports little."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from benchmarks.exports import fill, make_gradebook
from passerelle.cli.plain import PlainCommand, PlainGroup

HEAVY = {
    *("pydantic", "sqlalchemy", "alembic", "pandas", "numpy", "pyarrow", "xlsxwriter", "weasyprint", "jinja2"),
    *("tornado", "jupyterhub", "nbgrader", "nbformat", "traitlets", "IPython"),
}


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course directory with a few submissions."""
    made = tmp_path_factory.mktemp("programme") / "course"
    fill(make_gradebook(made), fellows=3, assignments=2, cells=2)
    return made


def imported(data: Path, *arguments: str) -> set[str]:
    """Return the packages that a command imports."""
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "passerelle.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={"PASSERELLE_DATA": str(data), "PYTHONPATH": ":".join(sys.path)},
    )
    lines = [line for line in done.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


def test_an_export_as_csv_imports_nothing_heavy(course: Path, tmp_path: Path) -> None:
    found = imported(tmp_path, "export", "--course-dir", str(course), "--format", "csv", "--out", str(tmp_path / "out"))

    assert (tmp_path / "out/course.csv").stat().st_size > 500
    assert {"passerelle", "typer", "sqlite3"} <= found
    assert (HEAVY | {"rich"}) & found == set()


def test_the_help_imports_none_of_the_rooms_libraries(tmp_path: Path) -> None:
    found = imported(tmp_path, "--help")

    assert {"passerelle", "typer", "rich"} <= found
    assert HEAVY & found == set()


def shown(*arguments: str) -> str:
    """Return what a command with an option of each kind is given, or how it is refused."""
    app = typer.Typer(cls=PlainGroup)

    @app.command(cls=PlainCommand)
    def one(
        text: Annotated[str, typer.Option()] = "",
        many: Annotated[list[str] | None, typer.Option()] = None,
        place: Annotated[Path | None, typer.Option()] = None,
        here: Annotated[Path, typer.Option()] = Path(),
        flag: Annotated[bool, typer.Option("--flag")] = False,
        number: Annotated[int | None, typer.Option(min=1)] = None,
    ) -> None:
        """Show what came."""
        typer.echo(repr((text, many, place, here, flag, number)))

    @app.command()
    def other() -> None:
        """Do nothing: a second command makes a group."""

    done = CliRunner().invoke(app, ["one", *arguments])
    return done.output.strip() if done.exit_code == 0 else f"{done.exit_code}: {done.output}"


@pytest.mark.parametrize(
    ("arguments", "values"),
    [
        pytest.param([], ("", None, None, Path(), False, None), id="nothing"),
        pytest.param(["--text", "1"], ("1", None, None, Path(), False, None), id="text"),
        pytest.param(["--many", "a", "--many", "1,2"], ("", ["a", "1,2"], None, Path(), False, None), id="many"),
        pytest.param(["--place", "a/b", "--here", "c"], ("", None, Path("a/b"), Path("c"), False, None), id="paths"),
        pytest.param(["--flag", "--number", "3"], ("", None, None, Path(), True, 3), id="flag-and-number"),
    ],
)
def test_options_are_as_typer_gives_them(arguments: list[str], values: tuple[object, ...]) -> None:
    assert shown(*arguments) == repr(values)


def test_what_is_no_text_is_looked_at() -> None:
    assert shown("--number", "three").startswith("2:")
    assert shown("--number", "0").startswith("2:")
    assert "Show what came." in shown("--help")
