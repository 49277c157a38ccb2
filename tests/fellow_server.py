"""A fellow's real JupyterLab server for tests, from the built wheel, and an exchange that speaks the contract's HTTP.

The wheel is unpacked, not installed: what is tested is what fellows get, whatever this environment holds.
"""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat

from passerelle_lab.nbgrader_config import settings as nbgrader_settings
from passerelle_lab.parcel import pack, unpack

ROOT = Path(__file__).parent.parent
TOKEN = "the-test-server-of-her"
UNIT_PATH = "data-science/d1-tables/d1-tables.ipynb"


@dataclass
class Exchange:
    """What the stand-in holds: it keeps what it gets, and answers as it is told."""

    language: str = "en"
    release: dict[str, bytes] = field(default_factory=dict)
    submissions: dict[str, dict[str, bytes]] = field(default_factory=dict)
    result: dict[str, Any] = field(default_factory=lambda: {"state": "waiting"})
    questions: dict[str, dict[str, str]] = field(default_factory=dict)
    """Requests for help by their key."""
    refusal: tuple[int, str] | None = None
    units: list[str] = field(default_factory=list)
    version: str = "1"
    unwell: bool = False
    lost_answers: int = 0
    """How many requests to submit are taken and not answered, as by a line that drops."""

    def answer(self, method: str, path: str, key: str, body: bytes) -> tuple[int, Any]:
        """Answer a request of the exchange's API."""
        if method == "PUT" and path == "me":
            self.language = json.loads(body)["language"]
        if method == "POST" and path == "submissions/data-science/d1-tables":
            return self._take(key, body)
        if method == "POST" and path == "help/data-science/d1-tables":
            if self.refusal is not None:
                return self.refusal[0], {"id": "no", "error": self.refusal[1]}
            self.questions[key] = json.loads(body)
            return 201, {"asked": "2026-11-24T18:42:07+00:00", "answer_by": "2026-11-26"}
        kept: dict[str, Any] = {
            "me": {"handle": "acacia", "language": self.language, "role": "fellow", "tracks": ["data-science"]},
            "courses": ["data-science"],
            "submissions/data-science": [self._listed(number) for number in range(1, len(self.submissions) + 1)],
            "results/r1": {"track": "data-science", "unit": "d1-tables"} | self.result,
        }
        kept["submissions/data-science/d1-tables"] = kept["submissions/data-science"]
        for number, files in enumerate(self.submissions.values(), start=1):
            kept[f"submissions/r{number}/files"] = pack(files)
            kept.setdefault(f"results/r{number}", kept["results/r1"])
        if self.release:
            kept["releases/data-science/d1-tables"] = pack(self.release)
        if not self.unwell:
            kept["units/data-science"] = [
                {"unit": unit, "version": self.version, "released": "", "title": unit} for unit in self.units
            ]
        return (200, kept[path]) if path in kept else (404, {"id": "not-found", "error": "There is nothing here."})

    def _take(self, key: str, body: bytes) -> tuple[int, Any]:
        if self.refusal is not None:
            return self.refusal[0], {"id": "no", "error": self.refusal[1]}
        self.submissions.setdefault(key, unpack(body))
        number = [*self.submissions].index(key) + 1
        received = "2026-11-24T18:42:07+00:00"
        return 201, {"receipt": f"r{number}", "received": received, "sha256": "3f9ac0de" * 8, "number": number}

    @staticmethod
    def _listed(number: int) -> dict[str, Any]:
        where = {"receipt": f"r{number}", "handle": "acacia", "track": "data-science", "unit": "d1-tables"}
        return {**where, "timestamp": f"2026-11-24 18:42:0{number}.000000 UTC", "feedback": "2026-11-25"}


@contextmanager
def exchange_server(exchange: Exchange) -> Iterator[str]:
    """Serve an exchange on a free port; yield the API's address."""

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            path = self.path.split("?", maxsplit=1)[0].removeprefix("/api/")
            status, content = exchange.answer(self.command, path, self.headers.get("Idempotency-Key", ""), body)
            if self.command == "POST" and exchange.lost_answers:
                exchange.lost_answers -= 1
                self.close_connection = True
                return
            payload = content if isinstance(content, bytes) else json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(payload)))
            self.end_headers()
            self.wfile.write(payload)

        do_GET = do_PUT = do_POST = handle_any  # noqa: N815  # the names http.server asks for

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def unpacked_wheel(directory: Path) -> Path:
    """Build the wheel and unpack it; return the directory that Python imports from."""
    code = f"import hatchling.build; hatchling.build.build_wheel({str(directory)!r})"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "src/passerelle_lab", check=True, timeout=60)
    site = directory / "site"
    with zipfile.ZipFile(next(directory.glob("*.whl"))) as wheel:
        wheel.extractall(site)
    return site


@contextmanager
def lab_server(directory: Path, api: str, pages: str = "", port: int | None = None) -> Iterator[str]:
    """Start a fellow's server with the home `directory/home`, at a free port or at the one given; yield its address."""
    home = directory / "home"
    (home / ".jupyter").mkdir(parents=True, exist_ok=True)
    (home / ".jupyter/nbgrader_config.json").write_text(json.dumps(nbgrader_settings()), encoding="utf-8")
    site = unpacked_wheel(directory)
    if port is None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    environment = kept | {
        "HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(site), str(ROOT)]),
        "JUPYTER_PATH": str(next(site.glob("*.data")) / "data/share/jupyter"),
        "JUPYTER_CONFIG_PATH": str(site / "passerelle_lab/fellow"),
        "JUPYTER_RUNTIME_DIR": str(directory / "run"),
        "JUPYTERHUB_API_TOKEN": "hers",
        "PASSERELLE_API": api,
        "PASSERELLE_LANGUAGE": "en",
        "PASSERELLE_PAGES": pages,
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={home}"]
    with (directory / "server.log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, cwd=home, stdout=log, stderr=subprocess.STDOUT)
        try:
            address = f"http://127.0.0.1:{port}/"
            _wait_until_it_answers(address, server, directory / "server.log")
            yield address
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_until_it_answers(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(f"{address}api", timeout=5):
                return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
    raise AssertionError(f"the server does not answer:\n{log.read_text(encoding='utf-8')[-4000:]}")


def unit_notebook() -> dict[str, Any]:
    """Return a small unit: two tasks, three checks (one with stated points), hints, prose in two languages."""
    cells = [
        _prose("intro", "# Tables\n\nA table has rows and columns.", "# Les tableaux\n\nUn tableau a des lignes."),
        _prose("mean-text", "Put the mean of 2 and 4 into `mean`.", "Mets la moyenne de 2 et 4 dans `mean`."),
        _code("answer-mean", "answer", "mean", "mean = ...", grade=False, solution=True),
        _code("check-mean", "check", "mean", "assert mean == 3", grade=True, solution=False, points=2),
        _code("hints-mean", "hints", "mean", "from IPython.display import HTML\nHTML('<button>More</button>')"),
        _prose("top-text", "Put the greater of 2 and 4 into `top`.", "Mets le plus grand de 2 et 4 dans `top`."),
        _code("answer-top", "answer", "top", "top = 4", grade=False, solution=True),
        _code("check-top", "check", "top", "assert top == 4", grade=True, solution=False, points=1),
        _code("check-part", "check", "top", "2.0 if top == 4 else 1.0", grade=True, solution=False, points=2),
    ]
    about = {"unit": "d1-tables", "track": "data-science", "version": "1", "language": "en"}
    about["title"] = {"en": "D1 Tables", "fr": "D1 Les tableaux"}  # type: ignore[assignment]  # the others are words
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        "passerelle": about,
    }
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    return dict(json.loads(nbformat.writes(notebook)))


def _prose(key: str, english: str, french: str) -> Any:
    about = {"key": key, "kind": "prose", "text": {"en": english, "fr": french}}
    return nbformat.v4.new_markdown_cell(english, id=key, metadata={"passerelle": about})


def _code(key: str, kind: str, task: str, source: str, **marking: Any) -> Any:
    metadata: dict[str, Any] = {"passerelle": {"key": key, "kind": kind, "task": task}}
    if marking:
        locked = {"grade_id": key, "schema_version": 3, "task": False, "locked": marking["grade"]}
        metadata["nbgrader"] = locked | marking
    return nbformat.v4.new_code_cell(source, id=key, metadata=metadata)


def release() -> dict[str, bytes]:
    """Return the unit as a release."""
    return {
        "d1-tables.ipynb": json.dumps(unit_notebook()).encode(),
        "data/prices.csv": b"item,price\ntea,2\n",
        "unit.json": b"{}",
    }
