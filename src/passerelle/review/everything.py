"""Everything that we have of somebody, as one zip for her: sent while it is made, so its size needs no memory."""

import csv
import io
import json
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.ledger import about, people
from passerelle.ledger.mentoring_tables import Action, Goal, HelpRequest, Meeting, MeetingFeedback, Question
from passerelle.ledger.tables import Feedback, Person, Receipt
from passerelle.model.errors import SubmissionError
from passerelle.model.parcel import unpack
from passerelle.review import words
from passerelle.review.i18n import Reader, to_translate

PIECE_BYTES = 64 * 1024
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

README = (
    to_translate("This is everything that Passerelle keeps of you, at the moment of the download."),
    to_translate("data/: every row of our database that is about you, one file a table (JSON)."),
    to_translate("progress/: where you stand in each course, for a spreadsheet (CSV) and for programs (JSON)."),
    to_translate("notebooks/: every notebook as you sent it, by course, unit and attempt."),
    to_translate("feedback/: the pages with what was marked."),
    to_translate("meetings.txt: goals, questions, notes, actions, requests for help, with what was answered."),
    to_translate("looks.csv: who looked at your pages, at what and when."),
    to_translate(
        "Not in it: your password (we do not know it, we can just check it), and the files of your workspace, which "
        "you download there. Logs have no names in them; backups go after a time that your coordinator can tell you."
    ),
)


@dataclass(frozen=True)
class Whose:
    """For whom it is made, and how she reads."""

    engine: Engine
    handle: str
    reader: Reader
    now: datetime
    progress: Callable[[Session], Iterator[tuple[str, bytes, bytes]]]
    """Yields track, CSV and JSON."""


class _Sink(io.RawIOBase):
    """Takes what the zip writes; it is taken out again in pieces. It has no places, so nothing is written twice."""

    def __init__(self) -> None:
        self._held = bytearray()

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, content: Any) -> int:
        """Take bytes."""
        self._held += content
        return len(content)

    def take(self, at_least: int = 1) -> Iterator[bytes]:
        """Yield what is there, where it is enough."""
        if len(self._held) >= at_least:
            piece = bytes(self._held)
            self._held.clear()
            yield piece


def everything(whose: Whose) -> Iterator[bytes]:
    """Yield the zip in pieces. Each read of the ledger is short: who receives slowly holds nobody up."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _entries(whose):
            with archive.open(_entry(name, whose), "w") as entry:
                for piece in content:
                    entry.write(piece)
                    yield from sink.take(PIECE_BYTES)
            yield from sink.take(PIECE_BYTES)
    yield from sink.take()


def _entry(name: str, whose: Whose) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, date_time=whose.now.astimezone(whose.reader.zone).timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o600 << 16
    return info


def _entries(whose: Whose) -> Iterator[tuple[str, Iterator[bytes]]]:
    say = whose.reader.say
    yield "README.txt", iter(["\r\n\r\n".join(say(line) for line in README).encode()])
    yield "meetings.txt", _lines(whose)
    yield "looks.csv", _looks(whose)
    with ledger.reading(whose.engine) as session:
        standing = list(whose.progress(session))
    for track, rows, record in standing:
        yield f"progress/{track}.csv", iter([rows])
        yield f"progress/{track}.json", iter([record])
    for table in about.tables_about():
        yield f"data/{table.name}.json", _rows(whose, table)
    yield from _parcels(whose)


def _rows(whose: Whose, table: Any) -> Iterator[bytes]:
    """Yield the rows of a table as a list in JSON, some at a time."""
    after, between = 0, "[\n"
    while True:
        with ledger.reading(whose.engine) as session:
            rows = about.rows_about(session, table, whose.handle, after)
        for row in rows:
            line = json.dumps(row, ensure_ascii=False, default=_plain)
            yield f"{between}{line}".encode()
            between = ",\n"
        after += len(rows)
        if len(rows) < about.AT_A_TIME:
            break
    yield b"[]\n" if not after else b"\n]\n"


def _plain(value: object) -> object:
    if isinstance(value, datetime | date):
        return value.isoformat()
    raise TypeError(f"{type(value)} has no JSON")


def _parcels(whose: Whose) -> Iterator[tuple[str, Iterator[bytes]]]:
    """Yield her files, one submission in memory at a time."""
    sent = select(Receipt.id, Receipt.track, Receipt.unit, Receipt.number).where(Receipt.handle == whose.handle)
    pages = select(Feedback.id, Feedback.track, Feedback.unit).where(Feedback.handle == whose.handle)
    with ledger.reading(whose.engine) as session:
        receipts = session.execute(sent.order_by(Receipt.track, Receipt.unit, Receipt.number)).all()
        released = session.execute(pages.order_by(Feedback.track, Feedback.unit, Feedback.id)).all()
    for identity, track, unit, attempt in receipts:
        yield from _files(
            whose, f"notebooks/{track}/{unit}/{attempt:03}", select(Receipt.content), Receipt.id == identity
        )
    for count, page in enumerate(released, start=1):
        folder = f"feedback/{page.track}/{page.unit}/{count:03}"
        yield from _files(whose, folder, select(Feedback.content), Feedback.id == page.id)


def _files(whose: Whose, folder: str, query: Any, where: Any) -> Iterator[tuple[str, Iterator[bytes]]]:
    with ledger.reading(whose.engine) as session:
        parcel = session.scalar(query.where(where))
    if parcel is None:
        return
    try:
        files = unpack(parcel)  # refuses names that lead elsewhere
    except SubmissionError:
        files = {"submission.bin": parcel}
    for name, content in sorted(files.items()):
        yield f"{folder}/{name}", iter([content])


def _looks(whose: Whose) -> Iterator[bytes]:
    out, say = io.StringIO(), whose.reader.say
    table = csv.writer(out, delimiter=";", lineterminator="\r\n")
    table.writerow(
        [say(to_translate("when")), say(to_translate("who")), say(to_translate("role")), say(to_translate("what"))]
    )
    with ledger.reading(whose.engine) as session:
        for look in people.accesses_to(session, whose.handle):
            viewer = people.person(session, look.viewer)
            name = viewer.first_name if viewer else say(words.VIEWERS.get(look.viewer, look.viewer))
            role = say(words.ROLE_WORDS[viewer.role]) if viewer else ""
            at = look.at.astimezone(whose.reader.zone).strftime("%Y-%m-%d %H:%M:%S")
            table.writerow([_cell(cell) for cell in (at, name, role, say(words.LOOKED_AT.get(look.what, look.what)))])
    yield b"\xef\xbb\xbf" + out.getvalue().encode()


def _cell(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula."""
    return f"'{text}" if text.lstrip().startswith(_FORMULA) else text


def _lines(whose: Whose) -> Iterator[bytes]:
    """Yield what was said, the oldest first, a paragraph each."""
    say, handle = whose.reader.say, whose.handle
    with ledger.reading(whose.engine) as session:
        names = {one.handle: one.first_name for one in session.scalars(select(Person))}
        said: list[tuple[datetime, str, str | None]] = []
        for goal in session.scalars(select(Goal).where(Goal.handle == handle)):
            said.append((goal.at, say(to_translate("My goal")), goal.text))
        for question in session.scalars(select(Question).where(Question.handle == handle)):
            said.append((question.at, say(to_translate("My question")), question.text))
        for meeting in session.scalars(select(Meeting).where(Meeting.fellow == handle)):
            said.append((meeting.starts, say(to_translate("Notes of the meeting")), meeting.notes))
        theirs = select(MeetingFeedback).join(Meeting, Meeting.id == MeetingFeedback.meeting)
        well, better = say(to_translate("What went well")), say(to_translate("What to do next time"))
        for word in session.scalars(theirs.where(Meeting.fellow == handle)):
            author = names.get(word.author, "")
            said += [(word.at, f"{author} · {well}", word.went_well), (word.at, f"{author} · {better}", word.next_time)]
        agreed, stuck = say(to_translate("Action")), say(to_translate("I asked for help"))
        for action in session.scalars(select(Action).where(Action.fellow == handle)):
            said.append((action.made, f"{agreed} · {names.get(action.owner, '')}", action.text))
        for wish in session.scalars(select(HelpRequest).where(HelpRequest.fellow == handle)):
            said.append((wish.asked, f"{stuck} · {wish.unit or wish.track}", wish.words))
            if wish.answered:
                said.append((wish.answered, say(to_translate("The answer")), wish.answer))
    for at, title, text in sorted(said, key=lambda one: one[0]):
        if text:
            moment = at.astimezone(whose.reader.zone).strftime("%Y-%m-%d %H:%M")
            yield f"{moment} · {title}\r\n{text}\r\n\r\n".encode()
