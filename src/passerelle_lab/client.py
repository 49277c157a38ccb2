"""The exchange's HTTP API, from a fellow's or a course's server. Blocking: in an event loop, call it in a thread.

Waits are short, tries included: the assignment list waits in its server's event loop. A line that drops, and
an exchange that is busy or just starting, is tried again; a submission keeps its key, so that it stays one.
"""

import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from typing import Any, Self
from urllib.parse import quote, urlsplit

from passerelle_lab.exchange_words import language, tell
from passerelle_lab.parcel import pack, unpack

BUDGET_S = 6.0
BUDGET_WITH_FILES_S = 20.0
MANY_BYTES = 1_000_000
TRY_AGAIN_AFTER_S = (0.3, 1.0, 2.0, 4.0)
GATEWAY_STATUSES = frozenset({502, 503, 504})
BUSY = 429


class ClientError(Exception):
    """The exchange said no, or nothing; the text is for the reader. `status` is 0 where nobody answered."""

    status: int = 0
    id: str = "unreachable"

    @classmethod
    def of(cls, text: str, status: int = 0, error_id: str = "unreachable") -> Self:
        """Build the error from what to say."""
        error = cls(text)
        error.status, error.id = status, error_id
        return error


@dataclass(frozen=True)
class Reply:
    """An answer of the exchange."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the answer's JSON."""
        try:
            return json.loads(self.body)
        except ValueError as error:
            raise ClientError.of(tell("unexpected", status=self.status), self.status, "unexpected") from error


@dataclass(frozen=True)
class Client:
    """One person's line to the exchange.

    `api` ends without a slash. `timeout_s` is for a whole request, tries included; many bytes get longer.
    """

    api: str
    token: str
    timeout_s: float = BUDGET_S

    @classmethod
    def from_environment(cls) -> Self:
        """Take PASSERELLE_API and JUPYTERHUB_API_TOKEN.

        Raises:
            ClientError: where one is missing.
        """
        api, token = os.environ.get("PASSERELLE_API", ""), os.environ.get("JUPYTERHUB_API_TOKEN", "")
        if not api or not token:
            raise ClientError.of(tell("no-address"), 0, "no-address")
        return cls(api.rstrip("/"), token)

    def me(self) -> dict[str, Any]:
        """Return handle, language, role and tracks of whom the token is."""
        return dict(self._get("me"))

    def set_language(self, new: str) -> None:
        """Change her language, everywhere."""
        self._send("PUT", "me", json.dumps({"language": new}).encode())

    def courses(self) -> list[str]:
        """Return the tracks the caller is in."""
        return list(self._get("courses"))

    def units(self, track: str) -> list[dict[str, Any]]:
        """Return the open units of a track: `unit`, `version`, `released`, `title`."""
        return list(self._get("units", track))

    def release(self, track: str, unit: str) -> dict[str, bytes]:
        """Return the files of a unit's newest release."""
        return unpack(self._send("GET", _path("releases", track, unit)).body)

    def put_release(self, track: str, unit: str, files: Mapping[str, bytes]) -> dict[str, Any]:
        """Release files as a unit's newest version (trainers)."""
        return dict(self._send("PUT", _path("releases", track, unit), pack(files)).json())

    def withdraw_release(self, track: str, unit: str) -> None:
        """Let a unit no longer be fetched or submitted (trainers)."""
        self._send("DELETE", _path("releases", track, unit))

    def submit(self, track: str, unit: str, files: Mapping[str, bytes], key: str | None = None) -> dict[str, Any]:
        """Submit files; return the receipt: `receipt`, `received`, `timestamp`, `sha256`, `number`.

        A return means a stored row. `key` names this submission; the same key again brings the same receipt.
        """
        headers = {"Idempotency-Key": key or secrets.token_urlsafe(24)}
        return dict(self._send("POST", _path("submissions", track, unit), pack(files), headers).json())

    def submissions(self, track: str, unit: str | None = None, *, everybody: bool = False) -> list[dict[str, Any]]:
        """Return submissions, oldest first: one's own, or everybody's (the course)."""
        parts = ("submissions", track) if unit is None else ("submissions", track, unit)
        return list(self._send("GET", _path(*parts) + ("?all=1" if everybody else "")).json())

    def submission_files(self, receipt: str) -> dict[str, bytes]:
        """Return the files of a submission, as they came."""
        return unpack(self._send("GET", _path("submissions", receipt, "files")).body)

    def result(self, receipt: str, language: str | None = None) -> dict[str, Any]:
        """Return an attempt's result, in words of her language or of the one that is given."""
        query = f"?language={quote(language)}" if language is not None else ""
        return dict(self._send("GET", _path("results", receipt) + query).json())

    def feedback(self, track: str, unit: str, handle: str) -> dict[str, bytes]:
        """Return nbgrader's feedback pages as `<timestamp>/<notebook>.html`."""
        return unpack(self._send("GET", _path("feedback", track, unit, handle)).body)

    def put_feedback(self, track: str, unit: str, handle: str, timestamp: str, files: Mapping[str, bytes]) -> None:
        """Release nbgrader's feedback pages for the submission of a timestamp (trainers)."""
        headers = {"X-Passerelle-Timestamp": timestamp}
        self._send("PUT", _path("feedback", track, unit, handle), pack(files), headers)

    def ask_help(self, track: str, unit: str, check: str, words: str, key: str) -> dict[str, Any]:
        """Ask the trainers for help; return `asked` and `answer_by`, a day. The same key again is the same request."""
        body = json.dumps({"check": check, "words": words}).encode()
        return dict(self._send("POST", _path("help", track, unit), body, {"Idempotency-Key": key}).json())

    def mark_again(self, track: str, units: Sequence[str] | None = None, handles: Sequence[str] | None = None) -> int:
        """Queue marking of units and fellows, all where none are given (trainers); return how many submissions."""
        asked = {"units": units and list(units), "handles": handles and list(handles)}
        return int(self._send("POST", _path("marking", track), json.dumps(asked).encode()).json()["queued"])

    def manual_marks_changed(self, track: str) -> None:
        """Say that somebody marked by hand in formgrader (trainers)."""
        self._send("POST", _path("manual", track))

    def _get(self, *parts: str) -> Any:
        return self._send("GET", _path(*parts)).json()

    def _send(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        """Send a request until it is answered or it makes no sense to go on.

        Every request of this API may be repeated: reading and replacing by nature, submitting by its key.
        """
        many = body is not None and len(body) > MANY_BYTES
        ends = time.monotonic() + (max(self.timeout_s, BUDGET_WITH_FILES_S) if many else self.timeout_s)
        reply: Reply | None = None
        for wait_s in (*TRY_AGAIN_AFTER_S, None):
            try:
                reply = self._send_once(method, path, body, headers or {}, max(0.1, ends - time.monotonic()))
            except (OSError, HTTPException):
                reply = None
            if wait_s is None or not (reply is None or reply.status in GATEWAY_STATUSES | {BUSY}):
                break
            wait_s = max(wait_s, _asked_wait_s(reply))  # noqa: PLW2901  # the exchange knows better
            if time.monotonic() + wait_s >= ends:
                break
            time.sleep(wait_s)
        if reply is None or reply.status in GATEWAY_STATUSES:
            raise ClientError.of(tell("unreachable"))
        if not 200 <= reply.status < 300:
            raise _refusal(reply)
        return reply

    def _send_once(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout_s: float
    ) -> Reply:
        # Not urllib: it would obey HTTP_PROXY for an address on this machine.
        address = urlsplit(self.api)
        kind = HTTPSConnection if address.scheme == "https" else HTTPConnection
        connection = kind(address.hostname or "", address.port, timeout=timeout_s)
        try:
            connection.request(
                method,
                f"{address.path}/{path}",
                body=body if body is not None or method == "GET" else b"",
                headers={"Authorization": f"token {self.token}", "Accept-Language": language(), **headers},
            )
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()


def _asked_wait_s(reply: Reply | None) -> float:
    """Return the seconds that an answer asks to wait (`Retry-After`), 0 where it asks for none."""
    asked = {name.lower(): value for name, value in reply.headers.items()}.get("retry-after", "") if reply else ""
    return float(asked) if asked.isdigit() else 0.0


def _path(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _refusal(reply: Reply) -> ClientError:
    try:
        said = json.loads(reply.body)
        return ClientError.of(str(said["error"]), reply.status, str(said["id"]))
    except (ValueError, KeyError, TypeError):
        return ClientError.of(tell("unexpected", status=reply.status), reply.status, "unexpected")
