"""Several processes that write one database at the same time, and how long each of their transactions took."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def together(lines: Sequence[Sequence[str]], environment: Mapping[str, str], patience_s: float = 120) -> list[float]:
    """Start programs, let them begin together; return all the times that they print, in seconds, sorted."""
    known = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}:{ROOT}", **environment}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    running = [subprocess.Popen([sys.executable, *line], env=known, **pipes) for line in lines]  # type: ignore[call-overload]
    try:
        for one in running:
            assert one.stdout.readline() == "ready\n"
        for one in running:
            one.stdin.write("go\n")
            one.stdin.flush()
        said = [one.communicate(timeout=patience_s)[0] for one in running]
    finally:
        for one in running:
            one.kill()
            one.wait()
    assert [one.returncode for one in running] == [0] * len(running)
    return sorted(took for times in said for took in json.loads(times))
