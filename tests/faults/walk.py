"""A fellow's way through the loop, as a person goes it: what does not answer is tried again, for a bounded time."""

import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import nbformat
import requests
import websocket

from benchmarks.loop import TRACK, UNIT, solved
from tests.hub.running import Browser, RunningHub

Got = TypeVar("Got")

AGAIN_EVERY_S = 0.3
AT_MOST_S = 90.0
NOTEBOOK = f"{TRACK}/{UNIT}/{UNIT}.ipynb"
TROUBLE = (requests.RequestException, websocket.WebSocketException, OSError, KeyError, ValueError)
"""What a person meets while something is away: no answer, half an answer, a page that says «in a moment»."""


class StuckError(AssertionError):
    """A step that did not come to its end, however often it was tried."""


def until(step: str, tried: Callable[[], Got | None]) -> Got:
    """Return what a step brings, tried again and again as a person would."""
    ends, last = time.monotonic() + AT_MOST_S, "nothing"
    while time.monotonic() < ends:
        try:
            got = tried()
        except TROUBLE as trouble:
            last = f"{type(trouble).__name__}: {trouble}"
        else:
            if got is not None:
                return got
        time.sleep(AGAIN_EVERY_S)
    raise StuckError(f"{step}: not within {AT_MOST_S:g} s; last: {last}")


@dataclass
class Walk:
    """One fellow in her browser. `STEPS` are its steps in their order, each one named by what she does."""

    hub: RunningHub
    handle: str
    number: int
    browser: Browser
    token: str = field(default_factory=lambda: str(uuid.uuid4()))
    server: str = ""
    kernel: str = ""
    receipt: str = ""
    signed_in: int = 0

    @classmethod
    def begin(cls, hub: RunningHub, handle: str, number: int) -> Self:
        """Begin with a fresh browser."""
        return cls(hub, handle, number, Browser(hub.settings))

    def sign_in(self) -> None:
        """Give her password, once: a session outlives whatever is killed."""

        def tried() -> bool | None:
            # Her password may have been taken, and the page after it not have come.
            if self.signed_in and self._page("/services/passerelle/"):
                return True
            self.signed_in += 1
            answer = self.browser.log_in(self.handle, self.hub.passwords[self.handle])
            return True if answer.status_code == 200 and "/hub/login" not in answer.url else None

        until("sign in", tried)

    def see_path(self) -> None:
        """Open My path, still signed in."""
        until("my path", lambda: self._page("/services/passerelle/"))

    def open_unit(self) -> None:
        """Open the unit: her server starts where it does not run, and the unit is fetched where she has none."""
        until("open the unit", self._opened)

    def _opened(self) -> bool | None:
        answer = self.browser.get_page(f"/hub/user-redirect/passerelle/open/{TRACK}/{UNIT}")
        here = re.match(rf"(.*/user/{self.handle}/)lab", answer.url)
        if here and answer.status_code == 200:
            self.server = here[1]
            return True
        # No server: the hub's page offers to start it, and she does.
        if "/hub/" in answer.url:
            self.browser.get_page(f"/hub/spawn/{self.handle}")
        return None

    def run_cell(self) -> None:
        """Run a cell that remembers something."""
        until("run a cell", lambda: self._execute(f"kept = {self.number}; print(kept)") or None)

    def still_knows(self) -> bool:
        """Tell whether her kernel remembers it."""
        return until("ask the kernel", lambda: self._execute("print(globals().get('kept', 'gone'))"))

    def _execute(self, code: str) -> bool | None:
        if self._opened() is None:
            return None
        kernels = self.ask("GET", "api/kernels").json()
        if self.kernel not in {one["id"] for one in kernels}:
            self.kernel = self.ask("POST", "api/kernels", {"name": "python3"}).json()["id"]
        line = websocket.create_connection(
            f"{self.server.replace('http', 'ws', 1)}api/kernels/{self.kernel}/channels",
            timeout=20,
            cookie="; ".join(f"{one.name}={one.value}" for one in self._cookies()),
            origin=self.server.split("/user/")[0],
        )
        try:
            return self._said(line, code)
        finally:
            line.close()

    def _said(self, line: websocket.WebSocket, code: str) -> bool:
        asked = uuid.uuid4().hex
        header = {"msg_id": asked, "msg_type": "execute_request", "username": "", "session": asked, "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "stop_on_error": True}
        message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
        line.send(json.dumps(message))
        said = ""
        while True:
            heard = json.loads(line.recv())
            if heard["parent_header"].get("msg_id") != asked:
                continue
            if heard["msg_type"] == "stream":
                said += heard["content"]["text"]
            # What it said comes before this, in this channel; the reply, in another one, may come before both.
            if heard["msg_type"] == "status" and heard["content"]["execution_state"] == "idle":
                return said.strip() == str(self.number)

    def save(self) -> None:
        """Save her answers."""

        def tried() -> bool | None:
            return True if self._opened() and self.put_notebook().ok else None

        until("save", tried)

    def put_notebook(self) -> requests.Response:
        """Save once, whatever comes of it."""
        content = nbformat.reads(solved(self.hub, self.number)[f"{UNIT}.ipynb"].decode(), as_version=4)
        return self.ask("PUT", f"api/contents/{NOTEBOOK}", {"type": "notebook", "format": "json", "content": content})

    def saved_number(self) -> int:
        """Return the number that the notebook on the disk carries."""
        kept = nbformat.read(self.hub.inside(self.hub.settings.homes / self.handle / NOTEBOOK), as_version=4)
        code = [cell.source for cell in kept.cells if cell.cell_type == "code"]
        numbers = {int(found[1]) for source in code if (found := re.search(r"\n# (\d+)$", source))}
        return numbers.pop() if len(numbers) == 1 else -1

    def submit(self) -> None:
        """Submit from the notebook's bar: one token, however often it is sent."""

        def tried() -> str | None:
            if self._opened() is None:
                return None
            asked = {"token": self.token, "confirmed": True, "path": NOTEBOOK}
            answer = self.ask("POST", f"passerelle/submit/{TRACK}/{UNIT}", asked)
            return str(answer.json()["receipt"]) if answer.status_code in {200, 201} else None

        self.receipt = until("submit", tried)

    def see_result(self) -> None:
        """Wait for what was found."""

        def tried() -> bool | None:
            page = self.browser.get_page(f"/services/passerelle/api/results/{self.receipt}")
            return True if page.status_code == 200 and page.json()["state"] == "marked" else None

        until("see the result", tried)

    def see_feedback(self) -> None:
        """Open the page of this attempt."""
        until("see the feedback", lambda: self._page(f"/services/passerelle/attempt/{self.receipt}"))

    def _page(self, path: str) -> bool | None:
        answer = self.browser.get_page(path)
        return True if answer.status_code == 200 and answer.url.endswith(path) else None

    def _cookies(self) -> list[Any]:
        host = self.server.split("/")[2].split(":")[0]
        return [
            one
            for one in self.browser.cookies
            if one.domain.lstrip(".") == host and f"/user/{self.handle}/".startswith(one.path)
        ]

    def ask(self, method: str, path: str, body: object = None) -> requests.Response:
        """Ask her server something, as its page does."""
        token = next((one.value for one in self._cookies() if one.name == "_xsrf"), "")
        headers = {"X-XSRFToken": token or "", "Referer": self.server, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body)
        return self.browser.request(method, self.server + path, data=data, headers=headers, timeout=30)


STEPS: dict[str, Callable[[Walk], None]] = {
    "sign in": Walk.sign_in,
    "my path": Walk.see_path,
    "open": Walk.open_unit,
    "run a cell": Walk.run_cell,
    "save": Walk.save,
    "submit": Walk.submit,
    "marking": Walk.see_result,
    "feedback": Walk.see_feedback,
}
