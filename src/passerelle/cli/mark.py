"""`passerelle mark`: mark what was submitted in any nbgrader course directory."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from passerelle.model.settings import Settings

if TYPE_CHECKING:
    from passerelle.grading.report import ChangeRecord, MarkRecord
    from passerelle.grading.tally import Progress as Told
    from passerelle.grading.tally import Tally

SAID_EVERY_S = 10.0


def mark(
    assignment: Annotated[str, typer.Argument(help="the unit, nbgrader's assignment, such as d1-tables")],
    course_dir: Annotated[Path, typer.Option(help="nbgrader course directory, ours or any other")] = Path(),
    fellow: Annotated[list[str] | None, typer.Option(help="mark this fellow alone; may be repeated")] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="submissions marked at once")] = 1,
    scheduler: Annotated[
        str, typer.Option(help="a running Dask scheduler, tcp://… or tls://…, whose workers mark (docs/marking.md)")
    ] = "",
    force: Annotated[bool, typer.Option(help="mark again what has a verdict already")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one record a submission, as docs/marking.md has it")] = False,
    dry_run: Annotated[bool, typer.Option(help="say who would gain and lose what; write nothing")] = False,
    learner: Annotated[
        Path | None, typer.Option(help="environment whose Python runs fellows' code (default: PASSERELLE_LEARNER)")
    ] = None,
) -> None:
    """Mark what lies in `submitted/` of a course directory and record it in its gradebook.

    Ends with 1 where something waits for us, and says why.

    Example: `passerelle mark d1-tables --course-dir /tmp/data-science --workers 2`
    """
    from passerelle.grading.nest import hatched

    # Before anything heavy is imported: what marks is imported by its own processes meanwhile.
    with hatched(1 if scheduler else workers) as nest:
        from passerelle.grading.assignment import mark_assignment
        from passerelle.grading.rehearsal import rehearse

        learner = learner or Settings().learner
        with _progress() as told:
            records: list[MarkRecord] | list[ChangeRecord] = (rehearse if dry_run else mark_assignment)(
                course_dir,
                assignment,
                learner=learner,
                handles=fellow,
                force=force,
                workers=workers,
                nest=nest,
                scheduler=scheduler,
                progress=told,
            )
    for record in records:
        typer.echo(record.model_dump_json() if as_json else _line(record))
    if not records and not as_json:
        typer.echo(f"nothing to mark for {assignment} in {course_dir}")
    if any(record.state == "ours" for record in records):
        raise typer.Exit(1)


def _line(record: "MarkRecord | ChangeRecord") -> str:
    if record.state == "ours":
        return f"{record.fellow}: waits for us: {record.reason}"
    if record.state == "marked":
        waiting = sum(check.points is None for check in record.checks)
        said = f"{record.fellow}: {record.points:g} of {record.max_points:g} points"
        said += f", {waiting} to mark by hand" if waiting else ""
        said += "; tampering: see --json" if record.tampering else ""
        return said + (f"; flaky: {', '.join(record.flaky)}" if record.flaky else "")
    if record.state == "same":
        return f"{record.fellow}: nothing changes ({_points(record.points)})"
    said = f"{record.fellow}: {_points(record.points_before)} → {_points(record.points)}"
    changes = [f"{check} {_points(old)} → {_points(new)}" for check, (old, new) in record.changes.items()]
    return said + (f" ({'; '.join(changes)})" if changes else "")


def _points(points: float | None) -> str:
    return "—" if points is None else f"{points:g}"


@contextmanager
def _progress() -> Iterator["Told"]:
    """Show how far a run is: a bar on a terminal, else a line now and then; on stderr, stdout has the records."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    console, began = Console(stderr=True), monotonic()
    if console.is_terminal and not console.is_dumb_terminal:
        columns = (TextColumn("marking"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.description}"))
        with Progress(*columns, console=console, transient=True) as bar:
            shown = bar.add_task("", total=None)
            yield lambda tally: bar.update(
                shown, completed=tally.done, total=tally.total, description=_facts(tally, monotonic() - began)
            )
        return
    said = began

    def line(tally: "Tally") -> None:
        nonlocal said
        if monotonic() - said >= SAID_EVERY_S:
            said = monotonic()
            typer.echo(f"marked {tally.done} of {tally.total}: {_facts(tally, said - began)}", err=True)

    yield line


def _facts(tally: "Tally", seconds: float) -> str:
    """Return how fast a run is, how long it will still take, and what the verdicts say so far."""
    rate = tally.done / max(seconds, 0.001)
    left_s = (tally.total - tally.done) / rate if rate else 0.0
    parts = [f"{rate * 60:.0f} a minute", f"{int(left_s // 60)}:{int(left_s % 60):02} left"]
    counts = {
        "full": tally.full,
        "partly": tally.partly,
        "none": tally.none,
        "to mark by hand": tally.by_hand,
        "waiting for us": len(tally.ours),
        "as before": tally.kept,
    }
    return ", ".join(parts + [f"{count} {name}" for name, count in counts.items() if count])
