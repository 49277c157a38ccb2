"""What forks, and what compares with it, has one thread, also where the environment has pyarrow for exports."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

from passerelle.grading import watch
from passerelle.grading.box import Box
from passerelle.grading.panel import Examiner
from tests.unit.grading.trial import QUICK

pytestmark = pytest.mark.slow
PLATFORM = Path(sys.prefix)


def threads(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208  a process may end meanwhile


def threads_below() -> dict[int, int]:
    return {one.pid: threads(one.pid) for one in watch.below(os.getpid())}


def test_the_environment_of_these_tests_has_pyarrow() -> None:
    assert importlib.util.find_spec("pyarrow") is not None


def test_the_box_has_one_thread_after_pandas() -> None:
    before = set(threads_below())
    with Box(PLATFORM, {}, QUICK, modules=("pandas",)) as box:
        box.wait()
        told = box.run("import sys\nprint('pandas' in sys.modules, 'pyarrow' in sys.modules)\nimport pyarrow")
        found = {pid: count for pid, count in threads_below().items() if pid not in before}

    assert told["outputs"][0]["text"] == "True False\n"
    assert told["outputs"][1]["ename"] == "ModuleNotFoundError"
    assert set(found.values()) == {1}


def test_the_examiner_has_one_thread_after_pandas(tmp_path: Path) -> None:
    before = set(threads_below())
    check = "import sys\nassert 'pandas' in sys.modules and 'pyarrow' not in sys.modules\n1.0"
    with Examiner(tmp_path, modules=("pandas",), learner=PLATFORM) as examiner:
        told = examiner.examine(check, 1.0, lambda _question: b"{}", hidden=False)
        found = {pid: count for pid, count in threads_below().items() if pid not in before}

    assert (told["points"], told["fault"]) == (1.0, None)
    assert set(found.values()) == {1}
