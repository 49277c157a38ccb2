"""JupyterLab as somebody starts it by hand, without a hub: an author over a checkout, a visitor on Binder."""

import os
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

TOKEN = "a-lab-of-its-own"
START_TENTHS_S = 600


@contextmanager
def plain_lab(command: Sequence[str], root: Path, home: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run a command that ends in JupyterLab over a folder; yield its address, stop it afterwards.

    Args:
        command: what starts it, up to Lab's own arguments.
        root: the folder that Lab shows.
        home: the home directory of whoever starts it.
        environment: what it has beside PATH, LANG and HOME.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    given = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    arguments = ["--no-browser", "--allow-root", f"--port={port}", "--ServerApp.port_retries=0"]
    arguments += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"]
    written = home / "lab.log"
    with written.open("wb") as log:
        lab = subprocess.Popen(
            [*command, *arguments],
            env={**given, "HOME": str(home), "JUPYTER_RUNTIME_DIR": str(home / "run"), **environment},
            cwd=root,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            address = f"http://127.0.0.1:{port}/"
            _wait(address, lab, written)
            yield address
        finally:
            lab.terminate()
            try:
                lab.wait(20)
            except subprocess.TimeoutExpired:
                lab.kill()
                lab.wait()


def _wait(address: str, lab: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(START_TENTHS_S):
        try:
            with urllib.request.urlopen(f"{address}api", timeout=5):
                return
        except OSError:
            if lab.poll() is not None:
                break
            time.sleep(0.1)
    raise AssertionError(f"JupyterLab does not answer:\n{log.read_text('utf-8')[-4000:]}")
