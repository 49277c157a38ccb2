"""Where the checks of web pages find a browser on Binder: the image's, or the one that postBuild puts there.

Nothing is downloaded. Each machine is this one without its Chromium (bubblewrap lays empty places over it), the program
itself under another name: so it is found by where it lies, as in an image, and it really opens a page.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from autograders.web_browser import chromium
from autograders.web_warm import NoBrowserError, Warm

pytestmark = pytest.mark.slow
FRAME = Path(__file__).parents[2] / "binder" / "tree" / "binder"
CHECKOUT = Path(__file__).parents[2]
PROGRAM = Path("/usr/lib/chromium")
PAGE = b'<!doctype html><html lang="en"><title>Bread</title><h1>Bread</h1></html>'


@pytest.fixture
def bare(tmp_path: Path) -> list[str]:
    """Return how to run on this machine as if it had no Chromium; the program lies in `tmp_path / "moved"`."""
    assert PROGRAM.is_dir(), "these machines are made from Debian's Chromium"
    (tmp_path / "moved").mkdir()
    launchers = [path for name in ("chromium", "chromium-browser") if (path := shutil.which(name))]
    line = ["/usr/bin/bwrap", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "--die-with-parent"]
    line += ["--ro-bind", str(PROGRAM), str(tmp_path / "moved"), "--tmpfs", str(PROGRAM)]
    for launcher in launchers:
        line += ["--ro-bind", "/dev/null", str(Path(launcher).resolve())]
    return line


def environment(tmp_path: Path, *before: Path) -> dict[str, str]:
    path = ":".join([*map(str, before), str(Path(sys.executable).parent), "/usr/bin", "/bin"])
    # Its own sockets lie in TMPDIR, and Chromium ends where their paths are longer than 107 characters: not in tmp_path.
    return {"HOME": str(tmp_path), "TMPDIR": tempfile.gettempdir(), "PATH": path, "PYTHONPATH": str(CHECKOUT)}


def launcher(at: Path, tmp_path: Path) -> None:
    """Put the program at a place, under the name it has there; it leaves a word that it was the one."""
    at.parent.mkdir(parents=True)
    at.write_text(f'#!/bin/sh\ntouch {tmp_path}/used\nexec {tmp_path}/moved/chromium --headless "$@"\n')
    at.chmod(0o755)


def title(bare: list[str], env: dict[str, str]) -> str:
    """Open a page in the browser that is found there, and return its title as the browser says it."""
    warm = Warm(lambda end: [*bare, sys.executable, "-P", "-m", "autograders.web_browser", str(end)], env)
    try:
        return str(warm.look({"index.html": PAGE}, "index.html", width=1280, axe=False)["seen"])
    finally:
        warm.close()


def test_without_any_browser_it_is_said(bare: list[str], tmp_path: Path) -> None:
    with pytest.raises(NoBrowserError, match="playwright install"):
        title(bare, environment(tmp_path))


def test_a_browser_of_the_image_is_found_by_its_name(bare: list[str], tmp_path: Path) -> None:
    launcher(tmp_path / "bin" / "chromium-browser", tmp_path)

    assert "Bread" in title(bare, environment(tmp_path, tmp_path / "bin"))
    assert (tmp_path / "used").exists()


def test_the_browser_is_found_where_post_build_puts_it(bare: list[str], tmp_path: Path) -> None:
    env = environment(tmp_path)
    # What start says, and where Playwright would lay the browser that postBuild names: it says so without fetching it.
    said = subprocess.run(
        [FRAME / "start", "sh", "-c", 'echo "$PLAYWRIGHT_BROWSERS_PATH"'],
        env=env | {"PYTHONPATH": f"{CHECKOUT / 'src'}:{CHECKOUT}"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert Path(said.stdout.strip()) == Path(sys.prefix) / "share" / "playwright"
    env["PLAYWRIGHT_BROWSERS_PATH"] = str(tmp_path / "browsers")
    (named,) = re.findall(
        r"python -m (playwright install \S+)$", (FRAME / "postBuild").read_text("utf-8"), re.MULTILINE
    )
    planned = subprocess.run(
        [sys.executable, "-m", *named.split(), "--dry-run"],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    place = Path(re.findall(r"Install location: +(\S+)", planned.stdout)[0])
    assert place.parent == tmp_path / "browsers"
    launcher(place / "chrome-headless-shell-linux64" / "chrome-headless-shell", tmp_path)

    assert "Bread" in title(bare, env)
    assert (tmp_path / "used").exists()


def test_post_build_asks_what_the_checks_ask(bare: list[str], tmp_path: Path) -> None:
    (asked,) = re.findall(r"^if ! (python -c '.+'); then$", (FRAME / "postBuild").read_text("utf-8"), re.MULTILINE)
    answers = [
        subprocess.run([*where, "sh", "-c", asked], env=environment(tmp_path), check=False, timeout=60).returncode
        for where in ([], bare)
    ]

    assert chromium() is not None
    assert answers == [0, 1]
    assert not os.path.lexists(tmp_path / "used")
