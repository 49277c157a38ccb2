"""A fellow's server at its limits: memory, disk, idleness. Her work stays, and everybody else's too."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from passerelle.hub.box import BROWSER_SPACE_BYTES
from passerelle.hub.homes import NOTES, NOTICE
from tests.hub.running import Browser, RunningHub, notebook_server_answers, processes_of, running, settings_in, wait_for
from tests.hub.test_spawner import Kernel

pytestmark = pytest.mark.slow

LIMITS = {"SERVER_MEMORY_MB": "600", "SERVER_DISK_MB": "100", "KERNEL_IDLE_S": "20", "SERVER_IDLE_S": "20"}
SAVED = "idle.ipynb"
NOTEBOOK: dict[str, Any] = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHub]:
    """Run a hub with little room for each."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in LIMITS.items():
            patch.setenv(f"PASSERELLE_{name}", value)
        with running(settings_in(tmp_path_factory.mktemp("narrow") / "data")) as started:
            yield started


@pytest.fixture(scope="module", autouse=True)
def left_alone(narrow: RunningHub) -> None:
    """Leave a server with a saved notebook and a kernel; it goes idle while the other tests run."""
    browser = opened(narrow, "cedar")
    kernel = Kernel(browser, "cedar")
    save(browser, kernel, "cedar", SAVED)
    kernel.run("open('made.txt', 'w').write('by a cell')")


@pytest.fixture(scope="module")
def acacia(narrow: RunningHub) -> Browser:
    return opened(narrow, "acacia")


@pytest.fixture(scope="module")
def basil(narrow: RunningHub) -> Browser:
    return opened(narrow, "basil")


@pytest.fixture
def kernel(narrow: RunningHub, acacia: Browser) -> Iterator[Kernel]:
    """A new kernel, the only one, and no note of before."""
    note_of(narrow, "acacia").unlink(missing_ok=True)
    made = Kernel(acacia, "acacia")
    yield made
    for running_one in acacia.get_page("/user/acacia/api/kernels").json():
        address = acacia.at(f"/user/acacia/api/kernels/{running_one['id']}")
        acacia.delete(address, params={"_xsrf": made.token}, timeout=30)


def opened(hub: RunningHub, handle: str) -> Browser:
    browser = hub.browser(handle)
    assert notebook_server_answers(browser.open_server(handle))
    return browser


def save(browser: Browser, kernel: Kernel, handle: str, name: str) -> int:
    """Save a notebook as her page does; return the status."""
    model: dict[str, Any] = {"type": "notebook", "format": "json", "content": NOTEBOOK}
    address = browser.at(f"/user/{handle}/api/contents/{name}")
    return browser.put(address, json=model, params={"_xsrf": kernel.token}, timeout=30).status_code


def note_of(hub: RunningHub, handle: str) -> Path:
    return hub.settings.homes / handle / NOTES / NOTICE


def note(hub: RunningHub, handle: str) -> dict[str, object]:
    path = note_of(hub, handle)
    wait_for(path.exists, f"a note for {handle}", 20)
    found: dict[str, object] = json.loads(path.read_text())
    return found


def started_again(kernel: Kernel, before: object) -> bool:
    """Tell whether another process answers; one that ends with our question never does."""
    try:
        return kernel.run("import os; print(os.getpid())", timeout_s=5) != str(before)
    except TimeoutError:
        return False


def later(code: str) -> str:
    """Return code that does something after its cell has ended."""
    return f"import mmap, os, threading\ndef act():\n    {code}\nthreading.Timer(0.5, act).start()"


TAKE_3_GB = "m = mmap.mmap(-1, 3 << 30); [m.write(bytes(1 << 20)) for _ in range(3 << 10)]"


def test_a_kernel_that_takes_3_gb_loses_itself_alone(
    narrow: RunningHub, acacia: Browser, kernel: Kernel, basil: Browser
) -> None:
    other, own = Kernel(basil, "basil"), Kernel(acacia, "acacia")
    other.run("kept = 'basil'")
    own.run("kept = 'acacia'")
    before = kernel.value("os.getpid()")

    def others_stay_and_it_starts_again() -> bool:
        # Asked all the time: one that runs nothing for 20 s is ended rightly, and a slow machine takes longer than that.
        assert (own.value("kept"), other.value("kept")) == ("acacia", "basil")
        return note_of(narrow, "acacia").exists() and started_again(kernel, before)

    kernel.run(later(TAKE_3_GB))
    wait_for(others_stay_and_it_starts_again, "the note and the kernel's new start", 50)
    told = note(narrow, "acacia")

    assert (told["id"], told["limit_mb"]) == ("memory", 600)
    assert own.value("kept") == "acacia"
    assert other.value("kept") == "basil"
    assert not note_of(narrow, "basil").exists()
    assert save(acacia, kernel, "acacia", "after.ipynb") in {200, 201}


def test_a_killed_watchdog_is_back(narrow: RunningHub, kernel: Kernel) -> None:
    def watchdog() -> int | None:
        return next((int(line.split()[0]) for line in processes_of(narrow.settings) if "hub.watchdog" in line), None)

    first = watchdog()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: watchdog() not in {None, first}, "the new watchdog", 20)

    kernel.run(later(TAKE_3_GB))

    assert note(narrow, "acacia")["id"] == "memory"


LIFT = (
    "[resource.setrlimit(one, (resource.getrlimit(one)[1],) * 2) for one in (resource.RLIMIT_DATA, resource.RLIMIT_AS)]"
)


def test_who_lifts_her_own_limits_meets_the_watchdog(narrow: RunningHub, acacia: Browser, kernel: Kernel) -> None:
    before = kernel.value("os.getpid()")
    kernel.run(f"import resource; {LIFT}")
    assert kernel.value("resource.getrlimit(resource.RLIMIT_AS)[0]") == BROWSER_SPACE_BYTES

    kernel.run(later("m = [bytes(1) * (1 << 24) for _ in range(5 << 6)]"))

    assert note(narrow, "acacia")["id"] == "memory"
    wait_for(lambda: started_again(kernel, before), "the kernel's new start", 30)
    assert save(acacia, kernel, "acacia", "lifted.ipynb") in {200, 201}


def test_a_page_is_looked_at_within_the_limits(narrow: RunningHub, kernel: Kernel) -> None:
    kernel.run("open('bread.html', 'w').write('<!doctype html><title>Bread</title><h1>Bread</h1>')")

    kernel.run("from autograders import expect")

    assert kernel.value("expect.page('bread.html')._seen()['title']") == "Bread"
    assert not note_of(narrow, "acacia").exists()


def test_too_much_at_once_is_an_error_she_can_read(kernel: Kernel) -> None:
    kernel.run("kept = 1")

    assert "MemoryError" in kernel.run("bytearray(3 << 30)")
    assert kernel.value("kept") == 1


def test_libraries_with_threads_have_room(kernel: Kernel) -> None:
    code = """
    import numpy, pandas, matplotlib.pyplot
    from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
    x = numpy.random.rand(5000, 20); y = numpy.random.randint(0, 2, 5000)
    RandomForestClassifier(n_jobs=-1).fit(x, y); HistGradientBoostingClassifier().fit(x, y)
    (numpy.random.rand(1000, 1000) @ numpy.random.rand(1000, 1000)).sum()
    print(pandas.DataFrame(x).shape)
    """

    assert kernel.run("\n".join(line.strip() for line in code.splitlines())) == "(5000, 20)"


def test_one_file_has_an_end(narrow: RunningHub, kernel: Kernel) -> None:
    # One byte beyond the end: what really fills her home is the next test's, and ends kernels, this one too.
    assert "File too large" in kernel.run(
        "import os\nos.pwrite(os.open('one', os.O_CREAT | os.O_WRONLY), b'1', 120 << 20)"
    )
    assert kernel.value("(os.stat('one').st_size, os.remove('one'))") == [0, None]
    assert not note_of(narrow, "acacia").exists()


def test_a_disk_that_overflows_stops_who_writes_and_she_can_tidy_up(
    narrow: RunningHub, acacia: Browser, kernel: Kernel
) -> None:
    before = kernel.value("os.getpid()")

    kernel.run(later("[open(f'data{n}', 'wb').write(os.urandom(10 << 20)) for n in range(10000)]"))
    # Asked from the beginning: a kernel that runs no cell for 20 s is ended rightly, and would stop writing.
    wait_for(
        lambda: (
            started_again(kernel, before)
            and note_of(narrow, "acacia").exists()
            and note(narrow, "acacia")["id"] == "disk"
        ),
        "the kernel's new start and the note",
        60,
    )

    home = narrow.settings.homes / "acacia"
    assert len(list(home.glob("data*"))) < 1000
    assert save(acacia, kernel, "acacia", "full.ipynb") in {200, 201}
    for path in home.glob("data*"):
        address = acacia.at(f"/user/acacia/api/contents/{path.name}")
        assert acacia.delete(address, params={"_xsrf": kernel.token}, timeout=30).status_code == 204


def test_an_idle_server_stops_and_opens_again_with_everything(narrow: RunningHub) -> None:
    def gone() -> bool:
        return not any("/home/cedar" in line and "bwrap" in line for line in processes_of(narrow.settings))

    wait_for(gone, "the idle server's end", 150)
    browser = narrow.browser("cedar")
    # It looks every few seconds; until then the page of a server that does not answer is what she gets.
    wait_for(lambda: "/hub/" in browser.get_page("/user/cedar/lab").url, "the hub's notice of it", 30)

    assert notebook_server_answers(browser.open_server("cedar"))
    kernel = Kernel(browser, "cedar")

    assert kernel.value("open('made.txt').read()") == "by a cell"
    saved = browser.get_page(f"/user/cedar/api/contents/{SAVED}")
    assert saved.json()["content"]["nbformat"] == NOTEBOOK["nbformat"]
