"""nbgrader's formgrader in a course's server: our marking behind its buttons, nothing of a submission that runs.

A Jupyter server extension. Formgrader has no settings for any of this, so its classes are changed in place,
whichever of the two extensions is loaded first.
"""

import base64
import functools
import hashlib
import logging
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

import nbformat
from bs4 import BeautifulSoup
from jinja2 import DictLoader
from nbgrader.server_extensions import formgrader
from nbgrader.server_extensions.formgrader import apihandlers, base, handlers
from traitlets.config import Config

from passerelle.grading.redirect import NOT_QUEUED, QUEUED, announce_manual_marks, queue_marking
from passerelle.grading.safe_html import SafeHTMLExporter
from passerelle.grading.words import words
from passerelle.hub.formgrader_lists import QuickLists, change_lists
from passerelle.model.errors import ServiceError

_PICTURES = {".png", ".jpg", ".jpeg", ".gif", ".webp"}
_SANDBOX = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
_MARK = "_passerelle_in_place"

# Formgrader's script waits for MathJax, which would come from a stranger's server: say that it is done.
_NO_MATHJAX = """{%- macro mathjax(url='') -%}
<script>
var MathJax = {Hub: {Startup: {signal: {Interest: function (tell) { setTimeout(tell, 0, "End"); }}}}};
</script>
{%- endmacro %}"""

log = logging.getLogger("passerelle.formgrader")


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "passerelle.hub.formgrader"}]


def _load_jupyter_server_extension(server: Any) -> None:
    """Load formgrader, changed."""
    change_formgrader()
    if "nbgrader_formgrader" not in server.web_app.settings:
        formgrader.load_jupyter_server_extension(server)


class QueueingAPI(QuickLists):
    """nbgrader's API, whose autograding queues ours."""

    def autograde(
        self,
        assignment_id: str,
        student_id: str,
        force: bool = True,  # noqa: ARG002  # nbgrader's signature
        create: bool = True,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Queue marking and return what formgrader's page shows."""
        language = os.environ.get("PASSERELLE_LANGUAGE", "en")
        try:
            count = queue_marking([assignment_id], [student_id])
        except ServiceError as error:
            said = words(NOT_QUEUED, language).format(unit=assignment_id, reason=error)
            return {"success": False, "error": said, "log": said}
        return {"success": True, "log": words(QUEUED, language).format(count=count, unit=assignment_id)}


def change_formgrader() -> None:
    """Put our parts into nbgrader's formgrader; once is enough, twice is no harm."""
    if getattr(base, _MARK, False):
        return
    setattr(base, _MARK, True)
    change_lists()
    base.NbGraderAPI = QueueingAPI
    base.BaseHandler.gradebook = property(_fresh_gradebook(base.BaseHandler.gradebook.fget))
    base.BaseHandler.exporter = property(_exporter)
    handlers.SubmissionHandler.get = _with_policy(handlers.SubmissionHandler.get)
    handlers.SubmissionFilesHandler.set_extra_headers = _guard_file
    apihandlers.GradeHandler.put = _announcing(apihandlers.GradeHandler.put)
    apihandlers.CommentHandler.put = _announcing(apihandlers.CommentHandler.put)


def _fresh_gradebook(opened: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Let a request see what the marking service has written since: formgrader keeps one session for all."""

    def gradebook(handler: Any) -> Any:
        found = opened(handler)
        if not getattr(handler, "_passerelle_fresh", False):
            handler._passerelle_fresh = True
            found.db.rollback()
            found.db.expire_all()
        return found

    return gradebook


def _announcing(put: Callable[..., Any]) -> Callable[..., Any]:
    """Tell the marking service after a mark or a comment was saved; nobody waits for that."""

    @functools.wraps(put)
    def save(handler: Any, *arguments: Any) -> Any:
        done = put(handler, *arguments)
        threading.Thread(target=_announce, name="manual-marks", daemon=True).start()
        return done

    return save


def _announce() -> None:
    try:
        announce_manual_marks()
    except ServiceError as error:
        log.warning("%s; it will notice the mark by itself", error)


# Pages


def _exporter(handler: Any) -> SafeHTMLExporter:
    found = handler.settings.get("passerelle_exporter")
    if found is None:
        found = handler.settings["passerelle_exporter"] = formgrade_exporter()
    return found  # type: ignore[no-any-return]  # tornado's settings are untyped


def formgrade_exporter() -> SafeHTMLExporter:
    """Return the exporter of formgrader's marking page, with cleaned content."""
    config = Config()
    config.HTMLExporter.template_name = "formgrade"
    config.HTMLExporter.extra_template_basedirs = [handlers.template_path]
    return SafeHTMLExporter(config=config, extra_loaders=[DictLoader({"mathjax.html.j2": _NO_MATHJAX})])


def _with_policy(get: Callable[..., Any]) -> Callable[..., Any]:
    """Let nothing run on the page of a submission but nbgrader's own scripts, should cleaning ever miss something."""

    @functools.wraps(get)
    def show(handler: Any, *arguments: Any) -> Any:
        written: list[str] = []
        write = handler.write
        handler.write = written.append
        try:
            done = get(handler, *arguments)
        finally:
            handler.write = write
        page = "".join(written)
        if page:
            handler.set_header("Content-Security-Policy", _policy(_exporter(handler), handler.base_url, page))
            handler.write(page)
        return done

    return show


def _policy(exporter: SafeHTMLExporter, base_url: str, page: str) -> str:
    """Return the page's Content-Security-Policy.

    Formgrader's scripts are inline and differ by submission. Those that the template writes without any
    notebook are allowed by their hash, with the page's own ids in them; whatever else is in the page is not.
    """
    ids = dict(re.findall(r'^var (submission_id|notebook_id|assignment_id) = "([A-Za-z0-9._ -]*)";$', page, re.M))
    empty, _ = exporter.from_notebook_node(
        nbformat.v4.new_notebook(), resources={"base_url": base_url, "index": 0, "total": 0, **ids}
    )
    soup = BeautifulSoup(empty, "html.parser")
    inline = {str(script.string) for script in soup.find_all("script") if not script.get("src") and script.string}
    events = {str(value) for tag in soup.find_all(True) for name, value in tag.attrs.items() if name.startswith("on")}
    hashes = " ".join(sorted(map(_hash, inline | events)))
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self' 'unsafe-hashes' {hashes}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'self'",
        ]
    )


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def _guard_file(handler: Any, path: str) -> None:
    """Serve a fellow's file so that it cannot act as a page of this server: a link in her answer may lead to it."""
    handler.set_header("Content-Security-Policy", _SANDBOX)
    handler.set_header("X-Content-Type-Options", "nosniff")
    if PurePosixPath(Path(path).name).suffix.lower() not in _PICTURES:
        handler.set_header("Content-Disposition", "attachment")
