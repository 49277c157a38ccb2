"""The demo programme: a cohort with its people, and the courses, built and released. Twice changes nothing."""

import hashlib
import logging
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.orm import Session

import passerelle
from passerelle import ledger
from passerelle.hub import preflight
from passerelle.hub.passphrases import PASSWORDS, passphrase, read_passwords
from passerelle.ledger import people, releases
from passerelle.ledger.tables import Cohort, Pairing
from passerelle.model.keys import write_private
from passerelle.model.parcel import pack
from passerelle.model.people import Role
from passerelle.model.settings import Settings

COHORT = "demo"
STAMP = ".built-from"
STARTED = timedelta(weeks=2)
"""How long ago the demo cohort began: far enough for its first units to be due."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Persona:
    """Somebody invented."""

    handle: str
    first_name: str
    role: Role
    language: str
    mentees: tuple[str, ...] = field(default=())


PERSONAS = (
    Persona("acacia", "Amina", Role.FELLOW, "fr"),
    Persona("basil", "Bahar", Role.FELLOW, "en"),
    Persona("cedar", "Chirine", Role.FELLOW, "fr"),
    Persona("dahlia", "Daria", Role.FELLOW, "en"),
    Persona("fern", "Farida", Role.FELLOW, "fr"),
    Persona("iris", "Inès", Role.FELLOW, "fr"),
    Persona("maple", "Maëlle", Role.TRAINER, "fr"),
    Persona("oak", "Odile", Role.MENTOR, "fr", ("acacia", "basil", "cedar")),
    Persona("willow", "Wendy", Role.MENTOR, "en", ("dahlia", "fern", "iris")),
    Persona("linden", "Lise", Role.COORDINATOR, "fr"),
)


def fill(settings: Settings) -> dict[str, str]:
    """Build and release the courses, and make the demo people where they are not there yet.

    Returns:
        The passwords made now, by handle: empty where everybody had an account.
    """
    preflight.make_directories(settings)
    ledger.migrate(settings.database_url)
    tracks = build_courses(settings)
    engine = ledger.engine(settings.database_url)
    try:
        made = {persona.handle: passphrase() for persona in PERSONAS}
        with ledger.session(engine) as session:
            made = add_people(session, made, tracks, datetime.now(UTC) - STARTED)
        keep_passwords(settings, made)
    finally:
        engine.dispose()
    return made


def announcement(settings: Settings, made: dict[str, str]) -> list[str]:
    """Return the lines that show fresh passwords, this once; none where there are none."""
    if not made:
        return []
    kept = settings.secrets / PASSWORDS
    shown = [f"  {handle:<10} {password}" for handle, password in made.items()]
    return [f"Passwords of the demo programme, shown this once and kept in {kept}:", *shown]


def build_courses(settings: Settings) -> list[str]:
    """Build each course whose text has changed, and release its units; return the tracks."""
    for source in changed_courses(settings):
        into = settings.courses / source.name
        build(settings, source, into)
        (into / STAMP).write_text(_hash_of_tree(source))
    return [source.name for source in _sources(settings)]


def changed_courses(settings: Settings) -> list[Path]:
    """Return the courses as text that are not what was built last."""

    def is_built(source: Path) -> bool:
        stamp = settings.courses / source.name / STAMP
        return stamp.exists() and stamp.read_text() == _hash_of_tree(source)

    return [source for source in _sources(settings) if not is_built(source)]


def _sources(settings: Settings) -> list[Path]:
    return sorted(path.parent for path in settings.course_sources.resolve().glob("*/course.toml"))


def build(settings: Settings, source: Path, into: Path) -> None:
    """Build a course, and put what fellows get of each unit into the ledger."""
    # Imported here: nbgrader and jupytext take longer than a start on built courses needs in all.
    from passerelle.courses import build_course  # noqa: PLC0415
    from passerelle.grading.redirect import install_in  # noqa: PLC0415
    from passerelle.grading.release import generate  # noqa: PLC0415

    log.info("building %s", source.name)
    into.mkdir(mode=0o700, parents=True, exist_ok=True)
    course = build_course(source, into)
    install_in(into)
    engine = ledger.engine(settings.database_url)
    try:
        for unit in course.units:
            card = unit.card
            tree = generate(into, card.unit)
            parcel = pack({path.relative_to(tree).as_posix(): path.read_bytes() for path in _files(tree)})
            with ledger.session(engine) as session:
                releases.put_release(session, course.track, card.unit, card.version, parcel, title=card.title)
    finally:
        engine.dispose()


def add_people(session: Session, passwords: dict[str, str], tracks: list[str], began: datetime) -> dict[str, str]:
    """Add the demo people that are not there yet, enrol and pair them.

    Returns:
        The passwords of those added now.
    """
    if session.get(Cohort, COHORT) is None:
        people.add_cohort(session, COHORT, "Demo", began)
    added = {}
    for persona in PERSONAS:
        if people.person(session, persona.handle) is None:
            added[persona.handle] = passwords[persona.handle]
            people.add_person(
                session,
                persona.handle,
                persona.role,
                persona.first_name,
                language=persona.language,
                password=passwords[persona.handle],
            )
        if persona.role in (Role.FELLOW, Role.TRAINER):
            known = set(people.tracks_of(session, persona.handle))
            for track in tracks:
                if track not in known:
                    people.enrol(session, persona.handle, COHORT, track, starts=began)
    for persona in PERSONAS:
        for fellow in persona.mentees:
            if session.query(Pairing).filter_by(mentor=persona.handle, fellow=fellow).first() is None:
                people.pair(session, persona.handle, fellow, starts=began)
    return added


def keep_passwords(settings: Settings, made: dict[str, str]) -> None:
    """Add passwords to the private file they are kept in."""
    if not made:
        return
    path = settings.secrets / PASSWORDS
    kept = read_passwords(path) if path.exists() else {}
    write_private(path, "\n".join(f"{handle} {password}" for handle, password in {**kept, **made}.items()))


def _files(tree: Path) -> list[Path]:
    return sorted(path for path in tree.rglob("*") if path.is_file())


def _hash_of_tree(tree: Path) -> str:
    """Return a hash of names and bytes, and of the code that builds: either may change what is built."""
    hashed = hashlib.sha256()
    for root in (tree, Path(passerelle.__file__).parent / "courses"):
        for path in _files(root):
            if "__pycache__" not in path.parts:
                hashed.update(f"{path.relative_to(root).as_posix()}\0".encode())
                hashed.update(hashlib.sha256(path.read_bytes()).digest())
    return hashed.hexdigest()
