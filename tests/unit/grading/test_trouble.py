import errno

import pytest

from passerelle.grading import trouble
from passerelle.grading.gradebook import GradebookUnusableError
from passerelle.grading.panel import ExaminerError
from passerelle.grading.walls import BoxError
from passerelle.ledger import reasons
from passerelle.model.errors import ServiceError

HERS = "my answer is forty-two"


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        pytest.param(BoxError.no_bubblewrap(), "box", "apt-get install bubblewrap", id="no-box"),
        pytest.param(ExaminerError.of_check("d1", "mean", f"KeyError: {HERS}"), "check", "check mean", id="a-check"),
        pytest.param(ExaminerError.silent(HERS), "check", "gave no result", id="a-silent-examiner"),
        pytest.param(
            GradebookUnusableError.because("gradebook.db", RuntimeError(f"locked [SQL: update] [parameters: {HERS}]")),
            "gradebook",
            "locked",
            id="a-gradebook",
        ),
        pytest.param(OSError(errno.ENOSPC, "No space left on device", HERS), "disk", "No space left", id="a-disk"),
        pytest.param(KeyError(HERS), "other", "KeyError", id="a-bug"),
        pytest.param(ServiceError("d1: there is no such course directory"), "other", "no such course", id="ours"),
    ],
)
def test_a_reason_says_what_happened_and_nothing_of_hers(error: Exception, kind: str, said: str) -> None:
    kept = trouble.reason(error)

    assert reasons.kind_of(kept) == kind
    assert said in reasons.happened(kept)
    assert HERS not in kept


def test_a_reason_of_an_older_version_is_not_shown() -> None:
    assert reasons.kind_of(f"ValueError: {HERS}") == reasons.OTHER
    assert reasons.happened(f"ValueError: {HERS}") == ""
