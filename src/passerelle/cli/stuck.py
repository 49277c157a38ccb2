"""`passerelle stuck`: what could not be marked and why, for an operator."""

from datetime import UTC, datetime
from typing import Annotated

import typer

from passerelle.model.settings import Settings


def stuck(
    track: Annotated[list[str] | None, typer.Option(help="this track alone; may be repeated")] = None,
    again: Annotated[bool, typer.Option(help="also try all of it again now, before other work")] = False,
) -> None:
    """Say what could not be marked, recorded or given back because of a fault of ours, and why. Names nobody.

    Ends with 1 where there is something.

    Example: `passerelle stuck --again`
    """
    from passerelle import ledger
    from passerelle.grading.wake import wake
    from passerelle.ledger import queue, reasons

    settings, now = Settings(), datetime.now(UTC)
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.session(engine) as session:
            found = queue.stuck(session, track)
            for job, receipt in found:
                reason = job.reason or ""
                typer.echo(
                    f"{receipt.track}/{receipt.unit} {receipt.id} since {job.queued:%Y-%m-%d %H:%M} UTC, "
                    f"tries {job.tries}: {reasons.kind_of(reason)}: {reasons.happened(reason) or 'see the logs'}"
                )
            asked = queue.again(session, [receipt.id for _, receipt in found], now) if again else 0
    finally:
        engine.dispose()
    if asked:
        heard = wake(settings.marking_socket)
        typer.echo(
            f"{asked} of {len(found)} are next in turn" + ("" if heard else "; the marking service does not run")
        )
    if not found:
        typer.echo("nothing waits for us")
    raise typer.Exit(1 if found else 0)
