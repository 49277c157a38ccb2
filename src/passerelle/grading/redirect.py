"""Send nbgrader's autograding in the hub's course directories to our marking.

nbgrader runs a submission's cells beside the gradebook and the checks, with the rights of whoever starts it;
in our course directories nobody should by accident. What their `nbgrader_config.py` ends with is here.
"""

import json
import os
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from passerelle.grading.words import words
from passerelle.model.errors import ServiceError

TIMEOUT_S = 5.0
GRADEBOOK = "PASSERELLE_GRADEBOOK"
"""The variable in which a course's own server finds the URL of a gradebook that is not in the directory."""
QUEUED = "{count} submissions of {unit} are queued: marking takes a few seconds each. Reload this page to see them."
NOT_QUEUED = (
    "Marking {unit} could not be queued: {reason}. What was submitted is safe; please try again in a minute, or tell "
    "your operator."
)
REFUSED = (
    "In this course directory submissions are marked by Passerelle, where no submission can reach the gradebook or the "
    "checks; `nbgrader autograde` is switched off. Use the Autograde button of formgrader, a terminal of the course's "
    "own server, or `passerelle mark`."
)

HOOK = """
# Written by Passerelle when the course is installed: submissions are marked outside of this directory's reach,
# never by `nbgrader autograde` in it.
c.CourseDirectory.root = __import__("os").path.dirname(__import__("os").path.abspath(__file__))
try:
    from passerelle.grading.redirect import install
except ImportError:  # another Python than the platform's: refuse, too
    from nbgrader.converters import Autograde, NbGraderException

    def _refuse(self):
        self.log.error({refused!r})
        raise NbGraderException({refused!r})

    Autograde.start = _refuse
else:
    install(c)
"""


def config_text() -> str:
    """Return what the `nbgrader_config.py` of a course directory of ours ends with."""
    return HOOK.format(refused=REFUSED)


def install_in(course_dir: Path) -> None:
    """Send nbgrader's autograding in a built course directory to our marking. Twice changes nothing."""
    path = course_dir / "nbgrader_config.py"
    written = path.read_text("utf-8") if path.is_file() else "c = get_config()\n"
    if not written.endswith(config_text()):
        new = path.with_name(f".{path.name}.new")
        new.write_text(written + config_text(), "utf-8")
        new.replace(path)


def install(config: Any) -> None:
    """Let nbgrader, where it has read this configuration, queue marking instead of autograding.

    Its feedback pages, which fellows get, are cleaned as ours are, and show no hidden test. Its gradebook is ours.
    """
    from nbgrader.converters import Autograde  # noqa: PLC0415  # it has imported this already; others need not

    Autograde.start = _queue_instead
    if os.environ.get(GRADEBOOK):
        config.CourseDirectory.db_url = os.environ[GRADEBOOK]
    config.GenerateFeedback.exporter_class = "passerelle.grading.safe_html.FeedbackHTMLExporter"


def _queue_instead(converter: Any) -> None:
    """Stand in for `nbgrader.converters.Autograde.start`."""
    from nbgrader.converters import NbGraderException  # noqa: PLC0415

    unit, handle = converter.coursedir.assignment_id, converter.coursedir.student_id
    language = os.environ.get("PASSERELLE_LANGUAGE", "en")
    if not can_queue():
        said = words(REFUSED, language)
        converter.log.error(said)
        raise NbGraderException(said)
    try:
        count = queue_marking([unit], None if handle in ("", "*") else [handle])
    except ServiceError as error:
        said = words(NOT_QUEUED, language).format(unit=unit, reason=error)
        converter.log.error(said)  # noqa: TRY400  # a sentence for a person, who has no use for our stack
        raise NbGraderException(said) from error
    converter.log.warning(words(QUEUED, language).format(count=count, unit=unit))


def can_queue() -> bool:
    """Tell whether this process was started by our hub, for a course."""
    return all(os.environ.get(name) for name in ("PASSERELLE_API", "PASSERELLE_TRACK", "JUPYTERHUB_API_TOKEN"))


def queue_marking(units: Sequence[str], handles: Sequence[str] | None) -> int:
    """Ask for units (of some fellows) to be marked again; return how many submissions are queued.

    Raises:
        ServiceError: where the service cannot be asked, or refuses.
    """
    asked: dict[str, Sequence[str]] = {"units": units} if handles is None else {"units": units, "handles": handles}
    return int(_post("marking", asked).get("queued", 0))


def announce_manual_marks() -> None:
    """Say that somebody has marked by hand: the marking service reads it from the gradebook.

    Raises:
        ServiceError: where the service cannot be told (it looks by itself, within a second or so).
    """
    _post("manual", {})


def _post(what: str, content: dict[str, Any]) -> dict[str, Any]:
    address = f"{os.environ.get('PASSERELLE_API', '')}/{what}/{os.environ.get('PASSERELLE_TRACK', '')}"
    if not address.startswith(("http://", "https://")):
        raise ServiceError("PASSERELLE_API is not set: this server was not started by Passerelle's hub")
    request = urllib.request.Request(  # noqa: S310  # the scheme is checked
        address,
        data=json.dumps(content).encode(),
        headers={
            "Authorization": f"token {os.environ.get('JUPYTERHUB_API_TOKEN', '')}",
            "Content-Type": "application/json",
        },
        method="POST",
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310  # the scheme is checked
            answer = json.loads(response.read() or b"{}")
    except urllib.error.HTTPError as error:
        raise ServiceError(f"the marking service answered {error.code} {error.reason}") from error
    except (OSError, ValueError) as error:
        raise ServiceError(f"the marking service does not answer ({error})") from error
    return answer if isinstance(answer, dict) else {}
