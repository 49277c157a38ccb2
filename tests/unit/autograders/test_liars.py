"""Nothing that lies gains anything, whatever the word: every check that is met is asked of liars in her answer's place.

A new word brings its examples (scripts/vocabulary_examples.py), and is tried here without a further line.
"""

import copy
import inspect
import json
import re
import types
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograders import answers
from autograders.session import session
from autograders.typed import pack
from scripts.vocabulary import Example, notebook, public_words, said
from scripts.vocabulary_examples import EXAMPLES

NAMED = re.compile(r'expect(?:\.call)?\("(\w+)"')
HOLDERS = (list, tuple, dict, pd.DataFrame, pd.Series, np.ndarray)
ABOUT_THE_WHOLE = {"Expectation.length", "Expectation.array"}
"""Words that ask nothing of what is inside."""


class Liar:
    """Equal to everything, of any class, with any attribute, entry and method, all of them liars."""

    truth: Any = None

    def __init__(self, *_: object, **_more: object) -> None:
        """Take anything."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return Liar()

    def __call__(self, *_: object, **_more: object) -> "Liar":
        return Liar()

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    def __iter__(self) -> Iterator[Any]:
        return iter([Liar(), Liar()])

    def _always(self, *_: object) -> bool:
        return True

    def __repr__(self) -> str:
        return repr(Liar.truth)

    def __getitem__(self, key: object) -> "Liar":
        return Liar()

    def __len__(self) -> int:
        return 2

    def __hash__(self) -> int:
        return hash(json.dumps(repr(Liar.truth)))

    locals()["__class__"] = property(lambda _self: type(Liar.truth))
    __bool__ = __contains__ = __lt__ = __le__ = __gt__ = __ge__ = __instancecheck__ = _always


def _a_subclass(value: Any) -> Any:
    """Return an object of a subclass named as its base, empty, equal to everything."""
    kind = type(value)
    lies: dict[str, Any] = {"__eq__": lambda *_: True, "__ne__": lambda *_: False, "__hash__": object.__hash__}
    lies["__len__"] = lambda *_: 2
    try:
        return type(kind.__name__, (kind,), lies)()
    except TypeError:
        return Liar()


def _full_of_liars(value: Any) -> Any:
    """Return a container of just the right type and size whose contents lie."""
    if type(value) in (list, tuple):
        return type(value)(Liar() for _ in value)
    if type(value) is dict:
        return {key: Liar() for key in value}
    if type(value) is np.ndarray:
        return np.array([Liar() for _ in value], dtype=object)
    liars = pd.Series([Liar() for _ in range(len(value))], dtype=object, index=value.index)
    return pd.DataFrame(dict.fromkeys(value.columns, liars)) if type(value) is pd.DataFrame else liars


def _lies(value: Any, word: str) -> dict[str, Any]:
    """Return what may stand in the place of a value."""
    if isinstance(value, types.FunctionType) and word == "Expectation.is_a":
        return {"a-liar": Liar()}
    if isinstance(value, types.FunctionType):

        def hers(*_: object, **_more: object) -> Any:
            return Liar()

        def raises(*_: object, **_more: object) -> Any:
            raise type("ValueError", (Exception,), {"__str__": lambda _self: "18"})

        return {"gives-a-liar": hers, "gives-a-function": lambda *_, **_more: Liar, "raises-a-liar": raises}
    if inspect.isclass(value):
        return {"a-liar-class": Liar, "a-liar": Liar()}
    lies = {"a-liar": Liar(), "a-subclass": _a_subclass(value), "a-class": Liar}
    if type(value) in HOLDERS and word not in ABOUT_THE_WHOLE:
        lies["full-of-liars"] = _full_of_liars(value)
    return lies


def _names(check: str, names: Mapping[str, Any]) -> list[str]:
    return [name for name in dict.fromkeys(NAMED.findall(check)) if name in names]


@pytest.mark.parametrize("one", EXAMPLES, ids=lambda one: one.word)
def test_a_liar_in_the_place_of_her_answer_gains_nothing(one: Example) -> None:
    tried = 0
    for check in one.accepts:
        with notebook(one.hers) as names:
            for name in _names(check, names):
                truth = Liar.truth = names[name]
                for lie, liar in _lies(truth, one.word).items():
                    names[name] = liar
                    assert said(check, "en"), f"{lie} in the place of {name} meets {check}"
                    tried += 1
                names[name] = truth
    for hers in one.liars:
        for check in one.accepts:
            with notebook(hers):
                assert said(check, "en"), f"{hers} meets {check}"
                tried += 1

    assert tried


def test_every_word_is_tried() -> None:
    tried = {one.word for one in EXAMPLES if one.liars or any(NAMED.search(check) for check in one.accepts)}

    assert tried == set(public_words())


CHART = {
    "panels": [
        {
            "title": "Towns",
            "x": {"title": "town", "scale": "linear", "limits": [0, 1]},
            "y": {"title": "people", "scale": "linear", "limits": [0, 9]},
            "legend": [],
            "texts": [],
            "marks": [{"kind": "bars", "series": "", "data": {"label": ["a"], "value": [3], "base": [0]}}],
        }
    ],
    "title": "",
    "own": 0,
}


class Hostile:
    """A box that answers what it likes."""

    def __init__(self, value: Any, **more: Any) -> None:
        self._answer = {"state": "value", "value": pack(value), **more}

    def get(self, _name: str) -> dict[str, Any]:
        return self._answer

    def call(self, *_: object, **_more: object) -> dict[str, Any]:
        return self._answer

    def ask(self, _question: object) -> dict[str, Any]:
        return self._answer

    def page(self, _question: object) -> dict[str, Any]:
        return self._answer

    def forget(self) -> None:
        """Remember nothing."""


def _changed(path: str, value: Any) -> Any:
    chart = copy.deepcopy(CHART)
    *way, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
    inner: Any = chart
    for step in way:
        inner = inner[step]
    inner[last] = value
    return chart


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("panels", {}),
        ("panels", []),
        ("panels.0", "bars"),
        ("panels.0.title", True),
        ("panels.0.y", None),
        ("panels.0.y.limits", ["low", "high"]),
        ("panels.0.y.limits", []),
        ("panels.0.marks", "bars"),
        ("panels.0.marks.0.kind", ["bars"]),
        ("panels.0.marks.0.data", []),
        ("panels.0.marks.0.data.value", [True]),
        ("panels.0.marks.0.data.value", [1, 2]),
        ("panels.0.marks.0.data.base", [float("nan")]),
        ("panels.0.marks.0.data.base", ["0"]),
    ],
)
def test_a_forged_drawing_is_read_as_hostile(monkeypatch: pytest.MonkeyPatch, path: str, value: Any) -> None:
    monkeypatch.setattr(session, "source", Hostile(_changed(path, value)))
    met = 'expect("ax").figure(marks="bars", title="towns", from_zero=True)'

    assert said(met, "en")


@pytest.mark.parametrize("state", ["callback", "unsupported", "closed", "", None, 3])
def test_an_answer_of_another_state_is_no_answer(monkeypatch: pytest.MonkeyPatch, state: object) -> None:
    monkeypatch.setattr(session, "source", Hostile(3, state=state))

    for check in (
        'expect("x").equals(3)',
        'expect("x").attribute("y").equals(3)',
        'expect("x").call("y")',
        'expect.file("x").exists()',
    ):
        assert said(check, "en")


def test_the_liars_lie_well() -> None:
    """Plain asserts would believe them."""
    Liar.truth = 36.7

    assert Liar() == 37
    assert isinstance(Liar(), float)
    assert repr(Liar()) == "36.7"
    assert answers.get({"x": Liar()}, "x") == {"state": "value", "value": {"t": "opaque", "kind": "Liar"}}
