import json

import pytest

from passerelle import ledger
from passerelle.ledger import people
from passerelle.model.parcel import pack, unpack
from tests.unit.exchange.served import TRACK, UNIT, Served, error, files, notebook, release_files


def test_who_asks_is_told_who_she_is(served: Served) -> None:
    assert served.get("acacia", "me").json() == {
        "handle": "acacia",
        "language": "fr",
        "role": "fellow",
        "tracks": [TRACK],
    }
    assert served.get(f"course-{TRACK}", "me").json()["role"] == "course"
    assert served.get("stranger", "me").json()["role"] is None


def test_her_language_is_hers_to_change(served: Served) -> None:
    assert served.ask("acacia", "PUT", "me", b'{"language": "en"}').json() == {"language": "en"}

    assert served.get("acacia", "me").json()["language"] == "en"
    assert error(served.ask("acacia", "PUT", "me", b'{"language": "xx"}')) == (422, "language-unknown")
    assert error(served.ask("acacia", "PUT", "me", b"[1")) == (400, "bad-request")
    assert error(served.ask("stranger", "PUT", "me", b'{"language": "en"}')) == (403, "not-yours")


def test_tracks_are_those_one_learns_or_teaches_in(served: Served) -> None:
    found = {
        who: served.get(who, "courses").json() for who in ("acacia", "cedar", "maple", "oak", "course-x", "stranger")
    }

    assert found == {
        "acacia": [TRACK],
        "cedar": ["web-dev"],
        "maple": [TRACK],
        "oak": [],
        "course-x": ["x"],
        "stranger": [],
    }


def test_a_fellow_fetches_what_a_trainer_released(served: Served) -> None:
    parcel = pack({**release_files(), "data/new.csv": b"1"})

    answer = served.ask("maple", "PUT", f"releases/{TRACK}/{UNIT}", parcel)

    assert answer.status_code == 201
    fetched = served.get("acacia", f"releases/{TRACK}/{UNIT}")
    assert fetched.content == parcel
    assert fetched.headers["X-Passerelle-Version"] == answer.json()["version"] == "v1"
    [unit] = served.get("acacia", f"units/{TRACK}").json()
    assert (unit["unit"], unit["version"], unit["title"]) == (UNIT, "v1", {"en": "Tables", "fr": "Les tableaux"})


def test_the_courses_own_server_releases_too_units_from_elsewhere_too(served: Served) -> None:
    for who, unit in ((f"course-{TRACK}", "ps1"), ("maple", "ps2")):
        parcel = pack({f"{unit}.ipynb": notebook()})
        assert served.ask(who, "PUT", f"releases/{TRACK}/{unit}", parcel).status_code == 201

    listed = {unit["unit"]: unit["title"] for unit in served.get("acacia", f"units/{TRACK}").json()}
    assert listed == {UNIT: {"en": "Tables", "fr": "Les tableaux"}, "ps1": {"en": "ps1"}, "ps2": {"en": "ps2"}}


@pytest.mark.parametrize("who", ["acacia", "oak", "cedar", "course-web-dev", "stranger"])
def test_nobody_else_releases_or_withdraws(served: Served, who: str) -> None:
    assert served.ask(who, "PUT", f"releases/{TRACK}/{UNIT}", pack(files())).status_code == 403
    assert served.ask(who, "DELETE", f"releases/{TRACK}/{UNIT}").status_code == 403


def test_a_release_without_its_notebook_is_refused(served: Served) -> None:
    assert error(served.ask("maple", "PUT", f"releases/{TRACK}/{UNIT}", pack({"x.ipynb": b"{}"}))) == (
        422,
        "no-notebook",
    )
    assert error(served.ask("maple", "PUT", f"releases/{TRACK}/{UNIT}", b"no zip")) == (422, "not-a-parcel")
    assert unpack(served.get("acacia", f"releases/{TRACK}/{UNIT}").content) == release_files()


def test_a_withdrawn_unit_is_gone_and_what_was_submitted_stays(served: Served) -> None:
    served.submit("acacia")

    assert served.ask("maple", "DELETE", f"releases/{TRACK}/{UNIT}").status_code == 200

    assert error(served.get("acacia", f"releases/{TRACK}/{UNIT}")) == (404, "not-released")
    assert served.get("acacia", f"units/{TRACK}").json() == []
    assert len(served.stored()) == 1


@pytest.mark.parametrize("path", ["units/web-dev", f"releases/web-dev/{UNIT}", f"submissions/web-dev/{UNIT}"])
def test_another_track_is_closed(served: Served, path: str) -> None:
    assert error(served.get("acacia", path)) == (403, "not-enrolled")


def test_rights_end_with_the_enrolment(served: Served) -> None:
    with ledger.session(served.engine) as session:
        [enrolment] = people.enrolments(session, "acacia", served.context.clock())
        enrolment.ends = served.context.clock()

    assert error(served.get("acacia", f"units/{TRACK}")) == (403, "enrolment-ended")
    assert error(served.submit("acacia")) == (403, "enrolment-ended")
    assert error(served.get("acacia", "units/web-dev")) == (403, "not-enrolled")


@pytest.mark.parametrize("path", ["", "nothing", f"releases/{TRACK}/../me", f"releases/{TRACK}/%2e%2e", "results/xyz"])
def test_an_address_that_is_none_is_answered_in_words(served: Served, path: str) -> None:
    assert error(served.get("acacia", path)) == (404, "not-found")
    assert error(served.get(None, path)) == (401, "who-are-you")


def test_a_method_that_is_none_is_answered_in_words(served: Served) -> None:
    assert error(served.ask("acacia", "DELETE", "me")) == (405, "bad-request")


def test_answers_are_kept_by_nobody_and_run_nowhere(served: Served) -> None:
    for answer in (
        served.get("acacia", "me"),
        served.get("acacia", f"releases/{TRACK}/{UNIT}"),
        served.get(None, "me"),
    ):
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_a_fault_of_ours_is_said_as_ours(served: Served, caplog: pytest.LogCaptureFixture) -> None:
    with served.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE receipt RENAME TO elsewhere")

    answer = served.submit("acacia")

    assert error(answer) == (500, "ours")
    assert "Rien n’est perdu" in json.loads(answer.content)["error"]
    assert "mean = 0" not in caplog.text
