"""What an operator does with an installation: back it up, restore it, look at it, upgrade it."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from passerelle.model.settings import Settings


def backup(
    into: Annotated[Path, typer.Argument(metavar="DIR", help="where backups lie; each is a folder in it")],
    keep: Annotated[int | None, typer.Option(min=1, help="keep so many backups; all where not said")] = None,
    without_secrets: Annotated[bool, typer.Option(help="leave the service's tokens and passwords file out")] = False,
) -> None:
    """Write a backup: all databases of one moment, homes, courses, secrets. The hub may run.

    Example: `passerelle backup /backups/passerelle --keep 14`
    """
    from passerelle.hub.backup import backup as write
    from passerelle.hub.backup import summary

    with _progress() as say:
        made = write(Settings(), into, keep=keep, secrets=not without_secrets, say=say)
    _lines(summary(made))


def restore(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="one backup: a folder passerelle-…")],
    into: Annotated[Path | None, typer.Option(help="data directory; PASSERELLE_DATA where not said")] = None,
    replace: Annotated[bool, typer.Option(help="move the data that are there aside; they are kept")] = False,
) -> None:
    """Put a backup in the place of the data, every file compared with its hash; then look at it as `doctor` does.

    Example: `passerelle restore /backups/passerelle/passerelle-2026-11-24T02-30-00.000000Z --into /srv/passerelle`
    """
    from passerelle.hub.restore import restore as put

    settings = Settings() if into is None else Settings(data=into)
    with _progress() as say:
        restored = put(settings, folder, replace=replace, say=say)
    lines = [f"restored into {settings.root}: the state of {restored.manifest.moment:%Y-%m-%d %H:%M:%S} UTC"]
    if restored.erased_again:
        lines.append(f"{restored.erased_again} who were erased after that backup have been erased from it again")
    if restored.kept:
        lines.append(f"what was there before is in {restored.kept}; remove it when you no longer need it")
    _lines([*lines, ""])
    _look(settings)


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="the same as records")] = False,
) -> None:
    """Look at the installation, running or not, and say what is in order and what to do; changes nothing.

    Ends with 0, or with 1 where something is broken.

    Example: `passerelle doctor`
    """
    from passerelle.hub.doctor import Level, examine

    if not as_json:
        _look(Settings())
        return
    findings = list(examine(Settings()))
    typer.echo(json.dumps([asdict(one) for one in findings], ensure_ascii=False, indent=1))
    if any(one.level is Level.BROKEN for one in findings):
        raise typer.Exit(1)


def upgrade(
    backups: Annotated[
        Path | None, typer.Option(help="where the backup goes; backups/ in the data directory where not said")
    ] = None,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="there is a fresh one already")] = False,
) -> None:
    """After new code: back up, let marking wait, bring databases and courses up to date, let marking go on.

    The hub may run; restart it afterwards, so that it runs the new code too.

    Example: `passerelle upgrade --backups /backups/passerelle`
    """
    from passerelle.hub.upgrade import upgrade as run

    settings = Settings()
    into = None if no_backup else backups or settings.root / "backups"
    run(settings, into, say=typer.echo)


def _look(settings: Settings) -> None:
    """Print what doctor finds; end with 1 where something is broken."""
    from passerelle.hub.doctor import Level, examine

    counts = dict.fromkeys(Level, 0)
    for finding in examine(settings):
        counts[finding.level] += 1
        typer.echo(f"{finding.level:<7} {finding.check}: {finding.said}")
        if finding.cure:
            typer.echo(f"        → {finding.cure}")
    typer.echo(f"\n{counts[Level.OK]} in order, {counts[Level.LOOK]} to look at, {counts[Level.BROKEN]} broken")
    if counts[Level.BROKEN]:
        raise typer.Exit(1)


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show what is going on, on a terminal; say nothing elsewhere (a timer's mail, a log)."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _: None
        return
    with console.status("") as status:

        def say(text: str) -> None:
            status.update(text)

        yield say


def _lines(lines: list[str]) -> None:
    for line in lines:
        typer.echo(line)
