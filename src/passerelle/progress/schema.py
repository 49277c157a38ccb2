"""docs/progress-schema.md, written from the read model so that it cannot say something else.

Run `python -m passerelle.progress.schema > docs/progress-schema.md`.
"""

import sys

from pydantic import BaseModel

from passerelle.progress import model
from passerelle.progress.export import COLUMNS

_INTRODUCTION = f"""# The progress export, schema version {model.SCHEMA_VERSION}

This page is written by `python -m passerelle.progress.schema`; a test keeps it true.

Every export is made from one read model. It holds facts, no scores of a person and no ranking. It holds no name:
a fellow is a pseudonym, stable within the programme's own exports and different for every recipient outside.
**Empty (CSV) or null (JSON) means not known; it never means 0.** The same ledger at the same moment gives the same
bytes.

States: `not-due` (nothing sent, nothing expected yet), `missing` (nothing sent, its weeks are over), `submitted`
(sent, marking has not come to it), `waiting-for-us` (a person has a mark to give, or a fault of ours is being tried
again), `graded`.

## CSV: a row a task

UTF-8 with a byte order mark, `;` between cells, decimal comma, lines end in CRLF: what Excel in French opens by a
double click; in pandas `read_csv(path, sep=";", decimal=",")`. Times are in the programme's time zone. A text that a
spreadsheet would take for a formula is preceded by `'`. `unit_…` repeats on each task of a unit: do not add it up.

| Column | Meaning |
|---|---|
"""

_JSON = """
## JSON: everything

UTF-8, keys in alphabetical order, times in UTC (ISO 8601).
"""


def markdown() -> str:
    """Return the description of both formats."""
    columns = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in COLUMNS.items())
    order: list[type[BaseModel]] = [model.TrackProgress, model.FellowProgress, model.UnitProgress]
    order += [model.Task, model.Check, model.Attempt, model.Waiting, model.Skill, model.WeekCount]
    return _INTRODUCTION + columns + _JSON + "".join(_table(one) for one in order)


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
