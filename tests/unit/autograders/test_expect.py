"""The words of check cells: what is met, and what is said where it is not."""

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from autograders import CheckFailed, expect
from autograders.failure import Fact
from autograders.session import session

Notebook = dict[str, Any]
Said = Callable[[Callable[[], object]], list[str]]
NAN = float("nan")


def failure(check: Callable[[], object]) -> Fact:
    with pytest.raises(CheckFailed) as caught:
        check()
    return caught.value.facts[0]


class AlwaysEqual:
    __hash__ = object.__hash__

    def __eq__(self, other: object) -> bool:
        return True


class EqualFrame(pd.DataFrame):
    pass


@pytest.mark.parametrize(
    ("found", "expected", "said"),
    [
        pytest.param(3, 3, [], id="a-whole-number"),
        pytest.param(3.0, 3, [], id="a-decimal-of-the-same-value"),
        pytest.param(np.float64(3), 3, [], id="a-numpy-number"),
        pytest.param(0.1 + 0.2, 0.3, [], id="rounding-of-the-machine"),
        pytest.param(True, 1, ["kind-differs"], id="true-is-no-number"),
        pytest.param(1, True, ["kind-differs"], id="a-number-is-not-true"),
        pytest.param("3", 3, ["kind-differs"], id="text-is-no-number"),
        pytest.param(4, 3, ["value-differs"], id="another-number"),
        pytest.param(2**60, 2**60 + 1, ["value-differs"], id="large-whole-numbers-are-exact"),
        pytest.param(NAN, NAN, [], id="missing-equals-missing"),
        pytest.param(NAN, 3, ["value-differs"], id="missing-is-no-value"),
        pytest.param("Gap", "Gap", [], id="text"),
        pytest.param("gap", "Gap", ["value-differs"], id="text-exactly"),
        pytest.param([1, 2.0], [1.0, 2], [], id="a-list"),
        pytest.param([1, 2], (1, 2), ["kind-differs"], id="a-list-is-no-tuple"),
        pytest.param([1], [1, 2], ["length-differs"], id="a-shorter-list"),
        pytest.param([2, 1], [1, 2], ["item-differs"], id="a-list-has-an-order"),
        pytest.param([True], [1], ["item-differs"], id="true-in-a-list-is-no-number"),
        pytest.param({1, 2}, {2, 1}, [], id="a-set"),
        pytest.param({True}, {1}, ["value-differs"], id="true-in-a-set-is-no-number"),
        pytest.param({"a": np.int64(1)}, {"a": 1}, [], id="a-dict"),
        pytest.param({"a": 1}, {"a": 1, "b": 2}, ["keys-missing"], id="a-key-missing"),
        pytest.param({"a": 1, "b": 2}, {"a": 1}, ["keys-extra"], id="a-key-too-many"),
        pytest.param({"a": 2}, {"a": 1}, ["entry-differs"], id="another-entry"),
        pytest.param({True: 2}, {1: 2}, ["keys-missing"], id="true-as-a-key-is-no-number"),
        pytest.param(np.array([1, 2]), np.array([1, 2]), [], id="an-array"),
        pytest.param(np.array([1, 2]), np.array([[1, 2]]), ["shape-differs"], id="another-shape"),
        pytest.param(np.datetime64(8, "ns"), 8, ["kind-differs"], id="a-time-is-no-number"),
        pytest.param(8, np.timedelta64(8, "ns"), ["kind-differs"], id="a-number-is-no-duration"),
        pytest.param(np.timedelta64(8, "ns"), np.datetime64(8, "ns"), ["value-differs"], id="a-duration-is-no-time"),
        pytest.param(np.datetime64(8, "ns"), np.datetime64(8, "ns"), [], id="a-time"),
        pytest.param([np.datetime64(8, "ns")], [8], ["item-differs"], id="a-time-in-a-list-is-no-number"),
        pytest.param(np.array([8], "M8[ns]"), np.array([8]), ["item-differs"], id="times-are-no-numbers"),
        pytest.param(np.array([8]), np.array([8], "m8[ns]"), ["item-differs"], id="numbers-are-no-durations"),
        pytest.param(np.array([8], "m8[ns]"), np.array([8], "M8[ns]"), ["item-differs"], id="durations-are-no-times"),
        pytest.param(np.array([8], "M8[ns]"), np.array([8], "M8[ns]"), [], id="times"),
        pytest.param(np.array(["NaT"], "M8[ns]"), np.array(["NaT"], "M8[ns]"), [], id="missing-times"),
        pytest.param(np.array([True]), np.array([1]), ["item-differs"], id="true-in-an-array-is-no-number"),
        pytest.param(AlwaysEqual(), 3, ["kind-differs"], id="an-object-equal-to-all"),
        pytest.param([AlwaysEqual()], [3], ["item-differs"], id="an-object-equal-to-all-in-a-list"),
        pytest.param(type("int", (int,), {"__eq__": lambda *_: True})(4), 3, ["kind-differs"], id="a-subclass"),
        pytest.param(10**400, 3, ["value-differs"], id="a-number-too-large-for-a-float"),
        pytest.param(10**400, 3.5, ["value-differs"], id="a-number-too-large-beside-a-decimal"),
    ],
)
def test_equals(notebook: Notebook, ids: Said, found: Any, expected: Any, said: list[str]) -> None:
    notebook["x"] = found

    assert ids(lambda: expect("x").equals(expected)) == said


@pytest.mark.parametrize(("found", "said"), [(3.04, []), (3.06, ["value-differs"]), (2.95, [])])
def test_a_tolerance_is_absolute_and_its_edge_counts(
    notebook: Notebook, ids: Said, found: float, said: list[str]
) -> None:
    notebook["x"] = found

    assert ids(lambda: expect("x").equals(3.0, tolerance=0.05)) == said


def table(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame(columns)


TOWNS = table(town=["Gap", "Laon", "Sens"], people=[40, 20, 30])


@pytest.mark.parametrize(
    ("found", "options", "said"),
    [
        pytest.param(TOWNS, {}, [], id="the-table"),
        pytest.param(TOWNS[["people", "town"]], {}, [], id="columns-in-another-order"),
        pytest.param(TOWNS.iloc[::-1], {}, [], id="rows-in-another-order"),
        pytest.param(TOWNS.iloc[::-1], {"order": True}, ["cell-differs"], id="rows-in-order-where-asked"),
        pytest.param(TOWNS.set_axis([7, 8, 9]), {}, [], id="the-index-does-not-count"),
        pytest.param(TOWNS.set_axis([7, 8, 9]), {"index": True}, ["some-rows-differ"], id="the-index-where-asked"),
        pytest.param(TOWNS.astype({"people": "float"}), {}, [], id="values-not-dtypes"),
        pytest.param(TOWNS.astype({"town": "category"}), {}, [], id="a-category-is-text"),
        pytest.param(TOWNS.assign(x=1), {}, [], id="a-column-more"),
        pytest.param(TOWNS.assign(x=1), {"extra": False}, ["columns-extra"], id="a-column-more-where-forbidden"),
        pytest.param(TOWNS[["town"]], {}, ["columns-missing"], id="a-column-missing"),
        pytest.param(TOWNS.iloc[:2], {}, ["rows-differ"], id="a-row-missing"),
        pytest.param(TOWNS.assign(people=[40, 20, 31]), {}, ["some-rows-differ"], id="another-value"),
        pytest.param(TOWNS.assign(people=[40, 20, 31]), {"tolerance": 1}, [], id="another-value-within-tolerance"),
        pytest.param(TOWNS.assign(people=["40", "20", "30"]), {}, ["some-rows-differ"], id="numbers-as-text"),
        pytest.param(TOWNS.set_index("town"), {"key": "town"}, [], id="a-key-in-the-index"),
        pytest.param(TOWNS.set_index("town"), {}, ["columns-missing"], id="an-index-is-no-column"),
        pytest.param(TOWNS["people"], {}, ["kind-differs"], id="a-series-is-no-table"),
        pytest.param(EqualFrame(TOWNS), {}, ["kind-differs"], id="a-subclass-is-no-table"),
        pytest.param(TOWNS.to_dict(), {}, ["kind-differs"], id="a-dict-is-no-table"),
    ],
)
def test_tables(notebook: Notebook, ids: Said, found: Any, options: dict[str, Any], said: list[str]) -> None:
    notebook["towns"] = found

    assert ids(lambda: expect("towns").equals(TOWNS, **options)) == said


def test_rows_that_occur_twice_must_occur_twice(notebook: Notebook, ids: Said) -> None:
    notebook["x"] = table(a=[1, 1, 2])

    assert ids(lambda: expect("x").equals(table(a=[1, 2, 2]))) == ["some-rows-differ"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param({"columns": ["people"], "rows": 3}, [], id="met"),
        pytest.param({"columns": ["price"]}, ["columns-missing"], id="no-such-column"),
        pytest.param({"columns": ["people", "town"], "order": True}, ["columns-order"], id="order-where-asked"),
        pytest.param({"columns": ["people"], "extra": False}, ["columns-extra"], id="no-others"),
        pytest.param({"rows": 4}, ["rows-differ"], id="other-rows"),
        pytest.param({"kinds": {"people": "whole", "town": "text"}}, [], id="kinds"),
        pytest.param({"kinds": {"people": "text"}}, ["column-kind"], id="another-kind"),
        pytest.param({"key": "region"}, ["columns-missing"], id="no-key"),
    ],
)
def test_frame(notebook: Notebook, ids: Said, words: dict[str, Any], said: list[str]) -> None:
    notebook["towns"] = TOWNS

    assert ids(lambda: expect("towns").frame(**words)) == said


def test_columns_and_series(notebook: Notebook, ids: Said) -> None:
    notebook["towns"] = TOWNS
    notebook["counts"] = TOWNS.set_index("town")["people"]

    assert ids(lambda: expect("towns").column("people").numbers().equals([40, 20, 30])) == []
    assert ids(lambda: expect("towns").column("people").text()) == ["kind-differs"]
    assert ids(lambda: expect("towns").column("town").text()) == []
    assert ids(lambda: expect("towns").column("price")) == ["columns-missing"]
    assert ids(lambda: expect("counts").equals({"Sens": 30, "Gap": 40, "Laon": 20})) == []
    assert ids(lambda: expect("counts").item("Gap").equals(41)) == ["value-differs"]
    assert ids(lambda: expect("counts").series(kind="whole", rows=3, named="people")) == []
    assert failure(lambda: expect("towns").column("people").equals([1, 2, 3])).args["name"] == 'towns["people"]'


def test_items(notebook: Notebook, ids: Said) -> None:
    notebook["profile"] = {"towns": 3, "none": None}

    assert ids(lambda: expect("profile").item("towns").equals(3)) == []
    assert ids(lambda: expect("profile").item("none").equals(3)) == ["kind-differs"]
    assert ids(lambda: expect("profile").item("people")) == ["keys-missing"]
    assert ids(lambda: expect("profile").item("towns").item("x")) == ["kind-differs"]


@pytest.mark.parametrize(
    ("check", "said"),
    [
        pytest.param(lambda x: x.is_a("number"), [], id="a-number"),
        pytest.param(lambda x: x.is_a(int), [], id="whole"),
        pytest.param(lambda x: x.is_a(float, str), ["kind-differs"], id="neither"),
        pytest.param(lambda x: x.is_a(bool), ["kind-differs"], id="no-bool"),
        pytest.param(lambda x: x.between(1, 5), [], id="between-edge"),
        pytest.param(lambda x: x.between(6, 7), ["not-between"], id="outside"),
        pytest.param(lambda x: x.one_of(4, 5), [], id="one-of"),
        pytest.param(lambda x: x.one_of(1, 2), ["none-of"], id="none-of"),
        pytest.param(lambda x: x.length(1), ["kind-differs"], id="no-length"),
        pytest.param(lambda x: x.differs_from(5, else_="mistaken"), ["mistaken"], id="the-misconception"),
        pytest.param(lambda x: x.differs_from(6, else_="mistaken"), [], id="not-the-misconception"),
        pytest.param(lambda x: x.satisfies(lambda v: v % 2, else_="odd"), [], id="a-rule-met"),
        pytest.param(lambda x: x.satisfies(lambda v: v["a"], else_="odd"), ["odd"], id="a-rule-that-stumbles"),
    ],
)
def test_words_on_a_number(notebook: Notebook, ids: Said, check: Callable[[Any], object], said: list[str]) -> None:
    notebook["x"] = 5

    assert ids(lambda: check(expect("x"))) == said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        pytest.param({"equals": "the  sum"}, [], id="lenient"),
        pytest.param({"equals": "the sum", "lenient": False}, ["value-differs"], id="exact"),
        pytest.param({"contains": ["SUM", "the"]}, [], id="contains"),
        pytest.param({"contains": "mean"}, ["text-lacks"], id="lacks"),
        pytest.param({"matches": r"^the \w+$"}, [], id="matches"),
        pytest.param({"matches": r"\d"}, ["not-met"], id="no-match"),
    ],
)
def test_text(notebook: Notebook, ids: Said, words: dict[str, Any], said: list[str]) -> None:
    notebook["answer"] = " The Sum "

    assert ids(lambda: expect("answer").text(**words)) == said


def test_what_is_not_there_or_not_written_yet_is_said_so(notebook: Notebook, ids: Said) -> None:
    def later() -> None: ...

    def refuses() -> None:
        raise NotImplementedError

    notebook.update(stub=..., later=later, refuses=refuses, gives_stub=lambda: ..., number=3)

    assert ids(lambda: expect("nowhere").equals(3)) == ["name-missing"]
    assert ids(lambda: expect("stub").equals(3)) == ["still-to-write"]
    for name in ("later", "refuses", "gives_stub", "stub"):
        assert ids(lambda name=name: expect.call(name).equals(3)) == ["still-to-write"]  # type: ignore[misc]
    assert ids(lambda: expect.call("number").equals(3)) == ["not-callable"]


def test_else_replaces_the_facts_of_another_value_but_not_those_of_another_kind(notebook: Notebook) -> None:
    notebook["x"] = 5

    other = failure(lambda: expect("x").equals(3, else_="mine", look="there", least=7))
    kind = failure(lambda: expect("x").equals("3", else_="mine"))

    assert (other.id, other.look) == ("mine", "there")
    assert other.args == {"name": "x", "expected": 3, "found": 5, "least": 7}
    assert kind.id == "kind-differs"


def test_a_call_gets_copies_and_may_be_asked_what_it_changed(notebook: Notebook, ids: Said) -> None:
    def spoil(rows: pd.DataFrame) -> int:
        rows["new"] = 1
        return len(rows)

    notebook.update(spoil=spoil, count=len)
    given = TOWNS.set_axis([7, 3, 12])

    assert ids(lambda: expect.call("spoil", given).equals(3)) == []
    assert list(given.columns) == ["town", "people"]
    assert ids(lambda: expect.call("spoil", given).leaves_arguments()) == ["argument-changed"]
    assert ids(lambda: expect.call("count", given).leaves_arguments()) == []


def test_a_call_arrives_with_index_and_keywords(notebook: Notebook, ids: Said) -> None:
    notebook["labels"] = lambda rows, *, more: [*rows.index.tolist(), more]

    assert ids(lambda: expect.call("labels", TOWNS.set_axis([7, 3, 12]), more="x").equals([7, 3, 12, "x"])) == []


def test_errors_of_her_function(notebook: Notebook, ids: Said) -> None:
    def strict(number: int) -> int:
        if number < 0:
            raise ValueError("below zero")
        print("Half:", number / 2)
        return number

    notebook["strict"] = strict

    assert ids(lambda: expect.call("strict", -1).raises(ValueError)) == []
    assert ids(lambda: expect.call("strict", -1).raises(KeyError)) == ["raises-other"]
    assert ids(lambda: expect.call("strict", 1).raises(ValueError)) == ["raises-nothing"]
    assert ids(lambda: expect.call("strict", 4).prints("half: 2")) == []
    assert ids(lambda: expect.call("strict", 4).prints("3")) == ["prints-lacks"]
    assert failure(lambda: expect.call("strict", -1).equals(1)).args["text"] == "below zero"


def test_a_function_that_gives_nothing_back(notebook: Notebook, ids: Said) -> None:
    notebook["forgets"] = lambda number: [number].sort()

    assert ids(lambda: expect.call("forgets", 1).equals(3)) == ["returns-nothing"]
    assert ids(lambda: expect.call("forgets", 1).frame()) == ["returns-nothing"]
    assert ids(lambda: expect.call("forgets", 1).equals(None)) == []


def test_hidden_tests_say_nothing_of_hers_or_ours(notebook: Notebook) -> None:
    leaky = type("Zaz7919", (), {})

    def raises(number: int) -> int:
        raise type("Zaz7919", (ValueError,), {})("7919")

    notebook.update(x=7919, same=lambda n: n, cls=lambda _n: leaky(), raises=raises)
    session.silent_facts = True

    facts = [
        failure(lambda: expect("x").equals(3)),
        failure(lambda: expect.call("same", 7919).equals(3)),
        failure(lambda: expect.call("same", 7919).equals(3, else_="mine")),
        failure(lambda: expect.call("same", 7919).equals(3, else_="mine", secret=7919, args={"also": 7919})),
        failure(lambda: expect.that(False, "mine", secret=expect.call("same", 7919).value, args={"also": 7919})),
        failure(lambda: expect.call("cls", 7919).equals(3)),
        failure(lambda: expect.call("raises", 7919).equals(3)),
    ]

    assert "7919" not in str(facts)
    assert not {"secret", "also"} & {name for fact in facts for name in fact.args}
    assert set(facts[-1].args) == {"name"}  # not even which error: it could be chosen by what is hidden


def test_parts_earn_their_points_and_go_on(notebook: Notebook) -> None:
    notebook["x"] = 5
    with expect.part(1, "first"):
        expect("nowhere").equals(1)
    with expect.part(2, "second"):
        expect("x").equals(5)
    with expect.part(4):
        expect.that(False, "mine")

    assert expect.points() == 2.0
    assert [[fact.id for fact in part.facts] for part in expect.parts] == [["name-missing"], [], ["mine"]]


def test_a_part_takes_errors_over_her_data_but_not_the_check_s_own(notebook: Notebook) -> None:
    notebook["x"] = 5
    with pytest.raises(KeyError), expect.part(1):
        {}["price"]
    with expect.part(1):
        expect("x").value["price"]

    assert [fact.id for part in expect.parts for fact in part.facts] == ["unforeseen"]


def test_a_failed_check_survives_pickling(notebook: Notebook) -> None:
    with pytest.raises(CheckFailed) as caught:
        expect("nowhere").equals(3)

    copy = pickle.loads(pickle.dumps(caught.value))

    assert copy.facts == caught.value.facts
    assert str(copy) == str(caught.value)


def test_an_instant_check_takes_less_than_a_tenth_of_a_second(notebook: Notebook) -> None:
    import time

    notebook["towns"] = pd.DataFrame({f"c{n}": range(700) for n in range(6)} | {"town": ["Gap"] * 700})
    notebook["same"] = lambda rows: rows
    expected = notebook["towns"].iloc[::-1]
    times = []
    for _ in range(5):
        began = time.process_time()
        expect("towns").frame(rows=700).equals(expected)
        expect.call("same", expected).equals(notebook["towns"])
        times.append(time.process_time() - began)

    assert min(times) < 0.1


def test_what_cannot_be_handed_over_is_the_author_s_fault(notebook: Notebook) -> None:
    with pytest.raises(TypeError, match="plain data"):
        expect.call("f", print)
