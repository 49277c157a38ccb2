"""An export as PDF: tables to be read and printed, tagged, the same bytes for the same state."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from typing import IO, TYPE_CHECKING

from passerelle.progress.tables import Column, Kind, Table, Value

if TYPE_CHECKING:
    from passerelle.progress.model import TrackProgress

MOST_FELLOWS = 300
"""With more of them a PDF has the summary alone, and says so: nobody reads pages and pages of rows."""

_STYLE = """
@page { size: A4 landscape; margin: 14mm;
  @bottom-right { content: counter(page) " / " counter(pages); font-size: 8pt } }
body { font-family: "DejaVu Sans", sans-serif; font-size: 8pt; color: #1c1c1c }
h1 { font-size: 15pt; margin: 0 0 2mm } h2 { font-size: 11pt; margin: 6mm 0 2mm }
table { border-collapse: collapse; width: 100% } thead { display: table-header-group }
th, td { border-bottom: .3pt solid #8a8a8a; padding: 1mm 1.5mm; text-align: start; vertical-align: top }
td.number { text-align: end } tr { break-inside: avoid }
"""


def fellows_table(progress: "TrackProgress") -> Table:
    """Return a row a fellow with what she has of each unit, as it is read on paper."""
    units = list(dict.fromkeys(unit.unit for fellow in progress.fellows for unit in fellow.units))
    columns = [
        Column("fellow", Kind.TEXT, "", "the fellow"),
        Column("cohort", Kind.TEXT, "", "the group"),
        Column("week", Kind.WHOLE, "weeks", "the week she is in"),
        *(Column(unit, Kind.TEXT, "points", "state, and points of those that the unit gives") for unit in units),
    ]
    rows: list[Sequence[Value]] = []
    for fellow in progress.fellows:
        cells: dict[str, str] = {}
        for unit in fellow.units:
            points = "" if unit.points is None else f" {unit.points:g} / {unit.max_points:g}"
            cells[unit.unit] = ("mastered" if unit.mastered else unit.state.value) + points
        rows.append((fellow.fellow, fellow.cohort, fellow.week, *(cells.get(unit) for unit in units)))
    return Table("fellows", columns, rows)


def write_pdf(title: str, as_of: datetime, tables: Sequence[Table], notes: Sequence[str], out: IO[bytes]) -> None:
    """Write tables as a tagged PDF (PDF/UA-1). What stands in it as its making is the moment it tells of."""
    import weasyprint  # noqa: PLC0415  it takes half a second

    moment = as_of.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    text = "".join(
        (
            f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>',
            f'<meta name="dcterms.created" content="{moment}"><meta name="dcterms.modified" content="{moment}">',
            f"<style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>",
            f"<p>As of {as_of.astimezone(UTC):%Y-%m-%d %H:%M} UTC. An empty cell is not known, and never 0.</p>",
            *(f"<p>{escape(note)}</p>" for note in notes),
            *(_table(table) for table in tables),
            "</body></html>",
        )
    )
    identifier = hashlib.sha256(text.encode()).hexdigest()[:32].encode()
    document = weasyprint.HTML(string=text, url_fetcher=_nothing).render(pdf_variant="pdf/ua-1")
    out.write(document.write_pdf(pdf_identifier=identifier, pdf_variant="pdf/ua-1"))


def _nothing(url: str) -> dict[str, object]:
    raise ValueError(f"an export loads nothing: {url}")


def _table(table: Table) -> str:
    head = "".join(f'<th scope="col">{escape(one.name)}</th>' for one in table.columns)
    rows = "".join(
        "<tr>" + "".join(_cell(value, one) for value, one in zip(row, table.columns, strict=True)) + "</tr>"
        for row in table.rows
    )
    return f"<h2>{escape(table.name)}</h2><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>"


def _cell(value: Value, column: Column) -> str:
    if value is None:
        return "<td></td>"
    if column.kind in (Kind.WHOLE, Kind.NUMBER):
        return f'<td class="number">{value:g}</td>' if isinstance(value, int | float) else "<td></td>"
    return f"<td>{escape(str(value))}</td>"
