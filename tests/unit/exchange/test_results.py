from datetime import timedelta
from pathlib import Path

from passerelle import ledger
from passerelle.exchange.results import result, unit_card
from passerelle.ledger import manual, queue, receipts
from passerelle.model.parcel import pack, unpack
from passerelle.model.verdict import CheckResult, CheckState, Message, Outcome, Verdict
from tests.unit.exchange.served import NOW, TRACK, UNIT, Served, card, error


def verdict(outcome: Outcome = Outcome.MARKED) -> Verdict:
    message = Message(id="mean-of-all", args={"expected": 1234567.5}, look="look-filter")
    mean = CheckResult(key="check-mean", points=1, max_points=2, state=CheckState.PARTIAL, messages=(message,))
    essay = CheckResult(key="essay", points=0, max_points=3, state=CheckState.BY_HAND)
    return Verdict(
        key="k1",
        unit=UNIT,
        version="v1",
        engine="1",
        outcome=outcome,
        checks=(mean, essay) if outcome is Outcome.MARKED else (),
        manual_answers={"essay": "h1"} if outcome is Outcome.MARKED else {},
    )


def mark(served: Served, given: Verdict) -> None:
    with ledger.session(served.engine) as session:
        held = queue.lease(session, NOW + timedelta(hours=1), 30)
        assert held is not None
        queue.finish(session, held, given, NOW + timedelta(hours=1))


def test_a_result_waits_until_it_is_marked(served: Served) -> None:
    receipt = served.submit("acacia").json()["receipt"]

    found = served.get("acacia", f"results/{receipt}").json()

    assert (found["state"], found["points"], found["max"], found["checks"]) == ("waiting", None, 5, [])


def test_a_result_is_in_the_words_of_its_reader(served: Served) -> None:
    receipt = served.submit("acacia").json()["receipt"]
    mark(served, verdict())

    found = served.get("acacia", f"results/{receipt}").json()
    mean, essay = found["checks"]

    assert (found["state"], found["points"], found["max"], found["waits_for_person"]) == ("marked", 1, 5, True)
    assert (mean["title"], mean["points"], mean["max"], mean["state"]) == ("La moyenne", 1, 2, "partial")
    [message] = mean["messages"]
    assert message["text"].startswith("Nous attendions 1")
    assert message["look"] == "Regarde ton filtre."
    assert (essay["title"], essay["by_hand"], essay["points"], essay["max"]) == ("Explique", True, None, 3)
    english = served.get("acacia", f"results/{receipt}?language=en").json()
    assert english["checks"][0]["messages"][0]["look"] == "Look at your filter."


def test_a_mark_by_hand_is_in_the_result_at_once(served: Served) -> None:
    receipt = served.submit("acacia").json()["receipt"]
    mark(served, verdict())
    with ledger.session(served.engine) as session:
        manual.put_manual_mark(session, handle="acacia", track=TRACK, unit=UNIT, check="essay", answer="h1", points=2.5)

    found = served.get("acacia", f"results/{receipt}").json()

    assert (found["points"], found["waits_for_person"], found["checks"][1]["points"]) == (3.5, False, 2.5)


def test_a_fault_of_ours_is_no_zero(served: Served) -> None:
    receipt = served.submit("acacia").json()["receipt"]
    mark(served, verdict(Outcome.OURS))

    found = served.get("acacia", f"results/{receipt}").json()

    assert (found["state"], found["points"], found["checks"]) == ("ours", None, [])


def test_a_result_is_for_whose_it_is_and_the_course(served: Served) -> None:
    receipt = served.submit("acacia").json()["receipt"]

    assert served.get("maple", f"results/{receipt}").status_code == 200
    for who in ("basil", "oak", "course-web-dev"):
        assert error(served.get(who, f"results/{receipt}")) == (404, "not-found")
    assert error(served.get("acacia", f"results/{'0' * 32}")) == (404, "not-found")


def test_a_result_of_a_course_that_is_not_built_here_has_its_points(served: Served, tmp_path: Path) -> None:
    receipt = served.submit("acacia").json()["receipt"]
    mark(served, verdict())
    with ledger.reading(served.engine) as session:
        attempt = receipts.attempt(session, receipt)
    assert attempt is not None

    assert unit_card(tmp_path, attempt) is None
    found = result(attempt, None, "en")

    assert [(check["title"], check["points"], check["max"]) for check in found["checks"]] == [
        ("check-mean", 1, 2),
        ("essay", None, 3),
    ]
    assert (found["points"], found["max"]) == (1, 5)


def test_a_check_younger_than_the_verdict_is_left_out(served: Served) -> None:
    receipt = served.submit("acacia").json()["receipt"]
    mark(served, verdict())
    with ledger.reading(served.engine) as session:
        attempt = receipts.attempt(session, receipt)
    assert attempt is not None
    younger = card().model_copy(update={"checks": (*card().checks, card().checks[0].model_copy(update={"key": "new"}))})

    assert [check["key"] for check in result(attempt, younger, "en")["checks"]] == ["check-mean", "essay"]


def test_feedback_pages_go_to_whose_they_are(served: Served) -> None:
    stamp = served.submit("acacia").json()["timestamp"]
    page = {f"{UNIT}.html": b"<p>well read</p>"}
    address = f"feedback/{TRACK}/{UNIT}/acacia"

    assert served.ask("maple", "PUT", address, pack(page), X_Passerelle_Timestamp=stamp).status_code == 201

    assert unpack(served.get("acacia", address).content) == {f"{stamp}/{UNIT}.html": b"<p>well read</p>"}
    assert served.get("acacia", f"submissions/{TRACK}/{UNIT}").json()[0]["feedback"] is not None
    assert error(served.get("basil", address)) == (403, "not-yours")
    assert unpack(served.get("basil", f"feedback/{TRACK}/{UNIT}/basil").content) == {}


def test_feedback_of_nobody_or_of_no_submission_is_refused(served: Served) -> None:
    page, address = pack({f"{UNIT}.html": b""}), f"feedback/{TRACK}/{UNIT}/acacia"
    stamp = "2026-11-24 18:42:07.123456 UTC"

    assert error(served.ask("acacia", "PUT", address, page, X_Passerelle_Timestamp=stamp)) == (403, "not-yours")
    assert error(served.ask("maple", "PUT", address, page, X_Passerelle_Timestamp="../x")) == (400, "bad-request")
    other = f"feedback/{TRACK}/{UNIT}/cedar"
    assert error(served.ask("maple", "PUT", other, page, X_Passerelle_Timestamp=stamp)) == (404, "not-found")


def test_marking_again_is_asked_for_by_the_course(served: Served) -> None:
    served.submit("acacia")
    served.submit("basil")
    mark(served, verdict())
    served.wakes.clear()

    def queued(who: str, asked: bytes) -> tuple[int, object]:
        answer = served.ask(who, "POST", f"marking/{TRACK}", asked)
        return answer.status_code, answer.json().get("queued")

    assert queued(f"course-{TRACK}", b'{"units": ["d1-tables"], "handles": ["acacia"]}') == (202, 1)
    assert queued("maple", b"{}") == (202, 2)
    assert queued("maple", b'{"units": "d1-tables"}') == (400, None)
    assert queued("acacia", b"{}") == (403, None)
    assert served.wakes == [b"mark", b"mark"]
