"""A feedback page, made as nbconvert makes it, in a tenth of the time.

The template, the filters and what is cleaned are those of `safe_html`. What nbconvert does beside is left out where it
changes nothing: a copy of the notebook for every step, a second reading of the page for pictures without words. What is
the unit's own is rendered once for all fellows; what somebody wrote is never kept.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Iterator
from functools import cached_property, lru_cache, partial
from html import escape
from typing import Any, Generic, TypeVar

from bs4 import BeautifulSoup
from IPython.lib.lexers import IPython3Lexer
from markupsafe import Markup
from nbconvert.filters import Highlight2HTML, strip_files_prefix
from nbconvert.preprocessors import HighlightMagicsPreprocessor
from nbformat import NotebookNode
from pygments import highlight
from pygments.formatters import HtmlFormatter

from passerelle.grading.safe_html import FeedbackHTMLExporter, SharingContext, clean, reduce_to_shown, without_hidden

TEXTS = 2_000
"""How many texts of units an exporter keeps rendered: some fifty a unit."""
_NO_WORDS = "No description has been provided for this image"  # nbconvert's
_KINDS = ("code", "markdown", "raw", "unknown", "input", "output", "output_stdin", "input_prompt", "output_prompt")
_UNMARKED = NotebookNode(grade_id="", comment=None, grade=False, solution=False, task=False, locked=False)
_PICTURE = re.compile(r"<img\b[^>]*>")


_WITH_MEMORY = """
{%- extends 'index.html.j2' -%}
{%- block any_cell scoped -%}
{%- set known = resources.known(cell) -%}
{%- if known is string -%}
{{ known }}
{%- else -%}
{%- set made %}{{ super() }}{% endset -%}
{{ resources.keep(cell, made) }}
{%- endif -%}
{%- endblock any_cell -%}
"""


class _Clean(str):
    """HTML that was cleaned."""

    __slots__ = ()


class _Own(_Clean):
    """HTML of a text of the unit; `stripped` is the same behind the filter for addresses."""

    stripped: str


Rendered = TypeVar("Rendered", bound=str)
_Key = tuple[Any, ...]
"""What is rendered: first its text, then whatever else is seen of it."""


class _Memory(Generic[Rendered]):
    """What was rendered; the last TEXTS are kept."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Key, Rendered] = OrderedDict()

    def get(self, key: _Key) -> Rendered | None:
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def put(self, key: _Key, rendered: Rendered) -> Rendered:
        self._kept[key] = rendered
        if len(self._kept) > TEXTS:
            self._kept.popitem(last=False)
        return rendered

    def texts(self) -> set[str]:
        return {str(key[0]) for key in self._kept}


class PageExporter(FeedbackHTMLExporter):
    """The feedback exporter for one page after another."""

    def page(self, notebook: NotebookNode, resources: dict[str, Any], own: Collection[str] = ()) -> str:
        """Return the page of an executed notebook, of which no more is left than is shown.

        `own` are the texts of its unit, which are kept rendered.
        """
        seen = reduce_to_shown(without_hidden(notebook))
        for cell in seen.cells:
            # Said, since a template asks for it in each cell, and Jinja takes long to find that nothing is there.
            cell["metadata"].setdefault("nbgrader", _UNMARKED)
            cell["metadata"]["tags"] = ()
            _describe_pictures(cell)
        self._magics.preprocess(seen, {})
        told = {"own": own, "known": partial(self._known, own), "keep": partial(self._keep, own)}
        html: str = self._page.render(nb=seen, resources={**self._always, **resources, **told}).lstrip("\r\n")
        return _with_words(html) if any(" alt=" not in tag for tag in _PICTURE.findall(html)) else html

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """Return the filters of what somebody sent, those of texts of the unit with a memory."""
        filters = dict(super().default_filters())
        render, strip = filters["markdown2html"], filters["strip_files_prefix"]
        colour = _Colours(pygments_lexer="ipython3", parent=self)

        prose, code = _Memory[_Own](), _Memory[str]()
        self._cells = _Memory[str]()
        self._memories = (prose, code, self._cells)

        def own_prose(source: str) -> _Own:
            if (known := prose.get((source,))) is not None:
                return known
            made = _Own(render({}, source))
            made.stripped = strip(made)
            return prose.put((source,), made)

        def markdown2html(context: Any, source: str) -> _Clean:
            # Only what has nothing attached is the same in every notebook.
            if source in context["resources"].get("own", ()) and not context.get("cell", {}).get("attachments"):
                return own_prose(source)
            return _Clean(render(context, source))

        def strip_prefix(html: str) -> str:
            if isinstance(html, _Own):
                return html.stripped
            stripped = strip_files_prefix(html)
            return html if isinstance(html, _Clean) and stripped == html else clean(stripped)

        def highlight_code(context: Any, source: str, metadata: Any = None) -> str:
            if source in context["resources"].get("own", ()) and not (metadata or {}).get("magics_language"):
                return code.get((source,)) or code.put((source,), str(colour(source)))
            return str(colour(source, metadata=metadata))

        filters |= {
            "markdown2html": markdown2html,
            "strip_files_prefix": strip_prefix,
            "highlight_code": highlight_code,
        }
        # Jinja's mark for filters that take the context.
        for taking in (markdown2html, highlight_code):
            taking.jinja_pass_arg = render.jinja_pass_arg  # type: ignore[union-attr]
        yield from filters.items()

    def kept(self) -> set[str]:
        """Return the texts that are kept rendered."""
        return set().union(*(memory.texts() for memory in self._memories))

    def _known(self, own: Collection[str], cell: NotebookNode) -> str | None:
        """Return a cell rendered, where it is the unit's own and was rendered before."""
        key = _key(cell, own)
        return self._cells.get(key) if key is not None else None

    def _keep(self, own: Collection[str], cell: NotebookNode, html: str) -> str:
        key = _key(cell, own)
        return self._cells.put(key, html) if key is not None else html

    @cached_property
    def _page(self) -> Any:
        """Return nbgrader's template with a memory for cells."""
        self.environment.context_class = SharingContext
        return self.environment.from_string(_WITH_MEMORY)

    @cached_property
    def _always(self) -> dict[str, Any]:
        """Return what nbconvert tells its templates of every notebook; style sheets are read once."""
        seen, always = NotebookNode(cells=[], metadata=NotebookNode()), self._init_resources({})  # type: ignore[no-untyped-call]
        for step in self._preprocessors:
            seen, always = step(seen, always)
        read: Any = always["include_css"]
        always["include_css"] = lru_cache(maxsize=8)(lambda name: Markup(read(name)))  # noqa: S704  # our own style
        always["raw_mimetypes"], always["output_mimetype"] = self.raw_mimetypes, self.output_mimetype
        always["global_content_filter"] = {f"include_{kind}": True for kind in _KINDS} | {"no_prompt": False}
        return dict(always)

    @cached_property
    def _magics(self) -> HighlightMagicsPreprocessor:
        return HighlightMagicsPreprocessor(parent=self)


class _Colours(Highlight2HTML):
    """nbconvert's colours of code, with one lexer and one formatter for all cells of Python."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]
        self._lexer = IPython3Lexer()
        self._formatter = HtmlFormatter(cssclass=escape(" highlight hl-ipython3"))

    def __call__(self, source: str, language: str | None = None, metadata: Any = None) -> str:
        if language or (metadata or {}).get("magics_language"):
            return str(super().__call__(source, language, metadata))  # type: ignore[no-untyped-call]
        return str(highlight(source or " ", self._lexer, self._formatter))


def _key(cell: NotebookNode, own: Collection[str]) -> _Key | None:
    """Return what is seen of a cell that is the unit's own; None where anything of it is somebody's."""
    marking = cell.metadata.get("nbgrader") or {}
    if cell.source not in own or cell.get("outputs") or cell.get("attachments"):
        return None
    if marking.get("comment") or marking.get("solution"):
        return None
    place = (cell.cell_type, cell.get("id"), cell.get("execution_count"), cell.metadata.get("magics_language"))
    return (cell.source, *place, *marking.values())


def _describe_pictures(cell: NotebookNode) -> None:
    """Say of pictures what nbconvert says of those that nobody described."""
    for output in cell.get("outputs", ()):
        for kind in ("image/png", "image/jpeg"):
            if kind in output.get("data", {}):
                output.metadata.setdefault(kind, NotebookNode()).setdefault("alt", _NO_WORDS)


def _with_words(html: str) -> str:
    """Return a page with words for each picture, as nbconvert finds those that have none."""
    soup = BeautifulSoup(html, features="html.parser")
    for picture in soup.select("img:not([alt])"):
        picture.attrs["alt"] = _NO_WORDS
    return str(soup)
