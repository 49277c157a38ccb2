"""The formats of an export: each writes tables into an open file, the same tables always as the same bytes.

pyarrow and XlsxWriter are imported here and in sheets.py alone, and only when such a file is written: pyarrow gives
pandas another kind of text, and a second thread.
"""

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, date, datetime
from functools import lru_cache
from itertools import islice
from tempfile import TemporaryDirectory
from types import NoneType
from typing import IO, Any

from passerelle.progress.states import SCHEMA_VERSION
from passerelle.progress.tables import Kind, Table, Value

_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""What files say of their making: a real moment would make two exports of one state differ."""
_BATCH = 50_000
"""Rows that are held at a time while a large table is written."""
MOST_ROWS = 1_048_575
"""What a sheet of a workbook holds below its head."""

# A cell that starts so is a formula, or becomes one after a spreadsheet trimmed it; full-width forms count in some.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_SPACES = " \u00a0"


def as_text(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: what would be one is preceded by an apostrophe."""
    return "'" + text if text.lstrip(_SPACES).startswith(_FORMULA_STARTS) else text


def csv_cell(value: Value) -> str:  # noqa: PLR0911  a kind a line
    """Return a value as a cell of the CSV: empty for what is not known, a decimal comma, quoted where it must be."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return f"{value + 0.0:.6f}".rstrip("0").rstrip(".").replace(".", ",")
    if isinstance(value, datetime):
        return value.isoformat(" ", "seconds")
    if isinstance(value, date):
        return value.isoformat()
    text = as_text(value)
    if any(mark in text for mark in ';"\r\n'):
        text = '"' + text.replace('"', '""') + '"'
    return text


def write_csv(table: Table, out: IO[bytes]) -> None:
    """Write a table as CSV: UTF-8 with a byte order mark, `;` between cells, decimal comma, CRLF.

    That is what Excel in French opens by a double click.
    """
    out.write(b"\xef\xbb\xbf" + ";".join(one.name for one in table.columns).encode() + b"\r\n")
    # Ids, states, points and gaps come again and again: each is put into words once. By kind: 1 is equal to True.
    known: dict[type, dict[Value, str]] = {kind: {} for kind in (str, float, int, NoneType)}

    def cell(value: Value) -> str:
        texts = known.get(type(value))
        if texts is None:
            return csv_cell(value)
        found = texts.get(value)
        if found is None:
            found = texts[value] = csv_cell(value)
        return found

    rows = iter(table.rows)
    while batch := list(islice(rows, _BATCH)):
        out.write("".join([";".join([cell(value) for value in row]) + "\r\n" for row in batch]).encode())


def write_xlsx(tables: Sequence[Table], out: IO[bytes]) -> None:
    """Write tables as the sheets of a workbook; texts stay texts, and numbers and moments are real ones.

    Raises:
        ValueError: a table is larger than a sheet can be.
    """
    import xlsxwriter  # noqa: PLC0415  only where a workbook is written

    from passerelle.progress.sheets import RowSheet  # noqa: PLC0415

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "default_date_format": "yyyy-mm-dd hh:mm:ss",
    }
    # A workbook that is not finished leaves its rows behind, each sheet in an open file.
    with TemporaryDirectory(prefix="workbook-") as folder, ExitStack() as opened:
        book = xlsxwriter.Workbook(out, {**options, "tmpdir": folder})
        book.set_properties({"created": _EPOCH.replace(tzinfo=None)})
        head, day = book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd"})
        forms = {Kind.DAY: day, Kind.MOMENT: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})}
        for table in tables:
            if len(table.rows) > MOST_ROWS:
                raise ValueError(f"the table {table.name} has more than {MOST_ROWS} rows")
            sheet = book.add_worksheet(table.name, RowSheet)
            opened.enter_context(sheet.row_data_fh)
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(table.columns):
                # Before the rows: this way the file is written as it goes.
                sheet.set_column(place, place, max(len(column.name), 18 if column.kind is Kind.MOMENT else 8) + 2)
            sheet.write_row(0, 0, [one.name for one in table.columns], head)
            number = sheet.write_rows(table.columns, table.rows, forms, _sheet_text)
            sheet.autofilter(0, 0, number, len(table.columns) - 1)
        book.close()


def _sheet_text(value: str) -> str:
    # The apostrophe, too: a text is none for the next program that reads it as CSV.
    return _not_markup(as_text(value))


def _not_markup(text: str) -> str:
    """Return a text that XlsxWriter escapes: it takes `<r>…</r>` for a rich text of its own, and for finished XML."""
    return "'" + text if text.startswith("<r>") and text.endswith("</r>") else text


def write_parquet(table: Table, out: IO[bytes]) -> None:
    """Write a table as Parquet: typed columns, null for what is not known, zstd."""
    import pyarrow as pa  # noqa: PLC0415  see above
    import pyarrow.parquet as pq  # noqa: PLC0415

    types: Mapping[Kind, Any] = {
        Kind.TEXT: pa.string(),
        Kind.WHOLE: pa.int64(),
        Kind.NUMBER: pa.float64(),
        Kind.FLAG: pa.bool_(),
        Kind.MOMENT: pa.timestamp("s"),
        Kind.DAY: pa.date32(),
    }
    fields = [
        pa.field(one.name, types[one.kind], metadata={"unit": one.unit, "meaning": one.meaning})
        for one in table.columns
    ]
    schema = pa.schema(fields, metadata={"passerelle_schema_version": str(SCHEMA_VERSION), "table": table.name})
    rows = iter(table.rows)
    with pq.ParquetWriter(out, schema, compression="zstd", write_page_index=False) as writer:
        while batch := list(islice(rows, _BATCH)):
            columns = [
                pa.array(values, field.type) for values, field in zip(zip(*batch, strict=True), fields, strict=True)
            ]
            writer.write_batch(pa.record_batch(columns, schema=schema))


def write_json(head: Mapping[str, Any], tables: Iterable[Table], out: IO[bytes]) -> None:
    """Write what stands at the head of an export and its tables as one object, a record a line, keys in order.

    UTF-8; moments by the clock of the programme's time zone, null for what is not known.
    """
    # Each value is put into words once, as in CSV; by kind: 1 is equal to True.
    said = lru_cache(100_000, typed=True)(_json)
    text = json.dumps(dict(head), ensure_ascii=False, sort_keys=True)
    out.write(text[:-1].encode())
    for number, table in enumerate(tables):
        names = [json.dumps(one.name) + ": " for one in table.columns]
        order = sorted(range(len(names)), key=names.__getitem__)
        begin = ", " if head or number else ""
        out.write(f"{begin}{json.dumps(table.name)}: [".encode())
        comma = "\n"
        rows = iter(table.rows)
        while batch := list(islice(rows, _BATCH)):
            lines = ["{" + ", ".join([names[at] + said(row[at]) for at in order]) + "}" for row in batch]
            out.write((comma + ",\n".join(lines)).encode())
            comma = ",\n"
        out.write(b"]")
    out.write(b"}\n")


def _json(value: Value) -> str:
    if isinstance(value, datetime | date):
        return f'"{value.isoformat()}"'
    return json.dumps(value, ensure_ascii=False)


def in_memory(write: Callable[[IO[bytes]], None]) -> bytes:
    """Return what something writes."""
    out = io.BytesIO()
    write(out)
    return out.getvalue()
