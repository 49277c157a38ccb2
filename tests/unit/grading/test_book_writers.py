"""The marking process, another of ours and a trainer's formgrader write one gradebook: nothing is lost, none waits long."""

from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from benchmarks.exports import fill, make_gradebook
from passerelle.grading.layout import allow_elsewhere, gradebook_url
from tests.gradebooks import on_postgresql
from tests.ledgers import KINDS, POSTGRESQL
from tests.writers import together

FELLOWS = 60
LONGEST_S = 2.0

pytestmark = pytest.mark.slow


@pytest.fixture(params=KINDS)
def course_dir(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A course directory in which each of sixty fellows has sent one unit, without a point so far."""
    made = tmp_path / "course"
    path = make_gradebook(made)
    fill(path, FELLOWS, assignments=1, cells=4)
    rows = create_engine(f"sqlite:///{path}")
    with rows.begin() as connection:
        connection.execute(text("UPDATE grade SET auto_score = 0, manual_score = NULL, extra_credit = NULL"))
        sent = {row[0] for row in connection.execute(text("SELECT student_id FROM submitted_assignment"))}
        for number, who in enumerate(f"fellow-{number:05}" for number in range(FELLOWS)):
            if who not in sent:
                add = "INSERT INTO {} VALUES ({})"
                said = [("submitted_assignment (id, assignment_id, student_id)", f"'s{number}', 'a00', '{who}'")]
                said += [("submitted_notebook (id, assignment_id, notebook_id)", f"'b{number}', 's{number}', 'n00'")]
                grades = [f"'g{number}-{cell}', 'b{number}', 'n00-c{cell}', 0, FALSE" for cell in range(4)]
                said += [("grade (id, notebook_id, cell_id, auto_score, needs_manual_grade)", one) for one in grades]
                for table, values in said:
                    connection.execute(text(add.format(table, values)))
    rows.dispose()
    if request.param == POSTGRESQL:
        url = on_postgresql(path)
        path.unlink()
        (made / "nbgrader_config.py").write_text(f"c = get_config()\nc.CourseDirectory.db_url = {url!r}\n")
    return made


def test_markers_and_formgrader_neither_lose_nor_block(course_dir: Path) -> None:
    writer = str(Path(__file__).with_name("book_writer.py"))
    kinds = ("marker", "marker", "marker", "formgrader")

    took = together([(writer, kind, str(course_dir), str(n), str(FELLOWS)) for n, kind in enumerate(kinds)], {})

    allow_elsewhere(course_dir)
    rows = create_engine(gradebook_url(course_dir))
    with rows.connect() as connection:
        machine = connection.execute(text("SELECT auto_score FROM grade WHERE cell_id = 'n00-c0'")).scalars().all()
        person = connection.execute(text("SELECT manual_score FROM grade WHERE cell_id = 'n00-c3'")).scalars().all()
    rows.dispose()
    assert machine == [111.0] * FELLOWS
    assert person == [0.5] * FELLOWS
    assert len(took) == len(kinds) * FELLOWS
    assert took[-1] < LONGEST_S, f"the longest waited {took[-1]:.2f} s, half of them under {took[len(took) // 2]:.3f} s"
    print(f"{len(took)} writes: median {took[len(took) // 2] * 1000:.1f} ms, longest {took[-1] * 1000:.0f} ms")
