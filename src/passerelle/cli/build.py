"""`passerelle build`: a track for marking, or all tracks as the learner's tree for Binder."""

from pathlib import Path
from typing import Annotated

import typer

from passerelle.model.settings import Settings


def build(
    source: Annotated[Path | None, typer.Argument(help="a track as text, such as courses/data-science")] = None,
    into: Annotated[Path | None, typer.Option(help="course directory to write")] = None,
    release: Annotated[bool, typer.Option(help="also write the release, without answers")] = True,
    update_po: Annotated[bool, typer.Option(help="first bring each fr.po up to the English text")] = False,
    binder: Annotated[
        Path | None, typer.Option(metavar="DIR", help="write the learner's tree of all tracks, to publish for Binder")
    ] = None,
) -> None:
    """Build a track: text in, nbgrader course directory out; twice the same text gives the same bytes.

    With `--binder`, write what learners may have of all tracks: releases, wheels, environment. No answers.

    Example: `passerelle build courses/data-science --into /tmp/data-science`
    """
    if binder is not None and (source is not None or into is not None):
        raise typer.BadParameter("it takes all tracks: leave SOURCE and --into away", param_hint="--binder")
    if binder is not None:
        from passerelle.cli.binder import write_binder_tree

        write_binder_tree(Settings().course_sources, binder, say=typer.echo)
    elif source is None or into is None:
        raise typer.BadParameter("name a track and --into DIR, or --binder DIR", param_hint="SOURCE")
    else:
        _build_track(source, into, release=release, update_po=update_po)


def _build_track(source: Path, into: Path, *, release: bool, update_po: bool) -> None:
    from passerelle import courses
    from passerelle.grading.release import generate

    if update_po:
        for catalogue in courses.update_catalogues(source):
            typer.echo(f"updated {catalogue}")
    course = courses.build_course(source, into)
    for unit in course.units:
        typer.echo(f"built {course.track}/{unit.card.unit}, {unit.card.max_points:g} points")
        if release:
            typer.echo(f"released to {generate(into, unit.card.unit)}")
