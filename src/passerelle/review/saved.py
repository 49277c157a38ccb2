"""What a fellow saved where no exchange keeps anything (Binder): opened, read, shown once, and stored nowhere.

Nobody saw her checks pass: the page says *self-checked* and shows neither a point nor a state of the record.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from tornado.httputil import HTTPInputError, parse_body_arguments
from tornado.web import stream_request_body

from passerelle.exchange.context import Context
from passerelle.exchange.handler import DRAINED_BODY
from passerelle.ledger.tables import Person
from passerelle.model.people import Role
from passerelle.model.saved_progress import (
    MOST_BYTES,
    SavedProgress,
    SavedProgressError,
    SavedTask,
    SavedUnit,
    Why,
    read_saved_progress,
)
from passerelle.review.base import PageHandler
from passerelle.review.i18n import to_translate
from passerelle.review.shelf import Shelf
from passerelle.review.staff import may_look_at
from passerelle.review.words import Standing

FORM_BYTES = 10_000
"""What a form takes beside its file."""

WHY: dict[Why, str] = {
    Why.NONE: to_translate("There is no file yet. Choose one, then open it."),
    Why.TOO_LARGE: to_translate("This file is too large: a progress file has less than 100 kB. Choose another one."),
    Why.TEXT: to_translate("This file holds other text than a progress file, such as a page. Choose another one."),
    Why.TOO_DEEP: to_translate("This file is nested deeper than a progress file. Choose another one."),
    Why.OTHER_VERSION: to_translate(
        "A newer version of Passerelle wrote this file. Save your progress again, then open it."
    ),
    Why.NOT_OURS: to_translate(
        "This is no progress file that we can read. It may have been changed: save your progress again, then open it."
    ),
}
"""What a reader is told of a file that is refused: what was found, and what helps."""


@dataclass(frozen=True)
class ShownTask:
    """A task of the file."""

    title: str
    passed: int
    count: int
    since: datetime | None
    shape: Standing


@dataclass(frozen=True)
class ShownUnit:
    """A unit of the file; `known` says whether this programme has it, `same` whether in the version of the file."""

    title: str
    track: str
    saved: datetime
    known: bool
    same: bool
    tasks: list[ShownTask]


@stream_request_body
class SavedPage(PageHandler):
    """`mentee/<handle>/saved`: a form for a file; POST shows what the file says, to her and to her mentor."""

    roles = frozenset({Role.FELLOW, Role.MENTOR})

    def initialize(self, context: Context, shelf: Shelf) -> None:
        """Begin with an empty body."""
        super().initialize(context, shelf)
        self.body = bytearray()
        self.received_bytes = 0
        self._body_is_read = False

    def check_xsrf_cookie(self) -> None:
        """Let Tornado's early question pass: the form's token is in the body, and `post` asks once it is read."""
        if self._body_is_read:
            super().check_xsrf_cookie()

    async def prepare(self) -> None:
        """Find out who sends, then agree to read a body: one that is too large is read away, to be told so."""
        # Before anything is awaited: the connection reads the headers' length next.
        self.request.connection.set_max_body_size(DRAINED_BODY)  # type: ignore[union-attr]  # it is an HTTP/1 one
        # Tornado ends the line of what is answered before its body was read, such as who must sign in first. Unless it
        # says so, the proxy sends somebody's next request on it, and answers 503.
        self.set_header("Connection", "close")
        await super().prepare()

    def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body, as long as it fits."""
        self.received_bytes += len(chunk)
        if self.received_bytes <= MOST_BYTES + FORM_BYTES:
            self.body += chunk
        else:
            self.body.clear()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer as every page does; a refusal may come before the body was read, so the line ends with it."""
        self.set_header("Connection", "close")
        super().write_error(status_code, **kwargs)

    async def get(self, handle: str) -> None:
        """Answer with the form."""
        self._show(await self._fellow(handle))

    async def post(self, handle: str) -> None:
        """Show what the file says; nothing of it is kept."""
        fellow = await self._fellow(handle)
        try:
            progress = read_saved_progress(self._sent_file())
        except SavedProgressError as error:
            self.set_status(413 if error.why is Why.TOO_LARGE else 422)
            return self._show(fellow, why=error.why)
        await self.log_look(handle, "saved")
        return self._show(fellow, progress=progress)

    async def _fellow(self, handle: str) -> Person:
        fellow, _ = await self.reading(partial(may_look_at, self, handle=handle))
        return fellow

    def _sent_file(self) -> bytes:
        """Return the file of the form.

        Raises:
            SavedProgressError: the body is larger than any form of ours.
            HTTPError: the form is not of this session.
        """
        if self.received_bytes > MOST_BYTES + FORM_BYTES:
            # Its token went with it; nothing is done but to say so.
            raise SavedProgressError.of(Why.TOO_LARGE)
        request = self.request
        try:
            parse_body_arguments(
                request.headers.get("Content-Type", ""),
                bytes(self.body),
                request.body_arguments,
                request.files,
                request.headers,
            )
        except HTTPInputError as error:
            raise SavedProgressError.of(Why.NOT_OURS) from error
        finally:
            self.body.clear()
        for name, values in request.body_arguments.items():
            request.arguments.setdefault(name, []).extend(values)
        self._body_is_read = True
        self.check_xsrf_cookie()
        files = request.files.get("progress", [])
        return bytes(files[0].body) if files else b""

    def _show(self, fellow: Person, progress: SavedProgress | None = None, why: Why | None = None) -> None:
        self.page(
            "saved.html",
            fellow=fellow,
            hers=fellow.handle == self.me.handle,
            said=self.reader.say(WHY[why]) if why else "",
            progress=progress,
            units=[self._unit(unit) for unit in progress.units] if progress else [],
        )

    def _unit(self, unit: SavedUnit) -> ShownUnit:
        course = self.shelf.course(unit.track)
        card = next((one.card for one in course.units if one.card.unit == unit.unit), None) if course else None
        titles = card.tasks if card else {}
        return ShownUnit(
            title=self.reader.text(card.title) if card else unit.unit,
            track=self.reader.text(course.title) if course else unit.track,
            saved=unit.saved,
            known=card is not None,
            same=card is not None and card.version == unit.version,
            tasks=[
                self._task(task, self.reader.text(titles[task.task]) if task.task in titles else task.task)
                for task in unit.tasks
            ],
        )

    @staticmethod
    def _task(task: SavedTask, title: str) -> ShownTask:
        times = [check.passed for check in task.checks if check.passed is not None]
        # A half ring at most: a full one is a mark's.
        shape = Standing.IN_PROGRESS if times else Standing.TO_DO
        return ShownTask(title, task.passed, len(task.checks), max(times, default=None), shape)
