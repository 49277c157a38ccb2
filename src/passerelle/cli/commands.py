"""The command tree. Rooms are imported inside a command: `--help` stays quick.

Each command ends with 0 where all is well, 1 where what it looked at is not good (a unit without proof, an
unmarked submission), 2 where it could not do its work; the reason is one line with its cure.
"""

import logging
import sys
from typing import Annotated

import typer

from passerelle.cli import new, operate, people, privacy
from passerelle.cli.alias import alias
from passerelle.cli.build import build
from passerelle.cli.check import check
from passerelle.cli.export import export
from passerelle.cli.mark import mark
from passerelle.cli.plain import PlainCommand, PlainGroup
from passerelle.cli.stuck import stuck
from passerelle.model.errors import PasserelleError
from passerelle.model.settings import Settings

app = typer.Typer(
    cls=PlainGroup,
    help="Passerelle, a Jupyter learning environment: build courses, prove them, mark, export, run the hub.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
)
demo_app = typer.Typer(help="Fill the environment with a demo programme.")
app.add_typer(demo_app, name="demo")
app.add_typer(people.app, name="people")
app.add_typer(new.app, name="new")
app.command()(build)
app.command()(stuck)
app.command()(alias)
app.command()(check)
app.command()(mark)
app.command(cls=PlainCommand)(export)
for _command in (operate.backup, operate.restore, operate.doctor, operate.upgrade, privacy.erase, privacy.retention):
    app.command()(_command)


def main() -> None:
    """Run the command line; errors of ours are one line, without a traceback."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        app()
    except PasserelleError as error:
        from rich.console import Console

        Console(stderr=True).print(str(error), style="bold", highlight=False, markup=False, soft_wrap=True)
        sys.exit(2)


@app.command()
def hub() -> None:
    """Run the learning environment until Ctrl-C: JupyterHub on 127.0.0.1 and its services.

    Example: `PASSERELLE_PORT=8010 passerelle hub`
    """
    from passerelle.hub.supervisor import run

    raise typer.Exit(run(Settings()))


@demo_app.callback(invoke_without_command=True)
def demo(
    context: typer.Context,
    year: Annotated[bool, typer.Option("--year", help="a whole year: 40 fellows, 3 tracks, 20 mentors")] = False,
) -> None:
    """Fill the environment with a demo programme: a small one to try, or a year to look at.

    Example: `PASSERELLE_DATA=/tmp/year passerelle demo --year`
    """
    if year and context.invoked_subcommand is None:
        from passerelle.hub.demo import announcement
        from passerelle.hub.demo_year import fill

        settings = Settings()
        made = fill(settings)
        for line in announcement(settings, made) or ["the demo year is there already: nothing to change"]:
            typer.echo(line)
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@demo_app.command("fill")
def demo_fill() -> None:
    """Make a demo programme: a cohort, 6 fellows, a trainer, 2 mentors, a coordinator. Twice changes nothing.

    Example: `passerelle demo fill`
    """
    from passerelle.hub.demo import announcement, fill

    settings = Settings()
    for line in announcement(settings, fill(settings)):
        typer.echo(line)
