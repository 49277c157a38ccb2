import json
import socket
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import select

from passerelle import ledger
from passerelle.exchange import submissions
from passerelle.exchange.handler import DRAINED_BODY
from passerelle.exchange.submission import check_submission
from passerelle.ledger import releases
from passerelle.ledger.tables import Job
from passerelle.model.parcel import MAX_BYTES, pack, unpack
from passerelle.model.settings import Settings
from tests.unit.exchange.served import TRACK, UNIT, Served, error, files, new_ledger, notebook, release, serve
from tests.unit.model.test_parcel import zipped


def test_each_success_message_means_a_stored_row(served: Served) -> None:
    answer = served.submit("acacia")

    assert answer.status_code == 201
    said = answer.json()
    [row] = served.stored()
    assert (row.id, row.sha256, row.number, row.received.isoformat()) == (
        said["receipt"],
        said["sha256"],
        said["number"],
        said["received"],
    )
    assert (row.handle, row.sender, row.track, row.unit) == ("acacia", "acacia", TRACK, UNIT)
    assert row.content is not None
    assert unpack(row.content) == files()
    assert said["timestamp"] == f"{row.received:%Y-%m-%d %H:%M:%S.%f} UTC"
    with ledger.reading(served.engine) as session:
        assert session.scalar(select(Job.state).where(Job.receipt == row.id)) == "queued"
    assert served.wakes == [b"mark"]


def test_a_dropped_line_makes_no_second_attempt(served: Served) -> None:
    first, again = served.submit("acacia"), served.submit("acacia")

    assert first.json() == again.json()
    assert len(served.stored()) == 1


def test_a_key_is_for_one_submission(served: Served) -> None:
    served.submit("acacia")

    assert error(served.submit("acacia", files("mean = 1"))) == (409, "key-reused")
    assert len(served.stored()) == 1


def test_a_repeated_send_gets_its_receipt_when_the_unit_was_withdrawn_meanwhile(served: Served) -> None:
    first = served.submit("acacia")
    with ledger.session(served.engine) as session:
        releases.withdraw_release(session, TRACK, UNIT)

    assert served.submit("acacia").json() == first.json()
    assert error(served.submit("acacia", key="key-00000002")) == (404, "not-released")


def test_two_submissions_are_two_attempts(served: Served) -> None:
    numbers = [served.submit("acacia", key=f"key-0000000{number}").json()["number"] for number in (1, 2)]

    assert numbers == [1, 2]


@pytest.mark.parametrize("key", ["", "short", "x" * 65, "with space in it"])
def test_a_submission_needs_a_key(served: Served, key: str) -> None:
    assert error(served.submit("acacia", key=key)) == (400, "bad-key")
    assert served.stored() == []


@pytest.mark.parametrize(
    ("who", "status", "fault"),
    [
        pytest.param("cedar", 403, "not-enrolled", id="fellow-of-another-track"),
        pytest.param("maple", 403, "not-yours", id="trainer"),
        pytest.param("oak", 403, "not-enrolled", id="mentor"),
        pytest.param(f"course-{TRACK}", 403, "not-yours", id="the-course's-server"),
        pytest.param("basil-service", 403, "not-yours", id="a-service-that-bears-her-name"),
        pytest.param("stranger", 403, "not-enrolled", id="hub-user-without-account"),
    ],
)
def test_only_a_fellow_of_the_track_submits(served: Served, who: str, status: int, fault: str) -> None:
    assert error(served.submit(who)) == (status, fault)
    assert served.stored() == []


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no-token"),
        pytest.param({"Authorization": "token forged"}, id="a-forged-token"),
        pytest.param({"X-Forwarded-User": "acacia"}, id="a-header-of-a-proxy"),
    ],
)
def test_nobody_submits_without_a_token_of_the_hub(served: Served, headers: dict[str, str]) -> None:
    answer = requests.post(
        f"{served.api}/submissions/{TRACK}/{UNIT}",
        data=pack(files()),
        headers={"Idempotency-Key": "key-00000001", **headers},
        timeout=20,
    )

    assert error(answer) == (401, "who-are-you")
    assert served.stored() == []


def edited(change: Callable[[dict[str, Any]], None]) -> dict[str, bytes]:
    made = json.loads(notebook())
    change(made)
    return {f"{UNIT}.ipynb": json.dumps(made).encode()}


INVALID = [
    pytest.param(b"no zip", "not-a-parcel", id="no-parcel"),
    pytest.param({"other.ipynb": notebook()}, "no-notebook", id="another-name"),
    pytest.param({f"sub/{UNIT}.ipynb": notebook()}, "no-notebook", id="in-a-folder"),
    pytest.param({f"{UNIT}.ipynb": b""}, "unreadable-notebook", id="empty"),
    pytest.param({f"{UNIT}.ipynb": notebook()[:-20]}, "unreadable-notebook", id="cut-off"),
    pytest.param({f"{UNIT}.ipynb": b"\xff\xfe{}"}, "unreadable-notebook", id="no-utf8"),
    pytest.param({f"{UNIT}.ipynb": b"[]"}, "unreadable-notebook", id="a-list"),
    pytest.param({f"{UNIT}.ipynb": b"[" * 200_000}, "unreadable-notebook", id="nested-without-end"),
    pytest.param(edited(lambda made: made.update(nbformat=3)), "old-notebook", id="format-3"),
    pytest.param(edited(lambda made: made.pop("nbformat")), "unreadable-notebook", id="no-format"),
    pytest.param(edited(lambda made: made.update(cells={})), "unreadable-notebook", id="cells-are-no-list"),
    pytest.param(edited(lambda made: made["cells"].append("x")), "unreadable-notebook", id="a-cell-is-text"),
    pytest.param(
        edited(lambda made: made["cells"][0].update(source=[1])), "unreadable-notebook", id="source-is-no-text"
    ),
    pytest.param(
        edited(lambda made: made["cells"][0].update(source="\ud800")), "half-character", id="half-a-character"
    ),
    pytest.param(
        edited(lambda made: made["metadata"].update(kernelspec={"name": "ir", "language": "R"})), "other-kernel", id="r"
    ),
    pytest.param(zipped((f"{UNIT}.ipynb", notebook()), mode=0o120777), "link", id="link"),
    pytest.param(zipped((f"{UNIT}.ipynb", notebook()), ("../x", b"")), "bad-name", id="path-out"),
    pytest.param({**files(), **{f"f{number}": b"" for number in range(199)}}, "too-many-files", id="201-files"),
    pytest.param(zipped((f"{UNIT}.ipynb", notebook()), ("zeros", bytes(MAX_BYTES))), "too-big", id="bomb"),
]


@pytest.mark.parametrize(("sent", "fault"), INVALID)
def test_what_marking_could_not_read_gets_words_and_no_receipt(
    served: Served, sent: bytes | dict[str, bytes], fault: str
) -> None:
    parcel = sent if isinstance(sent, bytes) else zipped(*sent.items())

    assert error(served.submit("acacia", parcel)) == (422, fault)
    assert served.stored() == []
    assert served.wakes == []


def test_words_are_in_the_language_of_whose_work_it_is(served: Served) -> None:
    parcel = pack({"other.ipynb": notebook()})

    assert served.submit("acacia", parcel).json()["error"] == (
        f"Le notebook «\u00a0{UNIT}.ipynb\u00a0» n’est pas dans ton envoi. Redonne-lui ce nom, puis envoie à nouveau."
    )
    assert served.submit("basil", parcel).json()["error"] == (
        f"The notebook “{UNIT}.ipynb” is not in what you sent. Give it that name again, then send."
    )
    assert "se reconnecter" in served.get(None, "me", Accept_Language="fr-FR,fr;q=0.9,en;q=0.8").json()["error"]


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda made: made["metadata"].clear(), id="stripped-of-metadata"),
        pytest.param(lambda made: made["metadata"].update(kernelspec={"name": "python3"}), id="kernel-by-name"),
        pytest.param(lambda made: made.update(nbformat_minor=9), id="a-newer-minor-format"),
        pytest.param(lambda made: made["cells"].append(made["cells"][1]), id="a-copied-answer"),
    ],
)
def test_what_marking_can_read_gets_a_receipt(served: Served, change: Callable[[dict[str, Any]], None]) -> None:
    assert served.submit("acacia", edited(change)).status_code == 201


def test_submissions_are_looked_at_one_at_a_time(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    both, met = threading.Barrier(2), []

    def watched(unit: str, parcel: bytes) -> frozenset[str]:
        try:
            met.append(both.wait(0.5))
        except threading.BrokenBarrierError:
            both.reset()
        return check_submission(unit, parcel)

    monkeypatch.setattr(submissions, "check_submission", watched)
    with ThreadPoolExecutor() as side_by_side:
        answers = list(side_by_side.map(served.submit, ["acacia", "basil"]))

    assert [answer.status_code for answer in answers] == [201, 201]
    assert met == []


def test_a_body_too_long_is_refused_before_it_is_sent(served: Served) -> None:
    address = urlsplit(served.api)
    head = (
        f"POST {address.path}/submissions/{TRACK}/{UNIT} HTTP/1.1\r\nHost: x\r\nAuthorization: token token-acacia\r\n"
        f"Idempotency-Key: key-00000001\r\nContent-Length: {DRAINED_BODY - 1}\r\n\r\n"
    )
    with socket.create_connection((address.hostname, address.port), timeout=10) as line:
        line.sendall(head.encode())
        answer = line.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"too-big" in answer


def test_a_body_without_a_length_is_refused_once_it_is_too_long(served: Served) -> None:
    def pieces() -> Any:
        for _ in range(21):
            yield bytes(1_000_000)

    answer = requests.post(
        f"{served.api}/submissions/{TRACK}/{UNIT}",
        data=pieces(),
        headers={"Authorization": "token token-acacia", "Idempotency-Key": "key-00000001"},
        timeout=20,
    )

    assert error(answer) == (413, "too-big")
    assert served.stored() == []


def test_a_body_is_not_read_for_somebody_who_may_not_send_it(served: Served) -> None:
    assert error(served.ask("acacia", "POST", f"marking/{TRACK}", b"x" * 70_000)) == (413, "too-big")
    assert error(served.submit("nobody-here", bytes(1_000_000)))[0] == 403


def test_a_cookie_alone_submits_nothing(served: Served) -> None:
    """A page of somebody else's, open in her browser, could send it."""
    answer = requests.post(
        f"{served.api}/submissions/{TRACK}/{UNIT}",
        data=pack(files()),
        headers={"Idempotency-Key": "key-00000001"},
        cookies=served.cookie("acacia"),
        timeout=20,
    )
    forged = requests.post(
        f"{served.api}/submissions/{TRACK}/{UNIT}",
        data=pack(files()),
        headers={"Idempotency-Key": "key-00000001", "Authorization": "token forged"},
        cookies=served.cookie("acacia"),
        timeout=20,
    )

    assert {error(answer)[0], error(forged)[0]} <= {401, 403}
    assert served.stored() == []


def test_a_cookie_reads_and_without_its_xsrf_token_changes_nothing(served: Served) -> None:
    browser = requests.Session()
    browser.cookies.update(served.cookie("basil"))
    assert browser.get(f"{served.api}/me", timeout=20).json()["handle"] == "basil"
    refused = browser.put(f"{served.api}/me", data='{"language": "fr"}', timeout=20)

    assert refused.status_code in {401, 403}
    assert browser.get(f"{served.api}/me", timeout=20).json()["language"] == "en"


def test_a_fellow_lists_her_own_submissions_and_the_course_everybodys(served: Served) -> None:
    served.submit("acacia")
    served.submit("basil")

    def handles(who: str, path: str) -> list[str]:
        return [row["handle"] for row in served.get(who, path).json()]

    address = f"submissions/{TRACK}/{UNIT}"
    assert handles("acacia", address) == ["acacia"]
    assert handles("maple", address) == []
    assert handles("maple", f"{address}?all=1") == ["acacia", "basil"]
    assert handles(f"course-{TRACK}", f"submissions/{TRACK}?all=1") == ["acacia", "basil"]
    assert error(served.get("acacia", f"{address}?all=1")) == (403, "not-yours")
    assert error(served.get("course-web-dev", f"{address}?all=1")) == (403, "not-enrolled")


def test_files_come_back_as_they_were_sent_to_whose_they_are_and_to_the_course(served: Served) -> None:
    receipt = served.submit("acacia").json()["receipt"]

    for who in ("acacia", "maple", f"course-{TRACK}"):
        assert unpack(served.get(who, f"submissions/{receipt}/files").content) == files()
    for who in ("basil", "cedar", "oak", "course-web-dev"):
        assert error(served.get(who, f"submissions/{receipt}/files")) == (404, "not-found")
    assert error(served.get("acacia", f"submissions/{'0' * 32}/files")) == (404, "not-found")


def test_a_refusal_ends_the_connection_aloud(served: Served) -> None:
    refused = served.ask("nobody-here", "PUT", "me", b"{}")

    # Said, or a proxy that keeps connections sends somebody else's request into the one that Tornado ends.
    assert refused.headers["Connection"] == "close"


def test_marking_is_woken_by_a_datagram(settings: Settings) -> None:
    engine = new_ledger(settings)
    release(engine)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as marker:
        marker.bind(str(settings.marking_socket))
        marker.settimeout(10)
        with serve(settings, engine, real_wake=True) as served:
            assert served.submit("acacia").status_code == 201
            assert marker.recv(100) == b"mark"
            assert served.ask("maple", "POST", f"manual/{TRACK}").status_code == 202
            assert marker.recv(100) == f"manual {TRACK}".encode()
    engine.dispose()


@pytest.mark.parametrize("left", ["nothing", "a socket that nobody reads", "a file"])
def test_a_marker_that_does_not_hear_stops_no_submission(settings: Settings, left: str) -> None:
    engine = new_ledger(settings)
    release(engine)
    if left == "a file":
        Path(settings.marking_socket).write_text("")
    elif left == "a socket that nobody reads":
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
            dead.bind(str(settings.marking_socket))
    with serve(settings, engine, real_wake=True) as served:
        assert served.submit("acacia").status_code == 201
        assert len(served.stored()) == 1
    engine.dispose()
