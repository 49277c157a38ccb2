"""`passerelle erase`: let what we have of somebody go, from every place; killed in the middle, the next call goes on.

The order: the account is closed, so that nothing new comes; the hub lets go of her; files go; the ledger last, since
it is what says whom this is about; then every database is written anew, without free pages that remember.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from passerelle import ledger
from passerelle.grading import forget, pause
from passerelle.grading.gradebook import gradebook_path
from passerelle.grading.leftover import blot_out, files_below, remove_tree, says
from passerelle.grading.worker import courses_of
from passerelle.hub import erasures
from passerelle.hub.backup import KEPT, LAST, LEDGER
from passerelle.hub.hub_user import HubUser
from passerelle.hub.lock import one_erasure
from passerelle.hub.logs import alias
from passerelle.hub.manifest import Manifest, backups
from passerelle.hub.passphrases import PASSWORDS, read_passwords
from passerelle.hub.vacuum import vacuum
from passerelle.ledger import about, erasure, people
from passerelle.ledger.tables import Person
from passerelle.model.errors import ServiceError
from passerelle.model.keys import write_private
from passerelle.model.people import Role
from passerelle.model.settings import Settings

UNFINISHED = "erasing.json"
"""In the data directory while somebody is being erased: what the job needs to go on."""

Say = Callable[[str], None]


class EraseError(ServiceError):
    """Nobody was erased."""

    @classmethod
    def nobody(cls, handle: str) -> Self:
        """Build the error of a handle that stands nowhere."""
        return cls(f"there is nothing of {handle!r} here: `passerelle people list` shows who is there")


@dataclass(frozen=True)
class Erasing:
    """An erasure that is under way."""

    handle: str
    first_name: str
    tombstone: str
    at: str

    @classmethod
    def unfinished(cls, root: Path) -> Self | None:
        """Return the one that was begun and did not come to its end."""
        try:
            return cls(**json.loads((root / UNFINISHED).read_text()))
        except FileNotFoundError:
            return None

    @property
    def moment(self) -> datetime:
        """Return when it began."""
        return datetime.fromisoformat(self.at)


def erase(settings: Settings, handle: str, *, say: Say) -> None:
    """Erase somebody; one that was begun before comes to its end first. The hub may run.

    Raises:
        ServiceError: it did not come to its end; the same call again goes on.
    """
    with one_erasure(settings.root):
        before = Erasing.unfinished(settings.root)
        if before is not None:
            _finish(settings, before, say)
        if before is None or before.handle != handle:
            _finish(settings, _begin(settings, handle), say)


def finish(settings: Settings, *, say: Say) -> bool:
    """Bring an erasure that was killed to its end; tell whether there was one."""
    before = Erasing.unfinished(settings.root)
    if before is not None:
        with one_erasure(settings.root):
            _finish(settings, before, say)
    return before is not None


def agreed(settings: Settings, *, say: Say) -> list[str]:
    """Carry out what a coordinator has agreed to; return whose it was."""
    done = []
    while following := next(iter(_agreed(settings)), None):
        erase(settings, following, say=say)
        done.append(following)
    return done


def waiting(settings: Settings) -> list[str]:
    """Return whom coordinators have agreed to erase, and whose erasure was begun."""
    begun = Erasing.unfinished(settings.root)
    return list(dict.fromkeys([*([begun.handle] if begun else []), *_agreed(settings)]))


def _agreed(settings: Settings) -> list[str]:
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.reading(engine) as session:
            return erasure.agreed(session)
    finally:
        engine.dispose()


def _begin(settings: Settings, handle: str) -> Erasing:
    ledger.migrate(settings.database_url)
    now = datetime.now(UTC)
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.session(engine) as session:
            person = session.get(Person, handle)
            _must_be_there(settings, person, handle)
            name = person.first_name if person else ""
            if person is not None:
                person.closed = person.closed or now
    finally:
        engine.dispose()
    erasures.note(settings.root, handle, now)
    begun = Erasing(handle, name, erasure.new_tombstone(), now.isoformat())
    write_private(settings.root / UNFINISHED, json.dumps(asdict(begun)))
    return begun


def _finish(settings: Settings, erasing: Erasing, say: Say) -> None:
    say("the hub: her server, her account")
    HubUser(settings).forget(erasing.handle)
    with pause.paused(settings.root):
        forget_in(settings, erasing, say)
        for aside in aside_of(settings.root):
            say(f"{aside.name}: what a restore has moved aside")
            forget_in(Settings(data=aside, database=""), erasing, say)
    say("logs")
    _blot_logs(settings, erasing)
    _sweep(settings, erasing)
    (settings.root / UNFINISHED).unlink(missing_ok=True)


def forget_in(settings: Settings, erasing: Erasing, say: Say) -> None:
    """Take somebody out of one set of data: that of the installation, one moved aside, one that is being restored.

    Nobody else may work on it: marking waits, or it is not in use.
    """
    HubUser(settings).delete(erasing.handle)
    for copy in _copies_of_hub(settings):
        copy.unlink()
    for track, course_dir in courses_of(settings).items():
        say(f"{track}: what she sent, what was marked, the gradebook")
        forget.forget_folders(course_dir, erasing.handle)
        forget.forget_rows(course_dir, erasing.handle)
    say("her home")
    remove_tree(settings.homes / erasing.handle)
    _forget_password(settings.secrets / PASSWORDS, erasing.handle)
    _blot_state(settings, erasing.handle)
    if not _is_file(settings) or (settings.root / LEDGER).is_file():
        say("the ledger")
        ledger.migrate(settings.database_url)
        engine = ledger.engine(settings.database_url)
        try:
            with ledger.session(engine) as session:
                erasure.erase(session, erasing.handle, erasing.tombstone, erasing.moment)
        finally:
            engine.dispose()
    say("writing the databases anew")
    if not _is_file(settings) or settings.gradebooks:
        say("on the database server: run `VACUUM FULL`; until then her rows are in its free pages")
    for path in databases_of(settings):
        vacuum(path)


def _sweep(settings: Settings, erasing: Erasing) -> None:
    """Once more over what a request that was under way may have written since."""
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.session(engine) as session:
            if session.get(Person, erasing.handle) is None:
                erasure.rename(session, erasing.handle, erasing.tombstone)
    finally:
        engine.dispose()
    if _is_file(settings):
        vacuum(settings.root / LEDGER)


def databases_of(settings: Settings) -> list[Path]:
    """Return the database files of a set of data, the ledger first."""
    found = [settings.root / LEDGER] if _is_file(settings) else []
    found += [settings.root / "hub" / "jupyterhub.sqlite"]
    books = [gradebook_path(course_dir) for course_dir in courses_of(settings).values()]
    return [path for path in (*found, *books) if path is not None and path.is_file()]


def _copies_of_hub(settings: Settings) -> list[Path]:
    """Return what JupyterHub has copied of its database before it changed its tables: everybody's names of then."""
    return sorted((settings.root / "hub").glob("jupyterhub.sqlite.[0-9.]*"))


def _is_file(settings: Settings) -> bool:
    """Tell whether the ledger is the data directory's own file; one on a server is written anew by that server."""
    return settings.database_url == f"sqlite:///{settings.root}/{LEDGER}"


def aside_of(root: Path) -> list[Path]:
    """Return what restores have moved aside and kept."""
    return [path for path in sorted(root.glob(f"{KEPT}*")) if path.is_dir() and not path.is_symlink()]


def _forget_password(path: Path, handle: str) -> None:
    if path.is_file():
        kept = read_passwords(path)
        if kept.pop(handle, None) is not None:
            write_private(path, "\n".join(f"{name} {password}" for name, password in kept.items()))


def _blot_logs(settings: Settings, erasing: Erasing) -> None:
    """Take her out of the logs: what stands there for her names, and her handle where a program printed it."""
    # As `logs` takes names apart.
    stand_ins = [
        alias(settings, word) for word in re.findall(r"[\w-]+", f"{erasing.handle} {erasing.first_name}".lower())
    ]
    # The last words of her server, in a file of that name: they are about her notebooks.
    for path in (settings.logs / "servers").glob(f"{alias(settings, erasing.handle).strip('#')}.log*"):
        path.unlink()
    for path in files_below(settings.logs) if settings.logs.is_dir() else ():
        blot_out(path, [erasing.handle, f"jupyterhub-user-{erasing.handle}", *stand_ins])
    _blot_state(settings, erasing.handle)


def _blot_state(settings: Settings, handle: str) -> None:
    """Take her out of what the processes write down for one another beside the hub's database."""
    for path in files_below(settings.root / "hub") if (settings.root / "hub").is_dir() else ():
        if path.suffix == ".json":
            blot_out(path, [handle])


def names_in(settings: Settings) -> set[str]:
    """Return all names under which a set of data keeps something of somebody, the ledger aside."""
    found = HubUser(settings).names()
    if settings.homes.is_dir():
        found |= {path.name for path in settings.homes.iterdir()}
    for course_dir in courses_of(settings).values():
        found |= forget.students_in(course_dir)
    return found


def survey(settings: Settings, handle: str) -> Iterator[str]:
    """Yield what there is of somebody and where, a line each; changes nothing.

    Raises:
        EraseError: there is nothing of her.
    """
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.reading(engine) as session:
            _must_be_there(settings, session.get(Person, handle), handle)
            counted = about.counts(session, handle)
            trainers = [one.handle for one in people.people(session, Role.TRAINER) if one.handle != handle]
            named = erasure.named_by_others(session, handle)
    finally:
        engine.dispose()
    yield from (f"ledger, {table}: {many} rows" for table, many in counted.items())
    yield from _survey_files(settings, handle)
    if handle in HubUser(settings).names():
        yield "hub: her account, with her server and tokens"
    yield from (f"{path.relative_to(settings.root)}: JupyterHub's copy of before" for path in _copies_of_hub(settings))
    for aside in aside_of(settings.root):
        yield f"{aside.name}: what a restore has moved aside, in all these places"
    yield from said_of_backups(settings)
    for place, many in named.items():
        yield f"not touched: {place}: {many} texts about others name {handle} or have her first name as a word"
    for track, course_dir in courses_of(settings).items():
        for path in forget.not_reached(course_dir, handle):
            yield f"not touched: {path.relative_to(settings.root)} has the word {handle}: ask the trainers of {track}"
    for trainer in trainers:
        for path in files_below(settings.homes / trainer) if (settings.homes / trainer).is_dir() else ():
            if says(path, [handle]):
                yield f"not touched: {path.relative_to(settings.root)} has the word {handle}: ask {trainer}"


def _must_be_there(settings: Settings, person: Person | None, handle: str) -> None:
    if (person is None and handle not in names_in(settings)) or (person is not None and person.erased):
        raise EraseError.nobody(handle)


def _survey_files(settings: Settings, handle: str) -> Iterator[str]:
    root = settings.root
    for track, course_dir in courses_of(settings).items():
        for folder in forget.folders_of(course_dir, handle):
            yield f"{folder.relative_to(root)}: {sum(1 for _ in files_below(folder))} files"
        if rows := forget.rows_of(course_dir, handle):
            yield f"gradebook of {track}: {rows} rows"
        yield from (f"{path.relative_to(root)}: names her" for path in forget.traces(course_dir, handle))
    home = settings.homes / handle
    if home.is_dir():
        yield f"{home.relative_to(root)}: {sum(1 for _ in files_below(home))} files"


def said_of_backups(settings: Settings) -> Iterator[str]:
    """Yield what the backups that we know of still hold."""
    places = {settings.root / "backups"}
    with contextlib.suppress(OSError, ValueError, KeyError):  # none was made yet
        places.add(Path(json.loads((settings.root / LAST).read_text())["into"]))
    for place in sorted(places):
        for made in backups(place):
            day = f"{Manifest.read(made).moment:%Y-%m-%d}"
            yield f"not touched: the backup of {day}, {made}: whoever restores it erases again; remove it in time"


def again(settings: Settings, known: list[erasures.Erased], *, say: Say) -> int:
    """Carry out every erasure of a list once more in a set of data that nobody works on; return how many came back.

    Somebody who was given an erased handle later stays: her account is younger than the erasure.
    """
    back = 0
    for handle in sorted(came_back(settings, known)):
        when = erasures.when(known, handle)
        assert when is not None  # it is in the list  # noqa: S101
        say("erasing again who was erased since")
        forget_in(settings, Erasing(handle, "", erasure.new_tombstone(), when.isoformat()), lambda _: None)
        back += 1
    return back


def came_back(settings: Settings, known: list[erasures.Erased]) -> Iterator[str]:
    """Yield who is there again that was erased."""
    ages: dict[str, datetime] = {}
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.reading(engine) as session:
            ages = {one.handle: one.created for one in people.people(session)}
    finally:
        engine.dispose()
    for handle in names_in(settings) | set(ages):
        when = erasures.when(known, handle)
        if when is not None and (handle not in ages or ages[handle] <= when):
            yield handle
