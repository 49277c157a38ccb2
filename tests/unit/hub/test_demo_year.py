"""The demo year: it is there once, and its exports say what the raw tables add up to in pandas."""

import io
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from passerelle import ledger
from passerelle.courses import load_course
from passerelle.grading.worker import Worker, marked_courses
from passerelle.hub import demo_courses, demo_year
from passerelle.hub.doctor.databases import schemas
from passerelle.ledger import help as helping
from passerelle.ledger import people
from passerelle.ledger.mentoring_tables import Action, CueDismissal, Meeting, MeetingFeedback
from passerelle.model.people import Role
from passerelle.model.settings import Settings
from passerelle.progress import Export, WaitingKind, track_export, track_progress, writers
from passerelle.progress.attention import owed_by_us, quiet_fellows
from passerelle.progress.cues import OURS, QUIET, VERSIONS, Cue, cues
from passerelle.progress.owed import waiting_at
from passerelle.progress.pseudonyms import pseudonym, pseudonym_secret

pytestmark = pytest.mark.slow

NOW = datetime(2026, 11, 24, 17, 42, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = Settings(data=tmp_path_factory.mktemp("year") / "var")
    assert demo_year.fill(settings, NOW)
    return settings


def rows_of(settings: Settings) -> dict[str, int]:
    with closing(sqlite3.connect(settings.root / "ledger.db")) as database:
        names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {name: database.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}


def rows_open(settings: Settings) -> list[str]:
    """Return the receipts of the jobs that are not done."""
    with closing(sqlite3.connect(settings.root / "ledger.db")) as database:
        return [one for (one,) in database.execute("SELECT receipt FROM job WHERE state != 'done' ORDER BY receipt")]


def raw_checks(settings: Settings) -> pd.DataFrame:
    """Return a row a check of an attempt, from the raw tables: its points, by the newest mark where a person marks it.

    `earned` is empty where an answer waits for a person; a blank answer gives 0.
    """
    with closing(sqlite3.connect(settings.root / "ledger.db")) as database:
        tables = {
            name: pd.read_sql_query(f'SELECT * FROM "{name}"', database)
            for name in ("receipt", "verdict_check", "manual_mark")
        }
    checks = tables["receipt"].merge(tables["verdict_check"], left_on="verdict_key", right_on="verdict", how="left")
    newest = tables["manual_mark"].sort_values("id").groupby(["handle", "track", "unit", "check", "answer"]).last()
    keys = ["handle", "track", "unit", "check", "answer"]
    joined = checks.merge(newest["points"].rename("mark").reset_index(), on=keys, how="left")
    joined["by_hand"] = joined["manual"] == 1
    joined["owed"] = joined["by_hand"] & joined["answer"].notna() & joined["mark"].isna()
    earned = joined["points"].where(~joined["by_hand"], joined["mark"])
    joined["earned"] = earned.where(earned.notna() | joined["owed"], 0.0)
    return joined


def raw(settings: Settings) -> pd.DataFrame:
    """Return a row an attempt: its points with the newest mark of each answer."""
    joined = raw_checks(settings)
    joined["earned"] = joined["earned"].fillna(0.0)
    place = ["handle", "track", "unit", "number"]
    return joined.groupby(place, as_index=False).agg(
        earned=("earned", "sum"), marked=("verdict", "count"), owed=("owed", "sum"), received=("received", "first")
    )


def export_of(settings: Settings, track: str) -> Export:
    engine = ledger.engine(settings.database_url)
    with ledger.reading(engine) as session:
        progress = track_progress(session, load_course(settings.courses / track), NOW)
    engine.dispose()
    return track_export(progress, settings)


def exported(export: Export) -> pd.DataFrame:
    """Return a row a unit that somebody sent, from the JSON export."""
    record = json.loads(export.content("json"))
    return pd.DataFrame(
        {
            "fellow": fellow["fellow"],
            "unit": unit["unit"],
            "most": unit["max_points"],
            "mastered": unit["mastered"],
            "attempts": len(unit["attempts"]),
            "points": unit["points"],
            "counted": unit["counted_attempt"],
            "owed": sum(one["kind"] == "manual" for one in unit["waiting"]),
            "last": unit["last_submission"],
        }
        for fellow in record["fellows"]
        for unit in fellow["units"]
        if unit["attempts"]
    )


@pytest.mark.parametrize("track", demo_courses.TRACKS)
def test_its_exports_say_what_the_raw_tables_add_up_to(year: Settings, track: str) -> None:
    attempts = raw(year).query("track == @track")
    best = attempts[attempts["marked"] > 0].sort_values(["earned", "number"], ascending=[False, True])
    counted = best.groupby(["handle", "unit"], as_index=False).first()
    newest = attempts[attempts["marked"] > 0].sort_values("number").groupby(["handle", "unit"]).last()
    owed = counted.set_index(["handle", "unit"])["owed"].clip(upper=1).add(newest["owed"]).clip(upper=1)

    export = export_of(year, track)
    said = exported(export)
    table = pd.read_csv(io.BytesIO(export.content("csv")), sep=";", decimal=",")
    units = table.drop_duplicates(["fellow", "unit"]).query("attempts > 0")

    assert said["attempts"].sum() == len(attempts) > 100
    assert said["points"].sum() == pytest.approx(counted["earned"].sum())
    assert said["counted"].sum() == counted["number"].sum()
    assert said["owed"].sum() == owed.sum()
    assert units["attempts"].sum() == len(attempts)
    assert units["unit_points"].sum() == table["task_points"].sum() == pytest.approx(counted["earned"].sum())
    assert said.groupby("unit")["points"].sum().to_dict() == pytest.approx(
        counted.groupby("unit")["earned"].sum().to_dict()
    )
    assert pd.to_datetime(said["last"]).max().tz_localize(None) == pd.to_datetime(attempts["received"]).max()


@pytest.mark.parametrize("track", demo_courses.TRACKS)
def test_each_fellow_has_in_each_unit_what_her_own_raw_rows_add_up_to(year: Settings, track: str) -> None:
    """Sums over a track could be right with two fellows' points exchanged."""
    attempts = raw(year).query("track == @track")
    marked = attempts[attempts["marked"] > 0].sort_values(["earned", "number"], ascending=[False, True])
    secret = pseudonym_secret(year.secrets)
    best = marked.groupby(["handle", "unit"]).first()
    mastery = load_course(year.courses / track).mastery
    said = exported(export_of(year, track)).set_index(["fellow", "unit"])
    sent = attempts.groupby(["handle", "unit"]).size()

    assert len(said) == len(sent) > 50
    compared = 0
    for (handle, unit), count in sent.items():
        row = said.loc[(pseudonym(handle, secret), unit)]
        assert row["attempts"] == count, (handle, unit)
        if (handle, unit) not in best.index:
            assert pd.isna(row["points"]), (handle, unit)
            continue
        own = best.loc[(handle, unit)]
        assert row["points"] == pytest.approx(own["earned"]), (handle, unit)
        assert row["counted"] == own["number"], (handle, unit)
        assert bool(row["mastered"]) == (own["earned"] >= mastery * row["most"] - 1e-9), (handle, unit)
        compared += 1
    assert compared > 50


def raw_tasks(settings: Settings, track: str) -> pd.DataFrame:
    """Return a row a task of a marked attempt: points, what it can give, and the skill that it shows with its weight."""
    course = json.loads((settings.courses / track / "course.json").read_text(encoding="utf-8"))
    cards = pd.DataFrame(
        {
            "unit": unit["card"]["unit"],
            "check": card["key"],
            "task": card["task"],
            "most": card["points"],
            "skill": skill,
            "weight": weight,
        }
        for unit in course["units"]
        for card in unit["card"]["checks"]
        for skill, weight in unit["task_skills"][card["task"]].items()
    )
    assert not cards.duplicated(["unit", "task"]).any(), "a task has one check and shows one skill here"
    sent = raw_checks(settings).query("track == @track").dropna(subset=["verdict"])
    return sent.merge(cards, on=["unit", "check"], validate="many_to_one").assign(mastery=course["mastery"])


def exported_table(export: Export, name: str) -> pd.DataFrame:
    """Return a table of the CSV export that no button gives."""
    content = writers.in_memory(export.files(["csv"])[f"{export.name}-{name}.csv"])
    return pd.read_csv(io.BytesIO(content), sep=";", decimal=",")


@pytest.mark.parametrize("track", demo_courses.TRACKS)
def test_her_last_six_weeks_are_those_in_which_the_raw_rows_first_master_a_task(year: Settings, track: str) -> None:
    tasks = raw_tasks(year, track)
    enough = tasks[tasks["earned"] >= tasks["mastery"] * tasks["most"] - 1e-9]
    first = enough.sort_values("number").groupby(["handle", "unit", "task"], as_index=False).first()
    day = pd.to_datetime(first["received"]).dt.tz_localize("UTC").dt.tz_convert(year.timezone).dt.tz_localize(None)
    first["monday"] = day.dt.normalize() - pd.to_timedelta(day.dt.day_of_week, unit="D")
    last = pd.Timestamp("2026-11-23")
    weeks = pd.date_range(end=last, periods=6, freq="7D")
    counted = first.groupby(["handle", "monday"]).size().unstack(fill_value=0).reindex(columns=weeks, fill_value=0)

    export = export_of(year, track)
    record = json.loads(export.content("json"))
    table = exported_table(export, "weeks")
    in_csv = table.assign(monday=pd.to_datetime(table["monday"])).set_index(["fellow", "monday"])["tasks_mastered"]
    name_of = {pseudonym(handle, pseudonym_secret(year.secrets)): handle for handle in handles_of(year, track)}

    assert len(record["fellows"]) == len(name_of)
    for fellow in record["fellows"]:
        handle = name_of[fellow["fellow"]]
        own = counted.loc[handle].to_list() if handle in counted.index else [0] * 6
        assert [week["monday"] for week in fellow["trend"]] == [f"{one:%Y-%m-%d}" for one in weeks]
        assert [week["mastered"] for week in fellow["trend"]] == own, handle
        assert in_csv.loc[fellow["fellow"]].to_list() == own, handle
    assert counted.to_numpy().sum() == in_csv.sum() > 20


@pytest.mark.parametrize("track", demo_courses.TRACKS)
def test_her_skills_are_the_weighted_shares_of_what_the_raw_rows_hold(year: Settings, track: str) -> None:
    tasks = raw_tasks(year, track)
    of_attempt = ["handle", "unit", "number"]
    totals = tasks.groupby(of_attempt, as_index=False)["earned"].sum()  # what waits is skipped
    best = totals.sort_values(["earned", "number"], ascending=[False, True]).groupby(["handle", "unit"]).first()
    counted = tasks.merge(best.reset_index()[of_attempt], on=of_attempt)
    # An answer that waits is read by the best that was given before; one left blank says nothing.
    told = tasks[~tasks["by_hand"] | tasks["answer"].notna()]
    before = told.groupby(["handle", "unit", "task"])["earned"].max().rename("before").reset_index()
    read = counted[~counted["by_hand"] | counted["answer"].notna()].merge(before, on=["handle", "unit", "task"])
    read["share"] = read["earned"].where(~read["owed"], read["before"]) / read["most"]
    read = read.dropna(subset=["share"]).assign(weighted=lambda one: one["share"] * one["weight"])
    added = read.groupby(["handle", "skill"]).agg(
        weighted=("weighted", "sum"), weight=("weight", "sum"), evidence=("share", "size")
    )

    export = export_of(year, track)
    record = json.loads(export.content("json"))
    in_csv = exported_table(export, "skills").set_index(["fellow", "skill"])
    name_of = {pseudonym(handle, pseudonym_secret(year.secrets)): handle for handle in handles_of(year, track)}

    compared = 0
    for fellow in record["fellows"]:
        for skill in fellow["skills"]:
            place, row = (name_of[fellow["fellow"]], skill["skill"]), in_csv.loc[(fellow["fellow"], skill["skill"])]
            if place not in added.index:
                assert (skill["level"], skill["evidence"], row["evidence"]) == (None, 0, 0), place
                assert pd.isna(row["level"]), place
                continue
            own = added.loc[place]
            assert skill["level"] == pytest.approx(own["weighted"] / own["weight"], abs=1e-6), place
            assert row["level"] == pytest.approx(skill["level"]), place
            assert skill["evidence"] == row["evidence"] == own["evidence"], place
            compared += 1
    assert compared == len(added) > 30


def handles_of(settings: Settings, track: str) -> list[str]:
    """Return the fellows of a track, from the raw tables."""
    with closing(sqlite3.connect(settings.root / "ledger.db")) as database:
        query = "SELECT DISTINCT handle FROM enrolment JOIN person USING (handle) WHERE track = ? AND role = 'fellow'"
        return [handle for (handle,) in database.execute(query, [track])]


def test_every_mark_by_hand_adds_up_from_its_rubric(year: Settings) -> None:
    with closing(sqlite3.connect(year.root / "ledger.db")) as database:
        marks = pd.read_sql_query("SELECT id, track, points FROM manual_mark", database)
        levels = pd.read_sql_query("SELECT mark, criterion, level, points, by FROM rubric_mark", database)
    added = levels.groupby("mark")["points"].sum()

    assert marks.set_index("id")["points"].to_dict() == added.to_dict()
    assert set(levels["level"]) == {"absent", "begun", "there"}
    for track in demo_courses.TRACKS:
        there = set(levels[levels["mark"].isin(marks[marks["track"] == track]["id"])]["criterion"])
        (criteria,) = load_course(year.courses / track).units[0].rubrics.values()
        assert there == {one.criterion for one in criteria}
        assert sum(max(level.points for level in one.levels) for one in criteria) == demo_courses.BY_HAND_POINTS
    engine = ledger.engine(year.database_url)
    with ledger.reading(engine) as session:
        course = load_course(year.courses / "demo-data")
        waiting = [
            one.kind
            for fellow in track_progress(session, course, NOW).fellows
            for unit in fellow.units
            for one in unit.waiting
        ]
    engine.dispose()
    assert WaitingKind.MANUAL in waiting, "some still wait for a trainer"


def test_twice_changes_nothing(year: Settings) -> None:
    before = rows_of(year)
    again = demo_year.fill(year, NOW + timedelta(days=3))

    assert again == {}
    assert rows_of(year) == before


def test_the_same_seed_gives_the_same_year(year: Settings, tmp_path: Path) -> None:
    other = Settings(data=tmp_path / "var")
    demo_year.fill(other, NOW)

    assert rows_of(other) == rows_of(year)
    columns = ["handle", "track", "unit", "number", "earned", "received"]
    pd.testing.assert_frame_equal(raw(other)[columns], raw(year)[columns])


def test_a_marker_leaves_alone_what_was_marked_in_the_story(year: Settings) -> None:
    open_before = rows_open(year)
    engine = ledger.engine(year.database_url)
    worker = Worker(engine, lambda: marked_courses(year), year.learner)
    steps = [worker.step() for _ in range(20)]
    engine.dispose()

    assert steps[-1] is False, "nothing is left to do"
    assert rows_open(year) == open_before, "hundreds would wait for us once a hub runs"


def test_it_stays_away_from_people_who_are_no_demo(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "var")
    ledger.migrate(settings.database_url)
    engine = ledger.engine(settings.database_url)
    with ledger.session(engine) as session:
        people.add_person(session, "somebody", Role.FELLOW, "Somebody")
    engine.dispose()

    with pytest.raises(demo_year.NotADemoError, match="somebody"):
        demo_year.fill(settings, NOW)


def all_cues(settings: Settings) -> list[Cue]:
    engine = ledger.engine(settings.database_url)
    found: list[Cue] = []
    with ledger.reading(engine) as session:
        for track in demo_courses.TRACKS:
            course = load_course(settings.courses / track)
            for fellow in track_progress(session, course, NOW).fellows:
                found += cues(session, course, fellow, NOW, settings)
    engine.dispose()
    return found


def test_there_is_something_to_look_at(year: Settings) -> None:
    counts = rows_of(year)
    engine = ledger.engine(year.database_url)
    with ledger.reading(engine) as session:
        roles = {role: len(people.people(session, role)) for role in Role}
        meetings = {one.state for one in session.query(Meeting)}
        noted = session.query(Meeting).filter(Meeting.notes.is_not(None)).count()
        settled = session.query(Action).filter(Action.done.is_not(None)).count()
        assert session.query(Meeting).filter(Meeting.starts > NOW, Meeting.state == "planned").count() > 10
        assert session.query(CueDismissal).count() == 1
        assert session.query(MeetingFeedback).count() > 50
    engine.dispose()

    assert list(roles.values()) == [40, 3, 20, 1]
    assert meetings == {"planned", "held", "called-off"}
    assert min(noted, settled, counts["goal"], counts["question"], counts["manual_mark"]) > 30
    assert min(counts["help_request"], counts["pause"], counts["export_record"]) > 3
    assert counts["erasure_request"] == 1
    assert {cue.rule for cue in all_cues(year)} == set(VERSIONS), "every rule holds for somebody"


def test_the_programme_as_a_whole_says_what_each_fellow_is_told(year: Settings) -> None:
    one_by_one = all_cues(year)
    engine = ledger.engine(year.database_url)
    quiet, owed = set(), set()
    with ledger.reading(engine) as session:
        for track in demo_courses.TRACKS:
            course = load_course(year.courses / track)
            quiet |= {(cue.key, cue.unit, cue.since) for cue in quiet_fellows(session, course, NOW, year)}
            owed |= {(cue.key, cue.unit, cue.since) for cue in owed_by_us(session, course, NOW, year)}
    engine.dispose()

    told = {rule: {(cue.key, cue.unit, cue.since) for cue in one_by_one if cue.rule == rule} for rule in VERSIONS}
    assert quiet == told[QUIET]
    assert owed >= set.union(*(told[rule] for rule in OURS)), "what is owed to who is in a pause comes on top"


def test_something_waits_for_the_trainer_of_each_track(year: Settings) -> None:
    engine = ledger.engine(year.database_url)
    with ledger.reading(engine) as session:
        asked = [request.track for request, _ in helping.waiting(session, demo_courses.TRACKS, NOW)]
        to_read = []
        for track in demo_courses.TRACKS:
            course = load_course(year.courses / track)
            everybody = {one.fellow for one in track_progress(session, course, NOW).fellows}
            for _, _, waiting in waiting_at(session, course, NOW, everybody):
                to_read += [track for one, _ in waiting if one.kind is WaitingKind.MANUAL]
    engine.dispose()

    assert set(asked) == set(demo_courses.TRACKS)
    assert set(to_read) == set(demo_courses.TRACKS)


def test_doctor_asks_for_no_build_of_a_track_in_outline(year: Settings) -> None:
    said = [one.said for one in schemas(year)]

    assert any("the ledger's is this version's" in one for one in said)
    assert [one for one in said if "gradebook" in one] == []
