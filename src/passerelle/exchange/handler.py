"""What every handler of the exchange shares: identity, rights, size, threads, errors in words."""

import json
from types import TracebackType
from typing import Any, ClassVar

from jupyterhub.services.auth import HubOAuthenticated, UserNotAllowed
from tornado.web import RequestHandler, stream_request_body

from passerelle.exchange.context import Context, InLedger
from passerelle.exchange.errors import ApiError
from passerelle.exchange.limits import LARGE_BYTES
from passerelle.exchange.rights import Caller, caller
from passerelle.model.parcel import MAX_BYTES, SLACK_BYTES
from passerelle.model.people import LANGUAGES

PARCEL_BODY = MAX_BYTES + SLACK_BYTES
SMALL_BODY = 64_000
DRAINED_BODY = 2 * PARCEL_BODY
"""A body up to here is read away so that the answer reaches its sender; beyond it the line is cut."""


@stream_request_body
class ApiHandler(InLedger, HubOAuthenticated, RequestHandler):  # type: ignore[misc]  # jupyterhub has no types
    """Answers one person, whom the hub named; a body is read once it is known who sends it and that it fits."""

    max_body: ClassVar[int] = SMALL_BODY

    def initialize(self, context: Context) -> None:
        """Take the installation."""
        self.context = context
        self.body = bytearray()
        self.received_bytes = 0
        self.caller = Caller("", None, "en", ())
        self._naming = False
        self._uploading: str | None = None
        self._gone = False
        if context.hub_auth is not None:
            self.hub_auth = context.hub_auth

    def set_default_headers(self) -> None:
        """Let nothing be kept, guessed or run."""
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "default-src 'none'; sandbox")

    def check_xsrf_cookie(self) -> None:
        """Let Tornado's early question pass: `prepare` asks again, once it is known whether a cookie names her."""
        if self._naming:
            super().check_xsrf_cookie()

    async def prepare(self) -> None:
        """Name the caller, look up her rights, then agree to read the body."""
        # Before anything is awaited: the connection reads the headers' length next.
        self.request.connection.set_max_body_size(DRAINED_BODY)  # type: ignore[union-attr]  # it is an HTTP/1 one
        name = await self._hub_name()
        declared = self._declared_bytes()
        self.context.pace.take(name, min(declared, self.max_body))
        self.caller = await self.reading(lambda session: caller(session, name, self._spoken(), self.context.clock()))
        if declared > self.max_body:
            self._refuse_size(declared)
        if declared > LARGE_BYTES:
            await self.context.uploads.enter(name)
            self._uploading = name
            if self._gone:
                self._leave_uploads()

    def _declared_bytes(self) -> int:
        """Return how long the body says it is; as long as may be where it does not say."""
        if "Transfer-Encoding" in self.request.headers:
            return self.max_body
        length = self.request.headers.get("Content-Length", "0")
        # One that is no number is refused by the connection, which reads it next.
        return int(length) if length.isascii() and length.isdigit() else 0

    def _leave_uploads(self) -> None:
        if self._uploading is not None:
            self.context.uploads.leave(self._uploading)
            self._uploading = None

    def on_finish(self) -> None:
        """Let the body go; the next one may come."""
        self.body.clear()
        self._leave_uploads()

    def on_connection_close(self) -> None:
        """Give the place back of a sender whose line dropped; what is complete is taken all the same."""
        super().on_connection_close()
        self._gone = True
        self._leave_uploads()

    async def _hub_name(self) -> str:
        self._naming = True
        user = await self.hub_auth.get_user(self, sync=False)
        if user is None:
            raise ApiError.of(401, "who-are-you")
        if not getattr(self, "_token_authenticated", False) and self.request.method not in {"GET", "HEAD", "OPTIONS"}:
            self.check_xsrf_cookie()
        try:
            user = self.check_hub_user(user)
        except UserNotAllowed as refused:
            raise ApiError.of(403, "not-yours") from refused
        # A hub service may bear any name, a fellow's too.
        if user.get("kind", "user") != "user":
            raise ApiError.of(403, "not-yours")
        return str(user["name"])

    def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body, as long as it fits."""
        if self._finished:
            return  # refused already: read away, so that the answer reaches its sender
        self.received_bytes += len(chunk)
        if self.received_bytes <= self.max_body:
            self.body += chunk
        else:
            self.body.clear()

    def whole_body(self) -> bytes:
        """Return the body, once; 413 where it did not fit (its length need not be known beforehand)."""
        if self.received_bytes > self.max_body:
            self._refuse_size(self.received_bytes)
        whole = bytes(self.body)
        self.body.clear()
        return whole

    def _refuse_size(self, size_bytes: int) -> None:
        megabytes = {"size_mb": -(-size_bytes // 1_000_000), "max_mb": max(1, self.max_body // 1_000_000)}
        raise ApiError.of(413, "too-big", **megabytes)

    def json_body(self) -> dict[str, Any]:
        """Return the body as an object; 400 where it is none."""
        try:
            value = json.loads(self.whole_body() or b"{}")
            json.dumps(value, ensure_ascii=False).encode()  # half a pair of surrogates is no text: nothing keeps it
        except (ValueError, RecursionError) as error:
            raise ApiError.of(400, "bad-request", what="JSON") from error
        if not isinstance(value, dict):
            raise ApiError.of(400, "bad-request", what="JSON")
        return value

    def send_json(self, value: Any, status: int = 200) -> None:
        """Answer with JSON."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json; charset=utf-8")
        self.finish(json.dumps(value, ensure_ascii=False))

    def send_parcel(self, parcel: bytes, name: str) -> None:
        """Answer with files."""
        self.set_header("Content-Type", "application/zip")
        self.set_header("Content-Disposition", f'attachment; filename="{name}.zip"')
        self.finish(parcel)

    def _spoken(self) -> str:
        """Return the language to speak with somebody we do not know yet."""
        asked = self.request.headers.get("Accept-Language", "")
        return next((part for part in asked.replace(";", ",").replace("-", ",").split(",") if part in LANGUAGES), "en")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say in her language what stopped, and the cure."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if not isinstance(error, ApiError):
            known = {401: "who-are-you", 403: "not-yours", 404: "not-found"}
            if status_code >= 500:
                error = ApiError.of(status_code, "ours")
            elif status_code in known:
                error = ApiError.of(status_code, known[status_code])
            else:
                error = ApiError.of(status_code, "bad-request", what=str(status_code))
        if error.retry_after_s is not None:
            self.set_header("Retry-After", str(error.retry_after_s))
        language = self.caller.language if self.caller.name else self._spoken()
        # A refusal may come before the body was read; Tornado then ends the connection without saying so, and the
        # proxy, which keeps connections, would send the next person's request into it.
        self.set_header("Connection", "close")
        self.send_json({"error": error.words(language), "id": error.id}, error.status)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Write faults of ours to the log; a refusal is none."""
        if not isinstance(value, ApiError):
            super().log_exception(typ, value, tb)
