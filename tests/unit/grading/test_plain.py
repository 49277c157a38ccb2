"""Plain asserts over stand-ins: what a check can do to an answer that stays in its box."""

from collections.abc import Iterator

import pytest

from tests.unit.grading.asserted import Room, points, room
from tests.unit.grading.plain_cases import CASES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("source")) as opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_a_check_can_do(desk: Room, case: str) -> None:
    answer, check, given = CASES[case]

    assert desk.passes(answer, check, given=given)
    assert not desk.passes(answer, check + "\nassert False", given=given)


def test_a_number_in_the_last_line_is_partial_credit_as_in_nbgrader(desk: Room) -> None:
    told = desk.told("x = 1", ["0.5", "x", "0.25;", "'0.5'", "True", "x / 4"])

    assert points(told) == [0.5, 1.0, 1.0, 1.0, 1.0, 0.25]


def test_her_object_does_not_say_how_many_points_it_is_worth(desk: Room) -> None:
    (told,) = desk.told("class X:\n    def __repr__(self): return '0.0'\nx = X()", "x")

    assert told["points"] == 1.0


def test_a_warning_costs_nothing_and_a_word_on_stderr_does(desk: Room) -> None:
    checks = ["import warnings\nwarnings.warn('old')\nassert x == 1", "import sys\nprint('no', file=sys.stderr)"]

    assert points(desk.told("x = 1", checks)) == [1.0, 0.0]


def test_a_later_check_has_the_names_of_an_earlier_one_up_to_where_that_stopped(desk: Room) -> None:
    checks = ["y = 2\nassert x == 5\nz = 3", "assert y == 2", "assert z == 3"]

    assert points(desk.told("x = 1", checks)) == [0.0, 1.0, 0.0]


def test_what_one_check_changes_a_later_one_sees_as_in_a_notebook(desk: Room) -> None:
    checks = ["x.append(2)\nassert x == [1, 2]", "assert x == [1, 2]", "assert x == [1]"]

    assert points(desk.told("x = [1]", checks)) == [1.0, 1.0, 0.0]


def test_a_name_that_is_not_there_is_said(desk: Room) -> None:
    (told,) = desk.told("y = 1", "assert total == 3")

    assert told["unmet"][0][2][0][:2] == ["name-missing", {"name": "total"}]


def test_a_check_that_she_cannot_answer_in_time_says_so(desk: Room) -> None:
    (told,) = desk.told("def f():\n    while True: pass", "try:\n    f()\nexcept BaseException: pass")

    assert (told["points"], told["unanswered"]) == (0.0, True)


def test_stand_ins_say_what_they_cannot_do(desk: Room) -> None:
    (told,) = desk.told("def f(o): return o.name", "class O:\n    name = 'x'\nassert f(O()) == 'x'")

    assert (told["points"], told["beside"]) == (1.0, True)


FORBIDS = """
import numpy as np
wanted = list(np.linalg.solve(np.eye(2), [1.0, 2.0]))
np.linalg.solve = None
assert list(solved()) == wanted
"""
ALLOWED = "import numpy as np\ndef solved(): return np.array([1.0, 2.0])"
FORBIDDEN = "import numpy as np\ndef solved(): return np.linalg.solve(np.eye(2), [1.0, 2.0])"


def test_what_a_check_takes_away_is_gone_for_her_code_and_there_for_the_next_check(desk: Room) -> None:
    told = [desk.told(answer, FORBIDS, solution=ALLOWED)[0] for answer in (ALLOWED, ALLOWED, FORBIDDEN)]

    assert [(one["points"], one["beside"]) for one in told] == [(1.0, True), (1.0, True), (0.0, True)]


REPLACES = [
    "np.linalg.solve = None",
    "setattr(np.linalg, 'solve', None)",
    "for name in ('inv', 'solve'):\n    setattr(np.linalg, name, None)",
    "for name in dir(np.linalg):\n    setattr(np.linalg, 'sol' + name[3:] if name == 'solve' else name, None)",
    "from numpy import linalg\nlinalg.solve = None",
    "import numpy.linalg as la\ndel la.solve",
    "la = np.linalg\nla.solve = None",
    "vars(np.linalg)['solve'] = None",
    "from unittest.mock import patch\npatch('numpy.linalg.solve').start()",
    "from unittest import mock\nmock.patch.object(np.linalg, 'solve').start()",
    "import sys\nsys.modules['numpy.linalg'].solve = None",
    "import sys\nsys.modules['numpy'] = None",
    "np.ndarray = None",
    "import pandas\npandas.DataFrame.sum = None",
    "import builtins\nbuiltins.sum = None",
    "import random\nrandom.seed = random.random = None",
    "import time\ntime.sleep = None\ndef never(): time.sleep(1)",
    "np.linalg.solution = 5",
]
USES = """
import json, random, time
import numpy as np
import pandas
assert np.linalg.solve(np.ones((1, 1)), [1.0])[0] == x == sum(range(2))
assert isinstance(np.ones(1), np.ndarray) and not hasattr(np.linalg, "solution")
assert pandas.DataFrame({"a": [x]}).sum().sum() == 1
random.seed(json.loads(json.dumps(1)))
assert random.random() == 0.13436424411240122
time.sleep(0)
"""


@pytest.mark.parametrize("replaces", REPLACES)
def test_what_a_check_replaces_in_a_library_is_back_afterwards(desk: Room, replaces: str) -> None:
    (told,) = desk.told("x = 1", f"import numpy as np\nassert x == 1\n{replaces}")

    assert (told["points"], told["beside"]) == (1.0, False)
    assert desk.passes("x = 1", USES)


@pytest.mark.parametrize("replaces", ["builtins.isinstance = builtins.type = None", "json.dumps = json.loads = None"])
def test_what_the_examiner_needs_itself_is_back_too(desk: Room, replaces: str) -> None:
    desk.told("def f(): return 1", f"import builtins, json\n{replaces}\nf()")

    assert desk.passes("x = 1", USES)


@pytest.mark.parametrize("replaces", REPLACES)
def test_her_code_is_not_called_over_stand_ins_while_something_is_replaced(desk: Room, replaces: str) -> None:
    (told,) = desk.told("def f(): return 1", f"import numpy as np\n{replaces}\nassert f() == 1")

    assert (told["points"], told["beside"]) == (1.0, True)
    assert desk.passes("x = 1", USES)


@pytest.mark.parametrize(
    "check",
    [
        "s.solve = s.sum = 5\nassert s.double() == 10",
        "setattr(s, 'sum', 5)\nassert s.double() == 10",
        "import numpy as np, pandas as pd\nd = pd.DataFrame({'a': [1]})\nd.columns = ['sum']\nassert s.double() == 2",
        "from unittest.mock import patch\nwith patch('numpy.linalg.solve'):\n    pass\nassert s.double() == 2",
        "import numpy as np\nsolve, np.linalg.solve = np.linalg.solve, None\nnp.linalg.solve = solve\nassert s.double() == 2",
        "class Mine:\n    def solve(self): return 1\nMine.solve = None\nassert s.double() == 2",
        "import sys, io\nsys.stdin = io.StringIO('7')\nassert s.double() == 2",
    ],
)
def test_what_is_no_librarys_or_is_back_by_then_is_examined_as_before(desk: Room, check: str) -> None:
    answer = "class S:\n    sum = 1\n    def double(self): return 2 * self.sum\ns = S()"

    (told,) = desk.told(answer, check)

    assert (told["points"], told["beside"]) == (1.0, False)
