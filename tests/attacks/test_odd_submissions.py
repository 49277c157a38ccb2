"""Submissions that are not what was asked for, over the whole way: her folder, the exchange, marking.

What cannot be taken is refused in her words before there is a receipt, and nothing of it is kept. What can be taken
is kept byte by byte, and marking makes a verdict of it: never a crash, never a 0 for a fault of ours.
"""

import copy
import json
import os
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import tracemalloc
import unicodedata
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from nbformat.v4 import new_code_cell

from passerelle import ledger
from passerelle.grading import mark
from passerelle.grading.rebuild import rebuild
from passerelle.ledger import people, releases
from passerelle.ledger.tables import Receipt
from passerelle.model.parcel import MAX_BYTES, pack, unpack
from passerelle.model.settings import Settings
from passerelle.model.verdict import Outcome
from passerelle_lab import parcel as lab_parcel
from passerelle_lab.client import Client, ClientError
from passerelle_lab.unit_folder import FolderError, collect, doubts
from passerelle_lab.words import say
from tests.unit.exchange.served import NOW, Served, new_ledger, serve
from tests.unit.exchange.served import TRACK as THERE
from tests.unit.exchange.served import UNIT as HERE
from tests.unit.grading.trial import CARD, LEARNER, QUICK, RIGHT, UNIT, make_course, points, release, source
from tests.unit.model.test_parcel import zipped
from tests.unit.passerelle_lab.nbgrader_here import Desk

TRACK = "demo"
NOTEBOOK = f"{UNIT}.ipynb"
FULL = {"mean": 1, "double": 2}
LANGUAGE = {"acacia": "fr", "basil": "en"}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def course_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_course(tmp_path_factory.mktemp("course"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, course_dir: Path) -> Iterator[Served]:
    """An exchange with the trial unit released; acacia reads French, basil English."""
    settings = Settings(data=tmp_path_factory.mktemp("exchange") / "data")
    engine = new_ledger(settings)
    with ledger.session(engine) as session:
        for handle in LANGUAGE:
            people.enrol(session, handle, "autumn", TRACK, starts=NOW.replace(month=1))
        releases.put_release(session, TRACK, UNIT, "1", pack(released(course_dir)), title=CARD.title, at=NOW)
    with serve(settings, engine) as running:
        yield running
    engine.dispose()


@pytest.fixture
def folder(tmp_path: Path, course_dir: Path) -> Path:
    """Her unit's folder, with the right answers."""
    home = tmp_path / "home" / TRACK / UNIT
    for name, content in {**released(course_dir), NOTEBOOK: right()}.items():
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content)
    return home


def released(course_dir: Path) -> dict[str, bytes]:
    data = (course_dir / "source" / UNIT / "data" / "prices.txt").read_bytes()
    return {
        NOTEBOOK: json.dumps(release()).encode(),
        "data/prices.txt": data,
        "unit.json": CARD.model_dump_json().encode(),
    }


def right() -> bytes:
    return json.dumps(release(RIGHT)).encode()


def send(served: Served, who: str, parcel: bytes) -> requests.Response:
    key = f"odd-{os.urandom(12).hex()}"
    return served.ask(who, "POST", f"submissions/{TRACK}/{UNIT}", parcel, Idempotency_Key=key)


def kept(served: Served, receipt: str) -> Receipt:
    """Return a receipt whose bytes are those that anybody who may gets back."""
    [row] = [row for row in served.stored() if row.id == receipt]
    assert served.get(row.handle, f"submissions/{receipt}/files").content == row.content
    assert served.get("acacia", f"submissions/{receipt}/files").content == row.content or row.handle != "acacia"
    return row


def refused_in_both_languages(served: Served, parcel: bytes, status: int, fault: str) -> None:
    before = [row.id for row in served.stored()]
    answers = {who: send(served, who, parcel) for who in LANGUAGE}

    assert {(answer.status_code, answer.json()["id"]) for answer in answers.values()} == {(status, fault)}
    words = [answer.json()["error"] for answer in answers.values()]
    assert words[0] != words[1]
    assert not any("{" in text or "\n" in text or "\u202e" in text for text in words)
    assert [row.id for row in served.stored()] == before


# Her folder


def with_notebook(content: bytes) -> Callable[[Path], object]:
    return lambda folder: (folder / NOTEBOOK).write_bytes(content)


def sparse(name: str, megabytes: int) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        with (folder / name).open("wb") as file:
            file.truncate(megabytes * 1_000_000)

    return spoil


def ten_thousand_files(folder: Path) -> None:
    for number in range(10_000):
        (folder / f"{number}.txt").touch()


def a_folder_of_folders(folder: Path) -> None:
    for number in range(300):
        (folder / f"{number}").mkdir()


def a_link_to_itself(folder: Path) -> None:
    (folder / "again").symlink_to(folder)


def the_notebook_is_a_link(folder: Path) -> None:
    (folder / NOTEBOOK).rename(folder.parent / "elsewhere.ipynb")
    (folder / NOTEBOOK).symlink_to(folder.parent / "elsewhere.ipynb")


def the_folder_is_a_link(folder: Path) -> None:
    folder.rename(folder.parent / "elsewhere")
    folder.symlink_to(folder.parent / "elsewhere")


def a_socket(folder: Path) -> None:
    here = os.open(folder, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"/proc/self/fd/{here}/line")
    finally:
        os.close(here)


def a_device(folder: Path) -> None:
    os.mknod(folder / "device", stat.S_IFCHR | 0o644, os.makedev(0, 0))  # the one that anybody may make


def a_name_that_is_no_text(folder: Path) -> None:
    (folder / os.fsdecode(b"th\xe9.txt")).write_bytes(b"")


def seven_deep(folder: Path) -> None:
    (folder / "a/b/c/d/e/f/g").mkdir(parents=True)


def attachments(folder: Path) -> None:
    notebook = json.loads(right())
    notebook["cells"][0]["attachments"] = {"film.png": {"image/png": "A" * 22_000_000}}
    (folder / NOTEBOOK).write_text(json.dumps(notebook))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(lambda folder: (folder / NOTEBOOK).unlink(), "no notebook {path} to submit", id="no-notebook"),
        pytest.param(with_notebook(b""), "cannot read the notebook", id="an-empty-file"),
        pytest.param(with_notebook(b"PK\x03\x04"), "cannot read the notebook", id="not-a-notebook"),
        pytest.param(with_notebook(b"[" * 200_000), "cannot read the notebook", id="nested-without-end"),
        pytest.param(ten_thousand_files, "more than {count} files", id="10000-files"),
        pytest.param(a_folder_of_folders, "more than {count} files", id="300-folders"),
        pytest.param(sparse("film.mp4", 200), "larger than {size} MB. Move", id="200-MB"),
        pytest.param(sparse(NOTEBOOK, 200), "larger than {size} MB. Clear its outputs", id="a-notebook-of-200-MB"),
        pytest.param(attachments, "larger than {size} MB. Move", id="22-MB-that-are-no-outputs"),
        pytest.param(lambda folder: (folder / "x").symlink_to("/etc/passwd"), "is a link", id="a-link-out"),
        pytest.param(lambda folder: (folder / "x").symlink_to("nowhere"), "is a link", id="a-link-to-nothing"),
        pytest.param(a_link_to_itself, "is a link", id="a-link-to-itself"),
        pytest.param(the_notebook_is_a_link, "is a link", id="the-notebook-is-a-link"),
        pytest.param(the_folder_is_a_link, "is a link", id="the-folder-is-a-link"),
        pytest.param(lambda folder: os.mkfifo(folder / "pipe"), "not a file that can be sent", id="a-pipe"),
        pytest.param(a_socket, "not a file that can be sent", id="a-socket"),
        pytest.param(a_device, "not a file that can be sent", id="a-device"),
        pytest.param(a_name_that_is_no_text, "a name that cannot be sent", id="a-name-that-is-no-text"),
        pytest.param(seven_deep, "more than {count} deep", id="seven-folders-deep"),
    ],
)
def test_what_her_folder_cannot_send_is_said_before_anything_leaves_it(
    folder: Path, spoil: Callable[[Path], object], words: str
) -> None:
    home = folder.parents[1]
    spoil(folder)
    tracemalloc.start()

    with pytest.raises(FolderError) as caught:
        doubts(collect(home, TRACK, UNIT), UNIT, "fr")

    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert words in caught.value.text
    assert say("fr", caught.value.text, **caught.value.values) != say("en", caught.value.text, **caught.value.values)
    assert peak < (90_000_000 if spoil is attachments else 2_000_000)


def test_what_she_may_not_read_herself_is_said() -> None:
    """Root may read everything: somebody else looks."""
    look = (
        "import sys; from pathlib import Path; from passerelle_lab.unit_folder import FolderError, collect\n"
        f"try: collect(Path(sys.argv[1]), {TRACK!r}, {UNIT!r})\n"
        "except FolderError as error: print(error)"
    )
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made) / TRACK / UNIT
        folder.mkdir(parents=True)
        Path(made).chmod(0o755)
        (folder / NOTEBOOK).write_bytes(right())
        (folder / "closed.txt").touch(0o000)
        somebody = {"user": 65534} if os.geteuid() == 0 else {}
        said = subprocess.run(
            [sys.executable, "-c", look, made],
            env={"PYTHONPATH": str(ROOT / "src"), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
            **somebody,  # type: ignore[call-overload]  # one of its many arguments
        )

    assert said.stdout.startswith(f"We cannot read {TRACK}/{UNIT}/closed.txt.")


def named(name: str) -> Callable[[Path], object]:
    return lambda folder: (folder / name).write_bytes(b"hers")


def two_ways_to_write_an_accent(folder: Path) -> None:
    for form in ("NFC", "NFD"):
        named(unicodedata.normalize(form, "été.csv"))(folder)


@pytest.mark.parametrize(
    ("spoil", "fault", "says"),
    [
        pytest.param(two_ways_to_write_an_accent, "name-twice", "été.csv", id="two-accents"),
        pytest.param(
            lambda folder: [named("Notes.txt")(folder), named("notes.txt")(folder)], "name-twice", "otes", id="case"
        ),
        pytest.param(named("one\ntwo"), "bad-name", "one\\u000atwo", id="newline"),
        pytest.param(named("a\\b"), "bad-name", "a\\b", id="backslash"),
        pytest.param(named("\u202egnp.exe"), "bad-name", "\\u202egnp.exe", id="backwards"),
        pytest.param(named("\x1b[2J"), "bad-name", "\\u001b[2J", id="for-a-terminal"),
        pytest.param(named("n" * 255), "long-name", "nnn…", id="255-bytes"),
        pytest.param(named("é" * 110), "long-name", "ééé…", id="220-bytes-in-110-letters"),
    ],
)
def test_names_that_cannot_travel_are_said_by_the_exchange_in_her_language(
    served: Served,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    spoil: Callable[[Path], object],
    fault: str,
    says: str,
) -> None:
    spoil(folder)
    before = len(served.stored())
    files = collect(folder.parents[1], TRACK, UNIT)
    words = []
    for who, language in LANGUAGE.items():
        monkeypatch.setenv("PASSERELLE_LANGUAGE", language)
        with pytest.raises(ClientError) as caught:
            Client(served.api, f"token-{who}").submit(TRACK, UNIT, files)
        assert (caught.value.status, caught.value.id) == (422, fault)
        words.append(str(caught.value))

    assert all(says in unicodedata.normalize("NFC", text) for text in words)
    assert words[0] != words[1]
    assert len(served.stored()) == before


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("two words.txt", id="a-space"),
        pytest.param(unicodedata.normalize("NFD", "été.csv"), id="accents-apart"),
        pytest.param("می\u200cخواهم.txt", id="a-joiner-in-a-persian-word"),
        pytest.param("-rf", id="like-an-option"),
        pytest.param("a'b\"c$(d).txt", id="quotes"),
        pytest.param("n" * 200, id="200-bytes"),
    ],
)
def test_names_that_can_travel_come_back_as_they_were(served: Served, folder: Path, name: str) -> None:
    named(name)(folder)
    files = collect(folder.parents[1], TRACK, UNIT)

    receipt = Client(served.api, "token-basil").submit(TRACK, UNIT, files)

    assert unpack(kept(served, receipt["receipt"]).content or b"")[name] == b"hers"
    assert Client(served.api, "token-basil").submission_files(receipt["receipt"]) == files
    free(served, receipt["receipt"])


def free(served: Served, receipt: str) -> None:
    """Let a receipt be marked, as far as the limit of what may wait is concerned."""
    with served.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE job SET state = 'done' WHERE receipt = ?", (receipt,))


@pytest.mark.slow
def test_outputs_of_50_mb_stay_behind_and_her_file_stays_as_it_is(
    served: Served, folder: Path, course_dir: Path
) -> None:
    notebook = json.loads(right())
    picture = {"output_type": "display_data", "metadata": {}, "data": {"image/png": "A" * 5_000_000}}
    notebook["cells"] += [
        {**new_code_cell("1"), "outputs": [picture], "execution_count": number} for number in range(10)
    ]
    written = json.dumps(notebook).encode()
    (folder / NOTEBOOK).write_bytes(written)

    files = collect(folder.parents[1], TRACK, UNIT)
    said = [doubts(files, UNIT, language) for language in LANGUAGE.values()]
    receipt = Client(served.api, "token-acacia").submit(TRACK, UNIT, files)

    assert ("50" in said[0][0], "50 MB" in said[1][0], said[0] != said[1]) == (True, True, True)
    assert (folder / NOTEBOOK).read_bytes() == written
    row = kept(served, receipt["receipt"])
    assert row.size < 100_000
    outcome = mark(course_dir, UNIT, unpack(row.content or b""), learner=LEARNER, limits=QUICK)
    assert points(outcome) == FULL


# The notebook


def edited(change: Callable[[dict[str, Any]], object]) -> bytes:
    notebook = json.loads(right())
    change(notebook)
    return json.dumps(notebook).encode()


def answer(notebook: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(cell for cell in notebook["cells"] if cell["id"] == "answer-mean")
    return found


def nested(levels: int) -> Any:
    made: Any = 1
    for _ in range(levels):
        made = [made]
    return made


def output(data: Any) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {"application/json": data}}


def without_answers(notebook: dict[str, Any]) -> None:
    notebook["cells"] = [cell for cell in notebook["cells"] if not cell["id"].startswith("answer-")]


def in_format_3(notebook: dict[str, Any]) -> None:
    cells = [{"cell_type": "code", "input": cell["source"], "language": "python"} for cell in notebook.pop("cells")]
    notebook.update(nbformat=3, nbformat_minor=0, worksheets=[{"cells": cells}])


REFUSED = [
    pytest.param(b"", "unreadable-notebook", id="empty"),
    pytest.param(b"<html>", "unreadable-notebook", id="a-page"),
    pytest.param(right()[:-20], "unreadable-notebook", id="cut-off"),
    pytest.param(edited(in_format_3), "old-notebook", id="format-3"),
    pytest.param(edited(lambda made: made.update(nbformat=5)), "unreadable-notebook", id="format-5"),
    pytest.param(edited(lambda made: made["metadata"].update(kernelspec={"name": "ir"})), "other-kernel", id="r"),
    pytest.param(
        edited(lambda made: made["metadata"].update(kernelspec={"language": "\ud800julia"})), "other-kernel", id="julia"
    ),
    pytest.param(edited(lambda made: made.update(cells=[])), "no-answers", id="no-cells"),
    pytest.param(edited(without_answers), "no-answers", id="no-answer-cells"),
    pytest.param(edited(lambda made: answer(made).update(source="x = '\ud83d'")), "half-character", id="half-an-emoji"),
    pytest.param(edited(lambda made: answer(made).update(source="#" * 200_001)), "long-cell", id="200001-characters"),
    pytest.param(
        edited(lambda made: made["cells"].extend([new_code_cell("1")] * 1000)), "too-many-cells", id="1000-more-cells"
    ),
    pytest.param(
        edited(lambda made: answer(made).update(outputs=[output([1] * 1_000_001)])),
        "too-many-values",
        id="1000000-values",
    ),
    pytest.param(edited(lambda made: answer(made).update(outputs=nested(70))), "unreadable-notebook", id="70-deep"),
    pytest.param(b'{"x":' * 5_000 + b"1" + b"}" * 5_000, "unreadable-notebook", id="5000-deep"),
    pytest.param(b'{"nbformat": ' + b"4" * 5_000 + b"}", "unreadable-notebook", id="a-number-of-5000-digits"),
    pytest.param(
        edited(lambda made: answer(made).update(cell_type=["code"])), "unreadable-notebook", id="a-list-as-kind"
    ),
    pytest.param(edited(lambda made: answer(made).update(metadata=[])), "unreadable-notebook", id="a-list-as-metadata"),
]


@pytest.mark.parametrize(("content", "fault"), REFUSED)
def test_a_notebook_that_marking_could_not_read_gets_words_and_no_receipt(
    served: Served, content: bytes, fault: str
) -> None:
    refused_in_both_languages(served, pack({NOTEBOOK: content}), 422, fault)


def twice(*keys: str) -> Callable[[dict[str, Any]], None]:
    def change(notebook: dict[str, Any]) -> None:
        for cell in [cell for cell in notebook["cells"] if cell["id"] in keys]:
            notebook["cells"].insert(notebook["cells"].index(cell) + 1, copy.deepcopy(cell))

    return change


def split(notebook: dict[str, Any]) -> None:
    first = answer(notebook)
    second = copy.deepcopy(first)
    first["source"], second["source"] = "total = sum(prices)", "mean_price = total / len(prices)"
    notebook["cells"].insert(notebook["cells"].index(first) + 1, second)


def without_ids(notebook: dict[str, Any]) -> None:
    notebook.update(nbformat_minor=2)
    for cell in notebook["cells"]:
        del cell["id"]


def odd_values(notebook: dict[str, Any]) -> None:
    notebook.update(nbformat_minor=99, nonsense=float("nan"))
    notebook["metadata"]["passerelle"] = float("inf")
    answer(notebook).update(outputs=[output(nested(40)), output("\ud800")], execution_count=float("nan"))
    notebook["cells"][0]["metadata"]["nbgrader"] = [1]
    notebook["cells"].append({**new_code_cell("'\0'"), "metadata": {"nbgrader": {"grade_id": ["x"], "solution": True}}})


def blank(notebook: dict[str, Any]) -> None:
    for cell in notebook["cells"]:
        if cell["id"].startswith("answer-"):
            cell["source"] = ""


TAKEN = [
    pytest.param({NOTEBOOK: edited(without_ids)}, FULL, set(), id="an-old-minor-format"),
    pytest.param({NOTEBOOK: edited(odd_values)}, FULL, set(), id="a-newer-minor-with-odd-values"),
    pytest.param({NOTEBOOK: b"\xef\xbb\xbf" + right()}, FULL, set(), id="a-byte-order-mark"),
    pytest.param(
        {NOTEBOOK: right().replace(b'"cells":', b'"cells": "no list", "cells":', 1)}, FULL, set(), id="a-key-twice"
    ),
    pytest.param({NOTEBOOK: edited(split)}, FULL, {"notice-joined"}, id="a-split-answer"),
    pytest.param({NOTEBOOK: edited(twice("check-mean", "check-double"))}, FULL, set(), id="checks-twice"),
    pytest.param({NOTEBOOK: edited(twice("given-prices", "intro"))}, FULL, set(), id="given-cells-twice"),
    pytest.param({NOTEBOOK: edited(blank)}, {"mean": 0, "double": 0}, set(), id="all-answers-blank"),
    pytest.param({NOTEBOOK: right(), "data": b"no folder"}, FULL, {"files-left-out"}, id="a-file-in-a-folders-place"),
    pytest.param({NOTEBOOK: right(), "unit.json/x": b""}, FULL, {"files-left-out"}, id="a-folder-in-a-files-place"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("files", "earned", "notices"), TAKEN)
def test_what_is_odd_and_can_be_read_is_kept_and_marked(
    served: Served, course_dir: Path, files: dict[str, bytes], earned: dict[str, float], notices: set[str]
) -> None:
    parcel = pack(files)

    answer = send(served, "acacia", parcel)

    assert answer.status_code == 201
    row = kept(served, answer.json()["receipt"])
    assert row.content == parcel
    outcome = mark(course_dir, UNIT, unpack(row.content), learner=LEARNER, limits=QUICK)
    assert outcome.verdict.outcome is Outcome.MARKED
    assert points(outcome) == earned
    assert {notice.id for notice in outcome.verdict.notices} == notices
    free(served, row.id)


def test_what_the_exchange_takes_marking_reads() -> None:
    for case in TAKEN:
        files = case.values[0]
        assert isinstance(files, dict)
        assert rebuild(source(), files[NOTEBOOK]).answers


@pytest.mark.slow
def test_nbgrader_submit_goes_through_the_same_door(tmp_path: Path, course_dir: Path) -> None:
    settings = Settings(data=tmp_path / "data")
    engine = new_ledger(settings)
    with ledger.session(engine) as session:
        parcel = pack({**released(course_dir), f"{HERE}.ipynb": right()})
        releases.put_release(session, THERE, HERE, "1", parcel, title=CARD.title, at=NOW)
    with serve(settings, engine) as served:
        desk = Desk(tmp_path / "home", "basil", served)
        for name, content in unpack(parcel).items():
            (desk.folder / name).parent.mkdir(parents=True, exist_ok=True)
            (desk.folder / name).write_bytes(content)
        os.mkfifo(desk.folder / "pipe")
        refused, why = desk.nbgrader("submit", HERE)
        (desk.folder / "pipe").unlink()
        (desk.folder / f"{HERE}.ipynb").write_bytes(edited(split))
        taken, said = desk.nbgrader("submit", HERE)

        assert (refused != 0, "not a file that can be sent" in why) == (True, True)
        assert taken == 0
        assert said.index("is there 2 times") < said.index("Submitted as")
        assert len(served.stored()) == 1
    engine.dispose()


# The parcel


def many_entries(count: int) -> bytes:
    return zipped((NOTEBOOK, right()), *((f"{number}", b"") for number in range(count)))


def lying(parcel: bytes) -> bytes:
    """Return a parcel whose directory says one file, and holds them all."""
    end = parcel.rindex(b"PK\x05\x06")
    return parcel[: end + 8] + struct.pack("<2H", 1, 1) + parcel[end + 12 :]


@pytest.mark.parametrize(
    ("parcel", "fault"),
    [
        pytest.param(b"", "not-a-parcel", id="nothing"),
        pytest.param(right(), "not-a-parcel", id="a-bare-notebook"),
        pytest.param(pack({NOTEBOOK: right()})[:-40], "not-a-parcel", id="cut-off"),
        pytest.param(pack({}), "no-notebook", id="no-files"),
        pytest.param(many_entries(10_000), "too-many-files", id="10000-files"),
        pytest.param(lying(many_entries(10_000)), "not-a-parcel", id="10000-files-said-to-be-one"),
        pytest.param(zipped((NOTEBOOK, right()), ("zeros", bytes(MAX_BYTES))), "too-big", id="a-bomb"),
        pytest.param(
            zipped((NOTEBOOK, right()), ("zeros", bytes(9_000_000)), kind=zipfile.ZIP_BZIP2), "not-a-parcel", id="bzip2"
        ),
        pytest.param(zipped((NOTEBOOK, b"/etc/passwd"), mode=stat.S_IFLNK | 0o777), "link", id="a-link"),
        pytest.param(zipped((NOTEBOOK, right()), mode=stat.S_IFIFO | 0o644), "not-a-file", id="a-pipe"),
        pytest.param(zipped((NOTEBOOK, right()), mode=stat.S_IFCHR | 0o644), "not-a-file", id="a-device"),
        pytest.param(zipped((NOTEBOOK, right()), ("../../x", b"")), "bad-name", id="a-way-out"),
        pytest.param(zipped((NOTEBOOK, right()), ("/etc/x", b"")), "bad-name", id="from-the-root"),
        pytest.param(zipped((NOTEBOOK, right()), ("a/b/c/d/e/f/g", b"")), "too-deep", id="seven-deep"),
    ],
)
def test_a_parcel_that_is_none_gets_words_and_no_receipt(served: Served, parcel: bytes, fault: str) -> None:
    refused_in_both_languages(served, parcel, 422, fault)


def test_a_parcel_by_another_program_is_kept_as_it_came_and_collected(served: Served) -> None:
    parcel = zipped((NOTEBOOK, right()), mode=0)

    answer = send(served, "basil", parcel)

    assert answer.status_code == 201
    row = kept(served, answer.json()["receipt"])
    assert row.content == parcel
    assert lab_parcel.unpack(parcel) == {NOTEBOOK: right()}
    free(served, row.id)


def test_200_mb_are_refused_by_their_announcement_alone(served: Served) -> None:
    address, before = urlsplit(served.api), len(served.stored())
    head = (
        f"POST {address.path}/submissions/{TRACK}/{UNIT} HTTP/1.1\r\nHost: x\r\nAuthorization: token token-acacia\r\n"
        "Idempotency-Key: key-00000001\r\nContent-Length: 200000000\r\n\r\n"
    )
    with socket.create_connection((address.hostname or "", address.port or 0), timeout=10) as line:
        line.sendall(head.encode())
        said = line.recv(65536)

    assert said.startswith(b"HTTP/1.1 413 ")
    assert json.loads(said.partition(b"\r\n\r\n")[2])["id"] == "too-big"
    assert len(served.stored()) == before


def test_200_mb_without_an_announcement_take_no_200_mb_of_memory(served: Served) -> None:
    def pieces() -> Iterator[bytes]:
        for _ in range(200):
            yield bytes(1_000_000)

    before = len(served.stored())
    tracemalloc.start()
    headers = {"Authorization": "token token-basil", "Idempotency-Key": "key-00000001"}
    answer = requests.post(f"{served.api}/submissions/{TRACK}/{UNIT}", data=pieces(), headers=headers, timeout=20)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert answer.status_code == 400
    assert peak < 50_000_000
    assert len(served.stored()) == before
