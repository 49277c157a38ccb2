"""Pages that lie about what they show: what is believed is what a reader of the page has, and nothing of another page."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autograders import expect
from autograders.failure import CheckFailed
from autograders.web_warm import Warm
from passerelle.grading.pages import browser

pytestmark = pytest.mark.slow

PAGE = '<!doctype html><html lang="en"><meta charset="utf-8"><title>Bread</title>{}</html>'
KEEP = """
<script>
localStorage.x = sessionStorage.x = window.name = "hers"; document.cookie = "x=hers; max-age=9999; secure";
indexedDB.open("hers", 1); caches.open("hers").then(one => one.put("own.txt", new Response("hers")));
navigator.storage.getDirectory().then(one => one.getFileHandle("hers", {create: true}));
</script>
"""
# What is asked for one after another keeps a page from being loaded until everything is counted.
FIND = """
<body><p id=p>counting</p><script>
let counted = false;
const wait = count => {
    const one = new Image(); one.onerror = () => counted || count > 500 || wait(count + 1);
    one.src = "none?" + count; document.body.append(one);
};
wait(0);
(async () => {
    const places = []; for await (const one of (await navigator.storage.getDirectory()).keys()) places.push(one);
    const found = [localStorage.length, sessionStorage.length, window.name, document.cookie,
        (await indexedDB.databases()).length, (await caches.keys()).length, places.length];
    p.textContent = "left " + found.map(one => one || "nothing").join(" ");
})().catch(error => p.textContent = "left " + error).finally(() => counted = true);
</script>
"""


@pytest.fixture(scope="module")
def warm() -> Iterator[Warm]:
    made = browser(Path(sys.prefix))
    yield made
    made.close()


def seen(warm: Warm, inside: str, **files: bytes) -> dict[str, Any]:
    told = warm.look({"index.html": PAGE.format(inside).encode(), **files}, "index.html", width=1280, axe=False)
    found: dict[str, Any] = told["seen"]
    return found


def names(found: dict[str, Any], role: str) -> list[str]:
    return [one["name"] for one in found["things"] if one["role"] == role]


def test_no_store_of_a_browser_is_left_for_the_next_page(warm: Warm) -> None:
    kept = seen(warm, KEEP + FIND)["text"]

    assert kept.startswith("left 1 1 hers x=hers ")
    assert seen(warm, FIND)["text"].split() == ["left", *["nothing"] * 7]


def test_what_a_shadow_root_covers_is_not_there_and_what_it_shows_is(warm: Warm) -> None:
    inside = (
        "<div id=h><h1>Covered</h1><nav><a href='#top'>Covered link</a></nav></div>"
        "<script>h.attachShadow({mode: 'closed'}).innerHTML = '<h1>Shown</h1>'</script>"
    )

    found = seen(warm, inside)

    assert names(found, "heading") == ["Shown"]
    assert names(found, "link") == names(found, "navigation") == []
    assert found["text"] == "Shown"


def test_roles_and_names_are_those_of_the_browser_whatever_scripts_make_of_it(warm: Warm) -> None:
    """A role that ARIA gives is one; what is hidden from readers is none; what her scripts answer is not asked."""
    inside = (
        "<main aria-hidden=true><h1>Hidden</h1></main><p role=heading aria-level=1>Given</p><h2 role=presentation>No</h2>"
        "<script>for (const one of ['getAttribute', 'computedRole', 'ariaLabel', 'tagName', 'id', 'textContent'])"
        " Object.defineProperty(Element.prototype, one, {get: () => 'heading', configurable: true});"
        " document.querySelectorAll = document.getElementsByTagName = () => [1, 2, 3];"
        " window.getComputedStyle = () => ({display: 'block', color: 'red'});</script>"
    )

    found = seen(warm, inside)

    assert [(one["name"], one["level"]) for one in found["things"] if one["role"] == "heading"] == [("Given", 1)]
    assert names(found, "main") == []


def test_text_that_nobody_sees_is_not_shown_and_what_styles_write_is(warm: Warm) -> None:
    inside = (
        "<style>p::before { content: 'Written by a style' } .x { display: none } .y { visibility: hidden }"
        " .z { content-visibility: hidden }</style><p></p>"
        "<h1 class=x>Secret one</h1><h1 class=y>Secret two</h1><h1 hidden>Secret three</h1>"
        "<div class=z><h1>Secret four</h1></div><details><summary>More</summary><h1>Secret five</h1></details>"
        "<template><h1>Secret six</h1></template><noscript><h1>Secret seven</h1></noscript>"
    )

    found = seen(warm, inside)

    assert names(found, "heading") == []
    assert "Written by a style" in found["text"]
    assert "Secret" not in found["text"]


def test_images_that_nobody_sees_tell_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    hidden = ("hidden", "style='display: none'", "style='visibility: hidden'", "aria-hidden=true", "role=none")
    inside = "".join(f"<img src=own.svg alt='A loaf of bread' {one}>" for one in hidden)
    Path("hidden.html").write_text(PAGE.format(inside))
    Path("shown.html").write_text(PAGE.format(f"{inside}<img src=own.svg alt='Two loaves'>"))

    with pytest.raises(CheckFailed):
        expect.page("hidden.html").images(at_least=1)
    expect.page("shown.html").images(at_least=1)
    with pytest.raises(CheckFailed):
        expect.page("shown.html").images(at_least=2)


def test_what_is_in_a_frame_is_not_of_the_page_that_holds_it(warm: Warm) -> None:
    inside = (
        '<iframe title=One srcdoc="<h1>Framed</h1><main>Framed</main>"></iframe><iframe title=Two src="other.html"></iframe>'
        "<iframe title=Three src='https://example.org/'></iframe><iframe title=Four src='file:///etc/passwd'></iframe>"
    )

    found = seen(warm, inside, **{"other.html": b"<title>Framed</title><h1>Framed</h1><a href='#x' id=x>Framed</a>"})

    assert "Framed" not in str([found["text"], found["title"], found["things"], found["ids"]])
    assert any("example.org" in one for one in found["elsewhere"])
