"""Data of one fellow in every place there is, each with words that stand nowhere else; and a search for them."""

import hashlib
import io
import json
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path

import sqlalchemy
from jupyterhub import orm
from sqlalchemy import select
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.grading.manual import sync_manual_marks
from passerelle.hub.logs import alias
from passerelle.hub.passphrases import PASSWORDS
from passerelle.ledger import erasure, extensions, invitations, people, releases
from passerelle.ledger.mentoring_tables import (
    Action,
    CueDismissal,
    ExportRecord,
    Goal,
    HelpRequest,
    Meeting,
    MeetingFeedback,
    Pause,
    Question,
    RubricMark,
    VerdictCheck,
)
from passerelle.ledger.tables import (
    Base,
    FlakySighting,
    Job,
    ManualMark,
    Receipt,
    Rehearsal,
    RehearsedVerdict,
    SignInTries,
    VerdictRow,
)
from passerelle.model.keys import write_private
from passerelle.model.parcel import pack
from passerelle.model.people import Role
from tests.unit.grading.desk import CHECK, HALF, MANUAL, MORNING, TRACK, UNIT, Desk

HER, NAME = "qzvaloise", "Wexphrasie"
OTHER, OTHER_NAME = "basil", "Bahar"
MENTOR, TRAINER, COORDINATOR = "oakmentor", "mapletrainer", "lindencoord"


def words(where: str, handle: str = HER) -> str:
    """Return what stands in one place of hers alone."""
    return f"xq{handle}xq {where} Ωmega"


def add_everybody(desk: Desk) -> None:
    """Add her, and those around her and Bahar."""
    with ledger.session(desk.engine) as session:
        people.add_person(session, HER, Role.FELLOW, NAME, password="of her own kraxl", at=MORNING)
        for handle, role in ((MENTOR, Role.MENTOR), (TRAINER, Role.TRAINER), (COORDINATOR, Role.COORDINATOR)):
            people.add_person(session, handle, role, handle.title(), at=MORNING)
        people.add_cohort(session, "2024", "Autumn", MORNING)
        for handle in (HER, OTHER, TRAINER):
            people.enrol(session, handle, "2024", TRACK, starts=MORNING)
        for fellow in (HER, OTHER):
            people.pair(session, MENTOR, fellow, starts=MORNING)


def fill(desk: Desk) -> None:
    """Let everything happen to both, once."""
    add_everybody(desk)
    for handle in (HER, OTHER):
        _work(desk, handle)
        with ledger.session(desk.engine) as session:
            _rows(session, handle)
            _mentoring(session, handle)
        _files(desk, handle)
    with ledger.session(desk.engine) as session:
        sync_manual_marks(desk.course_dir, session, track=TRACK)
        mark = session.scalars(select(ManualMark).where(ManualMark.handle == HER)).first()
        assert mark is not None
        session.add(RubricMark(mark=mark.id, criterion="clear", level="well", points=1, by=TRAINER))
        erasure.ask(session, HER, HER, MORNING)
        session.add(
            ExportRecord(
                at=MORNING,
                by=COORDINATOR,
                what=f"fellow {HER}",
                recipient="programme",
                identified=True,
                reason=f"a letter for {NAME}",
            )
        )
        session.add(SignInTries(key="k", tries=1, last=MORNING))
    _hub(desk.settings.root)
    desk.settings.logs.mkdir(exist_ok=True)
    stand_in = alias(desk.settings, HER)
    (desk.settings.logs / "web.log").write_text(f'{{"event": "hello {stand_in}"}}\nprinted: /home/{HER}/x\n')
    (desk.settings.logs / "servers").mkdir()
    (desk.settings.logs / "servers" / f"{stand_in.strip('#')}.log").write_text(f"NameError: {words('last words')}\n")
    (desk.settings.logs / "hub.log.1").write_text(f"Creating oauth client jupyterhub-user-{HER}\n")
    lines = [f"{HER} passphrase-of-{HER}", f"{OTHER} passphrase-of-{OTHER}"]
    write_private(desk.settings.secrets / PASSWORDS, "\n".join(lines))


def _work(desk: Desk, handle: str) -> None:
    for text in (words("first try", handle), words("second try", handle)):
        desk.record(desk.submit(desk.files(HALF, text, **{"beside.txt": words("a file", handle).encode()}), handle))
        desk.mark_by_hand(0.5, MANUAL, handle, comment=words(f"comment on {text[-9:]}", handle))
        with ledger.session(desk.engine) as session:
            sync_manual_marks(desk.course_dir, session, track=TRACK)
    with ledger.session(desk.engine) as session:
        for row in session.scalars(select(VerdictRow).where(VerdictRow.erased.is_(None))):
            receipt = session.scalars(select(Receipt).where(Receipt.verdict_key == row.key)).first()
            if receipt is not None and receipt.handle == handle:
                # What a message quotes; verdicts cannot be rewritten, so it is one behind the first.
                record = {**row.record, "notices": [{"id": "said", "args": {"found": words("quoted", handle)}}]}
                key = hashlib.sha256(f"quoting {row.key}".encode()).hexdigest()
                session.add(
                    VerdictRow(key=key, track=TRACK, unit=UNIT, points=1.0, record={**record, "key": key}, made=MORNING)
                )
                session.flush()
                receipt.verdict_key = key


def _rows(session: Session, handle: str) -> None:
    sent = session.scalars(select(Receipt).where(Receipt.handle == handle).order_by(Receipt.number)).all()
    assert sent[0].verdict_key is not None
    session.add(
        VerdictCheck(
            verdict=sent[0].verdict_key, check=CHECK, manual=False, points=1, max_points=2, answer=f"xq{handle}xq"
        )
    )
    at = {"points": 2.0, "other": 0.0, "at": MORNING}
    session.add(FlakySighting(track=TRACK, unit=UNIT, check=CHECK, verdict=sent[0].verdict_key, **at))
    rehearsal = Rehearsal(track=TRACK, unit=UNIT, asked_by=TRAINER, asked=MORNING, state="ours", total=1, done=1)
    rehearsal.reason = f"of {handle}"
    session.add(rehearsal)
    session.flush()
    record = {"quotes": words("rehearsed", handle)}
    session.add(RehearsedVerdict(rehearsal=rehearsal.id, receipt=sent[0].id, record=record))
    job = session.scalars(select(Job).where(Job.receipt == sent[-1].id)).one()
    job.state, job.reason = "ours", words("stopped at", handle)
    page = pack({f"{UNIT}.html": words("feedback page", handle).encode()})
    releases.put_feedback(
        session, handle=handle, track=TRACK, unit=UNIT, timestamp="2024-11-26 09:31:00.123456 UTC", parcel=page
    )
    people.log_access(session, MENTOR, handle, "sheet", MORNING)
    people.log_access(session, handle, MENTOR, "sheet", MORNING)
    extensions.extend(session, handle, TRACK, UNIT, until=MORNING, given_by=TRAINER, at=MORNING)
    invitations.make_link(session, handle, COORDINATOR, MORNING)


def _mentoring(session: Session, handle: str) -> None:
    meeting = Meeting(
        fellow=handle,
        mentor=MENTOR,
        starts=MORNING,
        state="held",
        uid=f"uid-{len(handle)}",
        made_by=handle,
        made=MORNING,
        held=MORNING,
        notes=words("notes", handle),
    )
    session.add(meeting)
    session.flush()
    said = {"went_well": words("went well", handle), "next_time": words("next time", handle), "at": MORNING}
    session.add_all(
        [
            MeetingFeedback(meeting=meeting.id, author=handle, **said),
            MeetingFeedback(meeting=meeting.id, author=MENTOR, **said),
            Goal(handle=handle, text=words("goal", handle), at=MORNING),
            Question(handle=handle, text=words("question", handle), at=MORNING, meeting=meeting.id),
            Action(
                fellow=handle, mentor=MENTOR, owner=handle, made_by=handle, text=words("action", handle), made=MORNING
            ),
            HelpRequest(
                fellow=handle,
                track=TRACK,
                unit=UNIT,
                check=CHECK,
                words=words("stuck", handle),
                asked=MORNING,
                answer_by=date(2024, 11, 28),
                taken_by=TRAINER,
                answer=words("answer", handle),
                answered_by=TRAINER,
                answered=MORNING,
                token=f"token-{handle}",
            ),
            CueDismissal(
                fellow=handle,
                cue="quiet",
                facts=f"xq{handle}xq",
                reason=words("dismissed", handle),
                by=handle,
                at=MORNING,
            ),
            Pause(handle=handle, starts=MORNING, ends=MORNING + timedelta(days=7), made=MORNING),
        ]
    )


def _files(desk: Desk, handle: str) -> None:
    home = desk.settings.home(handle)
    (home / "closed" / "deep").mkdir(parents=True)
    (home / "closed" / "deep" / f"{handle}.txt").write_text(words("home", handle))
    (home / "way-out").symlink_to(desk.course_dir)
    (home / "closed").chmod(0o500)
    (home / "closed" / "deep").chmod(0o000)
    pages = desk.course_dir / "feedback" / handle / UNIT
    pages.mkdir(parents=True)
    (pages / f"{UNIT}.html").write_text(words("nbgrader's feedback", handle))
    if handle == HER:
        tabs = desk.course_dir / ".jupyter" / "lab" / "workspaces"
        tabs.mkdir(parents=True)
        (tabs / "default.json").write_text(json.dumps({"open": f"submitted/{handle}/{UNIT}"}))
        with closing(sqlite3.connect(desk.course_dir / ".jupyter" / "history.sqlite")) as history, history:
            history.execute("CREATE TABLE said (line TEXT)")
            history.execute("INSERT INTO said VALUES (?)", [f"open('submitted/{handle}')"])
        with closing(sqlite3.connect(desk.course_dir / ".jupyter" / "file_ids.db")) as files, files:
            # As Jupyter keeps it: in a database's page the path is followed by the file's number at once.
            files.execute("CREATE TABLE Files (path TEXT, ino INTEGER)")
            files.execute("INSERT INTO Files VALUES (?, ?)", [f"submitted/{handle}", 0x4142])


def _hub(root: Path) -> None:
    (root / "hub").mkdir(exist_ok=True)
    engine = sqlalchemy.create_engine(f"sqlite:///{root / 'hub' / 'jupyterhub.sqlite'}")
    orm.Base.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        for handle in (HER, OTHER):
            user = orm.User(name=handle)
            session.add(user)
            session.flush()
            client = orm.OAuthClient(
                identifier=f"jupyterhub-user-{handle}",
                description=f"Server at /user/{handle}/",
                redirect_uri=f"/user/{handle}/oauth_callback",
                secret="s",
            )
            server = orm.Server(proto="http", ip="127.0.0.1", port=1, base_url=f"/user/{handle}/", cookie_name="c")
            session.add_all([client, server])
            session.flush()
            session.add(orm.Spawner(user_id=user.id, name="", server=server, state={"home": f"/home/{handle}"}))
    engine.dispose()
    # As JupyterHub copies it before it changes its tables.
    shutil.copy(root / "hub" / "jupyterhub.sqlite", root / "hub" / "jupyterhub.sqlite.2024-11-01-060000")
    (root / "hub" / "boxes.json").write_text(json.dumps({"boxes": [HER, OTHER]}))


def needles(desk: Desk, handle: str, name: str) -> list[bytes]:
    """Return what would tell of somebody: handle, name, the words of every place, hashes, what logs call her."""
    found = [handle.encode(), name.encode(), f"xq{handle}xq".encode(), alias(desk.settings, handle).strip("#").encode()]
    with ledger.reading(desk.engine) as session:
        person = people.person(session, handle)
        assert person is not None
        found += [sent.encode() for sent in session.scalars(select(Receipt.sha256).where(Receipt.handle == handle))]
        found += [
            mark.encode() for mark in session.scalars(select(ManualMark.answer).where(ManualMark.handle == handle))
        ]
        found += [person.password_hash.encode()] if person.password_hash else []
    return found


def places_of(root: Path, sought: list[bytes]) -> set[str]:
    """Return where one of these stands: file names, every byte of every file, what is packed in a database's cells."""
    found = set()
    for path in root.rglob("*"):
        name = str(path.relative_to(root))
        if any(one in name.encode() for one in sought):
            found.add(f"name of {name}")
        if path.is_file() and not path.is_symlink():
            content = path.read_bytes()
            if any(one in content for one in sought):
                found.add(name)
            if content.startswith(b"SQLite format 3\0"):
                found |= {f"{name}: {where}" for where in _packed(path, sought)}
    return found


def _packed(path: Path, sought: list[bytes]) -> Iterator[str]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        for (table,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            for row in database.execute(f'SELECT * FROM "{table}"'):
                for cell in row:
                    if isinstance(cell, bytes) and cell.startswith(b"PK"):
                        with zipfile.ZipFile(io.BytesIO(cell)) as parcel:
                            files = b"".join(parcel.read(name) for name in parcel.namelist())
                        if any(one in files for one in sought):
                            yield table


def counts(desk: Desk) -> dict[str, int]:
    """Return how many rows each table of the ledger has."""
    with ledger.reading(desk.engine) as session:
        tables = Base.metadata.sorted_tables
        return {one.name: session.scalar(select(sqlalchemy.func.count()).select_from(one)) or 0 for one in tables}


def all_of(desk: Desk, handle: str) -> dict[str, list[tuple[object, ...]]]:
    """Return every row of the ledger in which somebody's handle stands, as it is."""
    found: dict[str, list[tuple[object, ...]]] = {}
    with ledger.reading(desk.engine) as session:
        for table in Base.metadata.sorted_tables:
            rows = [tuple(row) for row in session.execute(select(table))]
            found[table.name] = [row for row in rows if handle in row]
    return found
