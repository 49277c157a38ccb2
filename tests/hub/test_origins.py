"""One host for the hub and the pages, one for each server: what is sent where, and what a fellow's page cannot do."""

import json
import re
from collections.abc import Iterator

import pytest
import requests
from playwright.sync_api import BrowserContext, Page, sync_playwright

from passerelle import ledger
from passerelle.hub import origins
from passerelle.ledger import people
from tests.hub.running import Browser, RunningHub, wait_for
from tests.hub.test_loop import CHROMIUM, CHROMIUM_ARGS
from tests.hub.test_spawner import stop_server

pytestmark = pytest.mark.slow

COURSE = "course-data-science"
LURE = """<!doctype html><title>Look what I made</title><pre id="found"></pre><script>
const [pages, hub, formgrader, events] = JSON.parse(atob(location.hash.slice(1)));
const found = {};
const soon = (work) => Promise.race([work, new Promise((_, no) => setTimeout(() => no(new Error("nothing")), 8000))]);
async function fetched(url) {
  const answer = await fetch(url, { credentials: "include" });
  if (!answer.ok) throw new Error(answer.status);
  return answer.text();
}
async function opened(url) {
  const page = window.open(url);
  for (;;) {
    await new Promise((awake) => setTimeout(awake, 100));
    // Reading what another origin has loaded throws.
    if (page.location.href === url && page.document.readyState === "complete") return page;
  }
}
async function acted() {
  try {
    const page = await soon(opened(pages));
    page.document.querySelector("form[action$=language] [name=language][value=en]").click();
  } catch {
    // Without her token, then, with her cookies.
    document.body.insertAdjacentHTML("beforeend",
      `<form method=post action="${pages}language" target=_blank><input name=language value=en></form>`);
    document.forms[0].submit();
  }
  await new Promise((awake) => setTimeout(awake, 2000));
}
function listened(url) {
  return new Promise((yes, no) => {
    const line = new WebSocket(url);
    line.onopen = () => yes("open");
    line.onerror = () => no(new Error("refused"));
  });
}
async function tried(name, work) {
  try { await soon(work()); found[name] = "got in"; } catch (error) { found[name] = "kept out"; }
}
(async () => {
  await tried("fetch pages", () => fetched(pages));
  await tried("fetch hub", () => fetched(hub));
  await tried("fetch formgrader", () => fetched(formgrader));
  await tried("open pages", () => opened(pages));
  await tried("open formgrader", () => opened(formgrader));
  await tried("listen to formgrader", () => listened(events));
  await acted();
  document.getElementById("found").textContent = JSON.stringify(found);
  document.title = "done";
})();
</script>"""


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "somewhere.example"])
@pytest.mark.parametrize("path", ["/", "/hub/login?next=%2F", "/services/passerelle/mydata", "/user/acacia/lab"])
def test_another_address_of_this_machine_leads_to_the_named_one(hub: RunningHub, host: str, path: str) -> None:
    answer = requests.get(
        f"http://127.0.0.1:{hub.settings.port}{path}", headers={"Host": host}, timeout=30, allow_redirects=False
    )

    assert (answer.status_code, answer.headers["Location"]) == (302, hub.url + path)


@pytest.mark.parametrize("path", ["/hub/login", "/hub/api/user", "/services/passerelle/", "/user/basil/lab", "/"])
def test_a_servers_host_has_nothing_but_the_server(hub: RunningHub, path: str) -> None:
    elsewhere = origins.server_address(hub.settings, "acacia") + path

    read = hub.browser("acacia").get(elsewhere, timeout=30, allow_redirects=False)
    sent = hub.browser("acacia").post(elsewhere, timeout=30, allow_redirects=False)

    assert (read.status_code, read.headers["Location"]) == (302, hub.url + path)
    assert sent.status_code == 424


def test_no_handle_is_in_a_name_that_dns_sees(hub: RunningHub) -> None:
    hosts = {handle: origins.server_address(hub.settings, handle) for handle in (*hub.passwords, COURSE)}

    assert len(set(hosts.values())) == len(hosts)
    assert all(re.fullmatch(rf"http://[a-z2-7]{{16}}\.{hub.url[7:]}", host) for host in hosts.values())


@pytest.mark.parametrize(
    "path", ["/hub/login", "/hub/nothing-here", "/hub/spawn-pending/dahlia", "/hub/token", "/hub/user/dahlia/lab"]
)
def test_the_hubs_own_pages_have_a_strict_policy(hub: RunningHub, path: str) -> None:
    page = hub.browser(None if path == "/hub/login" else "dahlia").get_page(path)

    rules = page.headers["Content-Security-Policy"].split("; ")
    assert {"default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'", f"script-src {hub.url}"} <= set(rules)
    assert not re.search(r"unsafe|\*(?!\.passerelle\.localhost)", " ".join(rules))
    assert not re.search(r"<script(?! src=)|\son\w+=|style=", page.text)
    assert page.headers["X-Content-Type-Options"] == "nosniff"


def test_cookies_are_for_http_and_for_their_own_host(hub: RunningHub, open_server: Browser) -> None:
    # What each host has set: the hub's, the pages', the server's.
    kept = {(one.domain, one.name): one for one in open_server.cookies}
    servers = origins.server_address(hub.settings, "cedar").split("//")[1].split(":")[0]

    wide = {name for (domain, name) in kept if domain.startswith(".")}
    assert wide == {"jupyterhub-session-id"}, "no cookie that lets anybody in goes to every host"
    assert (servers, "jupyterhub-user-cedar") in kept
    assert all(one.has_nonstandard_attr("HttpOnly") for (domain, name), one in kept.items() if domain != servers)
    assert kept[servers, "jupyterhub-user-cedar"].has_nonstandard_attr("HttpOnly")
    assert all(one.get_nonstandard_attr("SameSite") == "Lax" for one in kept.values())


def test_a_server_may_be_framed_by_itself_alone(open_server: Browser) -> None:
    assert open_server.get_page("/user/cedar/lab").headers["Content-Security-Policy"] == "frame-ancestors 'self'"


def test_signing_out_ends_the_session_at_the_server_too(hub: RunningHub, open_server: Browser) -> None:
    leaving = hub.browser("cedar")
    assert leaving.get_page("/user/cedar/lab").ok
    server, pages = hub.server("cedar") + "/lab", hub.url + "/services/passerelle/mydata"
    assert leaving.get(server, timeout=30, allow_redirects=False).status_code == 200

    leaving.get_page("/hub/logout")

    for address in (server, pages):
        answer = leaving.get(address, timeout=30, allow_redirects=False)
        assert answer.status_code == 302, address
        assert answer.headers["Location"].startswith((f"{hub.url}/hub/", "/user/cedar/hub/", hub.server("cedar")))
        assert "/hub/login" in leaving.get(address, timeout=30).url


@pytest.fixture(scope="module")
def open_server(hub: RunningHub) -> Iterator[Browser]:
    """A fellow whose server serves, without asking who comes, a page that she has written for others."""
    home = hub.settings.home("cedar")
    for place, text in (
        (home / "lure" / "lure.html", LURE),
        (home / ".jupyter" / "jupyter_server_config.py", "c.ServerApp.extra_static_paths = ['/home/cedar/lure']"),
    ):
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.write_text(text)
    browser = hub.browser("cedar")
    stop_server(browser, "cedar")  # another test's: it has not read her configuration
    wait_for(lambda: browser.get_page("/hub/user/cedar/lab").status_code == 424, "the end of her server", 30)
    browser.open_server("cedar")
    yield browser
    stop_server(hub.browser("cedar"), "cedar")
    (home / ".jupyter" / "jupyter_server_config.py").unlink()


@pytest.fixture(scope="module")
def trainer(hub: RunningHub) -> Iterator[BrowserContext]:
    """A trainer who has signed in and has formgrader open, in Chromium."""
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_ARGS)
        context = launched.new_context(locale="fr")
        page = context.new_page()
        page.goto(hub.url)
        page.fill("#username_input", "maple")
        page.fill("#password_input", hub.passwords["maple"])
        page.click("#login_submit")
        page.locator(f"a[href*='{COURSE}']").first.click()
        page.wait_for_url("**/formgrader**", timeout=90_000)
        yield context
        launched.close()
    stop_server(hub.browser("maple"), COURSE)


def lured(page: Page, hub: RunningHub, address: str) -> dict[str, str]:
    """Open her page; return what it could do."""
    course = hub.server(COURSE)
    wanted = [f"{hub.url}/services/passerelle/", f"{hub.url}/hub/home", f"{course}/formgrader"]
    listening = course.replace("http", "ws", 1) + "/api/events/subscribe"
    coded = page.evaluate("wanted => btoa(JSON.stringify(wanted))", [*wanted, listening])
    page.goto(f"{address}#{coded}")
    page.wait_for_function("document.title === 'done'", timeout=90_000)
    found: dict[str, str] = json.loads(page.inner_text("#found"))
    return found


def language_of(hub: RunningHub, handle: str) -> str:
    engine = ledger.engine(hub.settings.database_url)
    with ledger.reading(engine) as session:
        person = people.person(session, handle)
    engine.dispose()
    assert person
    return person.language


@pytest.mark.timeout(300)
def test_a_fellows_page_gets_nothing_from_whoever_opens_it(
    hub: RunningHub, open_server: Browser, trainer: BrowserContext
) -> None:
    before = language_of(hub, "maple")
    assert before == "fr"
    hers = f"{hub.server('cedar')}/static/lure.html"
    page = trainer.new_page()

    kept_out = lured(page, hub, hers)

    assert page.url.startswith(hers), "the page is open, as she made it"
    assert set(kept_out.values()) == {"kept out"}, kept_out
    assert language_of(hub, "maple") == before

    # The same page at the hub's own host, as it was with one host for all: it reads, and it acts as the trainer.
    at_ours = f"{hub.url}/user/cedar/static/lure.html"
    trainer.route(at_ours, lambda route: route.fulfill(body=LURE, content_type="text/html"))
    try:
        got_in = lured(trainer.new_page(), hub, at_ours)

        assert got_in["open pages"] == "got in"
        assert language_of(hub, "maple") == "en"
    finally:
        engine = ledger.engine(hub.settings.database_url)
        with ledger.session(engine) as session:
            people.set_language(session, "maple", before)
        engine.dispose()
