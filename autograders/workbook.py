"""Reads the cells of an `.xlsx` workbook that may be hostile: bounded, no formulas, no entities, no macros.

Numbers, text, True and False; a formula is the value that was saved with it. ECMA-376, part 1, 18.3 and 18.4.
"""

import io
import re
import zipfile
from typing import Any, NoReturn
from xml.etree import ElementTree

MAX_PART_BYTES = 20_000_000
MAX_CELLS = 500_000
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_LINK = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PLACE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class NoWorkbookError(ValueError):
    """It is no workbook, or more than a check reads."""


class _Builder(ElementTree.TreeBuilder):
    """Builds a tree; refuses a document type, which could declare entities."""

    def doctype(self, *_: object) -> NoReturn:
        raise NoWorkbookError("a document type")


def rows(content: bytes, sheet: str | None = None) -> list[list[Any]]:
    """Return the rows of a sheet, all of one length, None where a cell is empty.

    Raises:
        NoWorkbookError: it cannot be read.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            return _rows(_part(parts, _path(parts, sheet)), _shared(parts))
    except NoWorkbookError:
        raise
    except Exception as error:  # hostile data may upset any reader
        raise NoWorkbookError(type(error).__name__) from error


def _part(parts: zipfile.ZipFile, name: str) -> ElementTree.Element:
    with parts.open(name) as file:
        content = file.read(MAX_PART_BYTES + 1)
    if len(content) > MAX_PART_BYTES:
        raise NoWorkbookError("too large")
    parser = ElementTree.XMLParser(target=_Builder())  # noqa: S314  no document type, no entities
    parser.feed(content)
    root: ElementTree.Element = parser.close()
    return root


def _path(parts: zipfile.ZipFile, sheet: str | None) -> str:
    sheets = {one.get("name"): one.get(_LINK) for one in _part(parts, "xl/workbook.xml").iter(f"{_MAIN}sheet")}
    if not sheets or (sheet is not None and sheet not in sheets):
        raise NoWorkbookError("no such sheet")
    wanted = sheets[sheet] if sheet is not None else next(iter(sheets.values()))
    links = {one.get("Id"): one.get("Target", "") for one in _part(parts, "xl/_rels/workbook.xml.rels")}
    target = links[wanted]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _shared(parts: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in parts.namelist():
        return []
    return [_text(one) for one in _part(parts, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text(item: ElementTree.Element) -> str:
    return "".join(one.text or "" for one in item.iter(f"{_MAIN}t"))


def _rows(sheet: ElementTree.Element, shared: list[str]) -> list[list[Any]]:
    cells: dict[tuple[int, int], Any] = {}
    for cell in sheet.iter(f"{_MAIN}c"):
        place = _PLACE.fullmatch(cell.get("r") or "")
        if place is None or len(cells) > MAX_CELLS:
            raise NoWorkbookError("too many cells")
        column = 0
        for letter in place[1]:
            column = 26 * column + ord(letter) - ord("A") + 1
        value = _value(cell, shared)
        if value is not None:
            cells[int(place[2]) - 1, column - 1] = value
    height = 1 + max((row for row, _column in cells), default=-1)
    width = 1 + max((column for _row, column in cells), default=-1)
    if height * width > MAX_CELLS or not cells:
        raise NoWorkbookError("too many cells" if cells else "no cells")
    return [[cells.get((row, column)) for column in range(width)] for row in range(height)]


def _value(cell: ElementTree.Element, shared: list[str]) -> Any:
    kind, held = cell.get("t"), cell.find(f"{_MAIN}v")
    if kind == "inlineStr":
        return _text(cell)
    if held is None or held.text is None:
        return None
    if kind == "s":
        return shared[int(held.text)]
    if kind in ("str", "e"):
        return held.text if kind == "str" else None
    if kind == "b":
        return held.text == "1"
    number = float(held.text)
    return int(number) if number.is_integer() and abs(number) < 1e15 else number
