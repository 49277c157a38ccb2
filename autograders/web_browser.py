"""The browser that looks at pages: `python -m autograders.web_browser <descriptor>`, a process of its own.

One Chromium stays warm; every page gets a fresh context, nothing but its own files, and a bounded time. What the
browser itself says is told (its accessibility tree, its layout), never what the page's scripts say: they may have
changed anything that lives in the page. A page that does what no page under check may do is told as `trouble`, and the
browser ends.
"""

import base64
import contextlib
import ctypes
import mimetypes
import os
import resource
import select
import shutil
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from autograders.channel import Channel, ClosedError
from autograders.web_tree import things_of

BASE = "https://page.example/"
MAX_CPU_S = 6.0
"""CPU time of one look, all processes together. An honest page takes 0.3 s."""
MAX_WALL_S = 30.0
MAX_MEMORY = 1_200_000_000
"""Bytes of all its processes, files that are mapped aside. An honest page has 150 MB."""
_DATA = 6_000_000_000
"""Bytes one process may reserve: Chromium takes over 4 GB of them while it starts, and fills 0.1."""
_IDLE_S = 900
_MOST_SAID = 20
_SETTLE_MS = 60
_MOMENT_MS = 10
_SETTLES = 40
_WATCH_S = 0.1
_WIDTH, _HEIGHT = 1280, 800
_PICTURE_HEIGHT = 1600
_PICTURE_BYTES = 200_000
_DARK_CORNERS = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--force-webrtc-ip-handling-policy=disable_non_proxied_udp",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--js-flags=--max-old-space-size=256",
]


_SPOILS = frozenset({"page-slow", "page-memory", "page-dialog"})


class TroubleError(Exception):
    """The page did what no page under check may do."""

    def __init__(self, id_: str, **args: Any) -> None:
        super().__init__(id_)
        self.told = {"trouble": id_, "args": args}


def chromium() -> str | None:
    """Return the system's Chromium; None where there is none: then Playwright looks for its own.

    The program itself where that is known: its launcher is a shell script.
    """
    own = Path("/usr/lib/chromium/chromium")
    return str(own) if own.exists() else shutil.which("chromium") or shutil.which("chromium-browser")


class Watch:
    """Holds one look to its time and memory, from a thread: what is stuck is ended, all of it.

    `is_sure` says that it was the page's doing: it has used up what it has.
    """

    def __init__(self) -> None:
        self.why: str | None = None
        self.is_sure = False
        self._over = threading.Event()
        self._cpu_s = sum(_cpu_s(pid) for pid in below(os.getpid()))
        self._began = time.monotonic()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        while not self._over.wait(_WATCH_S):
            inside = below(os.getpid())
            if sum(map(_memory, inside)) > MAX_MEMORY:
                self.why, self.is_sure = "page-memory", True
            elif sum(map(_cpu_s, inside)) - self._cpu_s > MAX_CPU_S:
                self.why, self.is_sure = "page-slow", True
            elif time.monotonic() - self._began > MAX_WALL_S:  # a browser that has lost one of its own waits, too
                self.why = "page-slow"
            if self.why:
                end(inside)
                return

    def stop(self) -> None:
        """Watch no more."""
        self._over.set()
        self._thread.join()


class Look:
    """One page in one context: what it asks for, and what it does."""

    def __init__(self, page: Any, order: dict[str, Any]) -> None:
        self._files = {name: base64.b64decode(body) for name, body in order["files"].items()}
        self._address = BASE + order["path"]
        self._order = order
        self._asked = 0
        self._trouble: TroubleError | None = None
        self.console: list[str] = []
        self.elsewhere: list[str] = []
        self.absent: list[str] = []
        self._page, self.context = page, page.context
        self.context.route("**/*", self._serve)
        self.context.route_web_socket("**/*", lambda line: self._note(self.elsewhere, line.url))
        self.context.on("page", self._popped)
        self._open, self._loaded = 0, False
        self._page.on("load", self._has_loaded)
        self._page.on("request", lambda _: self._count(1))
        self._page.on("requestfinished", lambda _: self._count(-1))
        self._page.on("requestfailed", lambda _: self._count(-1))
        self._page.on("dialog", self._asks)
        self._page.on("download", lambda _: self._stop("page-download"))
        self._page.on("crash", lambda _: self._stop("page-memory"))
        self._page.on("console", self._says)
        self._page.on("pageerror", lambda error: self._note(self.console, str(error)))

    def facts(self) -> dict[str, Any]:
        """Return what the browser saw; raises TroubleError, or an error of Playwright's where the browser was ended."""
        if self._order["width"] != _WIDTH:
            self._page.set_viewport_size({"width": self._order["width"], "height": _HEIGHT})
        self._page.goto(self._address, wait_until="commit", timeout=1000 * MAX_WALL_S)
        # Not Playwright's own waiting: a page that leaves meanwhile would never be done.
        while not self._loaded and self._trouble is None:
            self._page.wait_for_timeout(_MOMENT_MS)
        self._settle()
        self._held()
        line = self.context.new_cdp_session(self._page)
        facts = things_of(line)
        facts["axe"] = _violations(line) if self._order["axe"] else None
        facts |= {"console": self.console, "elsewhere": self.elsewhere, "absent": self.absent}
        self._held()
        return {"seen": facts, "pictures": [self._picture(width) for width in self._order["pictures"]]}

    def _has_loaded(self, _page: Any) -> None:
        self._loaded = True

    def _count(self, change: int) -> None:
        self._open += change

    def _settle(self) -> None:
        """Wait a moment, and for what its scripts have asked for."""
        self._page.wait_for_timeout(_SETTLE_MS)
        for _ in range(_SETTLES):
            if self._open <= 0 or self._trouble is not None:
                return
            self._page.wait_for_timeout(_SETTLE_MS)

    def _held(self) -> None:
        if self._trouble is not None:
            raise self._trouble

    def held(self) -> TroubleError | None:
        """Return what it did that it may not, where it did."""
        return self._trouble

    def _stop(self, id_: str, **args: Any) -> None:
        self._trouble = self._trouble or TroubleError(id_, **args)

    @staticmethod
    def _note(where: list[str], text: str) -> None:
        if len(where) < _MOST_SAID:
            where.append(text[:200])

    def _serve(self, route: Any) -> None:
        request = route.request
        url = request.url.partition("#")[0]
        if request.is_navigation_request() and request.frame == self._page.main_frame:
            self._asked += 1
            if url != self._address or self._asked > 1:
                self._stop("page-left", found=("" if url == self._address else url)[:120])
                route.fulfill(status=204)  # it stays where it is
                return
        name = unquote(urlsplit(url).path).lstrip("/")
        if not url.startswith(BASE):
            self._note(self.elsewhere, url)
            route.abort()
        elif name in self._files:
            kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
            # A page says its own encoding: a server need not.
            kind += "; charset=utf-8" if kind.startswith("text/") and kind != "text/html" else ""
            route.fulfill(body=self._files[name], content_type=kind)
        else:
            self._note(self.absent, name)
            route.fulfill(status=404, body="")

    def _popped(self, page: Any) -> None:
        self._stop("page-popup")
        with contextlib.suppress(Exception):  # it may be gone by itself
            page.close()

    def _asks(self, dialog: Any) -> None:
        self._stop("page-dialog", found=str(dialog.message)[:80])
        with contextlib.suppress(Exception):  # it may be gone by itself
            dialog.dismiss()

    def _says(self, said: Any) -> None:
        # What is not there has a list of its own.
        if said.type == "error" and "Failed to load resource" not in said.text:
            self._note(self.console, said.text)

    def _picture(self, width: int) -> dict[str, Any]:
        self._page.set_viewport_size({"width": width, "height": _HEIGHT})
        tall = {"x": 0, "y": 0, "width": width, "height": _PICTURE_HEIGHT}
        body, kind = self._page.screenshot(full_page=True, clip=tall, animations="disabled"), "image/png"
        if len(body) > _PICTURE_BYTES:
            body, kind = self._page.screenshot(full_page=True, clip=tall, type="jpeg", quality=50), "image/jpeg"
        return {"width": width, "kind": kind, "body": base64.b64encode(body).decode("ascii")}


def _violations(line: Any) -> list[dict[str, Any]]:
    """Return what axe-core finds, in a world of scripts of its own: those of the page cannot reach into it."""
    source = (resources.files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
    frame = line.send("Page.getFrameTree")["frameTree"]["frame"]["id"]
    world = line.send("Page.createIsolatedWorld", {"frameId": frame, "worldName": "passerelle"})["executionContextId"]
    line.send("Runtime.evaluate", {"expression": source, "contextId": world})
    run = (
        "axe.run(document, {resultTypes: ['violations']}).then(found => found.violations.map("
        "one => ({id: one.id, help: one.help, count: one.nodes.length, where: one.nodes[0].html.slice(0, 160)})))"
    )
    asked = {"expression": run, "contextId": world, "awaitPromise": True, "returnByValue": True}
    found = line.send("Runtime.evaluate", asked)["result"].get("value")
    if not isinstance(found, list):
        raise TroubleError("page-slow")
    return found[:_MOST_SAID]


def fresh(browser: Any) -> Any:
    """Return an empty page in a context of its own."""
    size = {"width": _WIDTH, "height": _HEIGHT}
    return browser.new_context(viewport=size, service_workers="block", accept_downloads=False, locale="en").new_page()


def look(page: Any, order: dict[str, Any]) -> tuple[dict[str, Any], Look | None]:
    """Return what a page shows, or the trouble it makes.

    "spoilt": the browser is of no more use. "died": that may be because something of the browser ended.
    """
    watch, seen = Watch(), None
    try:
        seen = Look(page, order)
        return seen.facts(), seen
    except TroubleError as trouble:
        # Nobody knows how long its scripts would go on in a page that has crashed or is stuck.
        told = trouble.told
        is_spoilt = watch.why is not None or trouble.args[0] in _SPOILS
    except Exception as error:  # a page may upset a browser in any way
        held = seen.held() if seen is not None else None
        why = watch.why or ("page-memory" if "crash" in str(error).lower() else None)
        if held is None and why is None and "Timeout" not in type(error).__name__:
            raise
        told = held.told if held is not None else {"trouble": why or "page-slow", "args": {}}
        is_spoilt = True
    finally:
        watch.stop()
    died = told["trouble"] in ("page-slow", "page-memory") and not watch.is_sure
    return {**told, "spoilt": is_spoilt, "died": died}, seen


# Processes


def below(root: int) -> list[int]:
    """Return the processes below one."""
    parents: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208  ten times a second
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                parent = int(_read(f"/proc/{name}/stat").rpartition(b")")[2].split()[1])
                parents.setdefault(parent, []).append(int(name))
    found, waiting = list[int](), [root]
    while waiting:
        these = parents.get(waiting.pop(), [])
        found += these
        waiting += these
    return found


def end(processes: list[int]) -> None:
    """End processes."""
    for pid in processes:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:  # noqa: PTH123  ten times a second
        return file.read()


def _cpu_s(pid: int) -> float:
    try:
        fields = _read(f"/proc/{pid}/stat").rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    """Return the bytes that are a process's own, and those in files in memory."""
    try:
        rows = dict(row.split(b":", 1) for row in _read(f"/proc/{pid}/status").splitlines() if b":" in row)
        return sum(int(rows[name].split()[0]) * 1024 for name in (b"RssAnon", b"RssShmem"))
    except (OSError, KeyError):
        return 0


def _limit() -> None:
    """Let a browser reserve addresses, which it does by the terabyte, and hold what it fills."""
    _soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
    _soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _DATA if hard == resource.RLIM_INFINITY else min(_DATA, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (most, most))


@contextlib.contextmanager
def _started() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  after the limits are set

    # What outlives its parent is ours to end.
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    playwright = sync_playwright().start()
    yield playwright.chromium.launch(executable_path=chromium(), chromium_sandbox=False, args=_DARK_CORNERS)


def main() -> NoReturn:
    """Look at what is asked until nobody asks any more, or a page has spoilt the browser."""
    end_of_line = socket.socket(fileno=int(sys.argv[1]))
    end_of_line.set_inheritable(False)
    channel = Channel(end_of_line)
    _limit()
    with contextlib.suppress(ClosedError, OSError), _started() as browser:
        channel.send({"ready": browser.version})
        page = fresh(browser)
        while _asked(end_of_line):
            order, _ = channel.receive()
            answer, seen = look(page, order)
            channel.send(answer)
            if seen is None or answer.get("spoilt"):
                break
            # Ready before it is asked for: that is half of what a look takes.
            seen.context.close()
            page = fresh(browser)
    end(below(os.getpid()))
    os._exit(0)


def _asked(line: socket.socket) -> bool:
    """Wait for an order; say whether there may be one, or nobody has asked for long."""
    waiting = select.poll()
    waiting.register(line, select.POLLIN)
    return bool(waiting.poll(1000 * _IDLE_S))


if __name__ == "__main__":
    main()
