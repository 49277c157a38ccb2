"""Bugs in pages: what a page lacks, or says with the wrong element."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_RENAMED = {
    "header": "div", "nav": "div", "main": "div", "footer": "div", "section": "div", "article": "div", "aside": "div",
    "button": "div", "ul": "div", "ol": "ul", "li": "div", "label": "span", "a": "span", "strong": "b", "em": "i",
    "figure": "div", "figcaption": "div", "th": "td", "caption": "div", "legend": "div", "fieldset": "div",
    "p": "div", "address": "div", "time": "span", "blockquote": "div", "h1": "p",
}  # fmt: skip
_HEADING = re.compile(r"h([1-6])")
_EMPTIED = frozenset({"alt", "title", "aria-label", "label"})
_EMPTIED_ELEMENTS = frozenset({"title", "label", "a", "button", "h1", "h2", "h3", "figcaption", "caption", "legend"})
_ATTRIBUTE = r"""\s+{name}(?:\s*=\s*(?:"[^"]*"|'[^']*'|[^\s>]+))?"""


@dataclass
class _Element:
    tag: str
    start: int
    opened: int
    attributes: list[tuple[str, str | None]]
    closed: int = -1
    end: int = -1


@dataclass
class _Reader(HTMLParser):
    """Finds where the elements of a page begin and end."""

    text: str
    elements: list[_Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._starts = [0]
        for line in self.text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)
        self._open: list[_Element] = []
        self.feed(self.text)
        self.close()

    def _place(self) -> int:
        line, column = self.getpos()
        return self._starts[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        start = self._place()
        opened = start + len(self.get_starttag_text() or "")
        element = _Element(tag, start, opened, attrs)
        self.elements.append(element)
        if tag in _VOID:
            element.closed = element.end = opened
        else:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        place = self._place()
        for number in range(len(self._open) - 1, -1, -1):
            if self._open[number].tag == tag:
                element = self._open[number]
                element.closed = place
                element.end = self.text.index(">", place) + 1
                del self._open[number:]
                return


def mutations(text: str, lines: frozenset[int]) -> Iterator[tuple[str, str]]:
    """Yield word and changed text, for each element that begins in these lines.

    Args:
        text: a page.
        lines: the numbers of the lines that may change, from 1.
    """
    for element in _Reader(text).elements:
        if text.count("\n", 0, element.start) + 1 not in lines:
            continue
        yield from _attributes(text, element)
        if element.end < 0 or element.tag in ("html", "body", "head"):
            continue
        yield "dropped-element", text[: element.start] + text[element.end :]
        yield from _other_tag(text, element)
        if element.tag in _EMPTIED_ELEMENTS and text[element.opened : element.closed].strip():
            yield "emptied", text[: element.opened] + text[element.closed :]


def _attributes(text: str, element: _Element) -> Iterator[tuple[str, str]]:
    opening = text[element.start : element.opened]
    for name, value in element.attributes:
        pattern = re.compile(_ATTRIBUTE.format(name=re.escape(name)), re.IGNORECASE)
        yield "dropped-attribute", _with_opening(text, element, pattern.sub("", opening, count=1))
        for word, new in _other_values(name, value or ""):
            replaced = pattern.sub(lambda _found, name=name, new=new: f' {name}="{new}"', opening, count=1)  # type: ignore[misc]
            yield word, _with_opening(text, element, replaced)


def _other_values(name: str, value: str) -> Iterator[tuple[str, str]]:
    if name in _EMPTIED and value:
        yield "emptied", ""
    elif name == "lang":
        yield "changed-language", "en" if value.startswith("fr") else "fr"
    elif name in ("href", "src", "for") and value:
        yield "changed-target", f"{value}x" if name == "for" else "nowhere.html"
    elif name == "type" and value != "text":
        yield "changed-type", "text"


def _other_tag(text: str, element: _Element) -> Iterator[tuple[str, str]]:
    heading = _HEADING.fullmatch(element.tag)
    if heading:
        level = int(heading[1])
        for other in {level + 1, level - 1} & set(range(1, 7)):
            yield "heading-level", _renamed(text, element, f"h{other}")
    if element.tag in _RENAMED and element.tag not in _VOID:
        yield "renamed", _renamed(text, element, _RENAMED[element.tag])


def _renamed(text: str, element: _Element, tag: str) -> str:
    opening = f"<{tag}" + text[element.start + 1 + len(element.tag) : element.opened]
    return text[: element.start] + opening + text[element.opened : element.closed] + f"</{tag}>" + text[element.end :]


def _with_opening(text: str, element: _Element, opening: str) -> str:
    return text[: element.start] + opening + text[element.opened :]


def dropped_lines(text: str, lines: frozenset[int]) -> Iterator[tuple[str, str]]:
    """Yield a text of any kind without one of these lines."""
    rows = text.split("\n")
    for number in sorted(lines):
        if rows[number - 1].strip():
            yield "dropped-line", "\n".join(rows[: number - 1] + rows[number:])
