"""What keeps her work safe in the notebook: saving, dropped lines, newer versions, copies, sleep, limits."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from passerelle_lab.unit_folder import place
from tests.browser.fellow_lab import (
    WAIT_MS,
    axe_violations,
    bar,
    button,
    cell,
    choose,
    hers,
    ill_placed,
    news,
    open_unit,
    picture,
    write,
)
from tests.fellow_server import UNIT_PATH, Exchange, exchange_server, lab_server, release

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]


def saved(page: Page) -> Locator:
    return page.locator(".passerelle-bar-saved")


def told(page: Page, topic: str) -> Locator:
    return page.locator(f".passerelle-bar-{topic}")


def dialogs(page: Page) -> int:
    return page.locator(".jp-Dialog").count()


def save(page: Page) -> None:
    page.keyboard.press("ControlOrMeta+s")
    page.wait_for_function("!document.querySelector('.jp-mod-dirty')")


def on_disk(home: Path) -> str:
    return (home / UNIT_PATH).read_text(encoding="utf-8")


def copies(home: Path) -> list[str]:
    """Return the notebooks that were kept, oldest first."""
    kept = sorted((home / UNIT_PATH).parent.glob("versions/*/d1-tables.ipynb"))
    return [path.read_text(encoding="utf-8") for path in kept]


def everybody_can_use_it(page: Page, name: str) -> None:
    for language in ("en", "fr"):
        choose(page, language)
        expect(bar(page)).to_have_attribute("lang", language)
        for width in (320, 1280):
            page.set_viewport_size({"width": width, "height": 740})
            picture(page, f"{name}-{width}-{language}")
            assert axe_violations(page) == [], (language, width)
            assert ill_placed(page, width) == [], (language, width)
    choose(page, "en")


def second_release() -> dict[str, bytes]:
    files = release()
    notebook = json.loads(files["d1-tables.ipynb"])
    notebook["metadata"]["passerelle"]["version"] = "2"
    text = {"en": "# Better tables", "fr": "# De meilleurs tableaux"}
    notebook["cells"][0] |= {"source": text["en"], "metadata": {"passerelle": {"key": "intro", "text": text}}}
    return {**files, "d1-tables.ipynb": json.dumps(notebook).encode()}


def test_a_dropped_line_is_said_and_her_text_is_saved_when_it_is_back(page: Page, server: tuple[str, Path]) -> None:
    expect(saved(page)).to_have_text(re.compile(r"Saved \d\d:\d\d"))
    write(page, "mean = ...", "mean = 3  # in the tunnel")
    page.context.set_offline(True)
    page.keyboard.press("ControlOrMeta+s")
    expect(told(page, "saving")).to_contain_text("Not saved: the server is out of reach.")
    expect(saved(page)).to_have_text("Not saved")
    assert "in the tunnel" not in on_disk(server[1])

    page.context.set_offline(False)
    expect(saved(page)).to_have_text(re.compile(r"Saved \d\d:\d\d"))
    expect(told(page, "saving")).to_be_empty()
    assert "in the tunnel" in on_disk(server[1])
    assert dialogs(page) == 0


def test_her_text_can_be_copied_while_the_server_stays_away(page: Page) -> None:
    write(page, "mean = ...", "mean = 3  # in the tunnel")
    page.context.set_offline(True)
    page.keyboard.press("ControlOrMeta+s")
    button(page, "Show my text to copy it").click()

    text = bar(page).get_by_role("textbox", name="My text")
    expect(text).to_be_focused()
    assert "mean = 3  # in the tunnel" in text.input_value()
    assert axe_violations(page) == []
    assert dialogs(page) == 0
    # Saving is tried again all the while; what she copies from stays.
    for _ in range(2):
        page.wait_for_event("requestfailed", lambda request: "d1-tables.ipynb" in request.url)
    expect(text).to_be_visible()
    page.context.set_offline(False)
    expect(saved(page)).to_have_text(re.compile(r"Saved \d\d:\d\d"))
    expect(text).to_have_count(0)


def test_a_reload_loses_nothing(page: Page, server: tuple[str, Path]) -> None:
    page.on("dialog", lambda dialog: dialog.accept())
    write(page, "mean = ...", "mean = 3  # not saved yet")
    page.context.set_offline(True)
    page.keyboard.press("ControlOrMeta+s")
    expect(saved(page)).to_have_text("Not saved")
    # The line is back, and she reloads before anything is tried again.
    page.route("**/api/contents/**", lambda route: route.abort())
    page.context.set_offline(False)
    page.goto("about:blank")
    page.unroute_all(behavior="ignoreErrors")
    open_unit(page, server[0])

    expect(cell(page, "mean = 3  # not saved yet")).to_be_visible()
    # «Saved» may still be about what was there: what was brought back is saved a moment later.
    for _ in range(200):
        if "not saved yet" in on_disk(server[1]):
            break
        page.wait_for_timeout(100)
    assert "not saved yet" in on_disk(server[1])
    expect(saved(page)).to_have_text(re.compile(r"Saved \d\d:\d\d"))


def test_a_lost_answer_is_asked_for_again_and_makes_one_receipt(page: Page, exchange: Exchange) -> None:
    lost: list[str] = []

    def lose_the_first(route: Route) -> None:
        route.fetch()  # it arrives; its answer does not
        lost.append(str(route.request.post_data))
        route.abort()

    write(page, "mean = ...", "mean = 3")
    page.route("**/passerelle/submit/**", lose_the_first, times=2)
    button(page, "Submit").click()
    expect(news(page)).to_contain_text("The line dropped; trying again")
    picture(page, "line-dropped")

    expect(news(page)).to_contain_text("Received")
    assert len(lost) == 2
    assert len(exchange.submissions) == 1


def test_a_line_that_drops_behind_her_server_makes_one_receipt(page: Page, exchange: Exchange) -> None:
    write(page, "mean = ...", "mean = 3")
    exchange.lost_answers = 2
    button(page, "Submit").click()

    expect(news(page)).to_contain_text("Received")
    assert exchange.lost_answers == 0
    assert len(exchange.submissions) == 1


def test_she_may_submit_at_once_while_everything_runs(page: Page, exchange: Exchange) -> None:
    write(page, "mean = ...", "import time\nfor _ in range(600):\n    time.sleep(0.1)")
    button(page, "Submit").click()
    expect(news(page)).to_contain_text("Before sending, every cell runs from the top")
    expect(page.get_by_role("progressbar", name="Cells that have run")).to_be_visible()
    picture(page, "before-sending")
    button(page, "Submit as it is").click()

    expect(news(page)).to_contain_text("Received")
    assert len(exchange.submissions) == 1


def test_a_stopped_run_sends_nothing(page: Page, exchange: Exchange) -> None:
    write(page, "mean = ...", "import time\nfor _ in range(600):\n    time.sleep(0.1)")
    button(page, "Submit").click()
    expect(news(page)).to_contain_text("Before sending")
    page.locator(".passerelle-bar-topic").get_by_role("button", name="Stop").click()

    expect(news(page)).to_have_text("Nothing was sent yet.")
    assert exchange.submissions == {}


def test_a_new_version_is_taken_by_her_and_her_answers_stay(
    page: Page, server: tuple[str, Path], exchange: Exchange
) -> None:
    address, home = server
    write(page, "mean = ...", "mean = 3  # my answer")
    save(page)
    exchange.units, exchange.version, exchange.release = ["d1-tables"], "2", second_release()
    forget_releases(page, address)
    page.goto(f"{address}passerelle/open/data-science/d1-tables")
    expect(page.get_by_role("heading", name="A new version is here")).to_be_visible()
    picture(page, "a-new-version-page")
    page.get_by_role("link", name="Open mine as it is").click()
    expect(told(page, "newer")).to_have_text("A new version is here.")
    everybody_can_use_it(page, "a-new-version")
    button(page, "Take the new version (your answers stay)").click()

    expect(told(page, "acts")).to_contain_text("You have the new version, with your answers.")
    expect(page.get_by_role("heading", name="Better tables")).to_be_visible()
    expect(cell(page, "mean = 3  # my answer")).to_be_visible()
    expect(told(page, "newer")).to_be_empty()
    assert "A table has rows" in copies(home)[-1]
    assert dialogs(page) == 0


def forget_releases(page: Page, address: str) -> None:
    """Wait until her server asks the exchange again what is released."""
    url = f"{address}passerelle/state/data-science/d1-tables"
    for _ in range(120):
        if page.request.get(url, headers=hers()).json()["newer"]:
            return
        page.wait_for_timeout(500)
    raise AssertionError("the new release is not seen")


def test_a_unit_in_which_she_wrote_nothing_is_renewed_at_once(
    page: Page, server: tuple[str, Path], exchange: Exchange
) -> None:
    address, home = server
    exchange.units, exchange.version, exchange.release = ["d1-tables"], "2", second_release()
    forget_releases(page, address)
    page.goto(f"{address}passerelle/open/data-science/d1-tables")

    expect(page.get_by_role("heading", name="Better tables")).to_be_visible()
    expect(told(page, "acts")).to_have_text("You have the new version of this unit.")
    assert len(copies(home)) == 1


def test_starting_over_asks_first_and_keeps_hers(page: Page, server: tuple[str, Path]) -> None:
    write(page, "mean = ...", "mean = 3  # my answer")
    button(page, "More").click()
    button(page, "Start over with a fresh copy").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("Start over?")
    expect(button(page, "Start over")).to_be_focused()
    everybody_can_use_it(page, "start-over")
    button(page, "Start over").focus()
    page.keyboard.press("Escape")
    expect(button(page, "Start over with a fresh copy")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")

    expect(told(page, "acts")).to_contain_text("This is a fresh copy.")
    expect(cell(page, "mean = ...")).to_be_visible()
    assert "my answer" in copies(server[1])[-1]
    page.goto(f"{server[0]}passerelle/copies/data-science/d1-tables")
    picture(page, "my-earlier-versions")
    page.get_by_role("button", name="Take back").click()
    expect(cell(page, "mean = 3  # my answer")).to_be_visible()


def test_her_last_submission_comes_back(page: Page, server: tuple[str, Path]) -> None:
    write(page, "mean = ...", "mean = 3")
    button(page, "Submit").click()
    expect(news(page)).to_contain_text("Received")
    write(page, "mean = 3", "mean = 99  # lost my way")
    button(page, "More").click()
    button(page, "Give me back my last submission").click()
    button(page, "Get it back").click()

    expect(told(page, "acts")).to_contain_text("This is what you submitted last.")
    expect(cell(page, "mean = 3")).to_be_visible()
    assert "lost my way" in copies(server[1])[-1]


def test_two_tabs_cost_no_text(page: Page, server: tuple[str, Path]) -> None:
    address, home = server
    other = page.context.new_page()
    other.set_default_timeout(WAIT_MS)
    open_unit(other, address)
    expect(told(other, "others")).to_contain_text("open elsewhere too")
    write(other, "mean = ...", "mean = 1  # in the other tab")
    write(page, "top = 4", "top = 40  # in this tab")
    save(other)
    page.bring_to_front()
    button(page, "Submit").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("was saved from another tab or browser")
    expect(news(page)).to_contain_text("Nothing was sent yet.")
    everybody_can_use_it(page, "two-tabs")
    assert dialogs(page) == 0
    button(page, "Keep what I see here").click()

    expect(told(page, "saving")).to_contain_text("kept in the folder “versions”")
    expect(news(page)).to_have_text("Nothing was sent yet. Your text is saved now: you can submit it.")
    assert "in this tab" in on_disk(home)
    assert "in the other tab" in copies(home)[-1]
    # The tab that holds nothing unsaved follows.
    other.bring_to_front()
    other.dispatch_event("body", "visibilitychange")
    expect(cell(other, "top = 40  # in this tab")).to_be_visible()


def test_a_limit_of_memory_is_explained_and_no_dialog_of_labs_comes(page: Page, server: tuple[str, Path]) -> None:
    note = server[1] / ".passerelle/notice.json"
    note.parent.mkdir(exist_ok=True)
    said = {"id": "memory", "at": "2026-11-24T18:42:07+00:00", "limit_mb": 1000, "used_mb": 1100}
    die = f"import os, pathlib\npathlib.Path({str(note)!r}).write_text({json.dumps(said)!r})\nos.kill(os.getpid(), 9)"
    write(page, "mean = ...", die)
    # Before Python is there, Lab takes a cell for run that nothing ran.
    expect(page.get_by_text(re.compile(r"Python 3 .* Idle"))).to_be_visible()
    page.keyboard.press("Control+Enter")

    expect(told(page, "note")).to_contain_text("used more than 1\u00a0GB of memory, so Python was restarted.")
    everybody_can_use_it(page, "memory")
    assert dialogs(page) == 0
    button(page, "I have read it").click()
    expect(told(page, "note")).to_be_empty()
    open_unit(page, server[0])
    expect(saved(page)).to_be_visible()
    assert not note.exists()


@contextmanager
def a_hub_without_her_server(address: str) -> Iterator[None]:
    """Answer at her server's address as the hub does once her server was stopped: go to the hub."""

    class Hub(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            self.send_response(302)
            self.send_header("Location", "/hub" + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = handle_any  # noqa: N815  # the names http.server asks for

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    hub = ThreadingHTTPServer(("127.0.0.1", urlsplit(address).port or 0), Hub)
    thread = threading.Thread(target=hub.serve_forever, daemon=True)
    thread.start()
    try:
        yield
    finally:
        hub.shutdown()
        hub.server_close()
        thread.join()


# Her Python is slow to start, as beside a whole class that opens its workspaces again.
SLOW_KERNELS = """
const fetched = window.fetch;
window.fetch = async (request, ...rest) => {
  if (window.kernelsAreSlow && request.method === "POST" && request.url.includes("/api/sessions")) {
    await new Promise((go) => setTimeout(go, 3000));
  }
  return fetched(request, ...rest);
};
"""


def test_a_workspace_that_slept_is_said_and_nothing_unsaved_is_lost(
    browser: Browser, exchange: Exchange, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    place(home, "data-science", "d1-tables", release(), "en")
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(WAIT_MS)
    page.add_init_script(SLOW_KERNELS)
    with exchange_server(exchange) as api:
        with lab_server(tmp_path, api) as address:
            open_unit(page, address)
            # A kernel that comes after the save writes its name into the notebook: then something is unsaved.
            page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]")
            write(page, "mean = ...", "mean = 3")
            save(page)
        with a_hub_without_her_server(address):
            expect(told(page, "saving")).to_contain_text("Your workspace slept; your work is saved.")
            link = bar(page).get_by_role("link", name="Open it again")
            expect(link).to_have_attribute("href", re.compile("/passerelle/open/data-science/d1-tables$"))
            write(page, "mean = 3", "mean = 3  # while it slept")
            page.keyboard.press("ControlOrMeta+s")
            expect(told(page, "saving")).to_contain_text("Your last changes are still in this tab")
            picture(page, "slept")
            button(page, "More").click()
            page.set_viewport_size({"width": 320, "height": 740})
            expect(link).to_be_in_viewport()
            picture(page, "slept-phone")
            page.set_viewport_size({"width": 1280, "height": 800})
            button(page, "More").click()
            assert axe_violations(page) == []
            assert dialogs(page) == 0
            page.evaluate("window.kernelsAreSlow = true")
        with lab_server(tmp_path, api, port=urlsplit(address).port) as again:
            assert again == address
            expect(saved(page)).to_have_text(re.compile(r"Saved \d\d:\d\d"))
            assert "while it slept" in on_disk(home)
            button(page, "Restart and check").click()
            expect(page.locator(".passerelle-bar-count")).to_have_text("Checks passed: 3 of 3")
            context.close()
