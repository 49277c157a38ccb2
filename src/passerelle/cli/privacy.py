"""What people may ask for, and what nobody should have to: erasure, and letting go in time."""

from typing import Annotated

import typer

from passerelle.model.settings import Settings

DryRun = Annotated[bool, typer.Option("--dry-run", help="say what would go, and change nothing")]


def erase(
    handle: Annotated[
        str, typer.Argument(help="the user name; whom coordinators have agreed to erase where none")
    ] = "",
    dry_run: DryRun = False,
    again: Annotated[
        bool, typer.Option("--again", help="everybody who was ever erased, after a database came back by other means")
    ] = False,
) -> None:
    """Let go all that there is of somebody, everywhere; the hub may run. A run that was killed goes on at the next.

    Rows stay under a handle that is nobody's, so that counts and times stay true. Backups are not touched:
    a restore of one carries the erasure out again.

    Example: `passerelle erase acacia --dry-run`
    """
    from passerelle import ledger
    from passerelle.hub import erase as job
    from passerelle.hub import erasures

    settings = Settings()
    ledger.migrate(settings.database_url)
    if again:
        back = sorted(job.came_back(settings, erasures.read(settings.root)))
        for one in back:
            if not dry_run:
                job.erase(settings, one, say=typer.echo)
        typer.echo(f"{len(back)} who had come back {'would be' if dry_run else 'were'} erased again")
    elif not handle and not dry_run:
        job.finish(settings, say=typer.echo)
        typer.echo(f"{len(job.agreed(settings, say=typer.echo))} erased whom coordinators had agreed to erase")
    elif not handle:
        typer.echo("\n".join(job.waiting(settings)) or "nobody is waiting to be erased")
    elif dry_run:
        for line in job.survey(settings, handle):
            typer.echo(line)
    else:
        job.erase(settings, handle, say=typer.echo)
        typer.echo(f"{handle} is erased")
        for line in job.said_of_backups(settings):
            typer.echo(line)


def retention(dry_run: DryRun = False) -> None:
    """Let go what has been kept for long enough: looks, links, closed accounts, earlier versions; daily, by a timer.

    Example: `passerelle retention --dry-run`
    """
    from passerelle import ledger
    from passerelle.hub.retention import due

    settings = Settings()
    ledger.migrate(settings.database_url)
    found = list(due(settings, say=typer.echo))
    for one in found:
        typer.echo(f"would go: {one.said}" if dry_run else one.said)
        if not dry_run:
            one.go()
    if not found:
        typer.echo("nothing has been kept for too long")
