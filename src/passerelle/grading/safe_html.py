"""Show a submission as HTML in which nothing of it can run.

Whatever a fellow can put into a notebook (Markdown, attachments, outputs of any type, their metadata, widget
state, tags) is either dropped, or cleaned *after* it was rendered, so that no step behind the cleaning can
bring something back.
"""

import copy
import re
from collections.abc import Iterator
from html import escape
from typing import Any

import nh3
from jinja2 import DictLoader
from jinja2.runtime import Context
from jinja2.utils import missing
from nbconvert.exporters import HTMLExporter
from nbconvert.filters import strip_files_prefix
from nbformat import NotebookNode
from pygments.token import STANDARD_TYPES
from traitlets import default

from passerelle.grading.rebuild import without_hidden_tests

SHOWN_TYPES = ("text/html", "text/markdown", "text/latex", "image/svg+xml", "image/png", "image/jpeg", "text/plain")
"""Kinds of output that are shown; an SVG as a picture, in which scripts do not run. All others are dropped."""

_PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp);base64,[A-Za-z0-9+/=\s]+\Z")
_RELATIVE = re.compile(r"(?![a-z][a-z0-9+.-]*:|[\\/])", re.IGNORECASE)
_GRADE_ID = re.compile(r"[A-Za-z0-9_-]{1,128}\Z")  # nbgrader's own rule
_HIGHLIGHT = {short for short in STANDARD_TYPES.values() if short} | {"highlight", "hll"}
# No class or id of the page around it: formgrader's own script looks for those.
_CLASSES = {"div": _HIGHLIGHT, "span": _HIGHLIGHT, "pre": _HIGHLIGHT, "code": _HIGHLIGHT, "table": {"dataframe"}}
_TAGS = nh3.ALLOWED_TAGS - {"map", "area"}
_ATTRIBUTES = {
    "*": {"lang", "dir", "title", "style"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
    "ol": {"start"},
}
_STYLES = {"text-align", "font-weight", "font-style", "text-decoration", "color", "background-color"}
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_-]")
_EMPTY_MATHJAX = "{%- macro mathjax(url='') -%}{%- endmacro %}"


def clean(html: str) -> str:
    """Return HTML without anything that runs, navigates by script, or looks like the page around it."""
    return nh3.clean(
        html,
        tags=_TAGS,
        clean_content_tags={"script", "style", "template", "noscript", "iframe", "object", "svg", "math"},
        attributes=_ATTRIBUTES,
        attribute_filter=_attribute,
        allowed_classes=_CLASSES,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "data"},
        link_rel="noopener noreferrer nofollow",
    )


def _attribute(_tag: str, name: str, value: str) -> str | None:
    if name == "src":
        return value if _PICTURE.match(value) or _RELATIVE.match(value) else None
    if name == "href":
        return None if value.lstrip().lower().startswith("data:") else value
    return value


def shown(notebook: NotebookNode) -> NotebookNode:
    """Return of a notebook only what is shown: outputs, attachments and metadata made anew from known parts."""
    return reduce_to_shown(copy.deepcopy(notebook))


def reduce_to_shown(kept: NotebookNode) -> NotebookNode:
    """Leave of a notebook only what is shown, and return it."""
    kept.metadata = NotebookNode({"language_info": NotebookNode({"name": "python", "pygments_lexer": "ipython3"})})
    for cell in kept.cells:
        marking = _marking(cell["metadata"].get("nbgrader"))
        cell["metadata"] = NotebookNode({"nbgrader": marking} if marking is not None else {})
        if "id" in cell:
            cell["id"] = _NOT_IN_IDS.sub("", str(cell["id"]))[:64] or "cell"
        if isinstance(cell.get("attachments"), dict):
            cell["attachments"] = _attachments(cell["attachments"])
        if cell["cell_type"] == "code":
            count = cell.get("execution_count")
            cell["execution_count"] = count if isinstance(count, int) else None
            cell["outputs"] = [output for found in cell["outputs"] if (output := _shown(found)) is not None]
    return kept


def _attachments(attachments: NotebookNode) -> NotebookNode:
    """Return the attached pictures: the kind of a file is put into the page as it is."""
    kinds = ("image/png", "image/jpeg", "image/gif", "image/webp")
    return NotebookNode(
        {
            name: NotebookNode({kind: _text(bundle[kind]) for kind in kinds if kind in bundle})
            for name, bundle in attachments.items()
            if isinstance(bundle, dict)
        }
    )


def _marking(metadata: Any) -> NotebookNode | None:
    """Return nbgrader's metadata of a cell, of which its templates put some into the page as they are."""
    if not isinstance(metadata, dict) or not _GRADE_ID.match(str(metadata.get("grade_id", ""))):
        return None
    flags = {name: bool(metadata.get(name)) for name in ("grade", "solution", "task", "locked")}
    numbers = {name: float(metadata.get(name) or 0.0) for name in ("points", "score")}
    return NotebookNode({"grade_id": metadata["grade_id"], "comment": metadata.get("comment"), **flags, **numbers})


def _shown(output: NotebookNode) -> NotebookNode | None:
    kind = output.get("output_type")
    if kind == "stream":
        name = "stderr" if output.get("name") == "stderr" else "stdout"
        return NotebookNode({"output_type": kind, "name": name, "text": _text(output.get("text"))})
    if kind == "error":
        lines = output.get("traceback")
        traceback = [_text(line) for line in lines] if isinstance(lines, list) else []
        return NotebookNode({"output_type": kind, "ename": "", "evalue": "", "traceback": traceback})
    if kind not in ("display_data", "execute_result") or not isinstance(output.get("data"), dict):
        return None
    data = {mime: _text(output["data"][mime]) for mime in SHOWN_TYPES if mime in output["data"]}
    if not data:
        return None
    kept = {kind: found for kind in ("image/png", "image/jpeg") if (found := _about_picture(output, kind))}
    return NotebookNode(
        {
            "output_type": "display_data",
            "data": NotebookNode(data),
            "metadata": NotebookNode(kept),
        }
    )


def _about_picture(output: NotebookNode, kind: str) -> NotebookNode:
    """Return a picture's size and its alternative text, which templates escape."""
    about = output.get("metadata", {}).get(kind)
    if not isinstance(about, dict):
        return NotebookNode()
    kept = {name: about[name] for name in ("width", "height") if isinstance(about.get(name), int)}
    return NotebookNode({**kept, "alt": about["alt"][:300]} if isinstance(about.get("alt"), str) else kept)


def _text(value: object) -> str:
    if isinstance(value, list):
        return "".join(str(part) for part in value)
    return value if isinstance(value, str) else str(value or "")


class SharingContext(Context):
    """Jinja's context of a template, whose blocks are not copied for each of the hundreds of blocks in a page.

    Nothing changes them once a template is rendered.
    """

    def derived(self, locals: dict[str, Any] | None = None) -> "SharingContext":  # noqa: A002  # Jinja's name
        """Return the context of a block inside."""
        parent = self.get_all()
        if locals:
            parent = {**parent, **{name: value for name, value in locals.items() if value is not missing}}
        made = type(self)(self.environment, parent, self.name, {})
        made.eval_ctx, made.blocks = self.eval_ctx, self.blocks
        return made


class SafeHTMLExporter(HTMLExporter):
    """nbconvert's HTML exporter for work that somebody sent.

    Cleaning is in the filters that every template uses, since nbgrader's templates leave nbconvert's own
    `clean_html` out. Mathematics stays as it was written: MathJax would be loaded from a stranger's server.
    """

    @default("sanitize_html")
    def _sanitize_html_default(self) -> bool:
        return True

    @default("exclude_anchor_links")
    def _exclude_anchor_links_default(self) -> bool:
        return True

    @default("extra_loaders")
    def _extra_loaders_default(self) -> list[Any]:
        return [DictLoader({"mathjax.html.j2": _EMPTY_MATHJAX})]

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own HTML exporter does
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Render a notebook, or what may be shown of it."""
        rendered: tuple[str, dict[str, Any]] = super().from_notebook_node(shown(nb), resources, **options)
        return rendered

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        """Return nbconvert's filters, with those that pass a fellow's HTML on replaced."""
        yield from super().default_filters()  # type: ignore[no-untyped-call]
        yield ("markdown2html", self.safe_markdown2html)
        yield ("clean_html", _clean_any)
        # This one changes addresses, so it is cleaned behind it: «files/javascript:…» would pass before it.
        yield ("strip_files_prefix", lambda html: clean(strip_files_prefix(html)))

    @property
    def safe_markdown2html(self) -> Any:
        """Return the Markdown filter with its result cleaned."""
        render = self.markdown2html

        def rendered(context: Any, source: str) -> str:
            try:
                return clean(render(context, source))
            except Exception:  # noqa: BLE001  # whatever a text does to the renderer, it is shown, as it was written
                return f"<pre>{escape(source)}</pre>"

        # Jinja's mark for filters that take the context.
        rendered.jinja_pass_arg = render.__func__.jinja_pass_arg  # type: ignore[attr-defined]
        return rendered


class FeedbackHTMLExporter(SafeHTMLExporter):
    """The same for a fellow's eyes: nbgrader's feedback pages would show her the hidden tests."""

    def from_notebook_node(  # type: ignore[override]  # as nbconvert's own HTML exporter does
        self, nb: NotebookNode, resources: dict[str, Any] | None = None, **options: Any
    ) -> tuple[str, dict[str, Any]]:
        """Render a notebook without its hidden tests."""
        return super().from_notebook_node(without_hidden(copy.deepcopy(nb)), resources, **options)


def without_hidden(notebook: NotebookNode) -> NotebookNode:
    """Take the hidden tests out of a notebook, and return it."""
    for cell in notebook.cells:
        marking = cell.metadata.get("nbgrader", {})
        if marking and not marking.get("solution"):
            cell.source = without_hidden_tests(cell.source)
    return notebook


def _clean_any(element: str | bytes) -> str:
    return clean(element.decode() if isinstance(element, bytes) else str(element))
