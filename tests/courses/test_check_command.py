"""`passerelle check` as it is typed: one record a unit, what cannot be proved, and watching."""

import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.courses.example import edit, write_example

LINE_S = 120.0


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "passerelle.cli", "check", *arguments, "--learner", sys.prefix]


def run(course: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    return subprocess.run(
        command(*arguments),
        cwd=course.parents[1],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


@pytest.mark.slow
def test_a_record_and_a_table_are_written(tmp_path: Path) -> None:
    course = write_example(tmp_path)
    done = run(course, "demo", "mini", "--json", "--jobs", "1", "--table", str(tmp_path / "docs"))

    (line,) = done.stdout.splitlines()
    record = json.loads(line)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (record["unit"], record["track"], record["proved"], record["faults"]) == ("mini", "demo", True, [])
    assert record["planted"]["caught"] == record["planted"]["planted"] > 8
    assert "| mini | yes |" in (tmp_path / "docs" / "demo.md").read_text("utf-8")


def test_a_unit_that_cannot_be_read_ends_with_1_and_an_unknown_one_with_2(tmp_path: Path) -> None:
    course = write_example(tmp_path)
    edit(course / "units" / "mini" / "unit.md", "points: 2\n", "")
    broken, unknown = run(course, "mini"), run(course, "nini")

    assert broken.returncode == 1
    assert broken.stdout.startswith("mini: 1 thing to mend")
    assert "it has no points; write points: a number above 0" in broken.stdout
    assert unknown.returncode == 2
    assert unknown.stderr.strip() == "nini: there is no such track or unit; name one of: demo, mini"


def lines_of(process: subprocess.Popen[bytes]) -> Iterator[str]:
    """Yield each line as it comes; one that does not come in time ends the test."""
    assert process.stdout is not None
    rest, until = b"", time.monotonic() + LINE_S
    while True:
        line, found, more = rest.partition(b"\n")
        if found:
            rest, until = more, time.monotonic() + LINE_S
            yield line.decode()
        elif select.select([process.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
            read = os.read(process.stdout.fileno(), 65536)
            assert read, "the command ended"
            rest += read
        else:
            pytest.fail(f"no line within {LINE_S:.0f} s")


@pytest.mark.slow
def test_watching_says_what_is_quick_first_and_proves_again_on_a_change(tmp_path: Path) -> None:
    course = write_example(tmp_path)
    text = course / "units" / "mini" / "unit.md"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command("demo", "--watch"), cwd=tmp_path, env=environment, stdout=subprocess.PIPE) as process:
        try:
            said = lines_of(process)
            assert next(said).startswith("I prove again whenever you save")
            assert next(said).startswith("mini: so far: 2 points by machine")
            assert next(said).startswith("mini: proved: 2 points by machine")

            edit(text, "return sum(numbers) / len(numbers)", "return sum(numbers)")
            assert next(said).startswith("mini: 1 thing to mend")
            assert "mini/reference solution: 'check-mean' earned 0, stated are 2" in next(said)

            edit(text, "return sum(numbers)", "return sum(numbers) / len(numbers)")
            assert next(said).startswith("mini: so far")
        finally:
            process.kill()
