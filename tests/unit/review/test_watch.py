"""What a programme's watch keeps: after whatever happens, it says what one says that looks for the first time."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from passerelle import ledger
from passerelle.ledger import extensions, people
from passerelle.ledger import help as help_of
from passerelle.progress.cues import Cue
from passerelle.review.watch import Seen, Watch
from tests.unit.review.programme import COURSE, NOW, START, TRACK, Programme, fill, ours, verdict

FULL = {"check-mean": 2.0, "check-missing": 4.0}
SOON = timedelta(seconds=20)


@pytest.fixture
def watched(programme: Programme) -> Programme:
    """The programme with somebody more who is quiet, and something that waits for us."""
    fill(programme)
    programme.enrol("hazel")
    programme.send("hazel", "d1-tables", NOW - timedelta(days=20), verdict("d1-tables", FULL, "h1"))
    return programme


def look(watch: Watch, programme: Programme, later: timedelta = timedelta()) -> Seen:
    with ledger.reading(programme.engine) as session:
        return watch.seen(session, [COURSE], NOW + later, programme.settings)


def extend(programme: Programme) -> None:
    with ledger.session(programme.engine) as session:
        until = NOW + timedelta(days=9)
        extensions.extend(session, "hazel", TRACK, "d2-clean", until=until, given_by="maple", at=NOW)


def pause(programme: Programme) -> None:
    with ledger.session(programme.engine) as session:
        help_of.begin_pause(session, "hazel", NOW - timedelta(seconds=1))


def close(programme: Programme) -> None:
    with ledger.session(programme.engine) as session:
        people.close(session, "hazel", "linden", NOW)


def enrol(programme: Programme) -> None:
    programme.enrol("rowan")


def aside(programme: Programme) -> None:
    cue = next(one for one in look(Watch(), programme).quiet if one.fellow == "hazel")
    with ledger.session(programme.engine) as session:
        help_of.dismiss(session, fellow="hazel", cue=cue.rule, facts=cue.key, reason="away", by="hazel", at=NOW)


def send(programme: Programme) -> None:
    programme.send("hazel", "d2-clean", NOW - timedelta(seconds=5))


def send_and_mark(programme: Programme) -> None:
    programme.send("hazel", "d2-clean", NOW - timedelta(seconds=5), verdict("d2-clean", FULL, "h2"))


def mark_by_hand(programme: Programme) -> None:
    programme.mark_by_hand("hazel", "d1-tables", "h1", 2.0, NOW)


def fail(programme: Programme) -> None:
    programme.mark(programme.send("hazel", "d2-clean", NOW - timedelta(days=9)), ours("d2-clean"), NOW)


def do_nothing(_: Programme) -> None:
    """Nothing happens."""


HERS = [send, send_and_mark, mark_by_hand, fail, extend]
OF_ANYBODY = [pause, close, enrol, aside]


def of_others(cues: tuple[Cue, ...]) -> dict[tuple[str, str], Cue]:
    return {(cue.fellow, cue.key): cue for cue in cues if cue.fellow != "hazel"}


@pytest.mark.parametrize("happen", [do_nothing, *HERS, *OF_ANYBODY], ids=lambda one: one.__name__)
def test_it_says_what_a_first_look_says(watched: Programme, happen: Callable[[Programme], None]) -> None:
    watch = Watch()
    before = look(watch, watched)
    happen(watched)

    after, anew = look(watch, watched, SOON), look(Watch(), watched, SOON)

    assert {cue.fellow for cue in before.quiet} >= {"hazel", "iris"}
    assert {cue.fellow for cue in before.owed} >= {"hazel", "cedar"}
    assert (after.quiet, after.owed) == (anew.quiet, anew.owed)
    assert ((before.quiet, before.owed) == (after.quiet, after.owed)) == (happen is do_nothing)


@pytest.mark.parametrize("happen", HERS, ids=lambda one: one.__name__)
def test_what_happens_to_one_fellow_is_looked_up_of_her_alone(
    watched: Programme, happen: Callable[[Programme], None]
) -> None:
    watch = Watch()
    before = look(watch, watched)
    happen(watched)
    after = look(watch, watched, SOON)

    for old, new in ((before.quiet, after.quiet), (before.owed, after.owed)):
        kept, now = of_others(old), of_others(new)
        assert kept.keys() == now.keys() != set()
        assert all(now[key] is cue for key, cue in kept.items())


def test_a_verdict_for_what_waited_is_seen(watched: Programme) -> None:
    sent = watched.send("hazel", "d2-clean", NOW - timedelta(days=9))
    watch = Watch()
    before = look(watch, watched)
    watched.mark(sent, verdict("d2-clean", FULL), NOW - timedelta(hours=1))

    after = look(watch, watched, SOON)

    assert (after.quiet, after.owed) == (look(Watch(), watched, SOON).quiet, look(Watch(), watched, SOON).owed)
    assert {("hazel", "d2-clean")} == {(cue.fellow, cue.unit) for cue in before.owed} - {
        (cue.fellow, cue.unit) for cue in after.owed
    }


def test_all_are_looked_at_again_after_a_minute_whatever_happens_meanwhile(watched: Programme) -> None:
    watch = Watch()
    before = of_others(look(watch, watched).quiet)
    for seconds in (20, 40):
        watched.send("hazel", "d2-clean", NOW + timedelta(seconds=seconds - 5))
        assert all(
            of_others(look(watch, watched, timedelta(seconds=seconds)).quiet)[key] is before[key] for key in before
        )

    again = of_others(look(watch, watched, timedelta(seconds=61)).quiet)

    assert again == before
    assert not any(again[key] is cue for key, cue in before.items())


def test_many_at_once_are_looked_at_with_everybody(watched: Programme) -> None:
    handles = [f"reed-{number}" for number in range(101)]
    watched.enrol(*handles, at=START)
    watch = Watch()
    before = of_others(look(watch, watched).quiet)
    with ledger.session(watched.engine) as session:
        for one in handles:
            until = NOW + timedelta(days=9)
            extensions.extend(session, one, TRACK, "d1-tables", until=until, given_by="maple", at=NOW)

    after = look(watch, watched, SOON)

    assert after.quiet == look(Watch(), watched, SOON).quiet
    assert not any(of_others(after.quiet)[key] is cue for key, cue in before.items() if not key[0].startswith("reed"))
