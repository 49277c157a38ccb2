"""Small assignments: output, files, arrays, frames, points by value, work for a person, several notebooks, shared names."""

from tests.grading.differential.making import Assignment, answer, check, free, given, manual, one, prose, task

PRINTING = one(
    "printing",
    answer(
        "greet",
        "def greet(name):\n    print(f'Hello, {name}!')",
        returns="def greet(name):\n    return f'Hello, {name}!'",
        both="def greet(name):\n    print(f'Hello, {name}!')\n    return name",
        words="def greet(name):\n    print('Hello,', name, '!')",
        noisy="def greet(name):\n    print('DEBUG', name)\n    print(f'Hello, {name}!')",
    ),
    check(
        "test-greet",
        2,
        "import io\nfrom contextlib import redirect_stdout\nout = io.StringIO()\nwith redirect_stdout(out):\n"
        "    result = greet('Ada')\nassert out.getvalue() == 'Hello, Ada!\\n'",
    ),
    check("test-greet-none", 1, "assert greet('Bo') is None"),
    answer(
        "table",
        "def table(rows):\n    for name, number in rows:\n        print(f'{name:<5}{number:>4.1f}')\n    return len(rows)",
        end="def table(rows):\n    for name, number in rows:\n        print(name, number, end=' ')\n    return len(rows)",
        writes="import sys\n\ndef table(rows):\n    for name, number in rows:\n"
        "        sys.stdout.write(f'{name:<5}{number:>4.1f}\\n')\n    return len(rows)",
    ),
    check(
        "test-table",
        2,
        "import sys\nkept, sys.stdout = sys.stdout, io.StringIO()\ntry:\n    n = table([('a', 1), ('b', 2.25)])\n"
        "    shown = sys.stdout.getvalue()\nfinally:\n    sys.stdout = kept\n"
        "assert n == 2\nassert shown.splitlines() == ['a     1.0', 'b     2.2']",
    ),
    answer(
        "ask",
        "def ask():\n    return int(input('number? ')) + 1",
        text="def ask():\n    return input() + '1'",
        never="def ask():\n    return 42",
    ),
    check(
        "test-ask",
        2,
        "from unittest.mock import patch\nwith patch('builtins.input', return_value='41'):\n    assert ask() == 42\n"
        "with patch('builtins.input', side_effect=['1', '2']):\n    assert [ask(), ask()] == [2, 3]",
    ),
)

FILES = one(
    "files",
    answer(
        "read",
        "def read(path):\n    with open(path) as lines:\n        return [line.strip() for line in lines]",
        raw="def read(path):\n    return open(path).readlines()",
        fixed="def read(path):\n    return ['2', '4']",
    ),
    check("test-read", 2, "assert read('data/rows.txt') == ['2', '4']"),
    check(
        "test-read-none",
        1,
        "try:\n    read('data/none.txt')\nexcept FileNotFoundError:\n    pass\nelse:\n    assert False",
    ),
    answer(
        "save",
        "import json\n\ndef save(table, path):\n    with open(path, 'w') as out:\n        json.dump(table, out)",
        text="def save(table, path):\n    with open(path, 'w') as out:\n        out.write(str(table))",
        nothing="def save(table, path):\n    pass",
    ),
    check(
        "test-save",
        2,
        "import json, os\nsave({'a': [1, 2]}, 'out.json')\nassert os.path.exists('out.json')\n"
        "with open('out.json') as saved:\n    assert json.load(saved) == {'a': [1, 2]}",
    ),
    answer(
        "report",
        "from pathlib import Path\nPath('report.txt').write_text('2 rows\\n')",
        other="from pathlib import Path\nPath('report.txt').write_text('3 rows\\n')",
        none="report = '2 rows'",
    ),
    check("test-report", 2, "from pathlib import Path\nassert Path('report.txt').read_text() == '2 rows\\n'"),
    check("test-data", 1, "from pathlib import Path\nassert Path('data/rows.txt').read_text().split() == ['2', '4']"),
    files={"data/rows.txt": "2\n4\n"},
)

ARRAYS = one(
    "arrays",
    given("np", "import numpy as np\n\nvalues = np.array([1.0, 2.0, 4.0])"),
    answer(
        "scale",
        "def scale(a):\n    return (a - a.mean()) / a.std()",
        list="def scale(a):\n    return list((a - a.mean()) / a.std())",
        half="def scale(a):\n    return a - a.mean()",
        place="def scale(a):\n    a -= a.mean()\n    a /= a.std()\n    return a",
    ),
    check("test-scale", 2, "s = scale(np.array([1.0, 3.0]))\nassert isinstance(s, np.ndarray)\nassert s.shape == (2,)"),
    check(
        "test-scale-values", 2, "np.testing.assert_allclose(scale(values), [-1.069045, -0.267261, 1.336306], atol=1e-5)"
    ),
    check("test-values", 1, "assert (values == np.array([1.0, 2.0, 4.0])).all()"),
    answer("big", "big = values[values > 1]", wrong="big = values > 1", list="big = [2.0, 4.0]"),
    check("test-big", 1, "assert np.array_equal(big, [2, 4])\nassert big.dtype == float"),
    check("test-mean", 2, "np.round(np.mean(big), 1) == 3.0"),
)

FRAMES = one(
    "frames",
    free("import pandas as pd"),
    given("table", "table = pd.DataFrame({'town': ['Abo', 'Bex', 'Abo'], 'n': [1, 2, 3]})"),
    answer(
        "sums",
        "def sums(t):\n    return t.groupby('town')['n'].sum()",
        frame="def sums(t):\n    return t.groupby('town')[['n']].sum()",
        mean="def sums(t):\n    return t.groupby('town')['n'].mean()",
        dict="def sums(t):\n    return {'Abo': 4, 'Bex': 2}",
    ),
    check(
        "test-sums", 2, "s = sums(table)\nassert isinstance(s, pd.Series)\nassert s['Abo'] == 4 and s.loc['Bex'] == 2"
    ),
    answer(
        "double",
        "def double(t):\n    out = t.copy()\n    out['m'] = out['n'] * 2\n    return out",
        place="def double(t):\n    t['m'] = t['n'] * 2\n    return t",
        none="def double(t):\n    t['m'] = t['n'] * 2",
    ),
    check("test-double", 2, "d = double(table)\nassert list(d['m']) == [2, 4, 6]\nassert 'm' not in table.columns"),
    check(
        "test-double-equal",
        2,
        "expected = pd.DataFrame({'n': [1], 'm': [2]})\npd.testing.assert_frame_equal(double(pd.DataFrame({'n': [1]})), expected)",
    ),
)

BY_VALUE = one(
    "by-value",
    answer(
        "score",
        "score = 3",
        half="score = 1.5",
        none="score = None",
        negative="score = -1",
        zero="score = 0",
        text="score = '2'",
        yes="score = True",
        list="score = [1]",
        fraction="from fractions import Fraction\nscore = Fraction(1, 2)",
        decimal="from decimal import Decimal\nscore = Decimal('1.5')",
        much="score = 99",
        odd="score = float('nan')",
        endless="score = float('-inf')",
        own="class Two:\n    def __repr__(self):\n        return '2'\nscore = Two()",
        kind="class Real(float):\n    pass\nscore = Real(1.5)",
        numpy="import numpy as np\nscore = np.float64(1.5)",
        unknown="score = nothing",
    ),
    check("test-value", 3, "score"),
    answer(
        "rows",
        "rows = [1, 2, 3]",
        two="rows = [1, 2, 4]",
        one="rows = [1]",
        stops="rows = 5",
    ),
    check(
        "test-rows",
        3,
        "points = 0\nfor mine, right in zip(rows, [1, 2, 3]):\n    points += mine == right\npoints",
    ),
    check("test-ratio", 2, "sum(row in rows for row in (1, 2, 3)) / 3 * 2"),
    check("test-shown", 1, "print('looking')\nlen(rows) == 3"),
    check("test-quiet", 1, "len(rows) / 6;"),
    check("test-printed", 1, "print(0.5)"),
)

BY_HAND = one(
    "by-hand",
    prose("# Work that a person reads"),
    manual("why", 3, "Because it is symmetric.", other="I do not know.", empty="", stub="YOUR ANSWER HERE"),
    manual(
        "sketch",
        2,
        "def sketch():\n    return 'a line'",
        code=True,
        other="def sketch():\n    return 1",
        empty="",
        stops="raise ValueError('no idea')",
    ),
    check("test-sketch", 1, "assert sketch() == 'a line'"),
    task("describe", 4, "Describe your way in a cell of your own."),
    answer("n", "n = 3", four="n = 4"),
    check("test-n", 1, "assert n == 3"),
    check("test-nothing", 0, "assert n == 3"),
)

SEVERAL = Assignment(
    "several",
    {
        "first": (
            answer("a", "a = 1", two="a = 2", raises="a = 1 / 0"),
            check("test-a", 1, "assert a == 1"),
            manual("words", 2, "One is one.", other="One is two."),
        ),
        "second": (
            answer("b", "b = [1, 2]", one="b = [1]", leans="b = [a, 2]"),
            check("test-a", 2, "assert len(b) == 2"),
            check("test-b", 2, "import statistics\nassert statistics.mean(b) == 1.5"),
        ),
        "third": (check("test-given", 1, "assert open('note.txt').read() == 'a note'"), prose("The end.")),
    },
    {"note.txt": "a note"},
)

SHARED = one(
    "shared",
    answer("x", "x = 2", three="x = 3", raises="x = y", float="x = 2.0"),
    check(
        "test-x",
        1,
        "import math\nfrom statistics import mean\nexpected = 4\n\ndef close(a, b):\n    return abs(a - b) < 0.01\n\n"
        "assert close(x, 2)",
    ),
    check("test-uses", 2, "assert close(math.sqrt(x * x), 2)\nassert mean([x, x]) == x"),
    check("test-later", 1, "assert x * x == expected\nanswer = x\nrows = []"),
    answer(
        "uses",
        "root = math.sqrt(4)\nnear = close(root, 2)",
        own="root = 2.0\nnear = True",
        none="root = None\nnear = 0",
    ),
    check("test-root", 1, "rows.append(root)\nassert near"),
    check("test-rows", 2, "rows.append(1)\nassert rows == [2.0, 1]\nassert answer == 2"),
    answer("rebinds", "expected = 5\nanswer = 'mine'", keeps="pass", deletes="del expected"),
    check("test-rebound", 1, "assert expected == 5 and answer == 'mine'"),
    check("test-dir", 1, "assert 'x' in globals()\nassert 'nothing' not in dir()"),
    check(
        "test-stub",
        2,
        "kept = close\nassert kept(1, 1)\ndel close\ntry:\n    close(1, 1)\nexcept NameError:\n    gone = True\n"
        "assert gone\nclose = kept",
    ),
    check("test-again", 1, "assert close(x, 2) and kept is close"),
)

ORDER = one(
    "order",
    free("start = 10"),
    given("step", "step = 2\n\ndef move(n):\n    return n + step"),
    free("notes = []"),
    answer("end", "end = move(start)", plain="end = 12", twice="end = move(move(start))", none="pass"),
    check("test-end", 2, "assert end == start + step"),
    free("step = 3"),
    answer("again", "again = move(start)", fixed="again = 12", stops="again = move()"),
    check("test-again", 2, "assert again == 13\nassert move(0) == 3"),
    given("reset", "step = 2\nnotes.append('reset')"),
    check("test-reset", 1, "assert move(0) == 2 and notes == ['reset']"),
    prose("Write what you like below."),
)

TROUBLE = one(
    "trouble",
    answer(
        "before",
        "before = 1",
        endless="while True:\n    pass",
        exits="raise SystemExit",
        quits="exit()",
        dies="import os\nos._exit(3)",
        sleeps="import time\ntime.sleep(0.3)\nbefore = 1",
        asks="before = int(input('?'))",
        long="print('x' * 200_000)\nbefore = 1",
        threads="import threading\nbox = []\nt = threading.Thread(target=box.append, args=(1,))\nt.start()\nt.join()\n"
        "before = box[0]",
        awaits="import asyncio\n\nasync def one():\n    await asyncio.sleep(0)\n    return 1\n\nbefore = await one()",
        process="import subprocess, sys\n"
        "before = int(subprocess.run([sys.executable, '-c', 'print(1)'], capture_output=True, text=True).stdout)",
        shell="!echo 1 > one.txt\nbefore = int(open('one.txt').read())",
        lines="found = !echo 1\nbefore = int(found[0])",
        magic="%%time\nbefore = 1",
        written="%%writefile helper.py\nbefore = 1",
        question="before = 1\nbefore?",
        shows="from IPython.display import HTML, display\ndisplay(HTML('<b>1</b>'))\nbefore = 1",
        deep="import sys\nsys.setrecursionlimit(3000)\ndef down(n):\n    return n and down(n - 1)\ndown(2000)\nbefore = 1",
        main="if __name__ == '__main__':\n    before = 1",
        underscore="1\nbefore = 1\n_",
        out="before = len(Out) + 1",
        shell_object="before = 1 if get_ipython() is not None else 2",
        folder="import os\nos.chdir('/')\nbefore = 1",
    ),
    check("test-before", 2, "assert before == 1"),
    answer(
        "call",
        "def call(n):\n    return n",
        endless="def call(n):\n    while n:\n        pass\n    return n",
        exits="import sys\n\ndef call(n):\n    sys.exit(n)",
        deep="def call(n):\n    return call(n + 1)",
        memory="def call(n):\n    raise MemoryError('full')",
        warns="import warnings\n\ndef call(n):\n    warnings.warn('old', DeprecationWarning, stacklevel=2)\n    return n",
        complains="import sys\n\ndef call(n):\n    print('hm', file=sys.stderr)\n    return n",
        logs="import logging\n\ndef call(n):\n    logging.warning('hm')\n    return n",
        asks="def call(n):\n    return int(input('?'))",
        shows="from IPython.display import display\n\ndef call(n):\n    display(n)\n    return n",
        awaits="async def call(n):\n    return n",
        process="import subprocess, sys\n\ndef call(n):\n"
        "    return int(subprocess.run([sys.executable, '-c', f'print({n})'], capture_output=True, text=True).stdout)",
        stops="class Odd(Exception):\n    def __init__(self, a, b):\n        super().__init__(a)\n\ndef call(n):\n    raise Odd(1, 2)",
        iteration="def call(n):\n    raise StopIteration(n)",
        generator="def call(n):\n    raise GeneratorExit",
    ),
    check("test-call", 2, "assert call(7) == 7"),
    answer("after", "after = 3", wrong="after = 4"),
    check("test-after", 1, "assert after == 3"),
)

ASSIGNMENTS: tuple[Assignment, ...] = (
    PRINTING, FILES, ARRAYS, FRAMES, BY_VALUE, BY_HAND, SEVERAL, SHARED, ORDER, TROUBLE,
)  # fmt: skip
