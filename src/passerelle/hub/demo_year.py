"""A year of an invented programme, written straight into the ledger by its own functions: nothing is marked for real.

40 fellows in two cohorts, three tracks in outline, 20 mentors, 3 trainers, a coordinator. The same seed and the same
last day give the same year (ids of receipts apart, which are secrets). Twice changes nothing.
"""

import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo

from sqlalchemy import update
from sqlalchemy.orm import Session

from passerelle import ledger
from passerelle.hub import demo_courses, demo_marks, demo_meetings, demo_office, demo_sent, demo_texts, preflight
from passerelle.hub.demo import PERSONAS, keep_passwords
from passerelle.hub.passphrases import passphrase
from passerelle.ledger import people, queue, receipts, releases
from passerelle.ledger.tables import Cohort, Job, Receipt
from passerelle.model.course import Course
from passerelle.model.dates import weeks_after
from passerelle.model.errors import ServiceError
from passerelle.model.parcel import pack
from passerelle.model.people import LANGUAGES, Role
from passerelle.model.settings import Settings

SEED = 2026
COHORTS = (("demo-spring", 51, 12), ("demo-autumn", 19, 28))
"""The two cohorts: id, how many weeks ago it began, how many fellows it has."""

KINDS = ("quiet", "stuck", "paused", "waits", "aside", "help", "new", "unsaid", "ours")
"""What some of the fellows of now are there to show; all others are steady."""

_LEASE_S = 60.0


class NotADemoError(ServiceError):
    """The data are of real people."""

    @classmethod
    def of(cls, root: Path, handle: str) -> Self:
        """Build the error from somebody who is in no demo."""
        return cls(
            f"{root}: {handle} is an account of yours; the demo year needs a data directory of its own, such as "
            "PASSERELLE_DATA=/tmp/year"
        )


@dataclass
class Fellow:
    """Somebody in the story. `care` (0 to 1) is how soon points come, `stops` when she sends nothing more."""

    handle: str
    track: str
    language: str
    starts: datetime
    ends: datetime | None
    care: float
    mentor: str
    kind: str = "steady"
    pauses: list[tuple[datetime, datetime | None]] = field(default_factory=list)


@dataclass
class Story:
    """What happens, each at its moment; the moments are made first, then lived in their order."""

    session: Session
    draw: random.Random
    zone: ZoneInfo
    last_day: datetime
    events: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)

    def at(self, moment: datetime, happens: Callable[[datetime], None]) -> None:
        """Let something happen at a moment, unless that is still to come."""
        if moment < self.last_day:
            self.events.append((moment, len(self.events), happens))

    def live(self) -> None:
        """Let it all happen, also what is added meanwhile for a later moment."""
        while self.events:
            self.events.sort(key=lambda one: one[:2])
            waiting, self.events = self.events, []
            for moment, _, happens in waiting:
                happens(moment)

    def say(self, texts: demo_texts.Said, language: str) -> str:
        """Return one of the sentences."""
        return self.draw.choice(texts[language])


def fill(settings: Settings, now: datetime | None = None) -> dict[str, str]:
    """Write the year that ends now, where it is not there yet; return the passwords made, by handle.

    Raises:
        NotADemoError: there are other people than a demo's in the ledger.
    """
    preflight.make_directories(settings)
    ledger.migrate(settings.database_url)
    engine = ledger.engine(settings.database_url)
    try:
        with ledger.reading(engine) as session:
            there = _is_there(session, settings.root)
        if there:
            return {}
        # Hashing takes its time: before the transaction.
        made = {handle: passphrase() for handle in _at_the_door()}
        hashes = {handle: people.hash_password(password) for handle, password in made.items()}
        courses = [demo_courses.course(track) for track in demo_courses.TRACKS]
        with ledger.session(engine) as session:
            write(session, courses, hashes, settings, now or datetime.now(UTC))
        for course in courses:
            folder = settings.courses / course.track
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / "course.json").write_text(course.model_dump_json(), encoding="utf-8")
        keep_passwords(settings, made)
        return made
    finally:
        engine.dispose()


def _handles() -> list[str]:
    texts = demo_texts
    return [*texts.FELLOWS, *texts.MENTORS, *texts.TRAINERS, texts.COORDINATOR]


def _at_the_door() -> list[str]:
    """Return who gets a password: everybody would be slow, and the coordinator makes a link for anybody else."""
    texts, first = demo_texts, COHORTS[0][2]
    return [*texts.FELLOWS[first : first + 4], *texts.MENTORS[:2], *texts.TRAINERS, texts.COORDINATOR]


def _is_there(session: Session, root: Path) -> bool:
    invented = {*_handles(), *(persona.handle for persona in PERSONAS)}
    stranger = next((one.handle for one in people.people(session) if one.handle not in invented), None)
    if stranger is not None:
        raise NotADemoError.of(root, stranger)
    return session.get(Cohort, COHORTS[0][0]) is not None


def write(
    session: Session, courses: list[Course], hashes: dict[str, str], settings: Settings, last_day: datetime
) -> list[Fellow]:
    """Write the year that ends with `last_day` into a ledger; `hashes` are passwords' by handle."""
    draw = random.Random(SEED)  # noqa: S311  # a story, no secret
    zone = ZoneInfo(settings.timezone)
    # From the beginning of the hour: who runs it twice within the hour gets the same moments.
    story = Story(session, draw, zone, last_day.replace(minute=0, second=0, microsecond=0))
    fellows = _add_people(story, hashes)
    by_track = {course.track: course for course in courses}
    for course in courses:
        _release(story, course)
    pending: list[Callable[[], None]] = []
    for fellow in fellows:
        course = by_track[fellow.track]
        demo_meetings.tell(story, fellow, course)
        _learn(story, fellow, course, pending)
    story.live()
    # Last, so that no later submission finds them waiting.
    for sends in pending:
        sends()
    demo_meetings.put_one_aside(story, fellows, by_track, settings)
    for course in courses:
        demo_meetings.leave_something(story, [one for one in fellows if one.track == course.track], course)
    demo_office.tell(story, fellows)
    session.flush()
    return fellows


def _add_people(story: Story, hashes: dict[str, str]) -> list[Fellow]:
    session, draw, texts = story.session, story.draw, demo_texts
    names = iter(texts.FIRST_NAMES)
    began = {cohort: _monday(story, weeks) for cohort, weeks, _ in COHORTS}
    first = min(began.values()) - timedelta(days=14)

    def add(handle: str, role: Role, language: str) -> None:
        people.add_person(session, handle, role, next(names), language=language, at=first).password_hash = hashes.get(
            handle
        )

    fellows: list[Fellow] = []
    handles = iter(texts.FELLOWS)
    for cohort, weeks, count in COHORTS:
        title = "Printemps · Spring" if weeks > demo_courses.WEEKS else "Automne · Autumn"
        people.add_cohort(session, cohort, title, began[cohort])
        ends = weeks_after(began[cohort], demo_courses.WEEKS, story.zone)
        for number in range(count):
            language = LANGUAGES[(number + number // 5) % 2]
            handle, track = next(handles), demo_courses.TRACKS[number % 3]
            add(handle, Role.FELLOW, language)
            lasts = None if ends > story.last_day else ends
            people.enrol(session, handle, cohort, track, starts=began[cohort], ends=lasts)
            mentor = texts.MENTORS[number % len(texts.MENTORS)]
            care = draw.uniform(0.35, 0.9)
            fellows.append(Fellow(handle, track, language, began[cohort], lasts, care, mentor))
    for number, handle in enumerate(texts.MENTORS):
        add(handle, Role.MENTOR, LANGUAGES[number % 2])
    for handle, track in zip(texts.TRAINERS, demo_courses.TRACKS, strict=True):
        add(handle, Role.TRAINER, "fr")
        for cohort, _, _ in COHORTS:
            people.enrol(session, handle, cohort, track, starts=began[cohort])
    add(texts.COORDINATOR, Role.COORDINATOR, "fr")
    _give_parts(story, fellows)
    return fellows


def _monday(story: Story, weeks_ago: int) -> datetime:
    local = story.last_day.astimezone(story.zone) - timedelta(weeks=weeks_ago)
    return (local - timedelta(days=local.weekday())).replace(hour=9).astimezone(UTC)


def _give_parts(story: Story, fellows: list[Fellow]) -> None:
    """Let some of the fellows of now live what the cues and the pages are for; pair all but two."""
    now = [one for one in fellows if one.ends is None]
    for fellow, kind in zip(now[2::3], KINDS, strict=False):
        fellow.kind = kind
    new = next(one for one in now if one.kind == "new")
    new.starts = _monday(story, 1)
    for enrolment in people.enrolments(story.session, new.handle, story.last_day):
        enrolment.starts = new.starts
    paused = next(one for one in now if one.kind == "paused")
    paused.pauses.append((story.last_day - timedelta(days=9), None))
    for fellow in now[::7]:
        if fellow.kind == "steady":
            begins = fellow.starts + timedelta(weeks=story.draw.randint(5, 9))
            fellow.pauses.append((begins, begins + timedelta(days=story.draw.randint(7, 16))))
    for fellow in fellows:
        if fellow not in now[-2:]:
            people.pair(
                story.session, fellow.mentor, fellow.handle, starts=fellow.starts + timedelta(days=7), ends=fellow.ends
            )
        else:
            fellow.mentor = ""


def _release(story: Story, course: Course) -> None:
    first = _monday(story, COHORTS[0][1])
    for unit in course.units:
        opens = weeks_after(first, unit.weeks[0] - 1, story.zone)
        name, parcel = unit.card.unit, pack({f"{unit.card.unit}.ipynb": demo_sent.notebook(unit, "…", "…")})
        releases.put_release(
            story.session, course.track, name, unit.card.version, parcel, title=unit.card.title, at=opens
        )


def _learn(story: Story, fellow: Fellow, course: Course, pending: list[Callable[[], None]]) -> None:
    """Let a fellow send her attempts at each unit of the weeks that she has lived."""
    draw = story.draw
    for unit in course.units:
        opens = weeks_after(fellow.starts, unit.weeks[0] - 1, story.zone)
        running = opens > story.last_day - timedelta(weeks=3)
        if opens > story.last_day - timedelta(days=2):
            break
        silent = fellow.kind in ("quiet", "aside") and opens > story.last_day - timedelta(weeks=6)
        more_time = fellow.kind == "help" and timedelta(weeks=3) < story.last_day - opens < timedelta(weeks=6)
        if fellow.kind == "new" or silent or more_time:
            continue
        if draw.random() < 0.07 and not running and fellow.kind == "steady":
            continue  # a unit that she left out
        stuck = fellow.kind == "stuck" and running
        moment = opens + timedelta(
            days=draw.randint(1, 3 if stuck else 8), hours=draw.randint(0, 12), minutes=draw.randint(0, 59)
        )
        levels = dict.fromkeys((card.key for card in unit.card.checks if not card.manual), 0)
        for number in range(7):
            levels = _better(draw, levels, fellow.care + 0.1 * number, stuck=stuck)
            if _in_pause(fellow, moment):
                moment += timedelta(days=17)
            answer = draw.choice(demo_texts.EXPLANATIONS[fellow.language]) if number or draw.random() < 0.8 else ""
            moment = moment if stuck else _by_day(story, moment)
            if moment >= story.last_day:
                break
            attempt = demo_sent.Attempt(fellow, course, unit, moment, dict(levels), answer)
            waits = fellow.kind == "ours" and running and number == 0
            if waits:
                pending.append(lambda one=attempt: _fault_of_ours(story, one))  # type: ignore[misc]
                break
            story.at(moment, lambda at, one=attempt: _send(story, one, at))  # type: ignore[misc]
            if all(level == 2 for level in levels.values()) and answer:
                break
            if number >= 2 and draw.random() < 0.35 and not stuck:
                break
            moment += timedelta(hours=draw.randint(1, 60), minutes=draw.randint(1, 50))
            if stuck:
                moment = min(moment, story.last_day - timedelta(hours=7 - number))


def _by_day(story: Story, moment: datetime) -> datetime:
    """Return the moment, or ten hours later where it is at night."""
    return moment if 7 <= moment.astimezone(story.zone).hour < 22 else moment + timedelta(hours=10)


def _in_pause(fellow: Fellow, moment: datetime) -> bool:
    return any(begins <= moment and (ends is None or moment < ends) for begins, ends in fellow.pauses)


def _better(draw: random.Random, levels: dict[str, int], chance: float, *, stuck: bool) -> dict[str, int]:
    """Return the levels (0, 1, 2) of the next attempt: some rise, one in thirty falls; who is stuck stays so at one."""
    new = {}
    for place, (key, level) in enumerate(levels.items()):
        risen = min(2, level + (draw.random() < chance) + (draw.random() < chance / 2))
        fallen = max(0, risen - 1) if draw.random() < 1 / 30 else risen
        new[key] = 0 if stuck and place == 1 else fallen  # half of these points, and the unit may be mastered
    return new


def _take(story: Story, attempt: demo_sent.Attempt, at: datetime) -> str:
    code = f"# {attempt.fellow.handle} {at:%H%M}\nresult = {sum(attempt.levels.values())}\n"
    name = attempt.unit.card.unit
    parcel = pack({f"{name}.ipynb": demo_sent.notebook(attempt.unit, code, attempt.answer)})
    token = hashlib.sha256(f"{attempt.fellow.handle} {name} {at.isoformat()}".encode()).hexdigest()
    who = {"handle": attempt.fellow.handle, "sender": attempt.fellow.handle}
    where = {"track": attempt.course.track, "unit": name}
    return receipts.take(story.session, **who, **where, parcel=parcel, token=token, at=at).id


def _send(story: Story, attempt: demo_sent.Attempt, at: datetime) -> None:
    receipt = story.session.get_one(Receipt, _take(story, attempt, at))
    marked = at + timedelta(seconds=story.draw.randint(2, 9))
    # As queue.finish does; leasing each of a thousand jobs, as a marker does, would take most of the time.
    kept = queue.keep_verdict(story.session, attempt.course.track, demo_sent.verdict(attempt), marked)
    queue.give_verdict(story.session, receipt, kept)
    story.session.execute(update(Job).where(Job.receipt == receipt.id).values(state=queue.DONE, done=marked, tries=1))
    if attempt.answer_hash is None:
        return
    # A trainer reads within some days; of the last days some are still to be read, and one has waited long.
    read = at + timedelta(days=story.draw.randint(1, 4), hours=story.draw.randint(0, 9))
    owed = attempt.fellow.kind == "waits" and at > story.last_day - timedelta(weeks=4)
    if not owed and (story.draw.random() < 0.8 or at < story.last_day - timedelta(days=9)):
        trainer = demo_texts.TRAINERS[demo_courses.TRACKS.index(attempt.course.track)]
        story.at(read, lambda moment: demo_marks.give(story, attempt, trainer, moment))


def _fault_of_ours(story: Story, attempt: demo_sent.Attempt) -> None:
    at = max(attempt.moment, story.last_day - timedelta(days=8))
    receipt = _take(story, attempt, at)
    held = queue.lease(story.session, at, _LEASE_S)
    assert held is not None  # noqa: S101  # it was queued a moment ago, and nothing else waits
    assert held.receipt == receipt  # noqa: S101
    queue.give_back(story.session, held, "the learner box did not answer", at)
