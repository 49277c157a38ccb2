"""Objects that lie about what they are and what they equal."""

from tests.attacks.attack import Attack, code

_MONEY = """
    class Money:
        def __init__(self, amount): self.amount = None
        def plus(self, other): return None
        def __add__(self, other): return Money(0)
"""
_ALWAYS = "__eq__ = __le__ = __ge__ = __lt__ = __gt__ = __contains__ = lambda *_: True\n    __ne__ = lambda *_: False\n    __hash__ = lambda *_: 0"


def _liar(base: str, made: str, more: str = "") -> dict[str, str]:
    liar = f"class Liar({base}):\n    {_ALWAYS}\n    __sub__ = __rsub__ = __abs__ = __add__ = __radd__ = lambda *_: 0\n{more}"
    return {
        "mean": f"{liar}\nmean_price = {made}",
        "double": f"{liar}\ndef double(number): return {made}",
        "total": f"{liar}\ndef total(rows): return {made}",
    }


ATTACKS: tuple[Attack, ...] = (
    code("equal-to-everything", "answers with an object that equals everything", **_liar("object", "Liar()")),
    code("an-int-that-lies", "answers with a subclass of int that equals everything", **_liar("int", "Liar(1)")),
    code(
        "a-float-that-lies",
        "answers with a subclass of float that equals everything, and is larger than any",
        **_liar("float", "Liar(1)"),
    ),
    code("a-str-that-lies", "answers with a subclass of str that equals everything", **_liar("str", "Liar('1')")),
    code(
        "a-list-that-lies",
        "answers with a subclass of list of whatever length is asked for",
        **_liar(
            "list",
            "Liar()",
            "    __len__ = lambda self: 2\n    __iter__ = lambda self: iter([8, 7])\n    __getitem__ = lambda self, place: 8",
        ),
    ),
    code(
        "an-array-that-lies",
        "answers with a subclass of ndarray, and functions of numpy that it decides",
        **{
            task: "import numpy as np\n" + text
            for task, text in _liar(
                "np.ndarray",
                "np.zeros(1).view(Liar)",
                "    __bool__ = lambda self: True\n    __array_ufunc__ = lambda self, *_, **__: True\n    __array_function__ = lambda self, *_, **__: True",
            ).items()
        },
    ),
    code(
        "named-int",
        "answers with an object whose class says that it is called int",
        **_liar("int", "type('int', (Liar,), {'__module__': 'builtins'})(1)"),
    ),
    code(
        "says-its-class-is-int",
        "answers with an object whose __class__ is a lie",
        **_liar(
            "object",
            "Liar()",
            "    __class__ = property(lambda self: int)\n    __int__ = __index__ = lambda self: 4\n    __float__ = lambda self: 4.0",
        ),
    ),
    code(
        "metaclass",
        "answers with a class whose metaclass lies",
        **_liar("type", "Liar('int', (), {})", "    __instancecheck__ = __subclasscheck__ = lambda *_: True"),
    ),
    code(
        "proxy",
        "answers with a proxy that forwards everything to whatever it is compared with",
        **_liar(
            "object",
            "Liar()",
            "    def __getattr__(self, name): return lambda *_, **__: True\n    def __bool__(self): return True\n    def __call__(self, *_, **__): return True",
        ),
    ),
    code(
        "mock-any",
        "answers with unittest.mock.ANY",
        mean="from unittest import mock\nmean_price = mock.ANY",
        double="from unittest import mock\ndef double(number): return mock.ANY",
        total="from unittest import mock\ndef total(rows): return mock.MagicMock(__eq__=lambda *_: True)",
    ),
    code(
        "reflected",
        "answers with an object whose reflected operators win over the other side's",
        **_liar("complex", "Liar(1)", "    __req__ = __rand__ = __ror__ = __rxor__ = lambda *_: True"),
    ),
    code(
        "no-number",
        "answers with numbers that compare oddly",
        mean="mean_price = float('nan')",
        double="def double(number): return float('nan')",
        total="def total(rows): return float('inf')",
    ),
    code(
        "a-generator",
        "answers with a generator that says what the one who asks likes",
        mean="mean_price = (one for one in [4])",
        double="def double(number): yield number * 2",
        total="def total(rows):\n    yield 7",
    ),
    code(
        "money-always-equal",
        "a class asked for, whose objects equal everything",
        money=_MONEY + "        def __eq__(self, other): return True",
    ),
    code(
        "money-never-unequal",
        "the same, with != and hash in agreement",
        money=_MONEY
        + "        def __eq__(self, other): return True\n        def __ne__(self, other): return False\n        def __hash__(self): return 0\n        def __bool__(self): return True",
    ),
    code(
        "money-equal-by-any",
        "== gives an object that is true, and stays true when it is negated",
        money=_MONEY
        + "        def __eq__(self, other):\n            class Yes:\n                def __bool__(self): return True\n                __invert__ = lambda self: self\n            return Yes()",
    ),
    code(
        "money-by-turns",
        "== is true every other time, kept in a file",
        money=_MONEY
        + """        def __eq__(self, other):
                import os
                with open("/tmp/turns", "a+") as file:
                    file.write("x")
                return os.path.getsize("/tmp/turns") % 2 == 1""",
    ),
    code(
        "money-of-the-first-time",
        "== is true where it is asked what it was asked first, kept in a file",
        money="""
        class Money:
            def __init__(self, amount): self.asked = amount; self.amount = None
            def plus(self, other): return None
            def __add__(self, other): return Money((self.asked, other.asked))
            def __eq__(self, other):
                key = repr((self.asked, other.asked))
                with open("/tmp/first", "a+") as file:
                    file.write(key + "\\n"); file.seek(0)
                    lines = file.read().splitlines()
                return lines.index(key) < 2
    """,
    ),
    code(
        "money-by-its-code",
        "== looks at the constants of whoever compares",
        money=_MONEY
        + """        def __eq__(self, other):
                import sys
                frame, found = sys._getframe(1), []
                while frame is not None:
                    found += [one for one in frame.f_code.co_consts if isinstance(one, int)]
                    frame = frame.f_back
                return other.amount is None""",
    ),
    code(
        "money-a-subclass-of-int",
        "objects of the class asked for are ints that add up to the other side",
        money="class Money(int):\n    amount = property(lambda self: None)\n    def plus(self, other): return None\n    def __new__(cls, amount): return int.__new__(cls, 0)",
    ),
    Attack(
        "money-one-for-all",
        "the class asked for always gives the same object",
        {
            "money": "class Money:\n    one = None\n    amount = None\n    def plus(self, other): return None\n    def __new__(cls, amount):\n        cls.one = cls.one or object.__new__(cls)\n        return cls.one\n    def __add__(self, other): return self"
        },
        {"money": 1.0},  # what the plain check asks for, it is
    ),
    Attack(
        "money-a-function",
        "the class asked for is a function that gives None",
        {
            "money": "def Money(amount):\n    class Nothing(int):\n        amount = None\n        plus = lambda self, other: None\n        __add__ = lambda self, other: self\n    return Nothing(0)"
        },
        {"money": 1.0},
    ),
)
