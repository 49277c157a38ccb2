"""Markdown of a course's notes as HTML: without raw HTML, its headings below those of the page."""

from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

_READER = MarkdownIt("commonmark", {"html": False}).enable("table")


def notes_html(markdown: str, under: int) -> Markup:
    """Return notes as HTML whose highest heading is one below level `under` of the page, without a gap."""
    tokens = _READER.parse(markdown)
    levels = sorted({int(token.tag[1]) for token in _headings(tokens)})
    for token in _headings(tokens):
        token.tag = f"h{min(under + 1 + levels.index(int(token.tag[1])), 6)}"
    return Markup(_READER.renderer.render(tokens, _READER.options, {}))  # noqa: S704  # html=False escapes raw HTML


def _headings(tokens: list[Token]) -> Iterator[Token]:
    return (token for token in tokens if token.type in {"heading_open", "heading_close"})


def with_code(sentence: str) -> Markup:
    """Return a sentence as HTML: what stands between backticks is code, everything else is escaped."""
    pieces = sentence.split("`")
    if len(pieces) % 2 == 0:  # a lone backtick is a backtick
        return escape(sentence)
    return Markup("").join(
        Markup("<code>{}</code>").format(piece) if place % 2 else escape(piece) for place, piece in enumerate(pieces)
    )
