"""What an operator reads of a hub at work: its logs, which name nobody, and its figures."""

import json
import os
import re
import time
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.loop import TRACK, UNIT, client, solved, submit_to_feedback
from passerelle import ledger
from passerelle.hub.metrics import TOKEN
from passerelle.ledger import people
from passerelle.model.settings import Settings
from tests.hub.running import RunningHub, processes_of, wait_for

pytestmark = pytest.mark.slow

PAGES = "/services/passerelle/"
TYPED_ELSEWHERE = "a-password-in-the-wrong-field"
FIELDS = {"time", "process", "level", "logger", "event", "facts", "error"}
PROCESSES = {"supervisor", "hub", "proxy", "web", "marking", "watchdog"}


def a_day_of_everybody(hub: RunningHub) -> str:
    """Let the loop's people do what leaves traces; return a text that she wrote."""
    fellow = hub.browser("acacia")
    hub.browser().log_in(TYPED_ELSEWHERE, "acacia")
    fellow.open_server("acacia")
    fellow.get_page("/user/acacia/api/contents/nothing.ipynb?token=s3cret")
    files = solved(hub, 990_001)
    submit_to_feedback(client(hub, "acacia"), files)
    for handle, paths in {
        "acacia": ("", "mydata", "mentee/acacia", "unit/data-science/d1-tables", "mentee/fern"),
        "maple": ("", "mentee/acacia", "stuck/data-science", "export/data-science.csv"),
        "oak": ("", "mentee/acacia.json"),
        "linden": ("",),
    }.items():
        browser = hub.browser(handle)
        for path in paths:
            browser.get_page(f"{PAGES}{path}?of=acacia")
    fellow.get_page("/user/fern/lab")
    fellow.get_page("/hub/nothing/acacia")
    fellow.get_page("/hub/logout")
    return "990001"


def lines_of(settings: Settings) -> dict[Path, list[str]]:
    return {path: path.read_text("utf-8").splitlines() for path in settings.logs.rglob("*") if path.is_file()}


def secrets_of(settings: Settings) -> list[str]:
    """Return whatever is in the files of secrets, and the names and passwords of everybody."""
    words = {word for path in settings.secrets.iterdir() for word in path.read_text().split() if len(word) > 7}
    with ledger.reading(ledger.engine(settings.database_url)) as session:
        for person in people.people(session):
            words |= {person.handle, person.first_name}
    return sorted(words)


def test_no_log_names_anybody_or_holds_what_they_wrote(hub: RunningHub) -> None:
    written = a_day_of_everybody(hub)
    forbidden = [*secrets_of(hub.settings), TYPED_ELSEWHERE, written, "s3cret"]

    logs = lines_of(hub.settings)
    found = [
        (path.name, word, line)
        for path, lines in logs.items()
        for line in lines
        for word in forbidden
        if word.lower() in line.lower() and re.search(rf"(?i)(?<![\w-]){re.escape(word)}(?![\w-])", line)
    ]
    assert found == []
    assert {path.stem for path in logs} >= PROCESSES - {"proxy"}  # a proxy that has nothing to complain of is silent
    assert not [path for path in logs if "acacia" in str(path.relative_to(hub.settings.logs))]
    servers = [path for path in logs if path.parent.name == "servers"]
    assert servers
    assert [path for path in servers if path.stat().st_size] == []  # what runs well is nobody's business


def test_each_line_of_our_logs_is_an_event(hub: RunningHub) -> None:
    hub.browser("acacia").get_page(PAGES)
    wait_for(lambda: (hub.settings.logs / "web.log").stat().st_size > 0, "a line", 10)

    for path, lines in lines_of(hub.settings).items():
        for line in lines:
            record = json.loads(line)
            assert set(record) <= FIELDS, path
            assert record["process"] in PROCESSES
            assert record["time"].endswith("+00:00")
    requests_ = [
        record["facts"]
        for line in lines_of(hub.settings)[hub.settings.logs / "web.log"]
        if (record := json.loads(line))["event"] == "request"
    ]
    assert {"method", "route", "status", "ms"} == set(requests_[-1])
    assert f"{PAGES}" in {one["route"] for one in requests_}


def figures(settings: Settings, token: str | None = None) -> requests.Response:
    given = (settings.secrets / TOKEN).read_text().strip() if token is None else token
    headers = {"Authorization": f"Bearer {given}"} if given else {}
    return requests.get(f"http://127.0.0.1:{settings.metrics_port}/metrics", headers=headers, timeout=20)


def test_figures_are_for_who_has_the_token(hub: RunningHub) -> None:
    hers = client(hub, "acacia")

    assert figures(hub.settings).status_code == 200
    assert figures(hub.settings, "").status_code == 401
    assert figures(hub.settings, hers.token).status_code == 401
    # Not through the proxy, and not at the service's own port.
    assert hub.browser("acacia").get_page(f"{PAGES}metrics").status_code == 404
    assert hub.browser().get_page("/metrics", allow_redirects=False).status_code in {302, 404, 424}


def test_the_hubs_own_figures_need_the_token_too(hub: RunningHub) -> None:
    token = (hub.settings.secrets / TOKEN).read_text().strip()
    address = f"{hub.url}/hub/metrics"

    assert requests.get(address, headers={"Authorization": f"Bearer {token}"}, timeout=20).status_code == 200
    assert requests.get(address, timeout=20).status_code == 403
    assert hub.browser("acacia").get_page("/hub/metrics").status_code == 403
    # It opens the figures and nothing else.
    api = requests.get(f"{hub.url}/hub/api/users", headers={"Authorization": f"Bearer {token}"}, timeout=20)
    assert api.status_code == 403


def test_a_servers_own_figures_are_for_its_owner(hub: RunningHub) -> None:
    fellow = hub.browser("acacia")
    fellow.open_server("acacia")
    token = (hub.settings.secrets / TOKEN).read_text().strip()

    headers = {"Authorization": f"Bearer {token}"}
    assert requests.get(f"{hub.server('acacia')}/metrics", timeout=20, allow_redirects=False).status_code in {302, 403}
    other = requests.get(f"{hub.server('acacia')}/metrics", headers=headers, timeout=20, allow_redirects=False)
    assert other.status_code in {302, 403}
    assert fellow.get_page("/user/acacia/metrics").status_code == 200


def test_figures_tell_what_marking_does_and_name_nobody(hub: RunningHub) -> None:
    submit_to_feedback(client(hub, "acacia"), solved(hub, 990_002))

    def counted() -> str | None:
        text = figures(hub.settings).text
        return (
            text
            if re.search(r'passerelle_verdicts_total\{outcome="marked",track="data-science"\} [1-9]', text)
            else None
        )

    text = wait_for(counted, "the verdict in the figures", 30)
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in families.values()
        for sample in family.samples
    }
    assert samples["passerelle_receipts_total", "data-science"] >= 1
    assert samples["passerelle_jobs", "data-science", "ours"] == 0
    assert samples["passerelle_submit_to_verdict_seconds_count", "data-science"] >= 1
    assert samples["passerelle_disk_free_bytes",] > 0
    with ledger.reading(ledger.engine(hub.settings.database_url)) as session:
        names = {name for one in people.people(session) for name in (one.handle, one.first_name)}
    values = {value for family in families.values() for sample in family.samples for value in sample.labels.values()}
    assert not names & values


def test_what_could_not_be_marked_is_listed_and_marked_again(hub: RunningHub) -> None:
    source = hub.settings.courses / TRACK / "source" / UNIT
    line, trainer = client(hub, "acacia"), hub.browser("maple")
    page = f"{PAGES}stuck/{TRACK}"
    files = solved(hub, 990_003)
    aside = source.rename(source.with_name("aside"))
    try:
        receipt = line.submit(TRACK, UNIT, files)["receipt"]
        wait_for(lambda: line.result(receipt)["state"] == "ours", "the fault of ours", 30)
        listed = trainer.get_page(page)
    finally:
        aside.rename(source)
    token = re.search(r'name="_xsrf" value="([^"]+)"', listed.text)
    assert token
    asked = trainer.post(
        trainer.at(page),
        data={"_xsrf": token[1], "receipt": receipt},
        headers={"Referer": trainer.at(page)},
        timeout=30,
    )
    wait_for(lambda: line.result(receipt)["state"] == "marked", "the mark after «Mark again»", 30)

    assert receipt in listed.text
    assert asked.status_code == 200
    wait_for(lambda: receipt not in trainer.get_page(page).text, "an empty list", 10)


def environment_of(pid: str) -> list[str]:
    """Return the environment that a process was started with; nothing where it has ended."""
    try:
        return Path(f"/proc/{pid}/environ").read_text("utf-8").split("\0")
    except OSError:
        return []


def test_a_server_that_prints_without_end_fills_nothing(hub: RunningHub) -> None:
    fellow = hub.browser("basil")
    fellow.open_server("basil")
    servers = (
        line.split()[0]
        for line in processes_of(hub.settings)
        if "passerelle_lab.singleuser" in line and "bwrap" not in line
    )
    pid = next(one for one in servers if "JUPYTERHUB_USER=basil" in environment_of(one))
    output = os.open(f"/proc/{pid}/fd/1", os.O_WRONLY | os.O_NONBLOCK)
    before = sum(path.stat().st_size for path in hub.settings.logs.rglob("*") if path.is_file())
    written, until = 0, time.monotonic() + 3
    while time.monotonic() < until:
        try:
            written += os.write(output, b"my answer, again and again\n" * 1000)
        except BlockingIOError:
            time.sleep(0.01)
    os.close(output)

    after = sum(path.stat().st_size for path in hub.settings.logs.rglob("*") if path.is_file())
    assert written > 300_000, "more than a pipe holds: somebody reads it"
    assert after - before < 100_000
    assert fellow.get_page("/user/basil/api/status").status_code == 200
