"""What a log line holds, and what it never does."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle import ledger
from passerelle.grading.panel import ExaminerError
from passerelle.hub import logs
from passerelle.ledger import people
from passerelle.model.errors import ServiceError
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from tests.ledgers import new_ledger

FIELDS = {"time", "process", "level", "logger", "event", "facts", "error"}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = Settings(data=tmp_path / "data")
    new_ledger(made.database_url)
    with ledger.session(ledger.engine(made.database_url)) as session:
        people.add_person(session, "acacia", Role.FELLOW, "Awa")
    return made


@pytest.fixture
def lines(settings: Settings) -> Iterator["Lines"]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, sys.excepthook, threading.excepthook, logging.raiseExceptions
    # A hub that another test has made in this process keeps its words to itself.
    hub = logging.getLogger("JupyterHub")
    hubs = hub.propagate, hub.disabled
    hub.propagate, hub.disabled = True, False
    logs.set_up("web", settings)
    yield Lines(settings.logs / "web.log")
    root.handlers[0].close()
    hub.propagate, hub.disabled = hubs
    logging.captureWarnings(False)
    root.handlers[:], root.level, sys.excepthook, threading.excepthook, logging.raiseExceptions = before


class Lines:
    def __init__(self, path: Path) -> None:
        self.path = path

    def last(self) -> dict[str, object]:
        line: dict[str, object] = json.loads(self.path.read_text("utf-8").splitlines()[-1])
        assert set(line) <= FIELDS
        return line


def test_an_event_is_a_line_with_its_facts(lines: Lines) -> None:
    logging.getLogger("passerelle.marking").info("marked", extra={"facts": {"receipt": "3f9a", "seconds": 2.1}})

    line = lines.last()
    assert (line["process"], line["level"], line["event"]) == ("web", "INFO", "marked")
    assert line["facts"] == {"receipt": "3f9a", "seconds": 2.1}
    assert str(line["time"]).endswith("+00:00")
    assert lines.path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("message", "arguments"),
    [
        pytest.param("User logged in: %s", ["acacia"], id="a-handle-put-in"),
        pytest.param("Failed login for %s", ["s3cret typed into the wrong field"], id="whatever-was-typed"),
        pytest.param("Adding %s => %s", ["/user/acacia/", "http://127.0.0.1:8888/user/acacia"], id="a-path-of-hers"),
        pytest.param("User acacia is logging in as Awa", [], id="names-in-a-text-that-is-made-already"),
        pytest.param("403 GET /user/Acacia/api?token=s3cret", [], id="a-path-and-a-query"),
        pytest.param("Creating oauth client jupyterhub-user-acacia", [], id="a-name-made-of-hers"),
        pytest.param("%(who)s came", [{"who": "acacia s3cret"}], id="by-name"),
    ],
)
def test_what_others_say_names_nobody(lines: Lines, message: str, arguments: list[object]) -> None:
    logging.getLogger("tornado.application").warning(message, *arguments)

    lines.last()
    text = lines.path.read_text("utf-8").lower()
    assert not any(hers in text for hers in ("acacia", "awa", "s3cret"))


def test_one_text_has_one_alias(lines: Lines, settings: Settings) -> None:
    logging.getLogger("JupyterHub").warning("Server %s took %.1f s, port %s", "acacia", 2.25, "8000")

    assert lines.last()["event"] == f"Server {logs.alias(settings, 'acacia')} took 2.2 s, port 8000"


def test_our_own_words_name_nobody_either(lines: Lines) -> None:
    logging.getLogger("passerelle.hub").warning("the server of %s ended: %s", "acacia", KeyError("her answer"))

    assert str(lines.last()["event"]).endswith("ended: KeyError")
    assert "acacia" not in lines.path.read_text("utf-8")


@pytest.mark.parametrize(
    ("error", "says"),
    [
        pytest.param(KeyError("her answer"), None, id="a-bug-may-quote-her"),
        pytest.param(ExaminerError.silent("her answer"), None, id="an-examiner-may-quote-her"),
        pytest.param(ServiceError("no course; build it"), "no course; build it", id="words-of-ours"),
        pytest.param(OSError(28, "No space left on device", "/homes/acacia/x"), "No space left on device", id="a-disk"),
    ],
)
def test_an_error_is_its_type_and_its_place(lines: Lines, error: Exception, says: str | None) -> None:
    try:
        raise error  # noqa: TRY301  # its place is what is looked for
    except Exception:
        logging.getLogger("passerelle.marking").exception("stopped")

    told = lines.last()["error"]
    assert isinstance(told, dict)
    assert told["type"] == type(error).__name__
    assert told.get("says") == says
    assert "test_logs.py" in told["at"][-1]
    text = lines.path.read_text("utf-8")
    assert "her answer" not in text
    assert "acacia" not in text


def test_what_ends_a_thread_is_in_the_log_too(lines: Lines) -> None:
    thread = threading.Thread(target=lambda: {}["her answer"])
    thread.start()
    thread.join(10)

    assert lines.last()["error"] is not None
    assert "her answer" not in lines.path.read_text("utf-8")


def test_a_ledger_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data")

    assert logs.Anonymous.of(settings).text("acacia came?token=s3cret") == "acacia came?…"
    assert not (settings.root / "ledger.db").exists()


def test_a_log_never_grows_beyond_its_share(settings: Settings) -> None:
    program = f"""
import logging, os, sys
from passerelle.hub import logs
from passerelle.model.settings import Settings
logs.LOG_BYTES = 20_000
logs.set_up("web", Settings(data={str(settings.root)!r}))
for number in range(2000):
    logging.getLogger("passerelle").info("an event of about a hundred bytes, number %d", number)
print("printed beside the log", flush=True)
os.write(2, b"and to the other one\\n")
"""
    settings.logs.mkdir(exist_ok=True)
    log = settings.logs / "web.log"
    with log.open("ab") as output:  # as the supervisor starts it
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": "src"},
            stdout=output,
            stderr=output,
            timeout=60,
            check=True,
        )

    written = sorted(settings.logs.glob("web.log*"))
    assert [one.name for one in written] == ["web.log", "web.log.1", "web.log.2", "web.log.3"]
    assert all(one.stat().st_size <= 21_000 for one in written)
    assert "number 1999" in log.read_text()
    assert "printed beside the log\nand to the other one\n" in log.read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        pytest.param('{"event": "marked", "facts": {}}', "marked", id="an-event"),
        pytest.param(
            '{"event": "stopped", "error": {"type": "OSError", "says": "no room"}}',
            "stopped: OSError: no room",
            id="error",
        ),
        pytest.param("ImportError: no module", "ImportError: no module", id="before-there-was-a-log"),
        pytest.param("[1, 2]", "[1, 2]", id="other-json"),
    ],
)
def test_a_line_is_said_in_words(line: str, said: str) -> None:
    assert logs.in_words(line) == said


def test_what_ends_a_process_is_in_its_log(settings: Settings) -> None:
    program = f"""
from passerelle.hub import logs
from passerelle.model.settings import Settings
logs.set_up("marking", Settings(data={str(settings.root)!r}))
raise KeyError("her answer")
"""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": "src"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    line = json.loads((settings.logs / "marking.log").read_text().splitlines()[-1])
    assert (line["level"], line["error"]["type"]) == ("CRITICAL", "KeyError")
    assert "her answer" not in done.stderr + done.stdout + str(line)
