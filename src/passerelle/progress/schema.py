"""docs/progress-schema.md, written from the read model so that it cannot say something else.

Run `python -m passerelle.progress.schema > docs/progress-schema.md`.
"""

import sys

from pydantic import BaseModel

from passerelle.progress import model
from passerelle.progress.gradebooks import ASSIGNMENTS
from passerelle.progress.pdf import MOST_FELLOWS
from passerelle.progress.small_numbers import LEAST
from passerelle.progress.tables import ATTEMPTS, SKILLS, SUMMARY, TASKS, WEEKS, described

_INTRODUCTION = f"""# The progress export, schema version {model.SCHEMA_VERSION}

This page is written by `python -m passerelle.progress.schema`; a test keeps it true.

Every page and export is made from one read model. It holds facts, no scores of a person and no ranking, and neither
name nor language of anybody. A fellow is a pseudonym, stable within the programme's own exports and different for every
recipient outside (`--for`); with `--identified`, which asks for a reason and is written down, it is her user name.
**Empty (CSV, XLSX, Parquet, PDF) or null (JSON) means not known; it never means 0.** The same state at the same moment
gives the same bytes. Every export of a track is written down, and each fellow in it can read that it was made; of
course directories see below.

States: `not-due` (nothing sent, nothing expected yet), `missing` (nothing sent, its weeks are over), `submitted`
(sent, marking has not come to it), `waiting-for-us` (a person has a mark to give, or a fault of ours is being tried
again), `graded`. A mark that is on its way takes nothing away: points, mastery, skills and weeks stay as they are.

## The formats

| Format | Files | |
|---|---|---|
| `csv` | one a table: `<track>.csv` (tasks), `…-attempts.csv` … | UTF-8 with a byte order mark, `;`, decimal comma |
| `xlsx` | `<track>.xlsx`, a sheet a table | numbers and moments are real ones; up to 1,048,575 rows a table |
| `parquet` | one a table, named as for CSV | typed columns, each with its unit and meaning in its metadata |
| `json` | `<track>.json` | everything, nested; moments in UTC |
| `pdf` | `<track>.pdf` | the summary, and up to {MOST_FELLOWS} fellows; tagged, to be read and printed |

CSV so written is what Excel in French opens by a double click; in pandas `read_csv(path, sep=";", decimal=",")`.
Moments in tables are by the clock of the programme's time zone, without an offset. In CSV and XLSX a text that a
spreadsheet would take for a formula is preceded by `'`. A button on a page gives of CSV and Parquet the first table.

## For somebody outside

`--for RECIPIENT` writes the table `summary` alone. In it every number of fellows under {LEAST} is left out (0, too),
and the smallest of the others with them until no subtraction from `fellows` gives one back, also to a reader who knows
this rule and the last day of a unit; a cohort of fewer than {LEAST} has no number at all. The summary is the one table
in which this is done: rows of fellows would give every number back, so somebody outside gets them only of fellows who
are named one by one (`--for RECIPIENT --fellow HANDLE`), under ids of that recipient's own, and without a summary. It
holds for one export: two of them at different moments can be subtracted from one another, so send them seldom, and so
can the rows of fellows who were named to the same recipient.

## Tables of a track
"""

_COURSE = """
## Tables of a course directory

`passerelle export --course-dir DIR` reads the `gradebook.db` of any nbgrader course directory and writes nothing there.
Points are nbgrader's own totals, except that what was not submitted, or not marked, is empty and not 0. Beside
`assignments` there is the `summary` above, with an assignment as `unit`; `track` is the course's name.

The export of a directory that the hub works in (`courses/<track>`) is written down as that of a track is, and it is
refused with `--for`: its summary and the track's count the same people in two ways, and one could give back what the
other leaves out. `--track` is for that. Of a directory from elsewhere an export with `--for` or `--identified` is
written down, and whoever has an account of that name here can read so; another one is not. A copy of the hub's own
directory counts as one from elsewhere: do not send numbers of it to whom you send the track's.
"""

_JSON = """
## JSON of a track: everything

UTF-8, keys in alphabetical order, times in UTC (ISO 8601). `summary` has the table of that name as records. For
somebody outside, and of a course directory, JSON has the tables themselves as records, in the time zone of the tables.
"""


def markdown() -> str:
    """Return the description of all formats."""
    tables = {
        "tasks: a row a task (`unit_…` repeats on every task of a unit: do not add it up)": TASKS,
        "attempts: a row an attempt": ATTEMPTS,
        "skills: a row a skill of a fellow": SKILLS,
        "weeks: a row a week of a fellow, the last six": WEEKS,
        "summary: a row a unit of a cohort; each fellow counts once, so the numbers add up to `fellows`": SUMMARY,
    }
    course = {"assignments: a row a student and assignment": ASSIGNMENTS}
    order: list[type[BaseModel]] = [model.TrackProgress, model.FellowProgress, model.UnitProgress]
    order += [model.Task, model.Check, model.Attempt, model.Waiting, model.Skill, model.WeekCount]
    return (
        _INTRODUCTION + described(tables) + _COURSE + described(course) + _JSON + "".join(_table(one) for one in order)
    )


def _table(one: type[BaseModel]) -> str:
    rows = [
        f"| `{name}` | {_type(field.annotation)} | {field.description} |\n"
        for name, field in one.model_fields.items()
        if not field.exclude
    ]
    return f"\n### {one.__name__}\n\n| Field | Type | Meaning |\n|---|---|---|\n" + "".join(rows)


def _type(annotation: object) -> str:
    text = annotation.__name__ if isinstance(annotation, type) and "[" not in str(annotation) else str(annotation)
    for noise in ("passerelle.progress.model.", "datetime."):
        text = text.replace(noise, "")
    return text.replace(" | ", " or ").replace("tuple[", "list of ").replace(", ...]", "")


if __name__ == "__main__":
    sys.stdout.write(markdown())
