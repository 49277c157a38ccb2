"""What was taken goes on to the ledger, the real box and nbgrader's folders, whatever its files are called."""

from collections.abc import Iterator

import pytest

from passerelle.grading.worker import Worker, courses_of
from passerelle.model.parcel import unpack
from tests.unit.grading.desk import RIGHT, UNIT, Desk, make_course

pytestmark = pytest.mark.slow

ODD = {
    "a-folder-for-our-stamp": {"timestamp.txt/x": b""},
    "a-stamp-of-her-own": {"timestamp.txt": b"1999-01-01 00:00:00 UTC"},
    "a-folder-for-the-card": {"unit.json/x": b""},
    "names": dict.fromkeys(("می\u200cخواهم.txt", "-rf", "a'b\"$(c).txt", "n" * 200, "e\u0301", "two words"), b""),
    "a-second-notebook": {"other.ipynb": b"{", f"sub/{UNIT}.ipynb": b"[]"},
    "modules-of-hers": {
        f"{name}.py": b"1/0" for name in ("json", "random", "signal", "pandas", "autograders", "sitecustomize")
    },
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    course_dir = make_course(tmp_path_factory.mktemp("built"))
    opened = Desk.open(tmp_path_factory.mktemp("data"), course_dir)
    yield opened
    opened.engine.dispose()


def mark_all(desk: Desk) -> None:
    worker = Worker(desk.engine, lambda: courses_of(desk.settings), desk.settings.learner)
    while worker.step():
        pass


@pytest.mark.parametrize("name", ODD)
def test_odd_files_cost_nothing_and_hold_nothing_up(desk: Desk, name: str) -> None:
    before = len(desk.attempts())
    # Another answer each time: else there would be nothing to run.
    receipt = desk.submit(desk.files(f"{RIGHT}\n# {name}", **ODD[name]))

    mark_all(desk)

    attempt = desk.attempts()[-1]
    assert (len(desk.attempts()), attempt.receipt) == (before + 1, receipt.id)
    assert attempt.state == "marked"
    recorded = desk.course_dir / "autograded" / "acacia" / UNIT
    assert attempt.auto == 2.0
    assert (recorded / "timestamp.txt").is_file()
    assert "1999" not in (recorded / "timestamp.txt").read_text()


def test_what_she_sent_lies_in_submitted_as_it_came(desk: Desk) -> None:
    files = desk.files(f"{RIGHT}\n# better", words="Another explanation.", **ODD["names"])
    receipt = desk.submit(files, "basil")

    mark_all(desk)

    folder = desk.course_dir / "submitted" / "basil" / UNIT
    lying = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert lying.pop("timestamp.txt")
    assert lying == files == unpack(receipt.content or b"")


def test_a_module_of_hers_is_found_by_her_own_cells(desk: Desk) -> None:
    answer = "from helper import mean"
    desk.submit(desk.files(answer, **{"helper.py": RIGHT.encode()}), "basil")

    mark_all(desk)

    assert desk.attempts("basil")[-1].auto == 2.0
