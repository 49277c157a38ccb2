"""Tries on a kept box and examiner: what marking would say, in less time, and none leaves anything to the next."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from passerelle import grading
from passerelle.courses import build_course, read_unit
from passerelle.grading.release import generate
from passerelle.grading.warm import Bench, PlainCheckError
from passerelle.proof.submissions import Release, reference_answers
from tests.unit.courses.example import edit, write_example

LEARNER = Path(sys.prefix)
SUM, HALF, LEN = (f"def mean(numbers):\n    return {what}" for what in ("sum(numbers)", "sum(numbers) / 2", "len(x)"))
RIGHT = "def mean(numbers):\n    return sum(numbers) / len(numbers)"
FILE = "from pathlib import Path\nkept = Path('kept.txt')\n"


def built(root: Path, spoil: tuple[str, str] | None = None) -> tuple[Path, dict[str, bytes]]:
    """The example's course directory, and the submission of its reference answers."""
    course = write_example(root / "text")
    if spoil is not None:
        edit(course / "units" / "mini" / "unit.md", *spoil)
    build_course(course, root / "demo")
    release = Release.read(generate(root / "demo", "mini"))
    return root / "demo", release.submission(reference_answers(read_unit(course, "mini")))


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    course_dir, files = built(tmp_path_factory.mktemp("warm"))
    with Bench(course_dir, "mini", files, learner=LEARNER) as bench:
        yield bench


@pytest.mark.parametrize(
    ("text", "caught_by", "errored"),
    [
        pytest.param(RIGHT, None, False, id="right"),
        pytest.param(SUM, "check-mean", False, id="other-result"),
        pytest.param(HALF, "check-mean", False, id="right-by-chance-once"),
        pytest.param(LEN, "check-mean", True, id="error-in-a-call"),
        pytest.param("1 / 0", "check-mean", True, id="error-in-the-cell"),
        pytest.param("def mean(", "check-mean", True, id="no-python"),
        pytest.param("pass", "check-mean", False, id="nothing"),
    ],
)
def test_a_try_says_what_marking_says(bench: Bench, text: str, caught_by: str | None, errored: bool) -> None:
    tried = bench.attempt("answer-mean", text)

    assert (tried.caught_by, tried.errored) == (caught_by, errored)


def test_a_try_leaves_nothing_to_the_next(bench: Bench) -> None:
    spoilt = bench.attempt("answer-mean", f"sum = max\nlen = 5\n{FILE}kept.write_text('x')\n{SUM}")
    after = bench.attempt("answer-mean", f"{FILE}assert not kept.exists()\n{RIGHT}")

    assert spoilt.caught_by == "check-mean"
    assert (after.caught_by, after.errored) == (None, False)


def test_files_that_a_try_takes_away_are_there_for_the_next(bench: Bench) -> None:
    bench.attempt("answer-mean", "from pathlib import Path\nPath('unit.json').unlink()")
    after = bench.attempt("answer-mean", f"{FILE}assert Path('unit.json').read_text('utf-8')\n{RIGHT}")

    assert (after.caught_by, after.errored) == (None, False)


@pytest.mark.slow
def test_a_try_that_never_ends_is_caught_by_the_time(bench: Bench) -> None:
    tried = bench.attempt("answer-mean", "while True:\n    pass")

    assert (tried.caught_by, tried.errored) == ("check-mean", True)
    assert bench.attempt("answer-mean", RIGHT).caught_by is None


def test_an_answer_that_ends_its_process_ends_its_try_alone(bench: Bench) -> None:
    tried = bench.attempt("answer-mean", "import os\nos._exit(0)")

    assert (tried.caught_by, tried.errored) == ("check-mean", True)
    assert bench.attempt("answer-mean", RIGHT).caught_by is None


def test_a_message_of_a_try_is_what_marking_says(bench: Bench, tmp_path: Path) -> None:
    course_dir, files = built(tmp_path)
    text = next(iter(name for name in files if name.endswith(".ipynb")))
    wrong = {**files, text: files[text].replace(b" / len(numbers)", b"")}
    (check, _) = grading.mark(course_dir, "mini", wrong, learner=LEARNER).verdict.checks

    tried = bench.attempt("answer-mean", SUM)
    assert {message.id for message in tried.messages} == {message.id for message in check.messages}
    assert tried.points == check.points == 0


def test_a_check_without_expect_is_refused(tmp_path: Path) -> None:
    plain = (
        'from autograders import expect\nexpect.call("mean", [1, 2, 6]).equals(3, tolerance=1e-9, else_="divide-by-count")\n'
        '### BEGIN HIDDEN TESTS\nexpect.call("mean", [5, 6]).equals(5.5, tolerance=1e-9, else_="divide-by-count")\n'
    )
    course_dir, files = built(
        tmp_path, (plain, "assert mean([1]) == 1\n### BEGIN HIDDEN TESTS\nassert mean([4]) == 4\n")
    )

    with pytest.raises(PlainCheckError, match="check-mean does not use expect"):
        Bench(course_dir, "mini", files, learner=LEARNER)
