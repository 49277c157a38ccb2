"""A real browser on a real fellow's server, for the tests of the notebook's bar."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from passerelle_lab.unit_folder import place
from tests.browser.demo_served import write_year
from tests.browser.fellow_lab import WAIT_MS, close_kernels, hers, leave, open_unit
from tests.fellow_server import UNIT_PATH, Exchange, exchange_server, lab_server, release


@pytest.fixture(scope="module")
def patience() -> Iterator[None]:
    """Two shared cores: what is claimed may take its time to come true."""
    expect.set_options(timeout=WAIT_MS)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo year, written once; who serves it takes a copy."""
    return write_year(tmp_path_factory.mktemp("year"))


@pytest.fixture(scope="module")
def exchange() -> Exchange:
    return Exchange(release=release())


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, exchange: Exchange) -> Iterator[tuple[str, Path]]:
    directory = tmp_path_factory.mktemp("bar")
    with exchange_server(exchange) as api, lab_server(directory, api, pages="/services/passerelle/") as address:
        yield address, directory / "home"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        )
        yield launched
        launched.close()


@pytest.fixture
def page(browser: Browser, server: tuple[str, Path], exchange: Exchange) -> Iterator[Page]:
    """A fresh unit, opened at its address, with her language English and nothing submitted."""
    address, home = server
    notebook = home / UNIT_PATH
    shutil.rmtree(notebook.parent, ignore_errors=True)
    place(home, "data-science", "d1-tables", release(), "en")
    exchange.language, exchange.refusal, exchange.result = "en", None, {"state": "waiting"}
    exchange.units, exchange.version, exchange.unwell, exchange.lost_answers = [], "1", False, 0
    exchange.questions.clear()
    exchange.release = release()
    exchange.submissions.clear()
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.request.put(f"{address}passerelle/language", data={"language": "en"}, headers=hers())
    opened = context.new_page()
    opened.set_default_timeout(WAIT_MS)
    opened.faults = []  # type: ignore[attr-defined]  # kept beside the page for the last claim
    opened.on("pageerror", lambda error: opened.faults.append(error.stack))  # type: ignore[attr-defined]
    open_unit(opened, address)
    yield opened
    close_kernels(opened, address)
    leave(context)
