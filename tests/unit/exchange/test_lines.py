"""Lines that drop and lines that are slow: nothing is taken by halves, nothing is taken twice, nobody else waits."""

import logging
import socket
import struct
import time
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from passerelle.model.parcel import pack
from passerelle.model.settings import Settings
from tests.unit.exchange.served import TRACK, UNIT, Served, built_course, error, files, new_ledger, release, serve
from tests.unit.exchange.test_limits import begun, wait_until

PATIENCE_S = 1.0


@pytest.fixture
def impatient(settings: Settings) -> Iterator[Served]:
    """An exchange whose patience with slow lines is short."""
    engine = new_ledger(settings)
    built_course(settings.courses)
    release(engine)
    with serve(settings, engine, idle_connection_timeout=PATIENCE_S, body_timeout=PATIENCE_S) as running:
        yield running
    engine.dispose()


def faults(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR or record.exc_info]


def connected(served: Served) -> socket.socket:
    address = urlsplit(served.api)
    return socket.create_connection((address.hostname or "", address.port or 0), timeout=10)


def cut(line: socket.socket) -> None:
    """End a line as a power cut does: nothing more comes, nothing is said."""
    line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.close()


@pytest.mark.parametrize("size_bytes", [pytest.param(5_000, id="small"), pytest.param(5_000_000, id="large")])
def test_a_line_that_drops_in_the_middle_leaves_nothing_and_is_no_fault(
    served: Served, caplog: pytest.LogCaptureFixture, size_bytes: int
) -> None:
    for number in range(4):
        cut(begun(served, "acacia", size_bytes, f"dropped-{number:05}"))
    wait_until(lambda: served.context.uploads.on_their_way("acacia") == 0)

    taken = served.submit("acacia", key="dropped-00000")

    assert (taken.status_code, taken.json()["number"]) == (201, 1)
    assert len(served.stored()) == 1
    assert faults(caplog) == []


def test_a_line_that_drops_before_the_answer_gets_it_again_for_the_same_key(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    address, parcel = urlsplit(served.api), pack(files())
    head = (
        f"POST {address.path}/submissions/{TRACK}/{UNIT} HTTP/1.1\r\nHost: x\r\nAuthorization: token token-acacia\r\n"
        f"Idempotency-Key: key-00000001\r\nContent-Length: {len(parcel)}\r\n\r\n"
    )
    line = connected(served)
    line.sendall(head.encode() + parcel)
    wait_until(lambda: len(served.stored()) == 1)
    cut(line)

    again = [served.submit("acacia") for _ in range(2)]

    [row] = served.stored()
    assert [(answer.status_code, answer.json()["receipt"], answer.json()["number"]) for answer in again] == [
        (201, row.id, 1)
    ] * 2
    assert faults(caplog) == []


def test_a_line_that_is_cut_while_the_work_is_looked_at_has_its_receipt_all_the_same(served: Served) -> None:
    address, parcel = urlsplit(served.api), pack(files())
    head = (
        f"POST {address.path}/submissions/{TRACK}/{UNIT} HTTP/1.1\r\nHost: x\r\nAuthorization: token token-acacia\r\n"
        f"Idempotency-Key: key-00000001\r\nContent-Length: {len(parcel)}\r\n\r\n"
    )
    line = connected(served)
    line.sendall(head.encode() + parcel)
    line.shutdown(socket.SHUT_WR)
    wait_until(lambda: len(served.stored()) == 1)
    line.close()

    assert served.submit("acacia").json()["receipt"] == served.stored()[0].id
    assert len(served.stored()) == 1


def closes(line: socket.socket, within_s: float) -> bool:
    """Tell whether the other side ends a line on which it is told one byte after another."""
    until = time.monotonic() + within_s
    line.settimeout(0.05)
    with line:
        while time.monotonic() < until:
            try:
                line.sendall(b"a")
                if line.recv(65536) == b"":
                    return True
            except TimeoutError:
                continue
            except OSError:
                return True
    return False


def test_a_body_that_never_ends_is_ended_and_nobody_else_waits(
    impatient: Served, caplog: pytest.LogCaptureFixture
) -> None:
    lines = [begun(impatient, "acacia", 900_000, f"slow-{number:05}") for number in range(20)]

    assert impatient.submit("basil").status_code == 201
    assert [closes(line, 20 * PATIENCE_S) for line in lines] == [True] * len(lines)
    assert [row.handle for row in impatient.stored()] == ["basil"]
    assert faults(caplog) == []


def test_headers_that_never_end_are_ended(impatient: Served) -> None:
    lines = [connected(impatient) for _ in range(20)]
    for line in lines:
        line.sendall(b"GET /services/passerelle/api/me HTTP/1.1\r\nHost: ")

    assert impatient.get("basil", "me").status_code == 200
    assert [closes(line, 20 * PATIENCE_S) for line in lines] == [True] * len(lines)


def test_a_length_that_is_no_number_is_a_bad_request_and_no_fault_of_ours(
    served: Served, caplog: pytest.LogCaptureFixture
) -> None:
    address = urlsplit(served.api)
    said = []
    for length in ("abc", "-1", "1_000", "5, 6"):
        with connected(served) as line:
            head = f"POST {address.path}/submissions/{TRACK}/{UNIT} HTTP/1.1\r\nHost: x\r\n"
            line.sendall(f"{head}Authorization: token token-acacia\r\nContent-Length: {length}\r\n\r\n".encode())
            said.append(line.recv(65536)[:12])

    assert said == [b"HTTP/1.1 400"] * 4
    assert faults(caplog) == []
    assert error(served.submit("acacia", b"")) == (422, "not-a-parcel")
