"""`passerelle people …`: accounts, their links, more time for one fellow."""

import csv
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Self
from zoneinfo import ZoneInfo

import typer

from passerelle.model.errors import ServiceError
from passerelle.model.people import OPERATOR, Role
from passerelle.model.settings import Settings

if TYPE_CHECKING:  # rooms are imported when a command needs them: --help stays quick
    from sqlalchemy.orm import Session

    from passerelle.hub.people_file import Row
    from passerelle.ledger.invitations import Link
    from passerelle.ledger.tables import Person
    from passerelle.review.accounts import Handed

app = typer.Typer(help="Accounts: add, invite, list, close; more time for one fellow.", no_args_is_help=True)

Handle = Annotated[str, typer.Argument(help="the user name, such as acacia")]
Email = Annotated[str, typer.Option(help="send the link there, where a mail server is set; it is not kept")]


class AccountError(ServiceError):
    """Something cannot be done with an account."""

    @classmethod
    def none(cls, handle: str) -> Self:
        """Build the error of an account that is not there, or is closed."""
        return cls(f"there is no open account {handle!r}: `passerelle people list` shows all")

    @classmethod
    def of_links(cls, path: Path, why: str) -> Self:
        """Build the error of a file for links that cannot be made."""
        return cls(f"{path}: {why}; name a new file for --links")

    @classmethod
    def of_mail(cls) -> Self:
        """Build the error of a mail that cannot be sent."""
        return cls("no mail server is set: set PASSERELLE_SMTP_HOST and PASSERELLE_SMTP_FROM, or leave --email out")

    @classmethod
    def of_unit(cls, handle: str, track: str, unit: str) -> Self:
        """Build the error of a unit that a fellow has not."""
        return cls(f"{handle} has no unit {unit!r} in a track {track!r}: look at courses/ and `passerelle people list`")

    @classmethod
    def of_day(cls, text: str, due: datetime) -> Self:
        """Build the error of a day that gives no more time."""
        return cls(f"{text} gives no more time: choose a day to come, after {due:%Y-%m-%d}, like 2026-11-29")


@contextmanager
def _writing(settings: Settings) -> Iterator["Session"]:
    from passerelle import ledger

    ledger.migrate(settings.database_url)
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.session(engine) as session:
            yield session
    finally:
        engine.dispose()


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="a table: first_name, role; also handle, language, tracks, cohort …")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would happen, and change nothing")] = False,
    cohort: Annotated[str, typer.Option(help="the cohort of whom the table gives none")] = "",
    links: Annotated[Path | None, typer.Option(help="write the links into this new file (0600), not here")] = None,
) -> None:
    """Add the people of a table, enrol and pair them, and make a link for each new one; all rows or none.

    Example: `passerelle people import people.csv --dry-run`
    """
    from passerelle.hub.people_file import read_rows

    settings = Settings()
    tracks = [path.parent.name for path in settings.courses.glob("*/course.json")]
    _take(settings, read_rows(file, tracks, cohort), dry_run=dry_run, links=links)


@app.command()
def add(
    first_name: Annotated[str, typer.Argument(help="the first name; no other is kept")],
    role: Annotated[Role, typer.Option(help="what this person comes for")],
    handle: Annotated[str, typer.Option(help="the user name; a neutral word is chosen where none is given")] = "",
    language: Annotated[str, typer.Option(help="en or fr")] = "fr",
    track: Annotated[list[str] | None, typer.Option(help="a track; may be repeated")] = None,
    cohort: Annotated[str, typer.Option(help="the cohort of a fellow or trainer")] = "",
    mentor: Annotated[str, typer.Option(help="a fellow's mentor, by user name")] = "",
    email: Email = "",
) -> None:
    """Add one person, as one line of a table would.

    Example: `passerelle people add Amina --role fellow --track data-science --cohort autumn`
    """
    from tempfile import TemporaryDirectory

    from passerelle.hub.people_file import read_rows

    settings = Settings()
    line = {"first_name": first_name, "role": role.value, "handle": handle, "language": language, "cohort": cohort}
    line |= {"tracks": " ".join(track or ()), "mentor": mentor, "email": email}
    tracks = [path.parent.name for path in settings.courses.glob("*/course.json")]
    with TemporaryDirectory() as folder:
        # By way of a table: one set of rules for both.
        table = Path(folder) / "person.csv"
        table.write_text(_table([list(line), list(line.values())]), "utf-8")
        rows = read_rows(table, tracks)
    _take(settings, rows, dry_run=False, links=None)


def _take(settings: Settings, rows: "list[Row]", *, dry_run: bool, links: Path | None) -> None:
    """Import rows, make links, say what was done."""
    from passerelle.hub import erasures
    from passerelle.hub.people_import import Import
    from passerelle.ledger import invitations

    if links is not None and not dry_run:
        _make_file(links)
    with _writing(settings) as session:
        taken = Import(session, ZoneInfo(settings.timezone), erased=erasures.read(settings.root)).run(rows)
        made = []
        if dry_run:
            session.rollback()
        else:
            made = [(person, invitations.make_link(session, person.handle, OPERATOR), to) for person, to in taken.added]
    for line in taken.taken_for if dry_run else ():
        typer.echo(line)
    for line in taken.lines:
        typer.echo(f"would add {line}" if dry_run else f"added {line}")
    if not taken.lines:
        typer.echo("everything is there already: nothing to change")
    _hand_over(settings, made, links)


def _make_file(path: Path) -> None:
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise AccountError.of_links(path, error.strerror or "cannot be written") from error


def _hand_over(settings: Settings, made: "list[tuple[Person, Link, str]]", links: Path | None) -> None:
    """Send each link whose owner's address is known and a mail server set; write or print the others."""
    from passerelle.review import mail
    from passerelle.review.accounts import hand_over

    sends = mail.can_send(settings)
    handed = [hand_over(settings, person, link, to if sends else "") for person, link, to in made]
    shown = [one for one in handed if not one.sent]
    for one in handed:
        if one.sent:
            typer.echo(f"{one.handle}: the link was sent")
        elif one.problem:
            typer.echo(f"{one.handle}: {one.problem}", err=True)
    if shown and links is not None:
        zone = ZoneInfo(settings.timezone)
        lines = [
            [one.handle, one.first_name, one.address, f"{one.expires.astimezone(zone):%Y-%m-%d %H:%M}"] for one in shown
        ]
        links.write_text(_table([["handle", "first_name", "link", "works_until"], *lines]), "utf-8-sig")
        typer.echo(f"links of {len(shown)} people are in {links}: hand them over, then remove the file")
    elif shown:
        _print(settings, shown)
    if any(one.problem for one in handed):
        raise typer.Exit(1)


def _print(settings: Settings, shown: "list[Handed]") -> None:
    zone = ZoneInfo(settings.timezone)
    typer.echo("Links, shown this once; each gives its person a password, so hand each to nobody else:")
    for one in shown:
        typer.echo(f"  {one.handle:<16} {one.address}  until {one.expires.astimezone(zone):%Y-%m-%d %H:%M}")


def _table(lines: list[list[str]]) -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=";").writerows(lines)
    return out.getvalue()


@app.command("list")
def list_() -> None:
    """Show every account: user name, role, language, state.

    Example: `passerelle people list`
    """
    from passerelle.ledger import invitations, people

    settings, now = Settings(), datetime.now(UTC)
    zone = ZoneInfo(settings.timezone)
    with _writing(settings) as session:
        everybody = people.people(session)
        open_links = invitations.open_until(session, [one.handle for one in everybody], now)
        for one in everybody:
            tracks = " ".join(people.tracks_of(session, one.handle, now))
            until = open_links.get(one.handle)
            state = "can sign in" if one.password_hash else "invited" if until else "no password yet"
            link = f", link until {until.astimezone(zone):%Y-%m-%d %H:%M}" if until else ""
            closed = f"closed since {one.closed.astimezone(zone):%Y-%m-%d}" if one.closed else ""
            typer.echo(
                f"{one.handle:<20} {one.role:<12} {one.language}  {closed or state + link:<44} {tracks}".rstrip()
            )


@app.command()
def invite(handle: Handle, email: Email = "") -> None:
    """Make a new link to choose a password; older ones are closed.

    Example: `passerelle people invite acacia`
    """
    _new_link(handle, email)


@app.command()
def reset(handle: Handle, email: Email = "") -> None:
    """Make a link for somebody who has forgotten her password; it goes on working until she has chosen another.

    Example: `passerelle people reset acacia`
    """
    _new_link(handle, email)


def _new_link(handle: str, email: str) -> None:
    from passerelle.ledger import invitations, people
    from passerelle.review import mail

    settings = Settings()
    if email and not (mail.can_send(settings) and mail.is_address(email)):
        raise AccountError.of_mail() if not mail.can_send(settings) else AccountError(f"{email!r} is no e-mail address")
    with _writing(settings) as session:
        person = people.account(session, handle)
        if person is None:
            raise AccountError.none(handle)
        link = invitations.make_link(session, handle, OPERATOR)
    _hand_over(settings, [(person, link, email)], None)


@app.command()
def close(handle: Handle) -> None:
    """Close an account: it cannot sign in any more, its sessions end within minutes, nothing is erased.

    Example: `passerelle people close acacia`
    """
    from passerelle.ledger import people

    with _writing(Settings()) as session:
        if people.person(session, handle) is None:
            raise AccountError.none(handle)
        closed = people.close(session, handle, OPERATOR)
    typer.echo(f"{handle} is closed" if closed else f"{handle} was closed before")


@app.command()
def extend(
    handle: Handle,
    track: Annotated[str, typer.Argument(help="the track, such as data-science")],
    unit: Annotated[str, typer.Argument(help="the unit, such as d1-tables")],
    until: Annotated[str, typer.Argument(metavar="DAY", help="the last day, such as 2026-11-29")],
) -> None:
    """Give one fellow until the end of a day for a unit; the newest day counts.

    Example: `passerelle people extend acacia data-science d1-tables 2026-11-29`
    """
    from passerelle.courses import load_course
    from passerelle.ledger import extensions
    from passerelle.model.dates import end_of_day, parse_day
    from passerelle.progress import fellow_progress

    settings, now = Settings(), datetime.now(UTC)
    zone, folder = ZoneInfo(settings.timezone), settings.courses / track
    if track not in {path.parent.name for path in settings.courses.glob("*/course.json")}:
        raise AccountError.of_unit(handle, track, unit)
    with _writing(settings) as session:
        progress = fellow_progress(session, load_course(folder), handle, now, zone=zone)
        known = next((one for one in progress.units if one.unit == unit), None) if progress else None
        if known is None:
            raise AccountError.of_unit(handle, track, unit)
        try:
            moment = end_of_day(parse_day(until), zone)
        except (ValueError, OverflowError) as error:
            raise AccountError.of_day(until, known.due) from error
        if moment <= (now if known.extended else max(now, known.due)):
            raise AccountError.of_day(until, known.due)
        extensions.extend(session, handle, track, unit, until=moment, given_by=OPERATOR, at=now)
    typer.echo(f"{handle} has until the end of {until} for {unit}")
