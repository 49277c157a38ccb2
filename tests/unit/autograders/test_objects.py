"""Objects that stay where they are, what is drawn, files: the edges that the examples do not show."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from autograders import CheckFailed, expect
from autograders.session import session
from autograders.workbook import NoWorkbookError, rows

Notebook = dict[str, Any]
Said = Callable[[Callable[[], object]], list[str]]


@pytest.fixture(autouse=True)
def _no_window() -> None:
    mpl.use("Agg")


class Counter:
    """A class of hers."""

    def __init__(self, start: int = 0) -> None:
        self.count = start

    def add(self, number: int) -> "Counter":
        """Return itself."""
        self.count += number
        return self

    def say(self, text: str) -> None:
        """Print."""
        print(text, self.count)

    def stop(self) -> None:
        """Not written yet."""
        raise NotImplementedError

    @property
    def half(self) -> float:
        """Stop."""
        return self.count / 0


@pytest.mark.parametrize(
    ("check", "said"),
    [
        pytest.param(lambda: expect.call("Counter", 2).attribute("count").equals(2), [], id="an-attribute"),
        pytest.param(
            lambda: expect("one").call("add", 3).call("add", 4).attribute("count").equals(12), [], id="chained"
        ),
        pytest.param(lambda: expect("one").call("stop"), [], id="nobody-looks"),
        pytest.param(lambda: expect("one").call("stop").equals(1), ["still-to-write"], id="a-method-still-to-write"),
        pytest.param(
            lambda: expect("one").call("add", "x").attribute("count"), ["call-raised"], id="a-method-that-stops"
        ),
        pytest.param(lambda: expect("one").attribute("half").equals(1), ["call-raised"], id="a-property-that-stops"),
        pytest.param(lambda: expect("one").attribute("half").raises(ZeroDivisionError), [], id="an-expected-stop"),
        pytest.param(lambda: expect("one").call("count"), ["method-missing"], id="an-attribute-is-no-method"),
        pytest.param(lambda: expect("one").item(0), ["kind-differs"], id="no-entries"),
        pytest.param(lambda: expect("nobody").call("add", 1), ["name-missing"], id="no-such-name"),
        pytest.param(lambda: expect("unwritten").attribute("count"), ["still-to-write"], id="dots"),
        pytest.param(lambda: expect("names").item(1).equals("Laon"), [], id="an-item-of-a-list"),
        pytest.param(lambda: expect("names").item(2), ["item-missing"], id="no-such-item"),
        pytest.param(lambda: expect("models").item("a").attribute("count").equals(7), [], id="an-object-in-a-dict"),
        pytest.param(lambda: expect("names").call("index", "Laon").equals(1), [], id="a-method-of-plain-data"),
        pytest.param(lambda: expect.call("total", expect("one"), 3).equals(8), [], id="handed-over-itself"),
        pytest.param(lambda: expect("Counter").is_a("class"), [], id="a-class"),
        pytest.param(
            lambda: expect("one").call("say", "x").prints("x").is_a(type(None)), [], id="a-method-that-prints"
        ),
        pytest.param(lambda: expect("one").call("add", "x").raises(TypeError), [], id="a-method-that-should-stop"),
        pytest.param(lambda: expect("one").is_a("class"), ["kind-differs"], id="an-object-is-no-class"),
    ],
)
def test_objects(notebook: Notebook, ids: Said, check: Callable[[], object], said: list[str]) -> None:
    notebook |= {"Counter": Counter, "one": Counter(5), "unwritten": ..., "names": ["Gap", "Laon"]}
    notebook |= {"models": {"a": Counter(7)}, "total": lambda counter, number: counter.count + number}

    assert ids(check) == said


@pytest.mark.parametrize(
    "kind", ["number", "frame", "series", "array", "function", "class", "date", int, bytes, np.ndarray, Counter]
)
def test_every_kind_has_a_name(notebook: Notebook, kind: Any) -> None:
    notebook["x"] = None

    with pytest.raises(CheckFailed) as caught:
        expect("x").is_a(kind)

    assert "kind-" not in str(caught.value)


def test_a_method_s_arguments_are_copies(notebook: Notebook) -> None:
    given = [1]
    notebook["box"] = []

    expect("box").call("append", given)
    given.append(2)

    assert notebook["box"] == [[1]]


@pytest.mark.parametrize(
    "check",
    [
        pytest.param(lambda: expect.call("f", (1, 2), 987).equals(0), id="arguments"),
        pytest.param(lambda: expect("d").item(987).equals(0), id="a-key"),
        pytest.param(lambda: expect("d").item(1987), id="a-key-that-is-not-there"),
        pytest.param(lambda: expect("one").call("add", 987).attribute("count").equals(0), id="a-method-s-arguments"),
        pytest.param(lambda: expect.call("f", (1, 2), 987).item("987"), id="an-entry-of-a-result"),
        pytest.param(lambda: expect("t").column("c987").equals([0]), id="a-column"),
    ],
)
def test_hidden_arguments_and_keys_are_not_said(notebook: Notebook, check: Callable[[], object]) -> None:
    notebook |= {"f": lambda *_: {}, "d": {987: 1}, "one": Counter(), "t": pd.DataFrame({"c987": [1]})}
    session.silent_facts = True

    with pytest.raises(CheckFailed) as caught:
        check()

    assert "987" not in str(caught.value)


# Numbers and arrays


@pytest.mark.parametrize(
    ("found", "expected", "near", "said"),
    [
        pytest.param(101, 100, {"relative": 0.01}, [], id="at-the-edge"),
        pytest.param(102, 100, {"relative": 0.01}, ["value-differs"], id="too-far"),
        pytest.param(102, 100, {"relative": 0.01, "tolerance": 2}, [], id="either"),
        pytest.param(0.001, 0, {"relative": 0.5}, ["value-differs"], id="nothing-is-near-0-relatively"),
        pytest.param([99.5], [100], {"relative": 0.01}, [], id="in-a-list"),
        pytest.param(np.array([99.5, 1]), np.array([100, 1]), {"relative": 0.01}, [], id="in-an-array"),
        pytest.param(np.array([[1.0, 2.0]]), np.array([[1.0, 2.5]]), {}, ["array-item-differs"], id="in-a-grid"),
        pytest.param(np.array([np.nan, np.inf]), np.array([np.nan, np.inf]), {}, [], id="missing-and-infinite"),
        pytest.param(
            np.array([np.inf]), np.array([-np.inf]), {"relative": 1}, ["item-differs"], id="the-other-infinity"
        ),
        pytest.param(np.array([True]), np.array([1]), {}, ["item-differs"], id="true-is-no-number"),
        pytest.param(np.array([2**60]), np.array([2**60 + 1]), {}, ["item-differs"], id="whole-numbers-exactly"),
        pytest.param(float("inf"), 1.0, {"relative": 0.1}, ["value-differs"], id="infinite"),
    ],
)
def test_how_near(
    notebook: Notebook, ids: Said, found: Any, expected: Any, near: dict[str, Any], said: list[str]
) -> None:
    notebook["x"] = found

    assert ids(lambda: expect("x").equals(expected, **near)) == said


# Rules


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        pytest.param(lambda value: value == nobody, NameError, id="a-name-nobody-defined"),  # type: ignore[name-defined] # noqa: F821
        pytest.param(
            lambda _value: np.no_such_thing,  # type: ignore[attr-defined]
            AttributeError,
            id="nothing-of-a-module",
        ),
        pytest.param(lambda _value: __import__("no_such_module"), ImportError, id="no-such-module"),
        pytest.param(lambda _value: eval("1 +"), SyntaxError, id="no-python"),
        pytest.param(lambda: True, TypeError, id="no-parameter"),
        pytest.param("rule", TypeError, id="no-function"),
    ],
)
def test_a_rule_that_cannot_be_right_is_not_her_fault(notebook: Notebook, rule: Any, fault: type[Exception]) -> None:
    notebook["x"] = 3

    with pytest.raises(fault), expect.part(1):
        expect("x").satisfies(rule, else_="rule")


@pytest.mark.parametrize(
    "rule",
    [
        pytest.param(lambda value: value["a"], id="another-kind"),
        pytest.param(lambda value: value.upper(), id="no-such-method"),
        pytest.param(lambda value: 1 / (value - 3), id="a-number-nobody-foresaw"),
        pytest.param(len, id="a-builtin"),
        pytest.param(lambda value: pd.DataFrame({"a": [value]}).query("b > 1"), id="no-such-column"),
    ],
)
def test_a_rule_upset_by_her_data_is_not_met(notebook: Notebook, ids: Said, rule: Callable[[Any], object]) -> None:
    notebook["x"] = 3

    assert ids(lambda: expect("x").satisfies(rule, else_="rule")) == ["rule"]


# Drawings


def _bars(**options: Any) -> Any:
    _figure, axes = plt.subplots()
    axes.bar(["a", "b"], [10, 12], **options)
    return axes


def _with(axes: Any, method: str, *args: Any) -> Any:
    getattr(axes, method)(*args)
    return axes


@pytest.mark.parametrize(
    ("draw", "said"),
    [
        pytest.param(_bars, [], id="from-0"),
        pytest.param(lambda: _with(_bars(), "set_ylim", 9, 13), ["not-from-zero"], id="cut-off"),
        pytest.param(lambda: _with(_bars(), "set_yscale", "log"), ["not-from-zero"], id="logarithmic"),
        pytest.param(lambda: _bars(bottom=5), ["not-from-zero"], id="in-the-air"),
        pytest.param(lambda: _with(_bars(), "set_ylim", 13, 0), [], id="upside-down"),
        pytest.param(lambda: pd.DataFrame({"u": [1, 2], "w": [3, 4]}).plot.bar(stacked=True), [], id="stacked"),
        pytest.param(pd.DataFrame({"u": [1, 2]}).plot.barh, [], id="lying"),
        pytest.param(pd.DataFrame({"u": [-1, -2]}).plot.bar, [], id="below-0"),
    ],
)
def test_bars_begin_at_zero(notebook: Notebook, ids: Said, draw: Callable[[], Any], said: list[str]) -> None:
    notebook["ax"] = draw()
    is_seen = draw is not None and notebook["ax"].get_label() != "a"

    assert is_seen
    assert [one for one in ids(lambda: expect("ax").figure(from_zero=True)) if one != "marks-differ"] == said


def test_what_cannot_be_seen_is_not_drawn(notebook: Notebook, ids: Said) -> None:
    notebook["ax"] = _bars(visible=False)
    notebook["ax"].bar(["a", "b"], [1, 2], alpha=0)
    notebook["ax"].set_title("Towns").set_visible(False)
    notebook["ax"].set_ylabel("people")
    notebook["ax"].axis("off")

    assert ids(lambda: expect("ax").drawn("bars")) == ["marks-differ"]
    notebook["ax"].plot([1, 2])
    assert ids(lambda: expect("ax").figure(title=True)) == ["nothing-written"]
    assert ids(lambda: expect("ax").figure(y=True)) == ["nothing-written"]


def test_dates_are_dates_and_each_chart_of_a_figure_is_one(notebook: Notebook) -> None:
    days = pd.date_range("2024-01-01", periods=3, freq="MS")
    figure, (left, right) = plt.subplots(1, 2)
    pd.Series([1, 2, 3], index=days).plot(ax=left)
    right.scatter(days.to_pydatetime(), [4, 5, 6], label="loans")
    notebook |= {"figure": figure, "right": right, "both": np.array([left, right])}

    for name, panel in (("figure", 2), ("right", None), ("both", 2)):
        expect(name).figure(panels=2, panel=panel, marks="points")
        expect(name).drawn("points", panel=panel).equals(pd.DataFrame({"x": days, "y": [4, 5, 6], "series": "loans"}))
    expect("figure").drawn("line").column("x").equals(pd.Series(days))


def test_a_call_that_draws_nothing_does_not_show_an_older_figure(notebook: Notebook, ids: Said) -> None:
    notebook |= {"idle": [].clear, "draws": lambda: plt.plot([1, 2])}
    plt.title("Old")

    assert ids(lambda: expect.call("idle").figure(title="old")) == ["figure-missing"]
    assert ids(lambda: expect.call("draws").figure(marks="line")) == []
    assert ids(lambda: expect.call("draws").figure(title="old")) == ["nothing-written"]


# Workbooks

_NS = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_LINKS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
SHEET = (
    f'<worksheet {_NS}><sheetData><row><c r="A1" t="s"><v>0</v></c><c r="B1" t="inlineStr"><is><t>people</t></is></c>'
    '</row><row><c r="A2" t="str"><v>Gap</v></c><c r="B2"><f>20+20</f><v>40</v></c></row>'
    '<row><c r="B3" t="b"><v>1</v></c></row></sheetData></worksheet>'
)


def workbook(sheet: str = SHEET) -> bytes:
    """Return a workbook of one sheet."""
    parts = {
        "xl/workbook.xml": f'<workbook {_NS} {_LINKS}><sheets><sheet name="Towns" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/sharedStrings.xml": f"<sst {_NS}><si><t>to</t><r><t>wn</t></r></si></sst>",
        "xl/worksheets/sheet1.xml": sheet,
    }
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in parts.items():
            packed.writestr(name, content)
    return file.getvalue()


def test_a_workbook_is_a_table(ids: Said, tmp_path: Path) -> None:
    (tmp_path / "towns.xlsx").write_bytes(workbook())

    assert rows(workbook(), "Towns") == [["town", "people"], ["Gap", 40], [None, True]]
    assert ids(lambda: expect.file("towns.xlsx").table().frame(columns=["town", "people"], rows=2)) == []
    assert ids(lambda: expect.file("towns.xlsx").table(sheet="Other")) == ["file-unreadable"]


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"PK", id="no-archive"),
        pytest.param(workbook(f'<!DOCTYPE x [<!ENTITY a "b">]>{SHEET}'), id="entities"),
        pytest.param(workbook(" " * 30_000_000 + SHEET), id="a-bomb"),
        pytest.param(workbook(SHEET.replace("B3", "XFD1048576")), id="a-far-cell"),
        pytest.param(workbook(SHEET.replace("<v>0</v>", "<v>7</v>")), id="text-that-is-not-there"),
        pytest.param(workbook("<worksheet/>"), id="nothing"),
    ],
)
def test_a_hostile_workbook_is_refused(content: bytes) -> None:
    with pytest.raises(NoWorkbookError):
        rows(content)
