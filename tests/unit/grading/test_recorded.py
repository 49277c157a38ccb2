"""Recording was made fast; what it leaves is what it left before, and what nbformat itself would have written."""

import json

import nbformat

from tests.unit.grading.desk import HALF, UNIT, Desk
from tests.unit.grading.recorded import GOLDEN, tell


def test_rows_and_folders_are_what_they_were_before_recording_was_made_fast(desk: Desk) -> None:
    told = json.loads(json.dumps(tell(desk)))

    for now, before in zip(told, json.loads(GOLDEN.read_text()), strict=True):
        assert now == before, now["after"]


def test_an_executed_notebook_is_written_as_nbformat_writes_it(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(HALF, words="\u2028 «é» \U0001f600")))

    written = (desk.course_dir / "autograded" / "acacia" / UNIT / f"{UNIT}.ipynb").read_text("utf-8")
    read = nbformat.reads(written, as_version=4)
    nbformat.validate(read)
    assert written == nbformat.writes(read)
