"""Typed data: what crosses keeps its exact type; what does not is opaque; what is hostile is refused."""

import datetime
import decimal
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograders.typed import MAX_NODES, Opaque, pack
from autograders.untyped import GarbledError, unpack


def crossed(value: Any) -> Any:
    return unpack(json.loads(json.dumps(pack(value))))


class LyingInt(int):
    __hash__ = int.__hash__

    def __eq__(self, other: object) -> bool:
        return True


class LyingFrame(pd.DataFrame):
    def equals(self, other: object) -> bool:
        return True


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        3,
        2**1000,
        1.5,
        float("inf"),
        "é",
        [1, [2]],
        (1, (2,)),
        {"a": [1], 2: None, (1, 2): 3},
        {1, 2},
        pytest.param(frozenset("ab"), id="frozenset"),  # its repr is another one in each process
        b"\x00\xff",
        datetime.date(2026, 11, 21),
        datetime.datetime(2026, 11, 21, 18, 30, tzinfo=datetime.UTC),
        datetime.time(1, 2),
        datetime.timedelta(days=1, seconds=2),
        decimal.Decimal("1.10"),
        2 + 3j,
        range(1, 9, 2),
        ...,
        np.float64(1.5),
        np.int32(3),
        np.bool_(True),
        np.str_("é"),
        np.datetime64("2026-11-21"),
        pd.Timestamp("2026-11-21", tz="Europe/Paris"),
        pd.Timedelta("1h"),
        pd.NA,
    ],
    ids=repr,
)
def test_a_value_comes_back_as_itself(value: Any) -> None:
    back = crossed(value)

    assert type(back) is type(value)
    assert back is value or back == value


def test_arrays_come_back_with_kind_and_shape() -> None:
    for array in (np.arange(6).reshape(2, 3), np.array(["a", None], dtype=object), np.zeros((0, 2), dtype="float32")):
        back = crossed(array)

        assert back.dtype == array.dtype
        assert back.shape == array.shape
        assert (back == array).all()


def test_frames_come_back_with_index_and_kinds() -> None:
    frame = pd.DataFrame(
        {
            "whole": [1, 2, 3],
            "decimal": [1.5, None, 2],
            "text": ["x", None, "z"],
            "date": pd.to_datetime(["2026-01-01"] * 3),
            "zone": pd.to_datetime(["2026-01-01"] * 3).tz_localize("Europe/Paris"),
            "category": pd.Categorical(["u", "v", "u"]),
            "nullable": pd.array([1, None, 2], dtype="Int64"),
            "yes": [True, False, True],
            "mixed": [[1], {"k": 2}, None],
        },
        index=[7, 3, 12],
    )

    pd.testing.assert_frame_equal(crossed(frame), frame)
    pd.testing.assert_series_equal(crossed(frame["decimal"]), frame["decimal"])
    grouped = frame.groupby(["text", "yes"])[["whole"]].agg(["sum", "mean"])
    pd.testing.assert_frame_equal(crossed(grouped), grouped)


def test_columns_of_one_name_cross() -> None:
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])

    pd.testing.assert_frame_equal(crossed(frame), frame)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param(LyingInt(3), "LyingInt", id="a-number-that-lies"),
        pytest.param(LyingFrame({"a": [1]}), "LyingFrame", id="a-table-that-lies"),
        pytest.param(type("int", (int,), {})(3), "int", id="a-class-with-a-borrowed-name"),
        pytest.param(print, "builtin_function_or_method", id="a-builtin"),
        pytest.param(lambda: 1, "function", id="a-function"),
        pytest.param(iter([1]), "list_iterator", id="an-iterator"),
        pytest.param(type("<b>" + "x" * 99, (), {})(), "<b>" + "x" * 57, id="a-long-name"),
    ],
)
def test_anything_else_is_opaque(value: Any, kind: str) -> None:
    back = crossed(value)

    assert type(back) is Opaque
    assert (back.kind, back == 3) == (kind, False)


def test_a_lie_inside_a_list_is_opaque_too() -> None:
    assert type(crossed([LyingInt(3)])[0]) is Opaque


@pytest.mark.parametrize("value", [[0] * (MAX_NODES + 1), "x" * 9_000_000, np.zeros(2_000_000), 2**5000])
def test_too_much_does_not_cross(value: Any) -> None:
    back = crossed(value)

    assert type(back) is Opaque
    assert back.too_big


def test_what_holds_itself_does_not_cross() -> None:
    loop: list[Any] = []
    loop.append(loop)

    assert crossed(loop).too_big


def test_a_lone_surrogate_does_not_survive() -> None:
    assert crossed("a\ud800b") == "a?b"


@pytest.mark.parametrize(
    "data",
    [
        {"t": "object"},
        {"t": None},
        {"v": []},
        {"t": "tuple", "v": {}},
        {"t": "dict", "v": [[1]]},
        {"t": "array", "d": "|O", "s": [1], "b": "AAAAAAAAAAA="},
        {"t": "array", "d": "<i8", "s": [3], "b": "AAAA"},
        {"t": "array", "d": "<i8" * 50, "s": [1], "b": ""},
        {"t": "scalar", "d": "<i8", "b": ""},
        {"t": "frame", "i": {"r": [0, 1, 1], "n": [None]}, "c": {"v": [], "n": []}, "v": []},
        {"t": "series", "n": None, "i": {"r": [0, 10**12, 1], "n": [None]}, "v": {"k": "text", "v": []}},
        {"t": "series", "n": None, "i": {"r": [0, 1, 1], "n": [None]}, "v": {"k": "exec", "v": []}},
        {"t": "series", "n": None, "i": {"r": [0, 1, 1], "n": [None]}, "v": {"k": "masked", "d": "object", "v": [1]}},
        {"t": "Decimal", "v": "x"},
        {"t": "date", "v": "x"},
        {"t": "Timestamp", "v": 3},
    ],
    ids=repr,
)
def test_hostile_data_are_refused(data: Any) -> None:
    with pytest.raises(GarbledError):
        unpack(data)


def test_data_nested_without_end_are_refused() -> None:
    data: Any = 1
    for _ in range(500):
        data = [data]

    with pytest.raises(GarbledError):
        unpack(data)


@pytest.mark.parametrize("shape", [[10**9, 0], [0, 10**9], [10**5, 10**5, 0], [-1, 3]])
@pytest.mark.parametrize("content", [{"d": "<f8", "b": ""}, {"v": []}])
def test_an_empty_array_is_not_a_thousand_million_empty_rows(shape: list[int], content: dict[str, Any]) -> None:
    with pytest.raises(GarbledError):
        unpack({"t": "array", "s": shape, **content})


def test_a_range_without_end_is_more_than_a_check_can_look_at() -> None:
    far, near = crossed(range(10**12)), crossed(range(0, 10**12, 10**11))

    assert type(far) is Opaque
    assert far.too_big
    assert near == range(0, 10**12, 10**11)


@pytest.mark.parametrize("kind", ["set", "frozenset", "dict"])
def test_keys_that_collide_are_refused_before_each_is_compared_with_all(kind: str) -> None:
    colliding = [number * (2**61 - 1) for number in range(1, 20_000)]
    items: list[Any] = [[key, 0] for key in colliding] if kind == "dict" else list(colliding)

    with pytest.raises(GarbledError):
        unpack({"t": kind, "v": items})

    assert len(unpack({"t": "set", "v": list(range(20_000))})) == 20_000


def test_garbled_data_is_nothing_that_a_check_catches() -> None:
    assert not issubclass(GarbledError, Exception)
