"""Every English text of a unit that a person reads, and where it stands."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from passerelle.courses.blocks import split_blocks, translate_blocks
from passerelle.courses.cells import Cell
from passerelle.courses.schema import UnitTable
from passerelle.model.course import Text

MENTOR, TRAINER, DATASHEET = "mentor.md", "trainer.md", "data/DATASHEET.md"


class SourceText(NamedTuple):
    """One text to translate: `context` is its msgctxt in the catalogue."""

    context: str
    english: str


@dataclass(frozen=True)
class UnitTexts:
    """What of a unit is read by people: its cells, its table, its Markdown files by name."""

    cells: tuple[Cell, ...]
    table: UnitTable
    pages: dict[str, str]

    def all(self) -> tuple[SourceText, ...]:
        """Return every text once, in the order a reader meets them."""
        return tuple(dict.fromkeys([*self._of_table(), *self._of_cells(), *self._of_pages()]))

    def _of_table(self) -> Iterator[SourceText]:
        table = self.table
        yield SourceText("unit.toml:title", table.title)
        yield SourceText("unit.toml:summary", table.summary)
        for task, title in table.tasks.items():
            yield SourceText(task_context(task), title)
        for identity, sentence in table.messages.items():
            yield SourceText(message_context(identity), sentence)
        for task, steps in table.hints.items():
            for step in type(steps).model_fields:
                yield SourceText(hint_context(task, step), getattr(steps, step))
        for term, definition in table.glossary.items():
            yield SourceText(term_context(term), term)
            yield SourceText(definition_context(term), definition)
        for key, criteria in table.rubric.items():
            for criterion, one in criteria.items():
                yield SourceText(criterion_context(key, criterion), one.title)
                for name, level in one.levels.items():
                    yield SourceText(level_context(key, criterion, name), level.title)
                    if level.example is not None:
                        yield SourceText(example_context(key, criterion, name), level.example)
        yield SourceText("unit.toml:staff.means", table.staff.means)
        yield SourceText("unit.toml:staff.ask", table.staff.ask)

    def _of_cells(self) -> Iterator[SourceText]:
        for cell in self.cells:
            if cell.is_prose:
                yield from (SourceText(cell.key, block.text) for block in split_blocks(cell.source))
            if cell.title is not None:
                yield SourceText(title_context(cell.key), cell.title)

    def _of_pages(self) -> Iterator[SourceText]:
        for name, markdown in self.pages.items():
            yield from (SourceText(name, block.text) for block in split_blocks(markdown))


def task_context(task: str) -> str:
    """Return the context of a task's title."""
    return f"unit.toml:tasks.{task}"


def message_context(identity: str) -> str:
    """Return the context of a message."""
    return f"unit.toml:messages.{identity}"


def hint_context(task: str, step: str) -> str:
    """Return the context of a step (nudge, concept, outline) of a task's hint."""
    return f"unit.toml:hints.{task}.{step}"


def term_context(term: str) -> str:
    """Return the context of a glossary term."""
    return f"unit.toml:terms.{term}"


def definition_context(term: str) -> str:
    """Return the context of a term's definition."""
    return f"unit.toml:glossary.{term}"


def criterion_context(key: str, criterion: str) -> str:
    """Return the context of the title of a criterion by which a manual cell is marked."""
    return f"unit.toml:rubric.{key}.{criterion}"


def level_context(key: str, criterion: str, level: str) -> str:
    """Return the context of the title of a criterion's level."""
    return f"{criterion_context(key, criterion)}.{level}"


def example_context(key: str, criterion: str, level: str) -> str:
    """Return the context of a level's example."""
    return f"{level_context(key, criterion, level)}.example"


def title_context(key: str) -> str:
    """Return the context of a marked cell's title."""
    return f"{key}:title"


Lookup = Callable[[str, str], str | None]
"""(context, English) -> translation, or None where there is none yet."""


class Wording:
    """Puts texts into every language; one that is not translated yet is left out (readers get the English)."""

    def __init__(self, lookups: dict[str, Lookup]) -> None:
        self._lookups = lookups

    def text(self, context: str, english: str) -> Text:
        """Return a short text in every language."""
        found = {language: lookup(context, english) for language, lookup in self._lookups.items()}
        return {"en": english} | {language: words for language, words in found.items() if words is not None}

    def page(self, context: str, english: str) -> Text:
        """Return Markdown in every language; a block that is not translated yet stays English."""
        english = english.strip("\n")
        page = {"en": english}
        for language, lookup in self._lookups.items():

            def translate(block: str, lookup: Lookup = lookup) -> str:
                return lookup(context, block) or block

            page[language] = translate_blocks(english, translate)
        return page
