"""Small assignments of plain asserts: values, functions, classes, errors, arguments changed, functions handed over."""

from tests.grading.differential.making import Assignment, answer, check, free, given, one, prose

VALUES = one(
    "values",
    prose("# Plain values"),
    answer(
        "total",
        "total = sum(range(4))",
        seven="total = 7",
        text="total = '6'",
        real="total = 6.0",
        unknown="total = nothing",
        forgotten="totl = 6",
    ),
    check("test-total", 2, "assert total == 6"),
    check("test-total-type", 1, "assert isinstance(total, int), 'a whole number, please'"),
    answer(
        "words",
        "words = ['pear', 'fig']\nlengths = {word: len(word) for word in words}",
        order="words = ['fig', 'pear']\nlengths = {'fig': 3, 'pear': 4}",
        tuple="words = ('pear', 'fig')\nlengths = dict(pear=4, fig=3)",
        half="words = ['pear', 'fig']\nlengths = None",
    ),
    check(
        "test-words",
        3,
        "assert words == ['pear', 'fig']\nassert sorted(lengths) == ['fig', 'pear']\n"
        "### BEGIN HIDDEN TESTS\nassert lengths['pear'] == 4 and 'plum' not in lengths\n### END HIDDEN TESTS",
    ),
    check("test-lengths", 1, "for word, length in lengths.items():\n    assert len(word) == length"),
)

FUNCTIONS = one(
    "functions",
    answer(
        "square",
        "def square(number):\n    return number * number",
        double="def square(number):\n    return number + number",
        prints="def square(number):\n    print(number * number)",
        stops="def square(number):\n    raise RuntimeError('not today')",
        arguments="def square(number, power):\n    return number ** power",
        variable="square = 4",
        function="square = lambda number: number ** 2",
        syntax="def square(number)\n    return number * number",
    ),
    check("test-square", 1, "assert square(2) == 4\nassert square(-3) == 9"),
    check(
        "test-square-more",
        2,
        "### BEGIN HIDDEN TESTS\nassert [square(number) for number in range(5)] == [0, 1, 4, 9, 16]\n"
        "assert square(1.5) == 2.25\n### END HIDDEN TESTS",
    ),
    answer(
        "mean",
        "def mean(numbers):\n    if not numbers:\n        raise ValueError('no numbers')\n"
        "    return sum(numbers) / len(numbers)",
        zero="def mean(numbers):\n    return sum(numbers) / len(numbers)",
        whole="def mean(numbers):\n    if not numbers:\n        raise ValueError\n"
        "    return sum(numbers) // len(numbers)",
        none="def mean(numbers):\n    pass",
        deep="def mean(numbers):\n    return mean(numbers)",
    ),
    check("test-mean", 2, "assert mean([1, 2, 6]) == 3\nassert abs(mean([1, 2]) - 1.5) < 1e-9"),
    check(
        "test-mean-empty",
        1,
        "try:\n    mean([])\nexcept ValueError:\n    pass\nelse:\n    raise AssertionError('no error')",
    ),
    answer(
        "names",
        "def initials(*names, end='.', **others):\n    return ' '.join(name[0] + end for name in names)",
        fixed="def initials(first, last, end='.'):\n    return first[0] + end + ' ' + last[0] + end",
        lower="def initials(*names, end='.'):\n    return ' '.join(name[0].lower() + end for name in names)",
    ),
    check("test-names", 2, "assert initials('Ada', 'Byron') == 'A. B.'\nassert initials('Ada', end='') == 'A'"),
)

CLASSES = one(
    "classes",
    answer(
        "account",
        "class Account:\n    def __init__(self, owner, balance=0):\n        self.owner = owner\n"
        "        self.balance = balance\n    def deposit(self, amount):\n        self.balance += amount\n"
        "        return self.balance\n    def __repr__(self):\n        return f'Account({self.owner!r}, {self.balance})'"
        "\n    def __eq__(self, other):\n        return isinstance(other, Account) and other.balance == self.balance"
        "\n    def __len__(self):\n        return len(self.owner)",
        plain="class Account:\n    def __init__(self, owner, balance=0):\n        self.owner = owner\n"
        "        self.balance = balance\n    def deposit(self, amount):\n        return self.balance + amount",
        slots="class Account:\n    __slots__ = ('owner', 'balance')\n    def __init__(self, owner, balance=0):\n"
        "        self.owner, self.balance = owner, balance\n    def deposit(self, amount):\n"
        "        self.balance += amount\n        return self.balance\n    def __repr__(self):\n"
        "        return f'Account({self.owner!r}, {self.balance})'",
        data="from dataclasses import dataclass\n\n@dataclass\nclass Account:\n    owner: str\n    balance: int = 0\n"
        "    def deposit(self, amount):\n        self.balance += amount\n        return self.balance",
        needs="class Account:\n    def deposit(self, amount):\n        self.balance += amount",
        factory="def Account(owner, balance=0):\n    return {'owner': owner, 'balance': balance}",
    ),
    check("test-account", 2, "a = Account('Ada', 5)\nassert a.owner == 'Ada'\nassert a.balance == 5"),
    check("test-deposit", 2, "a = Account('Ada')\nassert a.deposit(3) == 3\na.deposit(4)\nassert a.balance == 7"),
    check("test-repr", 1, "assert repr(Account('Ada', 2)) == \"Account('Ada', 2)\""),
    check("test-kind", 1, "a = Account('Bo')\nassert isinstance(a, Account)\nassert type(a).__name__ == 'Account'"),
    check(
        "test-equal",
        2,
        "### BEGIN HIDDEN TESTS\nassert Account('x', 1) == Account('y', 1)\nassert Account('x', 1) != Account('x', 2)\n"
        "assert len(Account('four')) == 4\n### END HIDDEN TESTS",
    ),
    answer(
        "savings",
        "class Savings(Account):\n    rate = 0.5\n    @property\n    def interest(self):\n"
        "        return self.balance * self.rate",
        method="class Savings(Account):\n    rate = 0.5\n    def interest(self):\n"
        "        return self.balance * self.rate",
        alone="class Savings:\n    rate = 0.5\n    balance = 10\n    interest = 5.0\n    def __init__(self, *_):\n"
        "        pass",
    ),
    check("test-savings", 2, "s = Savings('Cy', 10)\nassert issubclass(Savings, Account)\nassert s.interest == 5.0"),
    check(
        "test-rate", 1, "Savings.rate = 0.1\nassert hasattr(Savings, 'rate')\nassert Savings('Cy', 10).balance == 10"
    ),
)

ERRORS = one(
    "errors",
    answer(
        "own",
        "class TooSmall(ValueError):\n    pass\n\ndef checked(number):\n    if number < 0:\n"
        "        raise TooSmall(f'{number} is too small')\n    return number",
        builtin="TooSmall = ValueError\n\ndef checked(number):\n    if number < 0:\n        raise ValueError('small')\n"
        "    return number",
        base="class TooSmall(Exception):\n    pass\n\ndef checked(number):\n    if number < 0:\n        raise TooSmall\n"
        "    return number",
        silent="class TooSmall(ValueError):\n    pass\n\ndef checked(number):\n    return number",
        strange="class TooSmall(BaseException):\n    def __str__(self):\n        raise TypeError('no words')\n\n"
        "def checked(number):\n    raise TooSmall",
        leaves="class TooSmall(ValueError):\n    pass\n\ndef checked(number):\n    raise SystemExit(0)",
        interrupts="class TooSmall(ValueError):\n    pass\n\ndef checked(number):\n    raise KeyboardInterrupt",
        group="class TooSmall(ValueError):\n    pass\n\ndef checked(number):\n"
        "    raise ExceptionGroup('two', [TooSmall('a'), KeyError('b')])",
    ),
    check("test-checked", 1, "assert checked(3) == 3"),
    check(
        "test-raises",
        2,
        "try:\n    checked(-1)\nexcept TooSmall as error:\n    assert '-1' in str(error)\n"
        "else:\n    raise AssertionError('no error')",
    ),
    check("test-parent", 1, "try:\n    checked(-2)\nexcept ValueError:\n    caught = True\nassert caught"),
    answer(
        "safe",
        "def safe(function, *arguments):\n    try:\n        return function(*arguments)\n"
        "    except (ZeroDivisionError, KeyError) as error:\n        return type(error).__name__",
        all="def safe(function, *arguments):\n    try:\n        return function(*arguments)\n    except:\n"
        "        return 'error'",
        none="def safe(function, *arguments):\n    return function(*arguments)",
    ),
    check(
        "test-safe",
        2,
        "assert safe(lambda a, b: a / b, 1, 0) == 'ZeroDivisionError'\n"
        "assert safe({}.__getitem__, 'k') == 'KeyError'\nassert safe(abs, -2) == 2",
    ),
)

MUTATION = one(
    "mutation",
    answer(
        "push",
        "def push(items, item):\n    items.append(item)\n\ndef drop(table, key):\n    del table[key]\n    return table",
        copies="def push(items, item):\n    return items + [item]\n\n"
        "def drop(table, key):\n    return {k: v for k, v in table.items() if k != key}",
        shared="def push(items, item, seen=[]):\n    seen.append(item)\n    items[:] = seen\n\n"
        "def drop(table, key):\n    table.pop(key, None)\n    return table",
        clears="def push(items, item):\n    items.clear()\n\ndef drop(table, key):\n    table.clear()\n    return table",
    ),
    check("test-push", 2, "items = [1]\nassert push(items, 2) is None\nassert items == [1, 2]"),
    check("test-push-again", 1, "other = []\npush(other, 'a')\npush(other, 'b')\nassert other == ['a', 'b']"),
    check(
        "test-drop",
        2,
        "table = {'a': 1, 'b': 2}\nleft = drop(table, 'a')\nassert left == {'b': 2}\nassert left is table",
    ),
    answer(
        "nested",
        "def mark(rows, n):\n    for row in rows:\n        row['n'] = n\n    rows.sort(key=lambda row: row['k'])",
        first="def mark(rows, n):\n    rows[0]['n'] = n",
        new="def mark(rows, n):\n    rows = [{**row, 'n': n} for row in rows]",
    ),
    check(
        "test-nested",
        3,
        "rows = [{'k': 2}, {'k': 1}]\nfirst = rows[0]\nmark(rows, 9)\nassert rows == [{'k': 1, 'n': 9}, {'k': 2, 'n': 9}]\n"
        "### BEGIN HIDDEN TESTS\nassert first is rows[1]\n### END HIDDEN TESTS",
    ),
    answer(
        "kept",
        "log = []\n\ndef note(text):\n    log.append(text)\n    return len(log)",
        counts="log = []\ncount = 0\n\ndef note(text):\n    global count\n    count += 1\n    return count",
        text="log = ''\n\ndef note(text):\n    global log\n    log += text\n    return 1",
    ),
    check("test-note", 1, "assert note('a') == 1\nassert note('b') == 2\nassert log == ['a', 'b']"),
    check("test-note-again", 1, "log.clear()\nassert note('c') == 1"),
)

CALLBACKS = one(
    "callbacks",
    answer(
        "apply",
        "def apply(function, items):\n    return [function(item) for item in items]",
        once="def apply(function, items):\n    return [function(items[0])]",
        lazy="def apply(function, items):\n    return map(function, items)",
        never="def apply(function, items):\n    return items",
    ),
    check("test-apply", 2, "assert apply(lambda n: n + 1, [1, 2]) == [2, 3]\nassert apply(str, []) == []"),
    check(
        "test-calls",
        2,
        "calls = []\ndef seen(item):\n    calls.append(item)\n    return -item\n"
        "assert list(apply(seen, [3, 4])) == [-3, -4]\nassert calls == [3, 4]",
    ),
    answer(
        "adder",
        "def adder(n):\n    def add(m):\n        return n + m\n    return add",
        value="def adder(n):\n    return n",
        late="def adder(n):\n    return lambda m: m + m",
    ),
    check("test-adder", 2, "add = adder(2)\nassert callable(add)\nassert add(3) == 5 and adder(1)(1) == 2"),
    answer(
        "twice",
        "import functools\n\ndef twice(function):\n    @functools.wraps(function)\n    def wrapped(*args, **named):\n"
        "        function(*args, **named)\n        return function(*args, **named)\n    return wrapped",
        bare="def twice(function):\n    def wrapped(*args):\n        function(*args)\n        return function(*args)\n"
        "    return wrapped",
        same="def twice(function):\n    return function",
    ),
    check(
        "test-twice",
        2,
        "told = []\n@twice\ndef tell(word):\n    told.append(word)\n    return len(told)\n"
        "assert tell('a') == 2\nassert told == ['a', 'a']\n"
        "### BEGIN HIDDEN TESTS\nassert tell.__name__ == 'tell'\n### END HIDDEN TESTS",
    ),
    answer(
        "largest",
        "def largest(items, key=None):\n    return max(items, key=key)",
        least="def largest(items, key=None):\n    return min(items, key=key)",
        plain="def largest(items, key=None):\n    return max(items)",
    ),
    check("test-largest", 1, "assert largest(['aaa', 'b'], key=len) == 'aaa'\nassert largest([-3, 2], key=abs) == -3"),
)

ITERATORS = one(
    "iterators",
    free("import itertools"),
    given("limit", "LIMIT = 5\nrows = [('a', 1), ('b', 2)]"),
    answer(
        "evens",
        "def evens():\n    number = 0\n    while True:\n        yield number\n        number += 2",
        list="def evens():\n    return [0, 2, 4, 6, 8, 10]",
        odd="def evens():\n    number = 1\n    while True:\n        yield number\n        number += 2",
        stops="def evens():\n    yield 0\n    yield 2\n    raise OSError('no more')",
    ),
    check("test-evens", 2, "assert list(itertools.islice(evens(), 3)) == [0, 2, 4]"),
    check("test-next", 2, "g = evens()\nassert next(g) == 0\nassert next(g) == 2"),
    check("test-zip", 1, "assert [(r[0], e) for r, e in zip(rows, evens())] == [('a', 0), ('b', 2)]"),
    answer(
        "pairs",
        "from collections import namedtuple, Counter\nPair = namedtuple('Pair', 'name n')\n"
        "pairs = [Pair(*row) for row in rows if row[1] < LIMIT]\ncounts = Counter('banana')",
        plain="pairs = list(rows)\ncounts = {'a': 3, 'n': 2, 'b': 1}",
        some="Pair = tuple\npairs = []\ncounts = dict()",
    ),
    check("test-pairs", 1, "assert len(pairs) == 2\nassert pairs[0] == ('a', 1)"),
    check("test-pair-name", 1, "assert pairs[1].name == 'b'"),
    check("test-counts", 2, "assert counts['a'] == 3\nassert counts == {'a': 3, 'n': 2, 'b': 1}"),
    answer(
        "bag",
        "class Bag:\n    def __init__(self, items):\n        self.items = list(items)\n    def __iter__(self):\n"
        "        return iter(self.items)\n    def __contains__(self, item):\n        return item in self.items\n"
        "    def __getitem__(self, place):\n        return self.items[place]\n    def __add__(self, other):\n"
        "        return Bag(self.items + other.items)\n    def __enter__(self):\n        return self\n"
        "    def __exit__(self, *_):\n        self.items = []\n    def __bool__(self):\n        return bool(self.items)",
        list="class Bag(list):\n    pass",
        empty="class Bag:\n    def __init__(self, items):\n        pass",
        lies="class Bag:\n    def __init__(self, items):\n        pass\n    def __iter__(self):\n"
        "        return iter([1, 2, 3])\n    def __contains__(self, item):\n        return True",
    ),
    check(
        "test-bag",
        2,
        "bag = Bag([1, 2])\nassert list(bag) == [1, 2] and 2 in bag and 3 not in bag\nassert bag[-1] == 2",
    ),
    check("test-bag-sum", 1, "assert list(Bag([1]) + Bag([2])) == [1, 2]"),
    check("test-bag-with", 2, "with Bag([1]) as bag:\n    assert bag\nassert not bag"),
)

ASSIGNMENTS: tuple[Assignment, ...] = (VALUES, FUNCTIONS, CLASSES, ERRORS, MUTATION, CALLBACKS, ITERATORS)
