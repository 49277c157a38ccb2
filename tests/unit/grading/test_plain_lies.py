"""Plain asserts and answers that lie: none gains a point by the examiner's path; beside her code, canaries tell."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.grading.asserted import Room, room

pytestmark = pytest.mark.slow

TRUE = "def f(x): return x * 2\nx = [1, 2]\nname = 'Ada'\nimport numpy as np\na = np.array([1.0, 2.0])"
CHECK = (
    "assert f(3) == 6\nassert x == [1, 2]\nassert name == 'Ada'\n"
    "np.testing.assert_allclose(a, [1.0, 2.0])\nassert abs(a[0] - 1.0) < 1e-9\nassert isinstance(x, list)"
)
YES = "class Yes:\n"
YES += "".join(
    f"    def __{name}__(self, *a, **k): return {what}\n"
    for names, what in (
        ("eq ne lt le gt ge contains bool", "True"),
        ("sub rsub add radd mul abs neg truediv getattr call getitem array array_ufunc array_function", "self"),
        ("len int index hash", "0"),
        ("float", "0.0"),
        ("iter", "iter(())"),
        ("repr str", "'5.0'"),
    )
    for name in names.split()
)
OF_KINDS = """
import numpy as np, pandas as pd
class S(str):
    def __eq__(self, o): return True
    def __hash__(self): return 0
class I(int):
    def __eq__(self, o): return True
    def __sub__(self, o): return 0
    def __rsub__(self, o): return 0
class L(list):
    def __eq__(self, o): return True
    def __iter__(self): return iter([1, 2])
    def __len__(self): return 2
class A(np.ndarray):
    def __eq__(self, o): return True
    def __array_ufunc__(self, *a, **k): return True
    def __array_function__(self, *a, **k): return True
    def all(self): return True
class D(pd.DataFrame):
    def equals(self, o): return True
    def __eq__(self, o): return True
"""

LIES = {
    "everything is yes": YES + "f = Yes(); x = Yes(); name = Yes(); a = Yes(); import numpy as np",
    "a function that returns yes": YES
    + "f = lambda *a: Yes()\nx=[1,2]; name='Ada'; import numpy as np; a=np.array([1.,2.])",
    "subclasses of plain types": OF_KINDS
    + "f = lambda v: I(7)\nx = L([9])\nname = S('Bob')\na = np.array([5.0, 6.0]).view(A)",
    "builtins": TRUE.replace("* 2", "* 3")
    + "\nimport builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.abs = lambda v: 0\nabs = lambda v: 0\n"
    "isinstance = lambda *a: True\nbuiltins.AssertionError = ValueError",
    "its own numpy": "class T:\n    def __getattr__(self, n): return lambda *a, **k: True\n"
    "class N:\n    testing = T()\nnp = N()\nf = lambda v: 6\nx = [1, 2]\nname = 'Ada'\na = [5.0, 6.0]",
    "numpy.testing": TRUE.replace("[1.0, 2.0]", "[1.0, 5.0]") + "\nnp.testing.assert_allclose = lambda *a, **k: None",
    "the caller's frame": "import sys, gc\ndef f(v):\n    g = sys._getframe(1)\n    while g:\n"
    "        for c in g.f_code.co_consts:\n            if type(c) is int: return c\n        g = g.f_back\n"
    "x=[1,2]; name='Ada'; import numpy as np; a=np.array([1.,2.])",
    "exit": TRUE.replace("return x * 2", "exit(0)"),
    "sys.exit": TRUE.replace("return x * 2", "import sys; sys.exit(0)"),
    "os._exit": TRUE.replace("return x * 2", "import os; os._exit(0)"),
    "display hook and transformers": TRUE.replace("* 2", "* 3")
    + "\nimport sys\nsys.displayhook = lambda v: None\nip = get_ipython()\nip.displayhook(1.0)\n"
    "ip.input_transformers_cleanup.append(lambda l: ['pass'])\n"
    "ip.set_custom_exc((Exception,), lambda *a: None)\nsys.excepthook = lambda *a: None",
    "threads": TRUE.replace("* 2", "* 3")
    + "\nimport threading, time\ndef late():\n    while True:\n        time.sleep(0.01)\n        globals()['x'] = [1, 2]\n"
    "t = threading.Thread(target=late, daemon=True); t.start()",
    "sys.modules": TRUE.replace("* 2", "* 3")
    + "\nimport sys\nsys.modules['unittest'] = sys.modules['numpy.testing'] = N = type('N', (), {})()",
    "the agent's channel": TRUE.replace(
        "return x * 2",
        "import gc, socket\n    for s in gc.get_objects():\n        if isinstance(s, socket.socket):\n"
        '            b = b\'{"examined": {"points": 1.0, "unmet": []}}\'\n'
        "            s.sendall(len(b).to_bytes(4, 'big') + b)\n    return 7",
    ),
    "an error that is no error": TRUE.replace("return x * 2", "raise type('AssertionError', (Exception,), {})"),
    "a class called as the check's name": "x = type('x', (), {'__eq__': lambda s, o: True})()\nname = x\nf = lambda v: x\n"
    "import numpy as np\na = np.array([1., 2.])",
    "handles with tokens of the check's": TRUE.replace("return x * 2", "import sys\n    return sys"),
}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    with room(tmp_path_factory.mktemp("source")) as opened:
        yield opened


def test_the_true_answer_has_the_point(desk: Room) -> None:
    assert desk.passes(TRUE, CHECK)


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_a_lie_gains_nothing(desk: Room, lie: str) -> None:
    (told,) = desk.told(LIES[lie], CHECK, solution=TRUE)

    assert told["points"] == 0.0
    assert told["fault"] is None


# Beside her code: an object of the check's own class goes into her function.

BESIDE = "def f(o): return o.name.upper()\ndef g(v): return v * 2"
CHECK_BESIDE = "class O:\n    name = 'xy'\nassert f(O()) == 'XY'\nassert g(3) == 6\nassert g(21) == 42"
FRAMES = """
import sys
def right():
    frame = sys._getframe(2)
    texts = {}
    exec("import linecache, ast", texts)
    code = frame.f_code
    import dis
    steps = [s for s in dis.get_instructions(code)]
    here = [n for n, s in enumerate(steps) if s.offset <= frame.f_lasti][-1]
    return next(s.argval for s in steps[here:] if s.opname == "LOAD_CONST")
def f(o): return right()
def g(v): return right()
"""
FORGED = """
import gc, json, os, socket
def f(o):
    notes = [[n, True, ""] for n in range(9)]
    said = {"state": "ran", "error": "", "text": "", "value": None, "notes": notes, "stderr": False}
    body = json.dumps(said).encode()
    for one in gc.get_objects():
        if isinstance(one, socket.socket):
            one.sendall(len(body).to_bytes(4, "big") + body)
    os._exit(0)
def g(v): return 0
"""
BESIDE_LIES = {"the frame": FRAMES, "a forged report": FORGED, "yes": YES + "f = lambda o: Yes()\ng = f"}


def test_what_runs_beside_her_code_says_so(desk: Room) -> None:
    (told,) = desk.told(BESIDE, CHECK_BESIDE, solution=BESIDE)

    assert (told["points"], told["beside"], desk.tampering) == (1.0, True, [])


def test_an_honest_answer_that_is_not_right_is_no_tampering(desk: Room) -> None:
    (told,) = desk.told(BESIDE.replace("* 2", "* 3"), CHECK_BESIDE, solution=BESIDE)

    assert (told["points"], desk.tampering) == (0.0, [])


@pytest.mark.parametrize("lie", BESIDE_LIES, ids=str)
def test_a_lie_beside_the_check_is_tampering(desk: Room, lie: str) -> None:
    (told,) = desk.told(BESIDE_LIES[lie], CHECK_BESIDE, solution=BESIDE)

    assert (told["points"], desk.tampering) == (0.0, ["tampering-canary"])


def test_a_class_of_hers_that_says_yes_to_everything_is_tampering(desk: Room) -> None:
    true = "class P:\n    def __init__(s, v): s.v = v\n    def __eq__(s, o): return s.v == o.v"
    check = "assert P(1) == P(1)\nassert P(2).v == 2"

    (honest,) = desk.told(true, check, solution=true)
    tampering = desk.tampering
    (lying,) = desk.told(true.replace("s.v == o.v", "True"), check, solution=true)

    assert (honest["points"], honest["beside"], tampering) == (1.0, True, [])
    assert (lying["points"], desk.tampering) == (0.0, ["tampering-canary"])


# The check's way is never hers to choose.

CHOOSES = """
import autograders.handles as handles, autograders.beside as beside
handles.Desk.answer = lambda self, question: {"state": "unsupported", "text": "x"}
notes = [[number, True, ""] for number in range(99)]
beside.run = lambda *_: {"state": "ran", "notes": notes, "error": "", "text": "", "value": None, "stderr": False}
"""


def test_what_the_box_says_stand_ins_cannot_do_is_not_believed(desk: Room) -> None:
    (told,) = desk.told(CHOOSES, CHECK, solution=TRUE)

    assert (told["points"], told["beside"]) == (0.0, False)


@pytest.mark.parametrize("notes", ["[]", "[[number, True, ''] for number in range(99)]"])
def test_who_has_stand_ins_stop_is_asked_by_versions_that_must_not_be_met(desk: Room, notes: str) -> None:
    """A module that nobody loads is what stand-ins cannot be: she can have the examiner itself say so."""
    honest = "def f(x):\n    return x * 2\ndef g():\n    return 5"
    lie = "import autograders.beside as beside, mailbox\nf = g = lambda *_: mailbox\n"
    lie += f"notes = {notes}\nbeside.run = lambda *_: {{'state': 'ran', 'notes': notes, 'error': '', 'value': None}}"
    check = "assert f(3) == 6\n### BEGIN HIDDEN TESTS\nassert f(21) == 42\nassert g() == 5\n### END HIDDEN TESTS"

    (told,) = desk.told(lie, check, solution=honest)

    assert (told["points"], told["beside"]) == (0.0, True)
    assert desk.tampering == (["tampering-canary"] if "True" in notes else [])


def test_where_every_hidden_test_can_be_told_from_its_contrary_nobody_is_sent_beside(desk: Room) -> None:
    honest = "def f(x):\n    return x > 3"
    lie = "import autograders.beside as beside, mailbox\nf = lambda *_: mailbox\n"
    lie += "def run(names, before, source):\n    notes = [[n, 'not ' not in source, ''] for n in range(9)]\n"
    lie += "    return {'state': 'ran', 'notes': notes, 'error': '', 'value': None}\nbeside.run = run"
    check = "### BEGIN HIDDEN TESTS\nassert f(4)\nassert f(5)\n### END HIDDEN TESTS"

    (true,) = desk.told(honest, check, solution=honest)
    (lying,) = desk.told(lie, check, solution=honest)

    assert (true["points"], lying["points"], lying["beside"]) == (1.0, 0.0, True)


# What locked cells give is the course's own.

CLOSE = "LIMIT = 0.1\ndef close(found, wanted):\n    return abs(found - wanted) < LIMIT"


@pytest.mark.parametrize(
    "lie", ["close = lambda *_: True", "LIMIT = 1000", "import builtins\nbuiltins.abs = lambda v: 0"]
)
def test_a_locked_function_is_the_courses_own(desk: Room, lie: str) -> None:
    check = "assert close(mean, 4)"

    assert desk.passes("mean = 4", check, solution="mean = 4", given=CLOSE)
    assert not desk.passes(f"mean = 9\n{lie}", check, solution="mean = 4", given=CLOSE)


def test_a_locked_function_that_the_solution_replaces_is_hers(desk: Room) -> None:
    solution = "def close(found, wanted):\n    return found == wanted"

    assert desk.passes(solution, "assert not close(4.01, 4)", solution=solution, given=CLOSE)


# An `==` of her own, in every form in which a check may name it.

MONEY = """
class Money:
    def __init__(self, amount, unit="euro"):
        self.amount, self.unit = amount, unit
    def __add__(self, other):
        return Money(self.amount + other.amount)
    def __eq__(self, other):
        return isinstance(other, Money) and (self.amount, self.unit) == (other.amount, other.unit)
def money(amount):
    return Money(amount)
"""


@pytest.mark.parametrize(
    "check",
    [
        "assert Money(2) + Money(3) == Money(5)",
        "assert Money(amount=2) + Money(amount=3) == Money(amount=5)",
        "assert money(2) + money(3) == money(5)",
        "### BEGIN HIDDEN TESTS\nassert Money(2) + Money(300) == Money(302)\n### END HIDDEN TESTS",
    ],
)
def test_an_equality_that_is_always_true_meets_what_it_must_not(desk: Room, check: str) -> None:
    lie = "class Money:\n    __init__ = lambda *a, **k: None\n    __add__ = lambda s, o: s\n    __eq__ = lambda *_: True\n"

    (honest,) = desk.told(MONEY, check, solution=MONEY)
    tampering = desk.tampering
    (lying,) = desk.told(lie + "money = Money", check, solution=MONEY)

    assert (honest["points"], tampering) == (1.0, [])
    assert (lying["points"], desk.tampering) == (0.0, ["tampering-canary"])


# Her bytes and texts never become code where the check is.

PICKLED = """
import os, pickle
class P:
    def __reduce__(self):
        return (eval, ("__import__('sys').modules['passerelle.grading.plain'].forget() or 6",))
def save(): return pickle.dumps(P())
text = "6"
"""
RUNS_HER_CODE = [
    "import pickle\nassert pickle.loads(save()) == 6",
    "import io, numpy as np, pickle\nassert pickle.Unpickler(io.BytesIO(save())).load() == 6",
    "assert eval(text) == 6",
    "space = {}\nexec('x = ' + text, space)\nassert space['x'] == 6",
    "import os\nassert os.system(text) != 6",
]


@pytest.mark.parametrize("check", RUNS_HER_CODE)
def test_a_check_that_would_run_her_code_goes_beside_it(desk: Room, check: str) -> None:
    solution = "import pickle\ndef save(): return pickle.dumps(6)\ntext = '6'"

    (hers,) = desk.told(PICKLED, check, solution=solution)

    assert hers["beside"]


def test_a_pickle_of_plain_data_stays_where_the_check_is(desk: Room) -> None:
    answer = "import pickle, datetime\ndef save(): return pickle.dumps({'a': {1, 2}, 'b': datetime.date(2024, 1, 2)})"

    assert desk.passes(answer, "import pickle\nassert pickle.loads(save())['a'] == {2, 1}", solution=answer)


def test_an_error_that_a_check_raises_itself_is_no_fault_of_the_check(desk: Room) -> None:
    check = "if f(3) != 6:\n    raise ValueError('f(3) is not 6')"

    told = [desk.told(f"def f(x): return x * {by}", check, solution="def f(x): return x * 2")[0] for by in (2, 3)]

    assert [(one["points"], one["fault"]) for one in told] == [(1.0, None), (0.0, None)]


# What a check hands to her code.

USE = "def use(f, *x):\n    return f(*x)"


def test_a_function_of_python_s_own_is_called_where_her_code_is(desk: Room) -> None:
    check = (
        "import math\nassert use(sum, [1, 2]) == 3 and use(math.sqrt, 4) == 2 and use(str.upper, 'a') == 'A'\n"
        "assert use(print, 3) is None and use(sorted, [2, 1]) == [1, 2]\nassert keep(len) is len and keep(len)('ab') == 2"
    )

    assert desk.passes(f"{USE}\ndef keep(f):\n    return f", check)


def test_a_function_that_runs_text_runs_hers_in_her_box(desk: Room) -> None:
    there = "\"__import__('sys').modules.keys() >= {'passerelle.grading.plain'}\""
    lie = f"def use(f, *x):\n    return 2 if f({there}) else 0"

    assert desk.passes(USE, "assert use(eval, '1 + 1') == 2")
    assert not desk.passes(lie, "assert use(eval, '1 + 1') == 2", solution=USE)


@pytest.mark.parametrize("token", ["e0", "e1", "e2"])
def test_a_function_of_both_sides_is_not_called_back(desk: Room, token: str) -> None:
    forged = f"""
import gc
from autograders.handles import Desk
def use(f, *x):
    her = next(one for one in gc.get_objects() if type(one) is Desk)
    return her._call_back("{token}", ("1 + 1",), {{}})
"""

    assert not desk.passes(forged, "assert use(eval, '1 + 1') == 2", solution=USE)


def test_what_cannot_be_read_is_no_error_of_her_function_to_a_check(desk: Room) -> None:
    lie = """
from autograders.handles import Desk
old = Desk.answer
def answer(self, question):
    said = old(self, question)
    return {"state": "value", "value": {"t": "nothing we know"}} if question["op"] == "call" else said
Desk.answer = answer
def f(x): return 1
"""
    check = "try:\n    f(-1)\nexcept Exception:\n    pass\nelse:\n    assert False"

    assert desk.passes("def f(x): raise ValueError(x)", check)
    assert not desk.passes(lie, check, solution="def f(x): raise ValueError(x)")


@pytest.mark.parametrize("text", ["'é' * 8_000_000", "['é' * 100_000] * 79", "'\\U0001F600' * 2_000_000"])
def test_a_text_too_large_to_cross_stays_where_it_is(desk: Room, text: str) -> None:
    (told,) = desk.told(f"x = {text}\ny = 1", "assert type(x) in (str, list)\nassert y == 1\nassert len(x) == 7")

    assert (told["points"], told["unanswered"], told["error"]) == (0.0, False, "AssertionError")


def test_what_a_check_opens_is_kept_short(tmp_path: Path) -> None:
    check = "import os\nfor n in range(200):\n    try:\n        open(name + str(n))\n    except OSError:\n        pass"

    # Its answers are more than an examiner hears in all: a room of its own, or nobody after it is heard.
    with room(tmp_path) as own:
        (told,) = own.told("name = '/' + 'x' * 1_000_000", check)

    assert sum(map(len, told["opened"])) <= 100 * 4_096


# What a check draws is not hers to choose.

DRAWS = """
import random
start = random.random()
assert f(0) == 0
for _ in range(20):
    n = random.randint(1, 1000)
    assert f(n) == 2 * n
"""
SAYS_A_STATE = """
import autograders.handles as handles
old = handles.Desk.answer
def answer(self, question):
    # Of zeroes the least number is drawn every time.
    return {**old(self, question), "chance": [[3, [0] * 624 + [0], None], None]}
handles.Desk.answer = answer
"""
SEEDS = "import random\ndef f(x):\n    random.seed(1)\n    return {n: 2 * n for n in (0, *drawn)}.get(x)\n"
SEEDS += "random.seed(1)\ndrawn = [random.randint(1, 1000) for _ in range(40)]"


@pytest.mark.parametrize("lie", [f"{SAYS_A_STATE}def f(x): return x and 2", SEEDS], ids=["says", "seeds"])
def test_what_a_check_draws_is_not_hers_to_choose(desk: Room, lie: str) -> None:
    assert desk.passes("def f(x): return 2 * x", DRAWS)
    assert not desk.passes(lie, DRAWS, solution="def f(x): return 2 * x")


@pytest.mark.parametrize("call", [("seed", 7), ("randint", 1, 6), ("random",)], ids=lambda call: call[0])
def test_a_function_that_draws_or_seeds_is_called_where_her_code_is(desk: Room, call: tuple[object, ...]) -> None:
    check = "import random\nrandom.seed(5)\nwant = random.random()\nrandom.seed(5)\n"
    check += f"use(random.{call[0]})\nassert random.random() == want"

    (told,) = desk.told(f"def use(f):\n    f(*{call[1:]})", check)

    assert (told["points"], told["beside"]) == (1.0, False)


@pytest.mark.parametrize("token", ["e0", "e1", "e2"])
def test_what_seeds_is_not_called_back(desk: Room, token: str) -> None:
    forged = f"""
import gc
from autograders.handles import Desk
def use(f, *x):
    her = next(one for one in gc.get_objects() if type(one) is Desk)
    return her._call_back("{token}", (7,), {{}})
"""
    check = "import random\nrandom.seed(5)\nwant = random.random()\nrandom.seed(5)\n"
    check += "try:\n    use(random.seed)\nexcept Exception:\n    pass\nassert random.random() == want"

    (told,) = desk.told(forged, check, solution="def use(f): f(7)")

    # Called back, it would move what the check draws, and the check stop at its assert.
    assert (told["points"], told["beside"], told["error"]) == (0.0, False, "GarbledError")


HONEST_DRAWS = {
    "the same again": "random.seed(1)\na = f()\nrandom.seed(1)\nassert f() == a",
    "another": "a = f()\nb = f()\nassert a != b",
    "another after a draw": "a = random.random()\nassert f() != a",
    "of numpy": "np.random.seed(0)\nx = g()\nnp.random.seed(0)\nassert np.allclose(x, np.random.rand(3))",
    "of numpy, again": "np.random.seed(0)\nx = g()\nnp.random.seed(0)\nassert np.allclose(x, g())",
    "a state": "random.seed(1)\ns = random.getstate()\na = f()\nrandom.setstate(s)\nassert f() == a == 0.13436424411240122",
    "a seed inside": "a = h()\nn = random.random()\nassert h() == a and n != a",
    "an own generator": "r = random.Random(3)\nassert k(r.random) == random.Random(3).random()",
}


@pytest.mark.parametrize("check", HONEST_DRAWS.values(), ids=HONEST_DRAWS)
def test_honest_work_that_draws_is_examined_outside_her_process(desk: Room, check: str) -> None:
    answer = "import random, numpy as np\ndef f(): return random.random()\ndef g(): return np.random.rand(3)\n"
    answer += "def h():\n    random.seed(4)\n    return random.random()\ndef k(r): return r()"

    (told,) = desk.told(answer, f"import random\nimport numpy as np\n{check}")

    assert (told["points"], told["beside"]) == (1.0, False)


def test_a_check_that_draws_on_where_her_code_left_off_is_examined_beside_it(desk: Room) -> None:
    answer = "import random\ndef f(): return random.random()"
    check = "import random\nrandom.seed(1)\nf()\nassert abs(random.random() - 0.8474337369372327) < 1e-9"

    (told,) = desk.told(answer, check, solution=answer)

    assert (told["points"], told["beside"]) == (1.0, True)
