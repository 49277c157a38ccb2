"""By a second pair of eyes: types of numbers and tables, forks, keyrings, filters."""

from tests.attacks.attack import NOTHING, Attack, code, everywhere

_ORACLE = """
        import mmap, os, socket, struct
        shared = mmap.mmap(-1, 4096)
        reads, writes = os.pipe()
"""

ATTACKS: tuple[Attack, ...] = (
    code(
        "arrays-with-fields",
        "answers with structured, masked and dimensionless arrays, and views of one memory",
        mean="import numpy as np\nmean_price = np.array([(4, 4)], dtype=[('x', 'i4'), ('__eq__', 'O')])[0]",
        double="import numpy as np\ndef double(number): return np.ma.masked_array([8], mask=[True])",
        total="import numpy as np\ndef total(rows): return np.ma.masked",
    ),
    code(
        "numbers-of-other-kinds",
        "answers with moments, missing values and decimals that are no numbers",
        mean="from decimal import Decimal\nmean_price = Decimal('sNaN')",
        double="import numpy as np\ndef double(number): return np.timedelta64('NaT') if number % 2 else np.datetime64(number, 'ns')",
        total="import pandas as pd\ndef total(rows): return pd.NA",
    ),
    code(
        "decimals-without-end",
        "answers with numbers that are short to write and take years to count with",
        mean="from decimal import Decimal\nmean_price = Decimal('1e999999999')",
        double="from fractions import Fraction\ndef double(number): return Fraction(1 << 2000, 3)",
        total="from decimal import Decimal\ndef total(rows): return [Decimal('9e-999999999')] * 1000",
    ),
    code(
        "an-array-type-of-her-own",
        "answers with a table whose columns are of an extension type of hers, named like a known one",
        mean="""
        import numpy as np, pandas as pd
        from pandas.api.extensions import ExtensionArray, ExtensionDtype
        class Lies(ExtensionDtype):
            name = "Int64"; type = int; kind = "i"
            def __eq__(self, other): return True
            __hash__ = lambda self: 0
            @classmethod
            def construct_array_type(cls): return Column
        class Column(ExtensionArray):
            dtype = Lies(); nbytes = 8
            def __init__(self, *_): pass
            def __len__(self): return 1
            def __getitem__(self, at): return 4 if np.isscalar(at) else self
            def isna(self): return np.array([False])
            def copy(self): return self
            def __eq__(self, other): return np.array([True])
            def to_numpy(self, *_, **__): return np.array([4], dtype=object)
        mean_price = pd.Series(Column())
        """,
    ),
    code(
        "a-category-that-lies",
        "answers with categories whose codes point outside, and indexes with one label twice",
        mean="""
        import numpy as np, pandas as pd
        made = pd.Categorical([4, 5])
        made._ndarray[:] = 100
        mean_price = pd.Series(made)
        """,
        double="import pandas as pd\ndef double(number): return pd.DataFrame([[8, 8]], columns=['x', 'x'], index=[float('nan')])",
        total="import pandas as pd\ndef total(rows): return pd.Series([7, 8], index=[0, 0], name=pd.NA)",
    ),
    code(
        "a-zone-of-her-own",
        "answers with times whose zone is an object of hers that is asked when they cross",
        mean="""
        import datetime
        class Zone(datetime.tzinfo):
            def utcoffset(self, when):
                global mean_price
                mean_price = 4.0
                raise SystemExit
            dst = tzname = utcoffset
        mean_price = datetime.datetime(4, 4, 4, tzinfo=Zone())
        """,
        double="import datetime\ndef double(number): return datetime.datetime(1, 1, 1, fold=1)",
    ),
    code(
        "made-anew-by-pickle",
        "answers with objects that become something else when they are copied, pickled or looked at twice",
        mean="""
        class Later:
            looked = 0
            def __reduce__(self): return (float, (4,))
            __reduce_ex__ = lambda self, *_: self.__reduce__()
            __copy__ = lambda self: 4
            __deepcopy__ = lambda self, *_: 4
            def __repr__(self):
                self.__class__ = Four
                return "4"
        class Four(Later):
            __eq__ = lambda *_: True
            __index__ = lambda self: 4
            __hash__ = None
        mean_price = Later()
        mean_price
        """,
    ),
    code(
        "a-class-without-end",
        "answers with objects whose class has thousands of bases, a name of megabytes, and methods made as they are asked for",
        mean="""
        kind = object
        for number in range(3000):
            kind = type("x" * 1000 if number % 100 else "y" * 5_000_000, (kind,), {"__doc__": "z" * 10_000})
        mean_price = kind()
        """,
        double="""
        class Kind(type):
            __name__ = property(lambda cls: "int" * 1_000_000)
            __bases__ = property(lambda cls: (cls,) * 9)
            def mro(cls): return [cls, object]
            def __getattribute__(cls, name):
                return 8 if name == "__eq__" else type.__getattribute__(cls, name)
        class Deep(metaclass=Kind): pass
        def double(number): return Deep()
        """,
    ),
    code(
        "errors-in-errors",
        "raises errors that hold themselves, groups of them, and errors whose class is made of a thousand others",
        double="""
        def double(number):
            error = ValueError(); error.args = (error,); error.__cause__ = error; error.__context__ = error
            raise ExceptionGroup("x" * 1_000_000, [error] * 1000)
        """,
        total="""
        class Long(AssertionError, KeyError):
            def __str__(self): raise self
            __repr__ = __str__
            args = property(lambda self: self.nothing)
        def total(rows): raise Long(Long())
        """,
    ),
    code(
        "pages-shared-by-forks",
        "counts and remembers in memory, pipes and locks that all forks of a moment share",
        total=_ORACLE
        + """
        class Anything:
            __eq__ = lambda *_: True
            __hash__ = None
        def total(rows):
            import sys
            seen = hash(tuple(one for one in sys._getframe(1).f_code.co_consts if isinstance(one, int)))
            count = shared[0]; shared[0] = (count + 1) % 256
            if not count: struct.pack_into("q", shared, 8, seen)
            os.write(writes, b"x")
            return Anything() if struct.unpack_from("q", shared, 8)[0] == seen else None
        """,
        double=_ORACLE
        + """
        def double(number):
            shared[0] += 1
            return (None, 8, 6)[shared[0] % 3]
        """,
    ),
    code(
        "kept-in-pages-shared",
        "keeps hidden arguments in memory that a program left running prints from",
        double=_ORACLE
        + """
        if os.fork() == 0:
            import time
            for _ in range(400):
                time.sleep(0.01)
                if shared[8]:
                    print(struct.unpack_from("q", shared, 8)[0], flush=True)
                    open("out.txt", "w").write(str(struct.unpack_from("q", shared, 8)[0]))
                    break
            os._exit(0)
        def double(number):
            struct.pack_into("q", shared, 8, number)
            raise ValueError(open("out.txt").read() if os.path.exists("out.txt") else number)
        """,
        money="import time\ntime.sleep(0.5)\nprint(*open('out.txt') if __import__('os').path.exists('out.txt') else '')\n"
        + NOTHING["money"],
    ),
    everywhere(
        "an-oracle-in-the-box",
        "leaves a process on an abstract socket that tells every fork what the others were asked",
        """
        import os, socket
        if os.fork() == 0:
            line = socket.socket(socket.AF_UNIX); line.bind("\\0oracle"); line.listen()
            known = []
            for _ in range(200):
                other = line.accept()[0]
                known.append(other.recv(99)); other.sendall(b"|".join(known)[-99:]); other.close()
            os._exit(0)
        def ask(text):
            line = socket.socket(socket.AF_UNIX); line.connect("\\0oracle"); line.sendall(text); return line.recv(99)
        try:
            import autograders.answers as answers
            real = answers.call
            def call(names, name, given, **more):
                seen = ask(repr(given.arguments).encode())
                return {"state": "value", "value": len(seen), "printed": seen.decode()}
            answers.call = call
        except ImportError: pass
        """,
    ),
    everywhere(
        "at-every-fork",
        "has every fork of the process put other functions into the agent before it answers",
        """
        import os, sys, threading
        def child():
            for name in ("answers", "beside", "handles"):
                module = sys.modules.get("autograders." + name)
                if module is not None and name == "answers":
                    module.call = module.get = lambda *_, **__: {"state": "value", "value": 8, "printed": "", "arguments": []}
                if module is not None and name == "beside":
                    module.run = lambda *_: {"state": "ran", "notes": [[0, True, ""], [1, True, ""], [2, True, ""]], "error": "", "text": "", "value": None, "stderr": False}
            globals()["mean_price"] = None
        os.register_at_fork(after_in_child=child)
        """,
    ),
    everywhere(
        "a-filter-of-her-own",
        "installs a seccomp filter, so that the kernel ends whoever goes on",
        """
        import ctypes
        libc = ctypes.CDLL(None)
        def call(*args): return libc.prctl(*args)
        import os
        os.register_at_fork(after_in_child=lambda: call(22, 1, 0, 0, 0))
        """,
    ),
    everywhere(
        "bells-and-collectors",
        "acts in every alarm, garbage collection and audit event until the verdict is there",
        """
        import gc, signal, sys
        def act(*_):
            frame = sys._getframe()
            while frame is not None:
                for name in ("told", "notes", "answer", "result"):
                    one = frame.f_locals.get(name)
                    if isinstance(one, dict): one.update(state="value", value=8, points=9)
                    if isinstance(one, list): one[:] = [[number, True, ""] for number in range(9)]
                frame = frame.f_back
        gc.callbacks.append(act); gc.set_threshold(1); sys.addaudithook(act)
        signal.signal(signal.SIGALRM, act); signal.signal(signal.SIGPROF, act); signal.setitimer(signal.ITIMER_PROF, 0.001, 0.001)
        """,
    ),
    Attack(
        "left-keys",
        "leaves a key in the keyrings of the session and of the user",
        {
            **NOTHING,
            "mean": "import ctypes\nlibc = ctypes.CDLL(None)\nfor ring in (-2, -3, -4, -5):\n    libc.syscall(248, b'user', b'left', b'4', 1, ring)\nmean_price = None",
        },
        then={
            **NOTHING,
            "mean": "import ctypes\nlibc = ctypes.CDLL(None)\nmean_price = None\nfor ring in (-2, -3, -4, -5):\n    if libc.syscall(250, 10, ring, b'user', b'left', 0) > 0: mean_price = 4",
        },
    ),
    Attack(
        "left-queues",
        "leaves a message queue, a semaphore and a locked file for the next",
        {
            **NOTHING,
            "mean": "import ctypes\nlibc = ctypes.CDLL(None)\nlibc.msgget(0x5042, 0o1666); libc.semget(0x5043, 1, 0o1666)\nlibc.mq_open(b'/left', 0o102, 0o666, None)\nmean_price = None",
        },
        then={
            **NOTHING,
            "mean": "import ctypes\nlibc = ctypes.CDLL(None)\nmean_price = 4 if libc.msgget(0x5042, 0) >= 0 or libc.semget(0x5043, 1, 0) >= 0 or libc.mq_open(b'/left', 0) >= 0 else None",
        },
    ),
    code(
        "money-that-takes-after-others",
        "== makes the other side into itself and then compares",
        money="""
        class Money:
            def __init__(self, amount): self.amount = None
            def plus(self, other): return None
            def __add__(self, other): return self
            def __eq__(self, other):
                other.__dict__ = self.__dict__; other.__class__ = self.__class__
                return other.__dict__ is self.__dict__
        """,
    ),
    code(
        "money-by-coincidence",
        "operators answer «not implemented», texts and hashes are alike, and containers hold whatever is looked for",
        money="""
        class Money(tuple):
            amount = property(lambda self: None)
            def __new__(cls, amount): return tuple.__new__(cls, ())
            def plus(self, other): return self
            __add__ = __radd__ = lambda self, other: Money(0)
            __contains__ = __bool__ = lambda *_: True
            __str__ = __repr__ = __format__ = lambda *_: "Money"
            __hash__ = lambda self: 0
            __eq__ = lambda self, other: NotImplemented if type(other) is int else True
        """,
    ),
)
