"""Mark with workers in network namespaces of their own, which reach a scheduler and nothing else.

To be run in a user and network namespace: `unshare -rn python -m tests.grading.apart COURSE LEARNER SCRATCH`.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from passerelle.grading.assignment import mark_assignment
from tests.grading.dasks import Dasks, kill
from tests.grading.test_cluster import SLOWLY
from tests.unit.grading.desk import UNIT


def run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


def namespace(number: int) -> str:
    """Make a network of two: us and a worker; return the process whose namespace it is."""
    ours = Path("/proc/self/ns/net").readlink()
    process = subprocess.Popen(["unshare", "-n", "sleep", "300"], stdout=subprocess.DEVNULL)
    pid, until = str(process.pid), time.monotonic() + 10
    while Path(f"/proc/{pid}/ns/net").readlink() == ours:
        assert time.monotonic() < until
        time.sleep(0.02)
    inside = ("nsenter", "-t", pid, "-n")
    run("ip", "link", "add", f"v{number}", "type", "veth", "peer", "name", "w", "netns", pid)
    run("ip", "addr", "add", f"10.99.{number}.1/24", "dev", f"v{number}")
    run("ip", "link", "set", f"v{number}", "up")
    run(*inside, "ip", "addr", "add", f"10.99.{number}.2/24", "dev", "w")
    run(*inside, "ip", "link", "set", "w", "up")
    run(*inside, "ip", "link", "set", "lo", "up")
    return pid


def main() -> None:
    """Mark; kill one worker after three; print where workers were, and how each submission ended."""
    course_dir, learner, scratch = (Path(argument) for argument in sys.argv[1:])
    run("ip", "link", "set", "lo", "up")
    running = Dasks(scratch, host="10.99.1.1")
    pids = [namespace(number) for number in (1, 2)]
    running.host = "0.0.0.0"
    running.start_scheduler()
    for number, pid in enumerate(pids, 1):
        running.host = f"10.99.{number}.1"
        running.start_worker(inside=("nsenter", "-t", pid, "-n"), own=f"10.99.{number}.2")
    told: list[int] = []

    def progress(tally: object) -> None:
        told.append(0)
        if len(told) == 3:
            workers = [namespace_of(worker.pid) for worker in running.workers]
            print(*workers, namespace_of(os.getpid()))
            kill(running.workers[1])

    marked = mark_assignment(
        course_dir, UNIT, learner=learner, scheduler=running.address, marking=SLOWLY, progress=progress
    )
    print(*(one.state for one in marked))
    running.end()


def namespace_of(process: int) -> str:
    """Return the name of a process's network namespace."""
    return str(Path(f"/proc/{process}/ns/net").readlink())


if __name__ == "__main__":
    main()
