from datetime import timedelta

from sqlalchemy import Engine

from passerelle import ledger
from passerelle.ledger import releases
from tests.unit.ledger.conftest import NOW


def put(engine: Engine, unit: str, version: str, files: bytes = b"files", after_s: int = 0) -> int:
    with ledger.session(engine) as session:
        at = NOW + timedelta(seconds=after_s)
        return releases.put_release(session, "data-science", unit, version, files, title={"en": unit.upper()}, at=at).id


def test_the_newest_release_is_what_is_fetched(programme: Engine) -> None:
    put(programme, "d1", "1")
    put(programme, "d1", "2", b"better", after_s=1)

    with ledger.reading(programme) as session:
        newest = releases.newest_release(session, "data-science", "d1")
        assert newest is not None
        assert (newest.version, newest.files, newest.title) == ("2", b"better", {"en": "D1"})
        assert releases.newest_release(session, "data-science", "d2") is None


def test_units_are_listed_in_the_order_of_their_first_release(programme: Engine) -> None:
    put(programme, "d1", "1")
    put(programme, "d2", "1")
    put(programme, "d1", "2")

    with ledger.reading(programme) as session:
        listed = [(release.unit, release.version) for release in releases.releases_of(session, "data-science")]
        assert listed == [("d1", "2"), ("d2", "1")]


def test_what_is_the_newest_already_is_not_released_again(programme: Engine) -> None:
    assert put(programme, "d1", "1") == put(programme, "d1", "1", after_s=60)
    assert put(programme, "d1", "1") != put(programme, "d1", "1", b"other files")


def test_a_withdrawn_unit_is_not_fetched_until_it_is_released_again(programme: Engine) -> None:
    put(programme, "d1", "1")
    with ledger.session(programme) as session:
        assert releases.withdraw_release(session, "data-science", "d1", NOW)
        assert not releases.withdraw_release(session, "data-science", "d1", NOW)
        assert releases.releases_of(session, "data-science") == []

    put(programme, "d1", "1")

    with ledger.reading(programme) as session:
        assert releases.newest_release(session, "data-science", "d1") is not None


def test_the_newest_feedback_of_each_submission_is_hers(programme: Engine) -> None:
    with ledger.session(programme) as session:
        for handle, stamp, content in [
            ("acacia", "one", b"1"),
            ("acacia", "two", b"2"),
            ("acacia", "one", b"1 again"),
            ("basil", "one", b"not hers"),
        ]:
            releases.put_feedback(
                session, handle=handle, track="data-science", unit="d1", timestamp=stamp, parcel=content, at=NOW
            )

    with ledger.reading(programme) as session:
        found = releases.feedback_of(session, "acacia", "data-science", "d1")
        assert {feedback.timestamp: feedback.content for feedback in found} == {"one": b"1 again", "two": b"2"}
