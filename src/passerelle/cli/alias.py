"""`passerelle alias`: how the logs call somebody."""

from typing import Annotated

import typer

from passerelle.model.settings import Settings


def alias(names: Annotated[list[str], typer.Argument(help="user names")]) -> None:
    """Print what stands for user names in the logs of this installation, to search for.

    Example: `passerelle alias acacia`
    """
    from passerelle.hub import logs

    for name in names:
        typer.echo(f"{name} {logs.alias(Settings(), name)}")
