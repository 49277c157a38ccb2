"""A sample of the killed batch and of a marker's growth; `make faults-batch` and `make growth` run all of it."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", *arguments]
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False)


def test_a_batch_that_is_killed_at_random_moments_ends_as_an_undisturbed_one() -> None:
    done = run("tests.faults.batch", "--count", "12", "--kills", "6", "--pages", "0", "--seed", "7")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "12 submissions, 0 pages, 6 of 6 kills" in done.stdout


def test_nothing_grows_while_a_marker_marks_one_after_another() -> None:
    done = run("tests.faults.growth", "--count", "40")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing has grown" in done.stdout
