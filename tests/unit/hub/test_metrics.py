"""The figures: what they count, whom they name (nobody), who may read them."""

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from passerelle.hub.metrics import LAG, Figures
from passerelle.hub.requestlog import route_name, routes_of
from tests.unit.review.programme import NOW, Programme, new_programme, ours, verdict

ROOT = Path(__file__).parents[3]
LATER = NOW + timedelta(minutes=1)


@pytest.fixture
def programme(tmp_path: Path) -> Iterator[Programme]:
    made = new_programme(tmp_path)
    made.enrol("fern", "cedar", "iris")
    yield made
    made.engine.dispose()


def samples(figures: Figures, at: object = LATER) -> dict[tuple[str, ...], float]:
    text = figures.text(at).decode()  # type: ignore[arg-type]  # a moment
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_they_tell_how_marking_stands(programme: Programme) -> None:
    figures = Figures(programme.settings, programme.engine, since=NOW - timedelta(hours=1))
    programme.send("fern", "d1-tables", NOW - timedelta(seconds=10), verdict("d1-tables", {"check-mean": 2.0}))
    broken = programme.send("cedar", "d1-tables", NOW - timedelta(seconds=40))
    programme.mark(broken, ours("d1-tables"), NOW - timedelta(seconds=39))
    programme.send("iris", "d1-tables", NOW - timedelta(seconds=20))

    found = samples(figures)

    assert found["passerelle_receipts_total", "data-science"] == 3
    assert found["passerelle_verdicts_total", "marked", "data-science"] == 1
    assert found["passerelle_jobs", "queued", "data-science"] == 1
    assert found["passerelle_jobs", "leased", "data-science"] == 0
    assert found["passerelle_jobs", "ours", "data-science"] == 1
    assert found["passerelle_marking_seconds_sum", "data-science"] == pytest.approx(2.1)
    assert found["passerelle_oldest_waiting_seconds", "data-science"] > 0


def test_a_verdict_is_counted_once_and_when_its_transaction_is_over(programme: Programme) -> None:
    figures = Figures(programme.settings, programme.engine, since=NOW - timedelta(hours=1))
    programme.send("fern", "d1-tables", NOW, verdict("d1-tables", {"check-mean": 2.0}))
    marked = NOW + timedelta(seconds=3)

    name = ("passerelle_submit_to_verdict_seconds_count", "data-science")
    early = samples(figures, marked + LAG - timedelta(seconds=1))
    then = samples(figures, marked + LAG + timedelta(seconds=1))
    again = samples(figures, marked + LAG + timedelta(seconds=2))

    assert name not in early
    assert (then[name], again[name]) == (1, 1)


def leave_what_others_write(programme: Programme) -> None:
    """Write what the watchdog and a backup leave."""
    boxes = [{"handle": "fern", "memory_bytes": 200}, {"handle": "cedar", "memory_bytes": 300}]
    (programme.settings.root / "hub").mkdir()
    state = programme.settings.root / "hub" / "boxes.json"
    state.write_text(json.dumps({"at": NOW.isoformat(), "boxes": boxes}))
    backup = programme.settings.root / "last-backup.json"
    backup.write_text(json.dumps({"at": (NOW - timedelta(hours=2)).isoformat(), "into": "/backups"}))


def test_they_tell_how_the_machine_stands(programme: Programme) -> None:
    leave_what_others_write(programme)
    figures = Figures(programme.settings, programme.engine)

    found, later = samples(figures, NOW), samples(figures, NOW + timedelta(hours=1))

    assert found["passerelle_servers",] == 2
    assert found["passerelle_servers_memory_bytes",] == 500
    assert found["passerelle_server_memory_max_bytes",] == 300
    assert found["passerelle_backup_age_seconds",] == 7200
    assert found["passerelle_disk_free_bytes",] > 0
    assert ("passerelle_servers",) not in later, "an old look says nothing of now"
    assert not {"fern", "cedar"} & {part for key in found for part in key}


def test_requests_are_counted_by_route(programme: Programme) -> None:
    figures = Figures(programme.settings, programme.engine)
    figures.requests.add("GET", "attempt/*", 200, 0.02)
    figures.requests.add("BREW", "attempt/*", 429, 0.02)

    found = samples(figures)

    assert found["passerelle_http_requests_total", "GET", "attempt/*", "200"] == 1
    assert found["passerelle_http_requests_total", "other", "attempt/*", "429"] == 1
    assert found["passerelle_rate_limited_total",] == 1


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        pytest.param(r"/services/passerelle/attempt/([0-9a-f]{8,64})", "/services/passerelle/attempt/*", id="one"),
        pytest.param(r"/api/submissions/([a-z][a-z0-9_-]*)/([0-9a-f]{32})", "/api/submissions/*/*", id="two"),
        pytest.param(r"/export/(a(b)?)\.(csv|json)", "/export/*.*", id="nested"),
        pytest.param(r"/static/([a-z-]+\.(?:css|js|svg))", "/static/*", id="a-group-that-is-none"),
    ],
)
def test_a_route_hides_what_it_is_asked_for(pattern: str, name: str) -> None:
    assert route_name(pattern) == name


def test_what_is_no_route_of_ours_has_no_name_of_its_own() -> None:
    route = routes_of([r"/mentee/([a-z]+)"])

    assert route("/mentee/fern") == "/mentee/*"
    assert route("/fern") == "other"


def test_each_figure_is_in_the_operators_guides(programme: Programme) -> None:
    leave_what_others_write(programme)
    figures = Figures(programme.settings, programme.engine)
    names = {
        family.name
        for family in text_string_to_metric_families(figures.text(NOW).decode())
        if family.name.startswith("passerelle_")
    }

    assert len(names) >= 14
    for language in ("en", "fr"):
        guide = (ROOT / f"docs/guides/operator.{language}.md").read_text("utf-8")
        told = set(re.findall(r"`(passerelle_\w+?)(?:_total)?(?:\{[^`]*)?`", guide))
        assert told == names, language
