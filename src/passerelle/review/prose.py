"""Markdown of a course's notes as HTML: without raw HTML, its headings below those of the page."""

from collections.abc import Iterator

import nh3
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


_TAGS = {
    *(
        "p",
        "br",
        "hr",
        "em",
        "strong",
        "code",
        "pre",
        "blockquote",
        "ul",
        "ol",
        "li",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
    ),
    *("table", "thead", "tbody", "tr", "th", "td"),
}


def answer_html(text: str, *, code: bool = False) -> Markup:
    """Return what somebody wrote as HTML in which nothing runs, links or loads: Markdown, or code as it stands."""
    if code:
        return Markup("<pre><code>{}</code></pre>").format(text)
    rendered = _READER.render(text)
    return Markup(nh3.clean(rendered, tags=_TAGS, attributes={}, link_rel=None))  # noqa: S704  # just cleaned


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
