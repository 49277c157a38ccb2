"""What can be proved of a unit by reading it: languages, headings, images, terms, wrong answers."""

import ast
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from markdown_it.token import Token
from nbformat import NotebookNode

from passerelle.courses import TRANSLATIONS, Cell, Fault, Kind, UnitFolder, notebook_in_language
from passerelle.model.course import in_language
from passerelle.model.people import LANGUAGES

MOST_TERMS = 8
"""New terms a unit may bring (SYLLABUS: at most 8 a unit)."""

LEAST_WRONG = 2
"""Wrong answers that each counted task needs."""

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_HEADING = re.compile(r"h[1-6]")


def translation_faults(folder: UnitFolder) -> list[Fault]:
    """Return what is missing, stale or unusable in each language."""
    return [gap.fault(folder.where(f"{language}.po")) for language in TRANSLATIONS for gap in folder.gaps(language)]


def language_faults(notebook: NotebookNode, where: str) -> list[Fault]:
    """Return the cells that a change of language would change although they are not prose."""
    faults = []
    for language in LANGUAGES:
        changed = notebook_in_language(notebook, language)
        for one, other in zip(notebook.cells, changed.cells, strict=True):
            if (one.cell_type == "code" or "nbgrader" in one.metadata) and one != other:
                place = f"{where}, cell {one.metadata['passerelle']['key']!r}"
                faults.append(Fault(place, f"it is another cell in {language}", "keep text out of cells with code"))
    return faults


def accessibility_faults(notebook: NotebookNode, where: str) -> list[Fault]:
    """Return images without an alternative text and headings out of order, in every language."""
    faults = []
    for language in LANGUAGES:
        level = 0
        for cell in notebook.cells:
            text = cell.metadata["passerelle"].get("text")
            if text is None:
                continue
            place = f"{where}, cell {cell.metadata['passerelle']['key']!r} ({language})"
            page = _Page(in_language(text, language))
            faults += [_no_alternative(place, name) for name in page.images_without_text]
            for heading in page.headings:
                faults += _heading_faults(place, heading, level)
                level = heading
        if level == 0:
            faults.append(Fault(f"{where} ({language})", "there is no heading", "start with one: # The unit's title"))
    return faults


def page_faults(folder: UnitFolder) -> list[Fault]:
    """Return images without an alternative text in the pages beside the notebook."""
    return [
        _no_alternative(f"{folder.where(name)} ({language})", image)
        for name, markdown in folder.pages.items()
        for language, text in folder.wording.page(name, markdown).items()
        for image in _Page(text).images_without_text
    ]


def term_faults(folder: UnitFolder) -> list[Fault]:
    """Return a fault where the unit brings more terms than a learner can keep."""
    count = len(folder.table.glossary)
    if count <= MOST_TERMS:
        return []
    where = folder.where("unit.toml, glossary")
    return [Fault(where, f"there are {count} terms", f"keep {MOST_TERMS}, or make two units")]


def wrong_answer_faults(folder: UnitFolder) -> list[Fault]:
    """Return the counted tasks with too few wrong answers, and wrong answers that lose nothing."""
    checks = {cell.key: cell for cell in folder.cells if cell.kind is Kind.CHECK}
    counts = {cell.task: 0 for cell in checks.values() if cell.task is not None}
    faults = []
    for wrong in folder.wrong:
        lost = {checks[key].task for key, points in wrong.points.items() if points < (checks[key].points or 0.0)}
        if not lost:
            where = folder.where(f"wrong/{wrong.name}.toml, points")
            faults.append(Fault(where, "no check loses points by it", "state what it earns, or take it out"))
        for task in lost - {None}:
            counts[str(task)] += 1
    faults += [
        Fault(
            folder.where("wrong"),
            f"the task {task!r} has {count} wrong answers",
            f"write {LEAST_WRONG}, named by the misconception",
        )
        for task, count in counts.items()
        if count < LEAST_WRONG
    ]
    return faults


def message_faults(folder: UnitFolder, known: Callable[[str], bool]) -> list[Fault]:
    """Return the message ids that a check or a wrong answer names and nobody knows.

    Args:
        folder: the unit.
        known: says whether the general words of `autograders` have an id.
    """
    faults = []
    for cell in folder.cells:
        for name in _named_messages(cell):
            if name not in folder.table.messages and not known(name):
                place = folder.where(f"unit.md line {cell.line}, cell {cell.key!r}")
                faults.append(Fault(place, f"there is no message {name!r}", "add it to unit.toml [messages]"))
    for wrong in folder.wrong:
        for name in wrong.hints:
            if name not in folder.table.messages and not known(name):
                place = folder.where(f"wrong/{wrong.name}.toml, hints")
                faults.append(Fault(place, f"there is no message {name!r}", "mend its name"))
    return faults


def _named_messages(cell: Cell) -> Iterator[str]:
    """Yield the ids in `else_="id"` of a cell with checks."""
    if cell.kind not in {Kind.CHECK, Kind.PRACTISE, Kind.RECALL} or cell.is_prose or cell.is_solution:
        return
    try:
        tree = ast.parse(cell.source)
    except SyntaxError:  # IPython's magics, in practice cells
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "else_" and isinstance(node.value, ast.Constant):
            yield str(node.value.value)


def _heading_faults(place: str, level: int, before: int) -> list[Fault]:
    if before == 0 and level != 1:
        return [Fault(place, f"the first heading is of level {level}", "start with one: # The unit's title")]
    if before != 0 and level == 1:
        return [Fault(place, "there is a second heading of level 1", "use ## for the parts")]
    if level > before + 1:
        return [Fault(place, f"a heading of level {level} follows one of level {before}", f"use {'#' * (before + 1)}")]
    return []


def _no_alternative(place: str, image: str) -> Fault:
    return Fault(place, f"the image {image} has no alternative text", "write what it shows: ![…](…)")


class _Page:
    """The headings and the images of a Markdown text, its HTML included."""

    def __init__(self, markdown: str) -> None:
        self.headings: list[int] = []
        self.images_without_text: list[str] = []
        for token in _MARKDOWN.parse(markdown):
            self._look(token)

    def _look(self, token: Token) -> None:
        if token.type == "heading_open":
            self.headings.append(int(token.tag[1]))
        elif token.type == "image" and not token.content.strip():
            self.images_without_text.append(str(token.attrGet("src")))
        elif token.type in {"html_block", "html_inline"}:
            html = _Html()
            html.feed(token.content)
            self.headings += html.headings
            self.images_without_text += html.images_without_text
        for child in token.children or ():
            self._look(child)


class _Html(HTMLParser):
    """The same for a piece of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.headings: list[int] = []
        self.images_without_text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if _HEADING.fullmatch(tag):
            self.headings.append(int(tag[1]))
        values = dict(attrs)
        if tag == "img" and not (values.get("alt") or "").strip():
            self.images_without_text.append(values.get("src") or "?")
