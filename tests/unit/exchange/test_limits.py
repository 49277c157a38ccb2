"""What one account may ask for: a loop in one fellow's notebook is hers alone to wait for."""

import socket
import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from urllib.parse import urlsplit

import pytest
import requests
from sqlalchemy import update

from passerelle import ledger
from passerelle.exchange.errors import ApiError
from passerelle.exchange.limits import BURST, BYTES_A_REQUEST, COURSE_TIMES, RATE_PER_S, Pace
from passerelle.ledger import queue
from passerelle.ledger.room import MAX_WAITING
from passerelle.ledger.tables import Job
from passerelle.model.parcel import pack
from tests.unit.exchange.served import TRACK, UNIT, Served, error, files


def test_a_whole_class_at_one_address_is_let_in_and_one_who_floods_waits(served: Served) -> None:
    first = served.submit("acacia", key="flood-00000")
    for number in range(1, MAX_WAITING):
        assert served.submit("acacia", key=f"flood-{number:05}").status_code == 201
    flooded = served.submit("acacia", key="flood-too-many")

    assert error(flooded) == (429, "too-many-waiting")
    assert flooded.headers["Retry-After"] == "60"
    assert flooded.json()["error"].startswith(f"{MAX_WAITING} de tes envois ")
    assert served.submit("basil").status_code == 201
    again = served.submit("acacia", key="flood-00000")
    assert (again.status_code, again.json()) == (201, first.json())
    with ledger.session(served.engine) as session:
        session.execute(update(Job).values(state=queue.DONE))
    assert served.submit("acacia", key="flood-too-many").status_code == 201


def test_submissions_side_by_side_are_counted_one_after_another(served: Served) -> None:
    for number in range(MAX_WAITING - 3):
        served.submit("acacia", key=f"early-{number:05}")

    with ThreadPoolExecutor(8) as side_by_side:
        answers = list(side_by_side.map(lambda number: served.submit("acacia", key=f"race-{number:05}"), range(8)))

    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [429] * 5
    assert len(served.stored()) == MAX_WAITING


def test_words_for_too_many_sends_say_when_to_go_on() -> None:
    refusal = ApiError.too_much("too-many-sends", 421.3, count=30, minutes=10, again=8)

    assert refusal.retry_after_s == 422
    assert "you can send again in 8 min" in refusal.words("en")
    assert "dans 8 min" in refusal.words("fr")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def passes(pace: Pace, name: str, body_bytes: int = 0) -> bool:
    try:
        pace.take(name, body_bytes)
    except ApiError:
        return False
    return True


def test_many_requests_at_once_and_fewer_for_ever() -> None:
    clock = Clock()
    pace = Pace(clock)

    assert sum(passes(pace, "acacia") for _ in range(1000)) == BURST
    assert passes(pace, "basil")
    clock.now = 1.0
    assert sum(passes(pace, "acacia") for _ in range(1000)) == RATE_PER_S
    assert sum(passes(pace, f"course-{TRACK}") for _ in range(2000)) == COURSE_TIMES * BURST


def test_a_large_body_is_many_requests_and_is_let_in_whole() -> None:
    clock = Clock()
    pace = Pace(clock)

    assert [passes(pace, "acacia", 20_000_000) for _ in range(3)] == [True, True, False]
    clock.now = 2 * (1 + 20_000_000 / BYTES_A_REQUEST) / RATE_PER_S
    assert passes(pace, "acacia", 20_000_000)


def test_who_asks_too_fast_is_told_when_to_go_on(served: Served) -> None:
    place = f"{served.api}/submissions/{TRACK}/{UNIT}"
    with requests.Session() as line:
        line.headers.update({"Authorization": "token token-acacia", "Accept-Language": "fr"})
        line.headers["Idempotency-Key"] = "too-fast"
        # A body counts as several requests: with one she is too fast on a busy machine as well.
        answers = (line.post(place, data=bytes(15 * BYTES_A_REQUEST), timeout=20) for _ in range(60))
        let_in, refused = [], None
        for answer in answers:
            if answer.status_code == 429:
                refused = answer
                break
            let_in.append(answer.status_code)

    assert set(let_in) == {422}, "what is sent is no parcel"
    assert refused is not None
    assert error(refused) == (429, "too-fast")
    assert refused.headers["Retry-After"] == "1"
    assert "Rien n’est perdu" in refused.json()["error"]


@pytest.mark.slow
def test_a_loop_of_one_fellow_slows_nobody_else_down(served: Served) -> None:
    over = Event()
    parcel = pack(files("#" * 150_000))

    def loop(number: int) -> None:
        with requests.Session() as line:
            line.headers.update({"Authorization": "token token-acacia", "Idempotency-Key": f"loop-{number:05}"})
            while not over.is_set():
                line.get(f"{served.api}/units/{TRACK}", timeout=20)
                line.post(f"{served.api}/submissions/{TRACK}/{UNIT}", data=parcel, timeout=20)

    took: list[float] = []
    with ThreadPoolExecutor(8) as loops:
        for number in range(8):
            loops.submit(loop, number)
        try:
            until = time.monotonic() + 3
            while time.monotonic() < until:
                began = time.monotonic()
                assert served.get("basil", f"units/{TRACK}").status_code == 200
                took.append(time.monotonic() - began)
        finally:
            over.set()

    took.sort()
    print(
        f"{len(took)} requests: median {took[len(took) // 2]:.3f} s, 95 of 100 within {took[len(took) * 95 // 100]:.3f} s"
    )
    assert took[len(took) * 95 // 100] < 2.0


def begun(served: Served, who: str, size_bytes: int, key: str) -> socket.socket:
    """Begin to send a submission, and stop after a little of its body."""
    address = urlsplit(served.api)
    line = socket.create_connection((address.hostname or "", address.port or 0), timeout=10)
    head = (
        f"POST {address.path}/submissions/{TRACK}/{UNIT} HTTP/1.1\r\nHost: x\r\nAuthorization: token token-{who}\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {size_bytes}\r\n\r\n"
    )
    line.sendall(head.encode() + b"PK")
    return line


def wait_until(condition: object, timeout_s: float = 10) -> None:
    assert callable(condition)
    until = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.02)


def test_large_bodies_of_one_account_come_two_at_a_time(served: Served) -> None:
    uploads, large = served.context.uploads, 5_000_000
    held = [begun(served, "acacia", large, f"held-{number:05}") for number in range(2)]
    wait_until(lambda: uploads.on_their_way("acacia") == 2)

    third = served.submit("acacia", bytes(large))
    small, others = served.submit("acacia"), served.submit("basil", bytes(large))

    assert error(third) == (429, "too-many-uploads")
    assert small.status_code == 201
    assert error(others) == (422, "not-a-parcel")
    for line in held:
        line.close()
    wait_until(lambda: uploads.on_their_way("acacia") == 0)
    assert error(served.submit("acacia", bytes(large), key="key-00000002")) == (422, "not-a-parcel")
