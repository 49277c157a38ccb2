"""Using up what there is: memory, processes, disk, output, files, descriptors, time. All of them are finite: they go
some way beyond the limits, so that nothing but a limit is needed to stop them."""

from tests.attacks.attack import Attack, code, everywhere

ATTACKS: tuple[Attack, ...] = (
    everywhere(
        "forks",
        "starts 300 processes",
        """
        import os, time
        for _ in range(300):
            try:
                if os.fork() == 0:
                    time.sleep(20); os._exit(0)
            except OSError: break
    """,
    ),
    everywhere(
        "threads",
        "starts 2,000 threads",
        """
        import threading, time
        for _ in range(2000):
            try: threading.Thread(target=time.sleep, args=(20,), daemon=True).start()
            except RuntimeError: break
    """,
    ),
    everywhere(
        "memory", "takes 4 GB of memory", "hoard = []\nfor _ in range(400): hoard.append(bytearray(b'x') * 10_000_000)"
    ),
    everywhere(
        "shared-memory",
        "takes 4 GB of memory in files that are none",
        """
        import mmap, os
        hoard = []
        for number in range(40):
            for make in (lambda: os.memfd_create("x"), lambda: os.open(f"/dev/shm/{number}", os.O_CREAT | os.O_RDWR)):
                try:
                    one = make(); hoard.append(one)
                    for _ in range(50): os.write(one, b"x" * 1_000_000)
                except OSError: pass
    """,
    ),
    everywhere(
        "disk",
        "writes 200 MB",
        """
        for number in range(20):
            try:
                with open(f"fill-{number}", "wb") as file: file.write(b"x" * 10_000_000)
            except OSError: break
    """,
    ),
    everywhere(
        "many-files",
        "makes 20,000 files",
        """
        import os
        os.makedirs("many", exist_ok=True)
        for number in range(20_000):
            try: os.close(os.open(f"many/{number}", os.O_CREAT))
            except OSError: break
    """,
    ),
    everywhere(
        "descriptors",
        "opens 100,000 descriptors",
        """
        import os
        kept = []
        for _ in range(100_000):
            try: kept.append(os.open("/dev/null", 0))
            except OSError: break
    """,
    ),
    everywhere("output", "prints 50 MB", "for _ in range(500): print('x' * 100_000)"),
    everywhere(
        "outputs",
        "displays 20,000 times",
        "from IPython.display import display\nfor number in range(20_000): display(number)",
    ),
    everywhere("an-endless-loop", "loops without end in a cell", "while True: pass"),
    code("an-endless-call", "loops without end in a function", double="def double(number):\n    while True: pass"),
    code(
        "a-loop-that-catches-everything",
        "loops, and catches whatever is to stop it",
        double="def double(number):\n    while True:\n        try:\n            while True: pass\n        except BaseException: pass",
        mean="mean_price = None\ndef again():\n    try:\n        while True: pass\n    except BaseException: again()\nagain()",
    ),
    code("asleep", "sleeps for a day", double="import time\ndef double(number): time.sleep(86400)"),
    code(
        "one-long-call-of-c",
        "computes for long where no signal comes in",
        double="def double(number): return 9 ** (9 ** 8) % 7",
    ),
    code(
        "a-pattern-without-end",
        "has a pattern matched that takes for ever",
        double="import re\ndef double(number): return re.match('(a+)+$', 'a' * 60 + 'b')",
    ),
    code(
        "deep",
        "answers with 100,000 lists in one another",
        mean="mean_price = []\nfor _ in range(100_000): mean_price = [mean_price]",
    ),
    code(
        "wide",
        "answers with ten million entries",
        mean="mean_price = list(range(10_000_000))",
        double="def double(number): return 'x' * 300_000_000",
    ),
    code(
        "a-huge-number",
        "answers with a number of a million digits",
        mean="mean_price = 10 ** 1_000_000",
        double="def double(number): return 8 * 10 ** 300_000",
    ),
    code(
        "without-end-in-itself",
        "answers with a list that holds itself",
        mean="mean_price = []\nmean_price.append(mean_price)",
        double="def double(number):\n    found = {}\n    found['x'] = found\n    return found",
    ),
    code(
        "an-endless-repr",
        "answers with an object whose text has no end",
        mean="class Long:\n    def __repr__(self): return 'x' * 500_000_000\n    __str__ = __format__ = __repr__\nmean_price = Long()\nmean_price",
        double="def double(number): raise ValueError(Long())",
    ),
    code(
        "an-endless-iterator",
        "answers with an iterator without end",
        total="import itertools\ndef total(rows): return itertools.count()",
        double="def double(number):\n    while True: yield 1",
    ),
    Attack(
        "earned-before-the-end",
        "has earned a point, and then loops: what was earned stays",
        {"mean": "mean_price = sum(prices) / len(prices)", "total": "while True: pass"},
        {"mean": 1.0},
        ("mean",),
    ),
    Attack(
        "earned-before-death",
        "has earned points, and then kills itself",
        {
            "mean": "mean_price = sum(prices) / len(prices)",
            "double": "def double(number): return number * 2",
            "total": "import os\nos.abort()",
        },
        {"mean": 1.0, "double": 2.0},
        ("mean", "double"),
    ),
)
