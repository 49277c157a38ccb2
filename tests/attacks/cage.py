"""Runs stock nbgrader inside the cage of tests/attacks/stock.py: `python cage.py [feedback]` in a course directory.

It stands alone: nothing but Python's own library is imported. It listens where attacks try to connect, and writes
what is left when nbgrader is through into after.json.
"""

import contextlib
import json
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

PORT = 47_011
ABSTRACT = "passerelle-attacks"
NBGRADER_S = 150
_LIMITS = {
    "NPROC": 200,
    "DATA": 1_500_000_000,
    "FSIZE": 100_000_000,
    "NOFILE": 1024,
    "CORE": 0,
}


@contextlib.contextmanager
def listening() -> Iterator[None]:
    """Listen on loopback and on an abstract socket, as the services of a machine do."""
    lines = []
    for family, address in ((socket.AF_INET, ("127.0.0.1", PORT)), (socket.AF_UNIX, f"\0{ABSTRACT}")):
        line = socket.socket(family)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(address)
        line.listen()
        lines.append(line)
    try:
        yield
    finally:
        for line in lines:
            line.close()


def main() -> None:
    for name, most in _LIMITS.items():
        which = getattr(resource, f"RLIMIT_{name}")
        hard = resource.getrlimit(which)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)  # noqa: PLW2901  the lower of the two
        resource.setrlimit(which, (most, most))
    threading.stack_size(1_000_000)
    after = {"code": -1, "log": "", "left": []}
    with listening():
        steps = [["autograde", "tiny"], *([["generate_feedback", "tiny"]] if "feedback" in sys.argv else [])]
        for step in steps:
            with Path("log.txt").open("a") as log:
                try:
                    after["code"] = subprocess.run(
                        [sys.executable, "-m", "nbgrader", *step], stdin=subprocess.DEVNULL, stdout=log, stderr=log, timeout=NBGRADER_S, check=False
                    ).returncode  # fmt: skip
                except subprocess.TimeoutExpired:
                    after["code"] = "time"
                    break
    with contextlib.suppress(OSError):
        after["left"] = [
            path.parent.name
            for path in Path("/proc").glob("[0-9]*/cmdline")
            if b"98765" in path.read_bytes().split(b"\0")
        ]
    Path("after.json").write_text(json.dumps(after))


if __name__ == "__main__":
    main()
