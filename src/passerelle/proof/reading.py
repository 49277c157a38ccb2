"""What can be proved of a unit by reading it: languages, terms, minutes, messages, wrong answers."""

import ast
from collections.abc import Callable, Iterator
from dataclasses import replace

import polib
from nbformat import NotebookNode

from passerelle.courses import TRANSLATIONS, Cell, Fault, Kind, UnitFolder, notebook_in_language
from passerelle.courses.catalogue import Catalogue
from passerelle.courses.notebook import build_notebook
from passerelle.model.people import LANGUAGES

MOST_TERMS = 8
"""New terms a unit may bring (SYLLABUS: at most 8 a unit)."""

MOST_MINUTES = 90
"""Minutes of one unit (SYLLABUS: 30 to 90)."""

LEAST_WRONG = 2
"""Wrong answers that each counted task needs."""

_WORDS_A_MINUTE = 200
"""Faster than anybody reads a second language: what takes longer cannot be done in the stated time."""


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


def identity_faults(folder: UnitFolder) -> list[Fault]:
    """Return the cells that a translation into the same words changes: it may change nothing."""
    same = Catalogue(
        [polib.POEntry(msgctxt=text.context, msgid=text.english, msgstr=text.english) for text in folder.texts.all()]
    )
    notebook = build_notebook(replace(folder, catalogues=dict.fromkeys(TRANSLATIONS, same)))
    return [
        Fault(
            folder.where(f"unit.md, cell {cell.metadata['passerelle']['key']!r}"),
            "translated into its own words it is another text",
            "take away the spaces at the end of its text",
        )
        for language in TRANSLATIONS
        for cell, changed in zip(notebook.cells, notebook_in_language(notebook, language).cells, strict=True)
        if cell != changed
    ]


def minute_faults(folder: UnitFolder) -> list[Fault]:
    """Return a fault where the stated minutes do not do for reading alone, or are not said to the fellow."""
    minutes = folder.table.minutes
    prose = [cell.source for cell in folder.cells if cell.is_prose]
    words = sum(len(text.split()) for text in prose)
    faults = []
    where = folder.where("unit.toml, minutes")
    if words > minutes * _WORDS_A_MINUTE:
        faults.append(Fault(where, f"{words} words cannot be read in {minutes} minutes", "state more, or cut"))
    if folder.table.minutes > MOST_MINUTES:
        faults.append(Fault(where, f"{minutes} minutes are more than a session", "make two units"))
    return faults


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
