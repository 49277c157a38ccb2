"""Marking with `dask.distributed`: what is killed, lost or other than it should be costs nobody anything."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from passerelle.grading import cluster as cluster_module
from passerelle.grading.assignment import mark_assignment
from passerelle.grading.cluster import AHEAD, Cluster, Outcome, SchedulerLostError
from passerelle.grading.errand import WorkerDiffersError, WorkerEndedError
from passerelle.grading.nest import hatched
from passerelle.grading.worker import Marking
from tests.grading import cheap
from tests.grading.certificates import settings_of_certificates
from tests.grading.dasks import ROOT, Dasks, dasks
from tests.unit.grading.desk import BY_TEXT, CHECK, HALF, RIGHT, SUM, UNIT, Desk, make_course
from tests.unit.grading.test_assignment import collect

pytestmark = pytest.mark.slow

LEARNER = Path("/nowhere")
WITHIN_S = 120
CAN_BE_APART = subprocess.run(["unshare", "-rn", "ip", "link"], check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def two() -> Iterator[Cluster]:
    """Two workers of this machine."""
    with hatched(2) as nest, Cluster(cheap.mark, nest) as cluster:
        yield cluster


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("made"))


@pytest.fixture
def desk(tmp_path: Path, course: Path) -> Desk:
    return Desk.open(tmp_path / "data", course)


def start(cluster: Cluster, *sent: bytes) -> None:
    for number, words in enumerate(sent):
        cluster.start(number, ROOT, "mini", {"a": words}, learner=LEARNER, fellow="")


def taken(cluster: Cluster, count: int) -> dict[int, Outcome]:
    """Return so many outcomes by their number."""
    found: dict[int, Outcome] = {}
    until = time.monotonic() + WITHIN_S
    while len(found) < count:
        assert time.monotonic() < until, f"only {sorted(found)} came"
        if (made := cluster.take(1.0)) is not None:
            assert made.tag not in found, "one came twice"
            found[made.tag] = made
    return found


def processes(cluster: Cluster) -> list[int]:
    client: Any = cluster._client
    return sorted(client.run(os.getpid).values())


def until(true: Callable[[], bool], what: str) -> None:
    ends = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < ends, what
        time.sleep(0.05)


def test_each_comes_back_once_with_its_own_verdict(two: Cluster) -> None:
    sent = [b"%d" % number for number in range(4)]
    start(two, *sent)

    found = taken(two, 4)

    keys = [found[number].marked.verdict.key for number in range(4)]  # type: ignore[union-attr]
    assert keys == [cheap.key(ROOT, "mini", {"a": words}, learner=LEARNER) for words in sent]
    assert two.take() is None


def test_there_is_room_for_what_the_workers_do_next_and_no_more(two: Cluster) -> None:
    until(lambda: two.room == 2 * AHEAD, "an idle cluster has room")
    start(two, *(b"slow %d" % number for number in range(2 * AHEAD)))
    assert two.room == 0
    until(lambda: two._landed.qsize() == 2 * AHEAD, "they come to an end")
    assert two.room == 2 * AHEAD, "as many again, while nobody has taken the first"
    start(two, *(b"more %d" % number for number in range(2 * AHEAD)))
    until(lambda: two._landed.qsize() == 4 * AHEAD, "they, too")
    assert two.room == 0
    for _ in range(4 * AHEAD):
        assert two.take() is not None


def test_a_submission_that_ends_its_process_is_contained(two: Cluster) -> None:
    start(two, b"one", cheap.DEADLY, b"two", b"three")

    found = taken(two, 4)

    assert [number for number in range(4) if found[number].marked is not None] == [0, 2, 3]
    assert isinstance(found[1].error, WorkerEndedError)


def test_a_worker_killed_in_the_middle_costs_nothing(two: Cluster) -> None:
    until(lambda: len(processes(two)) == 2, "those that one submission ended are there again")
    before = processes(two)
    start(two, *(b"slow %d" % number for number in range(4)))
    os.kill(before[0], signal.SIGKILL)

    found = taken(two, 4)

    assert all(one.marked is not None for one in found.values())
    until(lambda: len(processes(two)) == 2, "its place is taken")
    assert before[0] not in processes(two)


def test_all_processes_killed_are_there_again(two: Cluster) -> None:
    nest: Any = two._nest
    start(two, *(b"slow again %d" % number for number in range(4)))
    os.kill(nest._process.pid, signal.SIGKILL)

    found = taken(two, 4)

    assert all(one.marked is not None for one in found.values())


def test_each_worker_is_warm_before_anybody_waits(two: Cluster, tmp_path: Path) -> None:
    two.warm(ROOT, "mini", {"a": cheap.LEAVES + str(tmp_path).encode()}, learner=LEARNER)

    def all_were() -> bool:
        assert two.room
        return {int(path.name) for path in tmp_path.iterdir()} >= set(processes(two))

    until(all_were, "each marks it once")
    assert two.take() is None, "and nobody hears of it"


def test_nothing_is_left_of_a_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with hatched(2) as nest, Cluster(cheap.mark, nest) as cluster:
        start(cluster, b"one")
        taken(cluster, 1)
        mine = processes(cluster)

    assert [*tmp_path.iterdir()] == []
    assert not any(Path(f"/proc/{process}").exists() for process in mine)


def test_nobody_without_the_certificate_of_this_run_is_listened_to(two: Cluster) -> None:
    import distributed

    local: Any = two._local
    assert local.scheduler_address.startswith("tls://127.0.0.1:")
    theirs: Any = distributed
    stranger, connect = theirs.Security.temporary(), theirs.Client
    for security in (stranger, None):
        with pytest.raises((OSError, TypeError)):
            connect(local.scheduler_address, security=security, timeout=3, set_as_default=False)


def collected(desk: Desk, count: int, answers: tuple[str, ...] = (RIGHT, HALF)) -> None:
    for number in range(count):
        answer = answers[number % len(answers)]
        collect(desk, f"fellow{number}", desk.files(answer, words=f"{number}"), "2024-11-26 09:30:00 UTC")


def test_workers_started_on_their_own_mark(desk: Desk, tmp_path: Path) -> None:
    collected(desk, 6)
    with dasks(tmp_path) as running:
        marked = mark_assignment(
            desk.course_dir, UNIT, learner=desk.settings.learner, scheduler=running.address, marking=BY_TEXT
        )

    assert [one.state for one in marked] == ["marked"] * 6
    assert [desk.grade(CHECK, f"fellow{number}")["score"] for number in range(6)] == [2.0, 1.0] * 3


@pytest.mark.skipif(not CAN_BE_APART, reason="this machine lets nobody make network namespaces (unshare -rn)")
def test_workers_in_network_namespaces_of_their_own_mark_and_one_is_killed(desk: Desk, tmp_path: Path) -> None:
    collected(desk, 8)
    command = ["unshare", "-rn", sys.executable, "-m", "tests.grading.apart"]
    running = subprocess.Popen(
        [*command, str(desk.course_dir), str(desk.settings.learner), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        said, _ = running.communicate(timeout=120)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(running.pid, signal.SIGKILL)

    namespaces, states = said.splitlines()
    assert len(set(namespaces.split())) == 3
    assert states.split() == ["marked"] * 8


def slowly(*arguments: Any, **options: Any) -> Any:
    time.sleep(0.5)
    return BY_TEXT.mark(*arguments, **options)


SLOWLY = Marking(slowly, BY_TEXT.verdict_key)


def test_a_scheduler_that_is_killed_and_started_again_costs_nothing(desk: Desk, tmp_path: Path) -> None:
    collected(desk, 12)
    told: list[int] = []
    with dasks(tmp_path) as running:

        def again() -> None:
            until(lambda: bool(told) and told[-1] >= 3, "some are marked")
            running.kill_scheduler()
            for number in range(2):
                running.kill_worker(number)
            running.start_scheduler()
            running.start_worker()

        beside = threading.Thread(target=again)
        beside.start()
        marked = mark_assignment(
            desk.course_dir, UNIT, learner=desk.settings.learner, scheduler=running.address, marking=SLOWLY,
            progress=lambda tally: told.append(tally.done),
        )  # fmt: skip
        beside.join(WITHIN_S)

    assert [one.reason for one in marked] == [None] * 12
    assert told == list(range(1, 13)), "each once"


def test_a_scheduler_that_stays_away_ends_the_run_and_loses_nothing(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    collected(desk, 8)
    monkeypatch.setattr(cluster_module, "CONNECT_S", 2.0)
    monkeypatch.setattr(cluster_module, "RECONNECT_S", 1.0)
    told: list[int] = []
    with dasks(tmp_path) as running:

        def for_good() -> None:
            until(lambda: bool(told), "one is marked")
            running.kill_scheduler()

        beside = threading.Thread(target=for_good)
        beside.start()
        with pytest.raises(SchedulerLostError, match="nothing is lost"):
            mark_assignment(
                desk.course_dir, UNIT, learner=desk.settings.learner, scheduler=running.address, marking=SLOWLY,
                progress=lambda tally: told.append(tally.done),
            )  # fmt: skip
        beside.join(WITHIN_S)

    marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, marking=BY_TEXT)
    assert [one.state for one in marked] == ["marked"] * 8


def test_an_address_where_nobody_is_is_said(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    collected(desk, 1)
    monkeypatch.setattr(cluster_module, "CONNECT_S", 1.0)
    with pytest.raises(SchedulerLostError, match=r"127\.0\.0\.1:9: the scheduler does not answer"):
        mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, scheduler="tcp://127.0.0.1:9")


def test_a_worker_with_another_passerelle_is_refused(desk: Desk, tmp_path: Path) -> None:
    collected(desk, 1)
    other = tmp_path / "other"
    shutil.copytree(ROOT / "src" / "passerelle", other / "passerelle", ignore=shutil.ignore_patterns("__pycache__"))
    with (other / "passerelle" / "grading" / "walls.py").open("a") as file:
        file.write("# other walls\n")
    with dasks(tmp_path, workers=0) as running:
        running.start_worker(PYTHONPATH=f"{other}:{ROOT / 'src'}:{ROOT}")
        with pytest.raises(WorkerDiffersError, match=r"tcp://127\.0\.0\.1:\d+: its Passerelle is another one"):
            mark_assignment(
                desk.course_dir, UNIT, learner=desk.settings.learner, scheduler=running.address, marking=BY_TEXT
            )


def test_the_command_uses_certificates_of_dask_s_own_settings(desk: Desk, tmp_path: Path) -> None:
    collected(desk, 3)
    settings = settings_of_certificates(tmp_path / "certificates")
    running = Dasks(tmp_path, environment=settings, protocol="tls")
    command = [sys.executable, "-m", "passerelle.cli", "mark", UNIT, "--course-dir", str(desk.course_dir)]
    try:
        running.start_scheduler()
        running.start_worker()
        done = [
            subprocess.run(
                [*command, "--scheduler", running.address],
                env={**os.environ, **added},
                check=False,
                capture_output=True,
                text=True,
            )
            for added in (settings, {})
        ]
    finally:
        running.end()

    assert [one.returncode for one in done] == [0, 2]
    assert [line.split(": ")[1] for line in done[0].stdout.splitlines()] == [
        "2 of 3 points, 1 to mark by hand", "0 of 3 points, 1 to mark by hand", "2 of 3 points, 1 to mark by hand",
    ]  # fmt: skip
    assert "the scheduler does not answer" in done[1].stderr


def test_five_thousand_in_the_queue_stay_there(tmp_path: Path) -> None:
    # Together they are 500 MB; what is not under way is the ledger's.
    command = [sys.executable, "-m", "tests.grading.many", str(tmp_path), "5000", "100"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)

    most_mb, marked = (int(word) for word in done.stdout.split()[:2])
    assert marked >= 100
    assert most_mb < 300


def test_two_workers_find_what_one_finds(tmp_path: Path, course: Path) -> None:
    records = []
    for workers in (1, 2):
        desk = Desk.open(tmp_path / str(workers), course)
        collected(desk, 4, (RIGHT, HALF, SUM, "raise ValueError"))
        marked = mark_assignment(desk.course_dir, UNIT, learner=desk.settings.learner, workers=workers)
        records.append([one.model_dump(exclude={"seconds", "receipt"}) for one in marked])
    assert records[0] == records[1]
    assert {one["state"] for one in records[0]} == {"marked"}
