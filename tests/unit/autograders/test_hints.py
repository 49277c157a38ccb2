"""The hint ladder: one step after the other, in her language, outlines as code, nothing from a hint runs."""

import json
from pathlib import Path

import pytest

from autograders import hints, ladder, set_language
from autograders.ladder import Ladder

STEPS = [
    {"en": "What about `len`?", "fr": "Et `len` ?"},
    {"en": "A **mean** is a sum.\n\nDivided <script>", "fr": "Une **moyenne**"},
    {"en": "```python\nreturn … < 3\n```", "fr": "return … < 3"},
]


def test_steps_open_one_after_the_other() -> None:
    made = Ladder(STEPS)
    buttons = [one for one in made.widget.children if type(one).__name__ == "Button"]

    assert [one.disabled for one in buttons] == [False, True, True]
    buttons[0].click()
    assert ([one.disabled for one in buttons], made.opened) == ([False, False, True], 1)
    buttons[1].click()
    buttons[2].click()
    assert made.opened == 3


def test_an_outline_is_shown_as_code_and_no_hint_is_markup() -> None:
    texts = [one.value for one in Ladder(STEPS).widget.children if type(one).__name__ == "HTML"][1:]

    assert "<code>len</code>" in texts[0]
    assert "<b>mean</b>" in texts[1]
    assert "&lt;script&gt;" in texts[1]
    assert "<pre><code>return … &lt; 3</code></pre>" in texts[2]
    assert all('role="status"' in text for text in texts)


def test_a_ladder_on_show_follows_the_language(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(ladder, "_on_show", {})
    Path("unit.json").write_text(json.dumps({"hints": {"mean": STEPS}}))
    hints("mean")
    made = ladder._on_show["mean"]
    made.open(0)

    set_language("fr")

    assert "Et <code>len</code>" in made.widget.children[2].value
    assert made.widget.children[1].description == "1 · Un coup de pouce"
    assert made.opened == 1


def test_marking_shows_no_ladder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_BOX", "1")
    monkeypatch.setattr(ladder, "_on_show", {})

    hints("mean")

    assert ladder._on_show == {}


def test_a_task_without_hints_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    hints("mean")

    assert "There are no hints for this task." in capsys.readouterr().out
