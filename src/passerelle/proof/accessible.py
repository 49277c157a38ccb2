"""What of a unit's texts somebody would miss who does not see them, or not their colours."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from markdown_it import MarkdownIt
from nbformat import NotebookNode

from passerelle.courses import Fault, UnitFolder
from passerelle.model.course import in_language
from passerelle.model.people import LANGUAGES

_MARKDOWN = MarkdownIt("commonmark").enable("table")
_HEADING = re.compile(r"h[1-6]")
_SAYS_NOTHING = frozenset(
    {"here", "click here", "this link", "link", "read more", "more", "this page"}
    | {"ici", "cliquez ici", "clique ici", "lien", "ce lien", "cette page", "en savoir plus", "lire la suite", "plus"}
)
_COLOURS = {
    "en": "red|green|blue|yellow|orange|gr[ea]y|pink|purple|violet|brown",
    "fr": "rouge|verte?|bleue?|jaune|orange|grise?|rose|violette?|marron",
}
_THINGS = {
    "en": "cells?|box(?:es)?|buttons?|lines?|texts?|bars?|frames?|parts?|areas?|words?|rows?|dots?|marks?|points?",
    "fr": "cellules?|cases?|cadres?|boutons?|lignes?|textes?|barres?|parties?|zones?|mots?|points?|marques?",
}
_BY_COLOUR = {
    "en": re.compile(rf"\b(?:{_COLOURS['en']}) (?:{_THINGS['en']})\b|\bin (?:{_COLOURS['en']})\b", re.IGNORECASE),
    "fr": re.compile(rf"\b(?:{_THINGS['fr']}) (?:{_COLOURS['fr']})s?\b|\ben (?:{_COLOURS['fr']})\b", re.IGNORECASE),
}


def notebook_faults(notebook: NotebookNode, where: str) -> list[Fault]:
    """Return what is not accessible in a notebook's prose, in every language: headings in order above all."""
    faults = []
    for language in LANGUAGES:
        level = 0
        for cell in notebook.cells:
            text = cell.metadata["passerelle"].get("text")
            if text is None:
                continue
            place = f"{where}, cell {cell.metadata['passerelle']['key']!r} ({language})"
            page = Page.of(in_language(text, language))
            faults += list(_page_faults(page, place, language))
            for heading in page.headings:
                faults += _heading_faults(place, heading, level)
                level = heading
        if level == 0:
            faults.append(Fault(f"{where} ({language})", "there is no heading", "start with one: # The unit's title"))
    return faults


def page_faults(folder: UnitFolder) -> list[Fault]:
    """Return what is not accessible in the pages beside the notebook."""
    return [
        fault
        for name, markdown in folder.pages.items()
        for language, text in folder.wording.page(name, markdown).items()
        for fault in _page_faults(Page.of(text), f"{folder.where(name)} ({language})", language)
    ]


def _page_faults(page: "Page", place: str, language: str) -> Iterator[Fault]:
    for image in page.images_without_text:
        yield Fault(place, f"the image {image} has no alternative text", "write what it shows: ![…](…)")
    for link in page.links:
        words = " ".join(link.split()).strip(" .").lower()
        if not words or words in _SAYS_NOTHING or words.startswith(("http:", "https:", "www.")):
            yield Fault(place, f"the link «{link.strip()}» does not say where it leads", "name the page: [its name](…)")
    if page.tables_without_header:
        yield Fault(place, "a table has columns without a name", "write a name above every column")
    for found in _BY_COLOUR[language].finditer(page.text):
        yield Fault(place, f"«{found[0]}» is known by its colour alone", "say also its place, its words or its shape")


def _heading_faults(place: str, level: int, before: int) -> list[Fault]:
    if before == 0 and level != 1:
        return [Fault(place, f"the first heading is of level {level}", "start with one: # The unit's title")]
    if before != 0 and level == 1:
        return [Fault(place, "there is a second heading of level 1", "use ## for the parts")]
    if level > before + 1:
        return [Fault(place, f"a heading of level {level} follows one of level {before}", f"use {'#' * (before + 1)}")]
    return []


@dataclass
class Page(HTMLParser):
    """What a Markdown text holds, its HTML included. `prose` are its sentences' blocks: paragraphs and list items."""

    headings: list[int] = field(default_factory=list)
    images_without_text: list[str] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    prose: list[str] = field(default_factory=list)
    text: str = ""
    tables_without_header: int = 0

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._link: int | None = None
        self._block: int | None = None
        self._code = 0
        self._cells: list[str] | None = None
        self._in_header = False

    @classmethod
    def of(cls, markdown: str) -> "Page":
        """Read a text."""
        page = cls()
        page.feed(_MARKDOWN.render(markdown))
        page.close()
        return page

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note what begins."""
        values = dict(attrs)
        if _HEADING.fullmatch(tag):
            self.headings.append(int(tag[1]))
        elif tag == "img" and not (values.get("alt") or "").strip():
            self.images_without_text.append(values.get("src") or "?")
        elif tag == "img" and self._link is not None:
            self.text += values.get("alt") or ""
        elif tag == "a" and values.get("href"):
            self._link = len(self.text)
        elif tag in ("p", "li"):
            self._end_block()
            self._block = len(self.text)
        elif tag in ("code", "pre"):
            self._code += 1
        elif tag == "table":
            self._cells = []
        elif tag == "th" and self._cells is not None:
            self._cells.append("")
            self._in_header = True

    def handle_endtag(self, tag: str) -> None:
        """Note what ends."""
        if tag == "a" and self._link is not None:
            self.links.append(self.text[self._link :])
            self._link = None
        elif tag in ("p", "li", "ul", "ol", "pre"):
            self._end_block()
            self.text += "\n"
        elif tag == "table" and self._cells is not None:
            self.tables_without_header += not self._cells or not all(cell.strip() for cell in self._cells)
            self._cells = None
        elif tag == "th":
            self._in_header = False
        if tag in ("code", "pre"):
            self._code -= 1

    def handle_data(self, data: str) -> None:
        """Take a piece of text; code is one word."""
        self.text += "code" if self._code and self._block is not None else data
        if self._cells and self._in_header:
            self._cells[-1] += data

    def _end_block(self) -> None:
        if self._block is not None and self.text[self._block :].strip():
            self.prose.append(self.text[self._block :].strip())
        self._block = None
