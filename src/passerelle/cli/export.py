"""`passerelle export`: progress as files, of the programme's tracks or of any nbgrader course directory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self
from zoneinfo import ZoneInfo

import typer

from passerelle.model.errors import ServiceError
from passerelle.model.people import OPERATOR
from passerelle.model.settings import Settings

if TYPE_CHECKING:
    from passerelle.progress import Export, Wanted


class ExportCommandError(ServiceError):
    """The options of an export do not go together."""

    @classmethod
    def of(cls, what: str, cure: str) -> Self:
        """Build the error from what is amiss, and what helps."""
        return cls(f"{what}; {cure}")


@dataclass(frozen=True)
class Asked:
    """What somebody asked for on the command line."""

    tracks: Sequence[str]
    cohort: str | None
    fellows: Sequence[str] | None
    wanted: "Wanted"
    reason: str
    formats: Sequence[str]
    out: Path


def export(
    track: Annotated[list[str] | None, typer.Option(help="a track; may be repeated; all where none is said")] = None,
    cohort: Annotated[str, typer.Option(help="of one cohort alone")] = "",
    fellow: Annotated[list[str] | None, typer.Option(help="of one fellow, by user name; may be repeated")] = None,
    since: Annotated[str, typer.Option(metavar="DAY", help="only what has changed since that day began")] = "",
    kind: Annotated[
        list[str] | None,
        typer.Option(
            "--format", help="csv, xlsx, parquet, json or pdf; may be repeated; csv and json where none is said"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="directory to write into")] = Path(),
    course_dir: Annotated[
        Path | None, typer.Option(help="any nbgrader course directory, which is only read; in place of tracks")
    ] = None,
    recipient: Annotated[
        str, typer.Option("--for", help="somebody outside: ids of her own, small numbers left out")
    ] = "",
    identified: Annotated[
        bool, typer.Option("--identified", help="user names in place of ids; needs --reason")
    ] = False,
    reason: Annotated[str, typer.Option(help="why user names are needed: it is written down")] = "",
) -> None:
    """Write progress as files: pseudonymous, safe to open in a spreadsheet, written down for each fellow to read.

    Example: `passerelle export --track data-science --format csv --format xlsx --out /tmp/progress`
    """
    settings = Settings()
    asked = _asked(settings, track, cohort, fellow, since, kind, out, recipient, identified, reason)
    if course_dir is None:
        exports = _of_tracks(settings, asked)
    elif track or cohort:
        raise ExportCommandError.of("--course-dir is a course of its own", "leave --track and --cohort out")
    else:
        exports = [_of_course(settings, asked, course_dir)]
    from passerelle.progress import write_files

    for one in exports:
        try:
            paths = write_files(out, one.files(asked.formats))
        except OSError as error:
            raise ExportCommandError.of(f"{out}: {error.strerror}", "say another directory with --out") from error
        for path in paths:
            typer.echo(str(path))


def _asked(
    settings: Settings,
    track: list[str] | None,
    cohort: str,
    fellow: list[str] | None,
    since: str,
    kind: list[str] | None,
    out: Path,
    recipient: str,
    identified: bool,
    reason: str,
) -> Asked:
    """Return the options as they go together.

    Raises:
        ExportCommandError: they do not.
    """
    from passerelle.model.dates import parse_day, start_of_day
    from passerelle.progress import FORMATS, ExportError, Wanted
    from passerelle.progress.pseudonyms import PROGRAMME

    formats = tuple(kind or ("csv", "json"))
    unknown = next((one for one in formats if one not in FORMATS), None)
    if unknown is not None:
        raise ExportError.of_format(unknown)
    # One recipient is one, however her name is written.
    name = " ".join(recipient.split()).casefold()
    if recipient and name in ("", PROGRAMME):
        raise ExportCommandError.of(f"--for {recipient!r} names nobody outside", "name the recipient, or leave it out")
    if identified and not reason.strip():
        raise ExportCommandError.of("--identified needs a reason, which is written down", "say it with --reason TEXT")
    if identified and name and not fellow:
        raise ExportCommandError.of("user names leave for one fellow at a time", "name her with --fellow")
    try:
        moment = start_of_day(parse_day(since), ZoneInfo(settings.timezone)) if since else None
    except ValueError as error:
        raise ExportCommandError.of(f"--since: {error}", "give a day") from error
    wanted = Wanted(recipient=name or PROGRAMME, identified=identified, named=bool(fellow), since=moment)
    return Asked(tuple(track or ()), cohort or None, fellow, wanted, reason.strip(), formats, out)


def _of_tracks(settings: Settings, asked: Asked) -> "list[Export]":
    from passerelle import ledger
    from passerelle.courses import load_course
    from passerelle.ledger.exported import record_export
    from passerelle.progress import ExportError, track_export, track_progress

    built = sorted(path.parent.name for path in settings.courses.glob("*/course.json"))
    unknown = next((one for one in asked.tracks if one not in built), None)
    if unknown is not None or not built:
        raise ExportError.of_track(unknown or "", settings.courses)
    now, zone = datetime.now(UTC), ZoneInfo(settings.timezone)
    found = []
    ledger.migrate(settings.database_url)
    engine = ledger.engine(settings.database_url)
    try:
        for track in asked.tracks or built:
            with ledger.reading(engine) as session:
                course = load_course(settings.courses / track)
                found.append(track_progress(session, course, now, asked.fellows, cohort=asked.cohort, zone=zone))
        known = {fellow.fellow for progress in found for fellow in progress.fellows}
        absent = sorted(set(asked.fellows or ()) - known)
        if absent or not known:
            who = ", ".join(absent) or f"cohort {asked.cohort!r}" if asked.cohort or absent else "anybody"
            raise ExportCommandError.of(f"no progress of {who} in these tracks", "look at `passerelle people list`")
        found = [progress for progress in found if progress.fellows]
        with ledger.session(engine) as session:
            for progress in found:
                record_export(
                    session,
                    by=OPERATOR,
                    what=_what(progress.track, asked),
                    recipient=asked.wanted.recipient,
                    fellows=[fellow.fellow for fellow in progress.fellows],
                    at=now,
                    outside=asked.wanted.is_outside,
                    identified=asked.wanted.identified,
                    reason=asked.reason or None,
                )
    finally:
        engine.dispose()
    return [track_export(progress, settings, asked.wanted) for progress in found]


def _of_course(settings: Settings, asked: Asked, course_dir: Path) -> "Export":
    """Return the export of a course directory: one of ours, with user names or for somebody outside is written down.

    Raises:
        ExportCommandError: it is one of ours, and for somebody outside.
    """
    from passerelle.progress import course_export

    ours = course_dir.resolve().parent == settings.courses.resolve()
    if ours and asked.wanted.is_outside:
        # The track's summary counts who has mastered a unit by herself, this one among the graded: of two such
        # partitions of the same people, one gives back what the other leaves out.
        raise ExportCommandError.of(
            f"{course_dir} is a track of this programme: numbers for somebody outside leave in one form alone",
            f"say --track {course_dir.resolve().name} in place of --course-dir",
        )
    now = datetime.now(UTC)
    made = course_export(course_dir, settings, now, asked.wanted, asked.fellows)
    if ours or asked.wanted.is_outside or asked.wanted.identified:
        # Only here: the ledger takes longer to import than an export of a hundred fellows to write.
        from passerelle import ledger
        from passerelle.ledger import people
        from passerelle.ledger.exported import record_export

        ledger.migrate(settings.database_url)
        engine = ledger.engine(settings.database_url)
        try:
            with ledger.session(engine) as session:
                record_export(
                    session,
                    by=OPERATOR,
                    what=_what(f"course directory {course_dir.resolve().name}", asked),
                    recipient=asked.wanted.recipient,
                    fellows=[one for one in made.students if people.person(session, one)],
                    at=now,
                    outside=asked.wanted.is_outside,
                    identified=asked.wanted.identified,
                    reason=asked.reason or None,
                )
        finally:
            engine.dispose()
    return made


def _what(of: str, asked: Asked) -> str:
    limits = [f"cohort {asked.cohort}"] if asked.cohort else []
    limits += [f"{len(asked.fellows)} named"] if asked.fellows else []
    limits += [f"since {asked.wanted.since:%Y-%m-%d}"] if asked.wanted.since else []
    return ", ".join([of, *limits, *asked.formats])
