"""`passerelle new unit`: where an author begins."""

from pathlib import Path
from typing import Annotated

import typer

from passerelle.model.settings import Settings

app = typer.Typer(help="Begin something: a unit.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Begin something: a unit."""
    # Without this, a group of one command would be that command, and take `unit` for its first argument.


@app.command()
def unit(
    track: Annotated[str, typer.Argument(help="the track: its folder, or its name, such as data-science")],
    name: Annotated[str, typer.Argument(help="the unit's name, such as d2-clean")],
) -> None:
    """Begin a unit: small, complete, proved as it is, its prose marked TODO and À FAIRE.

    Example: `passerelle new unit courses/data-science d2-clean`
    """
    from passerelle.courses import new_unit

    folder = Path(track)
    source = folder if (folder / "course.toml").is_file() else Settings().course_sources / track
    made = new_unit(source, name)
    typer.echo(f"began {made}")
    typer.echo(f"added to {source / 'course.toml'}, as the last unit: move it where it belongs")
    typer.echo(f"next: passerelle check {made} --watch")
