"""How long the examiner may take: by its processor time where it computes, by the clock where it does nothing."""

from pathlib import Path

import pytest

from passerelle.grading import panel
from passerelle.grading.panel import Examiner, ExaminerError

pytestmark = pytest.mark.slow

BUSY = "import time\nuntil = time.process_time() + {}\nwhile time.process_time() < until: pass"
NOTHING = b'{"state": "missing"}'


def test_who_computes_is_waited_for_and_who_sleeps_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(panel, "_POLL_S", 0.1)
    with Examiner(tmp_path) as examiner:
        examiner.examine("1", 1.0, lambda _question: NOTHING, hidden=False)
        monkeypatch.setattr(panel, "_IDLE_S", 2.0)

        told = examiner.examine(BUSY.format(4), 1.0, lambda _question: NOTHING, hidden=False)
        with pytest.raises(ExaminerError, match="no answer within"):
            examiner.examine("import time\ntime.sleep(60)", 1.0, lambda _question: NOTHING, hidden=False)

    assert told["points"] == 1.0


def test_a_long_notebook_s_later_check_has_time_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(panel, "_CPU_S", 5)
    asks = "from autograders import expect\nassert expect('x').value == 3\n"
    with Examiner(tmp_path) as examiner:
        earned = [
            examiner.examine(
                asks + BUSY.format(2.8), 1.0, lambda _question: b'{"state": "value", "value": 3}', hidden=False
            )["points"]
            for _ in range(2)
        ]

    assert earned == [1.0, 1.0]
