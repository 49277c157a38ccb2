import os
import subprocess
import sys

import pytest

from passerelle.grading.redirect import REFUSED, announce_manual_marks, config_text, install_in, queue_marking
from passerelle.grading.words import catalogue, words
from passerelle.model.errors import ServiceError
from tests.unit.grading.asked import service
from tests.unit.grading.desk import CHECK, UNIT, Desk


def nbgrader(desk: Desk, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PASSERELLE_", "JUPYTERHUB_"))}
    kept |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "JUPYTER_NO_CONFIG": "1"}
    return subprocess.run(
        [sys.executable, "-m", "nbgrader", *arguments],
        cwd=desk.course_dir, env=kept | environment, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_nbgrader_s_autograding_is_refused_with_a_word_why(desk: Desk) -> None:
    desk.record(desk.submit(desk.files()))
    install_in(desk.course_dir)
    before = desk.grade(CHECK)

    done = nbgrader(desk, "autograde", UNIT, "--force")

    assert done.returncode != 0
    assert REFUSED in done.stderr
    assert desk.grade(CHECK) == before
    assert (desk.course_dir / "autograded/acacia/mini/mini.ipynb").is_file()


@pytest.mark.slow
def test_in_the_course_s_own_server_it_queues_our_marking(desk: Desk) -> None:
    install_in(desk.course_dir)
    with service() as platform:
        done = nbgrader(
            desk, "autograde", UNIT, "--student=acacia",
            PASSERELLE_API=platform.address, PASSERELLE_TRACK="demo", JUPYTERHUB_API_TOKEN="secret",
        )  # fmt: skip

    assert done.returncode == 0, done.stderr
    content = {"units": [UNIT], "handles": ["acacia"]}
    assert platform.asked == [("/services/passerelle/api/marking/demo", "token secret", content)]
    assert "1 submissions of mini are queued" in done.stderr


@pytest.mark.slow
def test_the_rest_of_nbgrader_goes_on_working_with_clean_feedback(desk: Desk) -> None:
    desk.record(desk.submit(desk.files(words="**fine** [x](javascript:alert(2)) <script>alert(1)</script>")))
    install_in(desk.course_dir)

    done = nbgrader(desk, "generate_feedback", UNIT)

    assert done.returncode == 0, done.stderr
    page = (desk.course_dir / "feedback/acacia/mini/mini.html").read_text()
    assert "<strong>fine</strong>" in page
    assert "alert(" not in page


@pytest.mark.slow
def test_a_python_without_passerelle_refuses_too(desk: Desk) -> None:
    install_in(desk.course_dir)
    blocked = 'import sys; sys.modules["passerelle"] = None; from nbgrader.apps.nbgraderapp import main; main()'
    done = subprocess.run(
        [sys.executable, "-c", blocked, "autograde", UNIT],
        cwd=desk.course_dir, env=os.environ | {"JUPYTER_NO_CONFIG": "1"}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode != 0
    assert REFUSED in done.stderr


def test_installing_twice_changes_nothing(desk: Desk) -> None:
    install_in(desk.course_dir)
    once = (desk.course_dir / "nbgrader_config.py").read_text()
    install_in(desk.course_dir)

    assert (desk.course_dir / "nbgrader_config.py").read_text() == once
    assert once.endswith(config_text())


def test_a_service_that_does_not_answer_is_a_fault_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_API", "http://127.0.0.1:9/api")
    monkeypatch.setenv("PASSERELLE_TRACK", "demo")

    with pytest.raises(ServiceError, match="does not answer"):
        announce_manual_marks()


def test_a_service_that_refuses_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with service() as platform:
        platform.status = 403
        monkeypatch.setenv("PASSERELLE_API", platform.address)
        monkeypatch.setenv("PASSERELLE_TRACK", "demo")

        with pytest.raises(ServiceError, match="answered 403"):
            queue_marking([UNIT], None)


def test_every_sentence_is_in_the_catalogue() -> None:
    from passerelle.grading import redirect
    from passerelle.grading.feedback import TEMPLATES

    template = (TEMPLATES / "feedback" / "index.html.j2").read_text()
    for sentence in (redirect.QUEUED, redirect.NOT_QUEUED, redirect.REFUSED):
        assert words(sentence, "fr") != sentence
    unused = [text for text in catalogue("fr") if text not in template and text not in vars(redirect).values()]
    assert unused == ["No response."]
