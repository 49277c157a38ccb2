import os
import subprocess
import sys
import time
from pathlib import Path

from passerelle.hub.last_words import HEAD_BYTES, TAIL_BYTES, LastWords


def said_by(program: str, log: Path, *, stop: bool = False) -> str:
    """Run a program as the supervisor runs a server; return what is left of its words."""
    with log.open("wb") as file:
        words, output = LastWords.pipe(file.fileno(), "acacia")
    process = subprocess.Popen([sys.executable, "-c", program], stdout=output, stderr=output)
    os.close(output)
    until = time.monotonic() + (2 if stop else 30)
    while process.poll() is None and time.monotonic() < until:
        words.read()
        time.sleep(0.01)
    if stop:
        process.terminate()
    words.close(process.wait(10))
    return log.read_text()


def test_what_a_server_says_when_it_cannot_start_is_kept_without_her_name(tmp_path: Path) -> None:
    said = said_by("raise SystemExit('no such directory: /home/acacia?token=s3cret')", tmp_path / "a.log")

    assert said == "no such directory: /home/-?...\n"


def test_what_a_server_said_that_ran_well_is_kept_nowhere(tmp_path: Path) -> None:
    assert said_by("print('my answer')", tmp_path / "a.log") == ""


def test_printing_without_end_fills_nothing(tmp_path: Path) -> None:
    program = "while True: print('x' * 1000)"

    assert said_by(program, tmp_path / "a.log", stop=True) == ""
    assert (tmp_path / "a.log").stat().st_size == 0


def test_of_a_long_story_the_beginning_and_the_end_are_kept(tmp_path: Path) -> None:
    said = said_by("print('first'); print('x' * 1_000_000, flush=True); raise SystemExit('last')", tmp_path / "a.log")

    assert said.startswith("first\n")
    assert said.endswith("x\nlast\n")
    assert len(said) < HEAD_BYTES + TAIL_BYTES + 100
