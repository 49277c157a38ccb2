"""The executed notebook is one by nbformat's own schema: nothing holds it against that when it is made."""

import json
import sys
from pathlib import Path

import nbformat

from passerelle.grading.kept import kept_unit
from passerelle.grading.layout import layout_of
from passerelle.grading.notebook_text import notebook_text
from passerelle.grading.prepare import prepare
from passerelle.grading.sheet import Shown, executed_notebook
from passerelle.model.verdict import CheckResult, CheckState, Message
from tests.unit.grading.desk import CHECK, MANUAL, UNIT, files_of, notebook
from tests.unit.grading.hostile import PIXEL

TOLD = [
    {"output_type": "stream", "name": "stderr", "text": "a\nb \udcff\u2028c"},
    {"output_type": "error", "ename": "E", "evalue": 3, "traceback": ["\x1b[31mx", None]},
    {"output_type": "display_data", "data": {"image/png": PIXEL, "text/plain": "x\ny", "application/javascript": "x"}},
    {"output_type": "execute_result", "data": {"text/html": "<b>\n</b>", "image/svg+xml": "<svg>\n</svg>"}},
    {"output_type": "display_data", "data": {}},
    {"output_type": "update_display_data", "data": {"text/plain": "x"}},
    "nothing",
]


def test_it_holds_against_nbformats_schema_and_leaves_the_unit_as_it_is(released_course: Path) -> None:
    made = notebook(released_course)
    made.cells.insert(2, nbformat.v4.new_code_cell("mine"))
    made.cells.append(nbformat.v4.new_markdown_cell("mine", attachments={"a.png": {"image/png": PIXEL}}))
    (work,) = prepare(released_course, UNIT, files_of(made), Path(sys.prefix)).works
    before = json.dumps(work.source)
    shown = {
        place: Shown.of({"state": "done", "outputs": TOLD})
        for place, cell in enumerate(work.rebuilt.cells)
        if cell.cell_type == "code" and not cell.is_check
    }
    said = Message(id="raised", args={"error": "E", "text": "x"})
    picture = {CHECK: [{"kind": "image/png", "body": PIXEL, "width": 1200}]}

    for points in (0.0, 1.0, 2.0):
        state = {0.0: CheckState.MISSED, 1.0: CheckState.PARTIAL, 2.0: CheckState.PASSED}[points]
        messages = () if points == 2.0 else (said,)
        results = {
            CHECK: CheckResult(key=CHECK, points=points, max_points=2, state=state, messages=messages),
            MANUAL: CheckResult(key=MANUAL, points=0, max_points=1, state=CheckState.BY_HAND),
        }
        executed = executed_notebook(work.source, work.rebuilt, shown, results, {}, picture)
        nbformat.validate(executed)
        assert notebook_text(executed) == nbformat.writes(executed)
        assert len({cell.id for cell in executed.cells}) == len(executed.cells)
        assert sum(len(cell.get("outputs", ())) for cell in executed.cells) >= 4 * len(shown)

    assert json.dumps(work.source) == before
    assert json.dumps(kept_unit(layout_of(released_course), UNIT).source) == before
