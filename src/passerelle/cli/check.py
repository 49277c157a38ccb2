"""`passerelle check`."""

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from passerelle.model.settings import Settings

if TYPE_CHECKING:
    from passerelle.proof.targets import Target

_LOOK_EVERY_S = 0.5
_MOST_FILES = 5_000


def check(
    what: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[UNIT|TRACK]...", help="paths or names; every track below courses/ where none is given"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print one record a unit, as docs/proof.md has it")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="submissions marked at the same time")] = 2,
    watch: Annotated[bool, typer.Option(help="prove again whenever a file changes, what is quick first")] = False,
    table: Annotated[
        Path | None, typer.Option(help="also write units × proofs, a page a track, such as docs/courses")
    ] = None,
    learner: Annotated[
        Path | None, typer.Option(help="environment whose Python runs fellows' code (default: PASSERELLE_LEARNER)")
    ] = None,
) -> None:
    """Prove units on the real marking path: answers right and wrong, planted bugs, languages, what gets out.

    Example: `passerelle check courses/data-science`, or `passerelle check d1-tables --watch`
    """
    from passerelle import proof
    from passerelle.proof.table import write_tables
    from passerelle.proof.targets import targets

    chosen = targets(what or ())
    learner = learner or Settings().learner
    if watch:
        _watch(chosen, learner, jobs)
        return
    proofs = []
    for target in chosen:
        (one,) = proof.check(target.source, target.unit, learner=learner, jobs=jobs)
        proofs.append(one)
        _say([json.dumps(one.record(), ensure_ascii=False)] if as_json else proof.lines([one]))
    if table is not None:
        for path in write_tables(proofs, table):
            typer.echo(f"wrote {path}", err=as_json)
    if not all(one.proved for one in proofs):
        raise typer.Exit(1)


def _watch(chosen: "list[Target]", learner: Path, jobs: int) -> None:
    """Prove at once, then after every change, until Ctrl-C."""
    from passerelle import proof

    seen: dict[Target, object] = {}
    typer.echo("I prove again whenever you save. End with Ctrl-C.")
    while True:
        for target in chosen:
            now = _state(target)
            if seen.get(target) == now:
                continue
            seen[target] = now
            (first,) = proof.check(target.source, target.unit, learner=learner, jobs=jobs, depth=proof.Depth.FIRST)
            _say(proof.lines([first]))
            # Mending begins at what is said already: the rest would only repeat it.
            if first.proved and _state(target) == now:
                _say(proof.lines(proof.check(target.source, target.unit, learner=learner, jobs=jobs)))
        time.sleep(_LOOK_EVERY_S)


def _state(target: "Target") -> object:
    """Return what changes when a file of a unit, or the track's table, does."""
    files = [target.source / "course.toml", *sorted((target.source / "units" / target.unit).rglob("*"))[:_MOST_FILES]]
    return [(file, _stamp(file)) for file in files if not file.name.startswith(".") and not file.name.endswith("~")]


def _stamp(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:  # an editor puts a new file in its place
        return None
    return found.st_mtime_ns, found.st_size


def _say(lines: Iterable[str]) -> None:
    for line in lines:
        typer.echo(line)
