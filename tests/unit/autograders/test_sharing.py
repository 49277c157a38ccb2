"""Shared objects: they keep their identity across, and a hostile side cannot put anything in the place of ours."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograders.sharing import Table
from autograders.untyped import GarbledError


class Side(Table):
    """A side on which everything that stays is told by its type's name."""

    def describe(self, value: Any, pack: Callable[[Any, int], Any]) -> dict[str, Any]:
        return {"t": "handle", "c": None, "name": type(value).__name__}

    def stand_in(self, data: Mapping[str, Any]) -> Any:
        return ("stands for", data["name"])


@pytest.fixture
def sides() -> tuple[Side, Side]:
    return Side("b"), Side("e")


def test_one_list_stays_one_list(sides: tuple[Side, Side]) -> None:
    hers, ours = sides
    rows = [1, 2]

    first, second = ours.unpack(hers.pack(rows)), ours.unpack(hers.pack(rows))

    assert first is second
    assert hers.unpack(ours.pack(first)) is rows


def test_what_one_side_changes_changes_on_the_other(sides: tuple[Side, Side]) -> None:
    hers, ours = sides
    rows = {"a": [1]}
    here = ours.unpack(hers.pack(rows))
    inner = here["a"]

    rows["a"].append(2)
    for change in hers.changes():
        ours.unpack(change)
    inner.append(3)
    for change in ours.changes():
        hers.unpack(change)

    assert here == {"a": [1, 2, 3]}
    assert rows == {"a": [1, 2, 3]}


def test_nothing_is_said_of_what_has_not_changed(sides: tuple[Side, Side]) -> None:
    hers, _ours = sides
    hers.pack([pd.DataFrame({"a": [1]}), np.zeros(3), [object()]])

    assert hers.changes() == []


@pytest.mark.parametrize("change", [lambda a: a.__setitem__(0, 9.0), lambda a: a.sort()], ids=["item", "order"])
def test_an_array_changes_in_place(sides: tuple[Side, Side], change: Callable[[Any], None]) -> None:
    hers, ours = sides
    array = np.array([3.0, 1.0])
    here = ours.unpack(hers.pack(array))

    change(array)
    (said,) = hers.changes()
    ours.unpack(said)

    assert here.tolist() == array.tolist()


def test_a_list_may_hold_itself(sides: tuple[Side, Side]) -> None:
    hers, ours = sides
    rows: list[Any] = [1]
    rows.append(rows)

    here = ours.unpack(hers.pack(rows))

    assert here[1] is here


@pytest.mark.parametrize(
    "said",
    [
        {"t": "ref", "r": "e0", "v": {"t": "dict", "v": []}},
        {"t": "ref", "r": "e7"},
        {"t": "ref", "r": "e7", "v": [1]},
        {"t": "handle", "r": "e0", "c": None, "name": "x"},
        {"t": "ref", "r": 5},
        {"t": "type", "n": "os.system"},
        {"t": "ref", "r": "b1", "v": {"t": "state", "k": "Generator", "v": {"t": "dict", "v": []}}},
    ],
)
def test_what_is_ours_stays_what_it_is(sides: tuple[Side, Side], said: Any) -> None:
    _hers, ours = sides
    mine = [1, 2]
    assert ours.pack(mine)["r"] == "e0"

    with pytest.raises(GarbledError):
        ours.unpack(said)

    assert mine == [1, 2]


def test_what_is_too_big_stays_where_it_is(sides: tuple[Side, Side]) -> None:
    hers, ours = sides

    assert ours.unpack(hers.pack(list(range(400_000)))) == ("stands for", "list")
