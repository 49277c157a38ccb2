"""nbgrader's feedback page for the attempt in the gradebook, in its fellow's language, into the ledger.

nbgrader's own `generate_feedback` starts from files and opens the gradebook several times; the page is the
same, made by its template in a few milliseconds.
"""

import json
from collections.abc import Collection, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import nbformat
import nbgrader
from jinja2 import DictLoader
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbformat import NotebookNode
from nbformat.v4.rwbase import rejoin_lines
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from traitlets.config import Config

from autograders.catalogue import words as words_of_check
from autograders.failure import Fact
from passerelle import ledger
from passerelle.courses import put_into_language
from passerelle.grading.gradebook import gradebook, nbgrader_timestamp
from passerelle.grading.kept import KeptUnit, kept_course, kept_unit
from passerelle.grading.layout import layout_of
from passerelle.grading.page_html import PageExporter
from passerelle.grading.pages import WIDTHS
from passerelle.grading.place_rows import Standing, standing_notebook
from passerelle.grading.safe_html import FeedbackHTMLExporter
from passerelle.grading.words import catalogue, words
from passerelle.ledger.people import person
from passerelle.ledger.releases import put_feedback
from passerelle.ledger.tables import Feedback, ManualMark, Receipt, VerdictRow
from passerelle.model.errors import ServiceError
from passerelle.model.parcel import pack
from passerelle.model.people import LANGUAGES
from passerelle.model.verdict import CheckResult, Verdict

AnyExporter = TypeVar("AnyExporter", bound=FeedbackHTMLExporter)

_FORMGRADER = Path(nbgrader.__file__).parent / "server_extensions" / "formgrader"
TEMPLATES = _FORMGRADER / "templates"
_BOOTSTRAP = _FORMGRADER / "static" / "node_modules" / "bootstrap" / "dist" / "css"


_STYLE = """<style>
img { max-width: 100%; height: auto; }
pre, .rendered_html pre, .highlight pre { white-space: pre-wrap; overflow-wrap: anywhere; overflow: visible; }
.input_area, .output_area, .output_subarea, .rendered_html { overflow: visible; overflow-wrap: anywhere; }
.rendered_html table { display: block; overflow-wrap: normal; white-space: normal; }
a, a:visited { color: #174f86; text-decoration: underline; }
.panel-primary.nbgrader_cell > .panel-heading { background: #1b4f7d; height: auto; min-height: 37px; overflow: hidden; }
div.nbgrader_cell > .panel-heading a { color: #ffffff; }
div.prompt { color: #555555; min-width: 0; }
@media (max-width: 700px) {
  body > .container, .container, .panel-body { padding-inline: 4px; }
  div.cell, div.input, div.output_area { display: block; }
  div.prompt { text-align: start; }
}
</style>
"""
_VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1" />'
_CHANGES = (
    ("<html>", '<html lang="LANGUAGE">'),
    ('<meta charset="utf-8" />', f'<meta charset="utf-8" />\n{_VIEWPORT}'),
    ("</head>\n{%- endblock header", f"{_STYLE}</head>\n{{%- endblock header"),
    ('<div class="panel-heading">\n        <h4>', '<header class="panel-heading">\n        <h4>'),
    (
        '        </div>\n      </div>\n      <div class="panel-body">',
        '        </div>\n      </header>\n      <div class="panel-body">',
    ),
)
"""What nbgrader's template lacks: the language, a telephone's width, lines that wrap, colours that can be read."""

MAX_CHARACTERS = 2_000_000
"""Of all cells with what they showed. Each million takes seconds, while others wait; a long unit has ten thousand."""


def release_feedback(course_dir: Path, handle: str, unit: str, engine: Engine, *, track: str | None = None) -> bool:
    """Make the feedback page for what stands in the gradebook and let it be fetched.

    False where nothing stands, or where it is longer than a page can be.

    Raises:
        GradebookUnusableError: where the gradebook cannot be read.
    """
    track = track or course_dir.name
    with ledger.reading(engine) as session:
        fellow = person(session, handle)
    language = fellow.language if fellow is not None else LANGUAGES[0]
    with gradebook(course_dir) as rows:
        standing = standing_notebook(rows, handle, unit)
        if standing is None:
            return False
        path = course_dir / "autograded" / handle / unit / f"{unit}.ipynb"
        if not path.is_file():
            return False
        notebook = _read(path)
    if sum(map(_length, notebook.cells)) > MAX_CHARACTERS:
        return False
    put_into_language(notebook, language)
    kept = _unit_of(course_dir, unit)
    card = kept.card if kept is not None else None  # it has the unit's own messages
    _say_checks_again(notebook, _verdict_of(engine, notebook), card, language)
    facts = _facts(unit, standing)
    page = feedback_page(notebook, facts, language, kept.texts if kept is not None else ())
    with ledger.session(engine) as session:
        put_feedback(
            session,
            handle=handle,
            track=track,
            unit=unit,
            timestamp=nbgrader_timestamp(standing.received),
            parcel=pack({f"{unit}.html": page.encode()}),
        )
    return True


def _read(path: Path) -> Any:
    """Return an executed notebook: recording made it, so it is not held against nbformat's schema again."""
    raw = path.read_bytes()
    found = json.loads(raw, object_hook=NotebookNode)
    return rejoin_lines(found) if found.get("nbformat") == 4 else nbformat.reads(raw.decode(), as_version=4)


def _unit_of(course_dir: Path, unit: str) -> KeptUnit | None:
    """Return a unit, with its own messages and texts; None of a course from elsewhere, or where it is one no longer."""
    layout = layout_of(course_dir)
    if not layout.is_ours or all(one.card.unit != unit for one in kept_course(course_dir).units):
        return None
    return kept_unit(layout, unit)


def _verdict_of(engine: Engine, notebook: Any) -> Verdict | None:
    """Return the verdict that an executed notebook is of; None where it does not say, or the verdict was erased."""
    key = notebook.metadata.get("passerelle", {}).get("verdict")
    with ledger.reading(engine) as session:
        query = select(VerdictRow.record).where(VerdictRow.key == key, VerdictRow.erased.is_(None))
        record = session.scalar(query)
    return Verdict.model_validate(record) if record is not None else None


def _say_checks_again(notebook: Any, verdict: Verdict | None, unit: dict[str, Any] | None, language: str) -> None:
    """Put into the reader's language what the checks said: the notebook has it in that in which she submitted."""
    results = {result.key: result for result in verdict.checks} if verdict is not None else {}
    for cell in notebook.cells:
        marking = cell.metadata.get("nbgrader", {})
        result = results.get(marking.get("grade_id"))
        if result is not None and result.messages and cell.cell_type == "code" and not marking.get("solution"):
            _say_again(cell, result, unit, language)


def _say_again(cell: Any, result: CheckResult, unit: dict[str, Any] | None, language: str) -> None:
    lines = [line for one in result.messages for line in Fact(one.id, one.args, one.look).lines(language, unit)]
    for output in cell.outputs:
        if output.output_type == "error":
            output.evalue, output.traceback = "\n".join(lines), lines
        elif output.output_type == "display_data":
            described = [kind for kind in output.data if kind.startswith("image/")]
            if not described:
                output.data["text/plain"] = "\n".join(lines)
            for about in (output.metadata[kind] for kind in described if kind in output.metadata):
                about["alt"] = _pictures_in(language).get(about.get("alt"), about.get("alt"))


@cache
def _pictures_in(language: str) -> dict[str, str]:
    """Return what pictures of a page are called in a language, by what they are called in any."""
    widths = [{"width": width} for width in WIDTHS]
    return {
        words_of_check("page-picture", width, other): words_of_check("page-picture", width, language)
        for other in LANGUAGES
        for width in widths
    }


def _length(cell: Any) -> int:
    """Return how much text a cell has and shows, pictures aside."""
    shown = [str(output.get("text", "")) for output in cell.get("outputs", [])]
    for output in cell.get("outputs", []):
        shown += [str(text) for kind, text in output.get("data", {}).items() if not kind.startswith("image/")]
    return len(cell.source) + sum(map(len, shown))


def _facts(unit: str, standing: Standing) -> dict[str, Any]:
    """Return what nbgrader's template says of what stands."""
    return {
        "notebook": unit,
        "score": sum(score for score, _ in standing.scores.values()) - standing.penalty,
        "max_score": sum(most for _, most in standing.scores.values()),
        "late_penalty": standing.penalty,
        "cells": {name: {"score": score, "points": most} for name, (score, most) in standing.scores.items()},
        "comments": standing.comments,
    }


def feedback_page(notebook: Any, facts: dict[str, Any], language: str, own: Collection[str] = ()) -> str:
    """Return nbgrader's feedback page of an executed notebook, with nothing in it that runs.

    No more is left of the notebook than is shown; `own` are the texts of its unit.
    """
    for cell in notebook.cells:
        marking = cell.metadata.get("nbgrader")
        if marking is None:
            continue
        marking.update(facts["cells"].get(marking.get("grade_id"), {}))
        comment = facts["comments"].get(marking.get("grade_id"))
        marking["comment"] = words(comment, language) if comment else None
    resources = {"nbgrader": {name: facts[name] for name in ("notebook", "score", "max_score", "late_penalty")}}
    return _exporter(language).page(notebook, resources, own)


@cache
def _exporter(language: str) -> PageExporter:
    """Return the exporter with nbgrader's template in a language; it compiles the template once."""
    return exporter_in(language, PageExporter)


def exporter_in(language: str, kind: type[AnyExporter]) -> AnyExporter:
    """Return an exporter with nbgrader's template in a language.

    Raises:
        ServiceError: nbgrader has another template now.
    """
    config = Config()
    config.HTMLExporter.template_name = "feedback"
    config.HTMLExporter.extra_template_basedirs = [str(TEMPLATES)]
    config.HTMLExporter.extra_template_paths = [str(_BOOTSTRAP)]
    config.HTMLExporter.language_code = language
    template = (TEMPLATES / "feedback" / "index.html.j2").read_text("utf-8")
    for stock, ours in _CHANGES:
        if template.count(stock) != 1:
            raise ServiceError(f"nbgrader's feedback template is another one: {stock!r} is not in it; see {__name__}")
        template = template.replace(stock, ours.replace("LANGUAGE", language))
    # The longest first: some phrases are part of others.
    for english in sorted(catalogue(language), key=len, reverse=True):
        template = template.replace(english, words(english, language))
    exporter = kind(config=config)
    exporter.extra_loaders = [DictLoader({"index.html.j2": template}), *exporter.extra_loaders]
    exporter.register_preprocessor(CSSHTMLHeaderPreprocessor, enabled=True)  # type: ignore[no-untyped-call]
    return exporter


def stale_feedback(session: Session, track: str) -> Sequence[tuple[str, str]]:
    """Return whose feedback is older than the newest verdict or mark at a unit, by handle and unit."""
    verdicts = (
        select(Receipt.handle, Receipt.unit, func.max(VerdictRow.made))
        .join(VerdictRow, VerdictRow.key == Receipt.verdict_key)
        .where(Receipt.track == track, Receipt.erased.is_(None))
        .group_by(Receipt.handle, Receipt.unit)
    )
    marks = (
        select(ManualMark.handle, ManualMark.unit, func.max(ManualMark.marked))
        .where(ManualMark.track == track)
        .group_by(ManualMark.handle, ManualMark.unit)
    )
    pages = (
        select(Feedback.handle, Feedback.unit, func.max(Feedback.released))
        .where(Feedback.track == track)
        .group_by(Feedback.handle, Feedback.unit)
    )
    released = {(handle, unit): at for handle, unit, at in session.execute(pages)}
    changed = [*session.execute(verdicts), *session.execute(marks)]
    return sorted(
        {
            (handle, unit)
            for handle, unit, at in changed
            if (handle, unit) not in released or released[handle, unit] < at
        }
    )
