"""The addresses of the exchange."""

import re
from typing import Any

from tornado.web import RequestHandler

from passerelle.exchange.context import Context
from passerelle.exchange.handler import ApiHandler
from passerelle.exchange.help import HelpHandler
from passerelle.exchange.marking import ManualHandler, MarkingHandler
from passerelle.exchange.results import ResultsHandler
from passerelle.exchange.submissions import (
    FeedbackHandler,
    SubmissionFilesHandler,
    SubmissionsHandler,
    TrackSubmissionsHandler,
)
from passerelle.exchange.units import CoursesHandler, MeHandler, ReleaseHandler, UnitsHandler
from passerelle.model.people import HANDLE_PATTERN

TRACK = UNIT = r"([a-z0-9][a-z0-9_-]{0,63})"
RECEIPT = r"([0-9a-f]{32})"

Route = tuple[str, type[RequestHandler], dict[str, Any]]


class NothingHandler(ApiHandler):
    """Any other address below `api/`: 404, as JSON."""

    async def prepare(self) -> None:
        """Say so to those whom the hub names, and 401 to others."""
        await super().prepare()
        self.send_error(404)


def routes(context: Context) -> list[Route]:
    """Return the API's handlers at their addresses below `context.prefix`."""
    handlers: list[tuple[str, type[RequestHandler]]] = [
        (r"me", MeHandler),
        (r"courses", CoursesHandler),
        (rf"units/{TRACK}", UnitsHandler),
        (rf"releases/{TRACK}/{UNIT}", ReleaseHandler),
        (rf"submissions/{RECEIPT}/files", SubmissionFilesHandler),
        (rf"submissions/{TRACK}/{UNIT}", SubmissionsHandler),
        (rf"submissions/{TRACK}", TrackSubmissionsHandler),
        (rf"feedback/{TRACK}/{UNIT}/({HANDLE_PATTERN})", FeedbackHandler),
        (rf"results/{RECEIPT}", ResultsHandler),
        (rf"help/{TRACK}/{UNIT}", HelpHandler),
        (rf"marking/{TRACK}", MarkingHandler),
        (rf"manual/{TRACK}", ManualHandler),
        (r".*", NothingHandler),
    ]
    prefix = re.escape(context.prefix)
    return [(f"{prefix}api/{pattern}", handler, {"context": context}) for pattern, handler in handlers]
