"""nbgrader's own commands and its assignment list, with our exchange classes."""

import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from nbgrader.exchange import ExchangeError, ExchangeFactory
from nbgrader.exchange.abc import Exchange as AbstractExchange
from nbgrader.server_extensions.assignment_list.handlers import AssignmentList
from traitlets.config import Config

from passerelle import ledger
from passerelle.ledger import people
from passerelle.model.parcel import pack, unpack
from passerelle_lab import client, nbgrader_config, record
from tests.unit.exchange.served import TRACK, UNIT, Served, files, release_files
from tests.unit.passerelle_lab.nbgrader_here import Desk

STAMP = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} UTC"


def answer(desk: Desk, text: str) -> None:
    """Write an answer into the fetched notebook."""
    path = desk.folder / f"{UNIT}.ipynb"
    notebook = json.loads(path.read_bytes())
    notebook["cells"][1]["source"] = text
    path.write_text(json.dumps(notebook), "utf-8")


@pytest.mark.slow
def test_a_fellows_commands(basil: Desk, served: Served) -> None:
    assert re.search(rf"{TRACK} {UNIT}$", basil.nbgrader("list")[1], re.MULTILINE)

    code, said = basil.nbgrader("fetch_assignment", UNIT)
    assert (code, f"Fetched as: {TRACK} {UNIT}" in said) == (0, True)
    assert f"{TRACK} {UNIT} (already downloaded)" in basil.nbgrader("list")[1]

    answer(basil, "mean = 41")
    code, said = basil.nbgrader("submit", UNIT)
    [row] = served.stored()
    assert (code, f"Submitted as: {TRACK} {UNIT}" in said, row.id in said) == (0, True, True)
    assert row.content is not None
    assert unpack(row.content) == basil.files()

    listed = basil.nbgrader("list", "--cached")[1]
    assert re.search(rf"{TRACK} basil {UNIT} {STAMP} \(no feedback available\)", listed)

    (basil.folder / f"{UNIT}.ipynb").unlink()
    code, said = basil.nbgrader("submit", UNIT)
    assert (code, "Submitted as" in said) == (1, False)
    assert len(served.stored()) == 1


@pytest.mark.slow
def test_a_courses_commands(course: Desk, acacia: Desk, served: Served) -> None:
    code, said = course.nbgrader("release_assignment", "d2")
    assert (code, "generate_assignment d2" in said) == (1, True)
    release_folder = course.home / "release" / "d2"
    release_folder.mkdir(parents=True)
    (release_folder / "d2.ipynb").write_bytes(release_files()[f"{UNIT}.ipynb"])
    code, said = course.nbgrader("release_assignment", "d2")
    assert (code, f"Released as: {TRACK} d2" in said) == (0, True)
    assert [unit["unit"] for unit in served.get("acacia", f"units/{TRACK}").json()] == [UNIT, "d2"]

    stamp = served.submit("acacia").json()["timestamp"]
    served.submit("basil")
    assert f"{TRACK} acacia {UNIT} {stamp}" in course.nbgrader("list", "--inbound")[1]
    code, said = course.nbgrader("collect", UNIT)
    assert (code, said.count("Collected submission")) == (0, 2)
    collected = course.home / "submitted" / "acacia" / UNIT
    assert (collected / "timestamp.txt").read_text() == stamp
    assert (collected / f"{UNIT}.ipynb").read_bytes() == files()[f"{UNIT}.ipynb"]

    feedback = course.home / "feedback" / "acacia" / UNIT
    feedback.mkdir(parents=True)
    (feedback / f"{UNIT}.html").write_text("<p>well read</p>")
    (feedback / "timestamp.txt").write_text(stamp)
    code, said = course.nbgrader("release_feedback", UNIT)
    assert (code, "Feedback released for 'acacia'" in said) == (0, True)
    acacia.exchange("FetchAssignment", UNIT)
    code, said = acacia.nbgrader("fetch_feedback", UNIT)
    assert (code, "Fetched feedback" in said) == (0, True)
    assert (acacia.folder / "feedback" / stamp / f"{UNIT}.html").read_text() == "<p>well read</p>"

    code, said = course.nbgrader("list", "--remove", f"--assignment={UNIT}")
    assert code == 0
    assert [unit["unit"] for unit in served.get("acacia", f"units/{TRACK}").json()] == ["d2"]
    assert len(served.stored()) == 2


def test_a_unit_is_fetched_in_her_language_with_its_files(acacia: Desk) -> None:
    acacia.exchange("FetchAssignment", UNIT)

    fetched = acacia.files()
    assert set(fetched) == set(release_files())
    assert (acacia.folder / record.NAME).is_file()
    assert json.loads(fetched[f"{UNIT}.ipynb"])["cells"][0]["source"] == ["# Les tableaux"]


def test_her_work_is_never_replaced(acacia: Desk) -> None:
    acacia.exchange("FetchAssignment", UNIT)
    answer(acacia, "mean = 41")
    hers = acacia.files()[f"{UNIT}.ipynb"]
    (acacia.folder / "data" / "cities.csv").unlink()

    with pytest.raises(ExchangeError, match="Tu as déjà"):
        acacia.exchange("FetchAssignment", UNIT)
    acacia.exchange("FetchAssignment", UNIT, replace_missing_files=True)

    assert acacia.files()[f"{UNIT}.ipynb"] == hers
    assert acacia.files()["data/cities.csv"] == b"name,people\n"


def test_what_is_hidden_or_ignored_stays_at_home(acacia: Desk, served: Served) -> None:
    acacia.exchange("FetchAssignment", UNIT)
    sent = set(acacia.files())
    for name in (".ipynb_checkpoints/x.ipynb", "__pycache__/x.pyc", "feedback/old/page.html", ".secret"):
        (acacia.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (acacia.folder / name).write_text("not sent")

    acacia.exchange("Submit", UNIT)

    [row] = served.stored()
    assert row.content is not None
    assert set(unpack(row.content)) == sent


def test_the_exchanges_words_reach_her(acacia: Desk, served: Served) -> None:
    acacia.exchange("FetchAssignment", UNIT)
    (acacia.folder / f"{UNIT}.ipynb").write_text('{"nbformat": 3}')

    with pytest.raises(ExchangeError, match="ancien format de notebook"):
        acacia.exchange("Submit", UNIT)
    assert served.stored() == []


def test_a_link_is_not_followed(acacia: Desk, served: Served) -> None:
    acacia.exchange("FetchAssignment", UNIT)
    (acacia.folder / "theirs.txt").symlink_to("/etc/passwd")

    with pytest.raises(ExchangeError):
        acacia.exchange("Submit", UNIT)
    assert served.stored() == []


def test_collect_takes_the_newest_and_keeps_what_is_newer(course: Desk, served: Served) -> None:
    served.submit("acacia", key="key-00000001")
    second = served.submit("acacia", files("mean = 2"), key="key-00000002").json()["timestamp"]
    stamp = course.home / "submitted" / "acacia" / UNIT / "timestamp.txt"

    course.exchange("Collect", UNIT)
    assert stamp.read_text() == second
    third = served.submit("acacia", files("mean = 3"), key="key-00000003").json()["timestamp"]
    course.exchange("Collect", UNIT)
    assert stamp.read_text() == second
    course.exchange("Collect", UNIT, update=True)
    assert stamp.read_text() == third
    assert list(stamp.parent.parent.iterdir()) == [stamp.parent]


def test_a_fellow_can_do_nothing_of_the_courses(acacia: Desk, served: Served) -> None:
    served.submit("basil")
    folder = acacia.home / "release" / UNIT
    folder.mkdir(parents=True)
    (folder / f"{UNIT}.ipynb").write_bytes(files()[f"{UNIT}.ipynb"])

    with pytest.raises(ExchangeError, match="ce compte n’y donne pas accès"):
        acacia.exchange("ReleaseAssignment", UNIT, force=True)
    with pytest.raises(ExchangeError, match="ce compte n’y donne pas accès"):
        acacia.exchange("Collect", UNIT)
    with pytest.raises(ExchangeError, match="ce compte n’y donne pas accès"):
        acacia.exchange("List", UNIT, remove=True)
    with pytest.raises(ExchangeError, match="les reçus ne sont jamais retirés"):
        acacia.exchange("List", UNIT, inbound=True, remove=True)
    assert acacia.exchange("List", inbound=True) == []
    assert not (acacia.home / "submitted").exists()


def test_a_unit_that_is_released_is_replaced_only_by_force(course: Desk, served: Served) -> None:
    folder = course.home / "release" / UNIT
    folder.mkdir(parents=True)
    (folder / f"{UNIT}.ipynb").write_bytes(files("mean = 'new'")[f"{UNIT}.ipynb"])

    with pytest.raises(ExchangeError, match="--force"):
        course.exchange("ReleaseAssignment", UNIT)
    course.exchange("ReleaseAssignment", UNIT, force=True)

    assert b"'new'" in unpack(served.get("acacia", f"releases/{TRACK}/{UNIT}").content)[f"{UNIT}.ipynb"]


@pytest.mark.parametrize(
    ("role", "settings"),
    [
        ("List", {}),
        ("List", {"cached": True}),
        ("List", {"inbound": True}),
        ("FetchAssignment", {}),
        ("FetchFeedback", {}),
        ("Submit", {}),
        ("Collect", {}),
        ("ReleaseAssignment", {"force": True}),
        ("ReleaseFeedback", {}),
    ],
)
@pytest.mark.parametrize("fault", ["nobody answers", "no address", "a page answers"])
def test_only_an_exchange_error_is_raised(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, served: Served, role: str, settings: dict[str, Any], fault: str
) -> None:
    desk = Desk(tmp_path / "desk", f"course-{TRACK}" if role in {"Collect", "ReleaseFeedback"} else "basil", served)
    desk.exchange("FetchAssignment", UNIT) if role == "Submit" else None
    for name in ("release", "feedback/basil"):
        (desk.home / name / UNIT).mkdir(parents=True)
        (desk.home / name / UNIT / f"{UNIT}.ipynb").write_bytes(files()[f"{UNIT}.ipynb"])
        (desk.home / name / UNIT / f"{UNIT}.html").write_text("<p>")
        (desk.home / name / UNIT / "timestamp.txt").write_text("2026-11-24 18:42:07.123456 UTC")
    monkeypatch.setattr(client, "TRY_AGAIN_AFTER_S", (0.01, 0.01))
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        desk.api = {
            "nobody answers": f"http://127.0.0.1:{closed.getsockname()[1]}/api",
            "no address": "",
            "a page answers": f"{served.address}/not-the-api",
        }[fault]
        with pytest.raises(ExchangeError):
            desk.exchange(role, UNIT, **settings)

    assert served.stored() == []


def test_a_bug_of_ours_is_an_exchange_error_too(basil: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("passerelle_lab.client.Client.units", lambda *_: [{"unexpected": 1}])

    with pytest.raises(ExchangeError, match="Something on our side did not work"):
        basil.exchange("List")


class Listed:
    """The assignment list of JupyterLab, as its server extension runs it."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.manager = AssignmentList()
        self.manager.root_dir = str(desk.home)

    def __call__(self, act: str, *arguments: str) -> Any:
        with self.desk.seated():
            answered = getattr(self.manager, act)(*arguments)
        assert answered["success"], answered["value"]
        return answered.get("value")


def test_the_assignment_list_fetches_submits_and_shows_feedback(acacia: Desk, served: Served) -> None:
    listed = Listed(acacia)
    assert listed("list_courses") == [TRACK]
    [released] = listed("list_assignments", TRACK)
    assert (released["assignment_id"], released["status"]) == (UNIT, "released")

    listed("fetch_assignment", TRACK, UNIT)
    [fetched] = listed("list_assignments", TRACK)
    assert (fetched["status"], fetched["path"]) == ("fetched", f"{TRACK}/{UNIT}")
    assert fetched["notebooks"] == [{"notebook_id": UNIT, "path": f"{TRACK}/{UNIT}/{UNIT}.ipynb"}]

    listed("submit_assignment", TRACK, UNIT)
    [row] = served.stored()
    [_, submitted] = listed("list_assignments", TRACK)
    [attempt] = submitted["submissions"]
    assert (submitted["student_id"], submitted["status"]) == ("acacia", "submitted")
    assert (attempt["timestamp"], attempt["has_exchange_feedback"]) == (
        f"{row.received:%Y-%m-%d %H:%M:%S.%f} UTC",
        False,
    )

    def release_feedback(page: bytes) -> None:
        sent = served.ask(
            "maple",
            "PUT",
            f"feedback/{TRACK}/{UNIT}/acacia",
            pack({f"{UNIT}.html": page}),
            X_Passerelle_Timestamp=attempt["timestamp"],
        )
        assert sent.status_code == 201

    def feedback() -> tuple[bool, bool, bool]:
        [_, group] = listed("list_assignments", TRACK)
        [now] = group["submissions"]
        return now["has_exchange_feedback"], now["has_local_feedback"], now["feedback_updated"]

    release_feedback(b"<p>first</p>")
    assert feedback() == (True, False, False)
    listed("fetch_feedback", TRACK, UNIT)
    assert feedback() == (True, True, False)
    release_feedback(b"<p>second</p>")
    assert feedback() == (True, True, True)
    listed("fetch_feedback", TRACK, UNIT)
    assert feedback() == (True, True, False)


def test_two_tracks_are_two_folders(acacia: Desk, served: Served) -> None:
    with ledger.session(served.engine) as session:
        people.enrol(session, "acacia", "autumn", "web-dev", starts=people.enrolments(session, "acacia")[0].starts)
    listed = Listed(acacia)

    assert listed("list_courses") == [TRACK]
    served.ask(
        "course-web-dev", "PUT", f"releases/web-dev/{UNIT}", served.get("acacia", f"releases/{TRACK}/{UNIT}").content
    )
    assert listed("list_courses") == [TRACK, "web-dev"]
    listed("fetch_assignment", "web-dev", UNIT)

    assert (acacia.home / "web-dev" / UNIT / f"{UNIT}.ipynb").is_file()
    assert not acacia.folder.exists()


def test_the_config_names_a_class_for_each_of_nbgraders_roles() -> None:
    config = Config()
    exec(nbgrader_config.text(TRACK), {"get_config": lambda: config})

    factory = ExchangeFactory(config=config)

    for role in factory.class_trait_names(config=True):
        chosen = getattr(factory, role)
        assert issubclass(chosen, AbstractExchange)
        assert chosen.__module__.startswith("passerelle_lab."), role
    assert config.CourseDirectory.course_id == TRACK
    assert config.ExchangeFactory == Config(nbgrader_config.settings()).ExchangeFactory


@pytest.mark.slow
def test_the_list_waits_for_nobody_long(basil: Desk) -> None:
    """The assignment list runs in her server's event loop: an exchange that hangs must not hang her kernels."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        held: list[socket.socket] = []
        threading.Thread(target=lambda: held.append(silent.accept()[0]), daemon=True).start()
        basil.api = f"http://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(ExchangeError, match="could not reach"):
            basil.exchange("List")
        for line in held:
            line.close()

    assert time.monotonic() - begun < 2 * client.BUDGET_S
