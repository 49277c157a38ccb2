"""No user namespaces: nothing is marked, unless an operator has turned the box off in writing; then all of it says so."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle.grading.unboxed import SETTING, WORDS
from passerelle.grading.walls import BoxError
from passerelle.model.verdict import CheckState, Trust
from tests.unit.grading import trial

pytestmark = pytest.mark.slow


@pytest.fixture
def forbidden(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A bubblewrap as on a machine that forbids user namespaces."""
    with tempfile.TemporaryDirectory() as folder:  # readable by whoever runs the box
        Path(folder).chmod(0o755)
        program = Path(folder) / "bwrap"
        program.write_text("#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", folder, prepend=":")
        yield


@pytest.mark.usefixtures("forbidden")
@pytest.mark.parametrize("said", ["", "yes", "1", WORDS.upper()])
def test_nothing_is_marked_without_a_box(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv(SETTING, said)
    course = trial.make_course(tmp_path)

    with pytest.raises(BoxError, match="user namespaces are forbidden here"):
        trial.marked(course, trial.RIGHT)


@pytest.mark.usefixtures("forbidden")
def test_an_operator_may_turn_the_box_off_and_every_check_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SETTING, WORDS)
    course = trial.make_course(tmp_path)

    marked = trial.marked(course, trial.RIGHT)

    assert trial.points(marked) == {"mean": 1.0, "double": 2.0}
    assert marked.verdict.trust is Trust.UNBOXED
    assert {check.trust for check in marked.verdict.checks if check.state is not CheckState.BY_HAND} == {Trust.UNBOXED}


def test_an_endless_loop_ends_without_a_box_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SETTING, WORDS)
    course = trial.make_course(tmp_path)

    deaf = "import signal\nsignal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPROF, signal.SIGALRM})\nwhile True: pass"
    marked = trial.marked(course, {**trial.RIGHT, "answer-double": deaf})

    assert trial.points(marked) == {"mean": 1.0, "double": 0.0}
