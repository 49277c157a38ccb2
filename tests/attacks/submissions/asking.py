"""Functions that answer by who asks, how often, and what was asked before."""

from tests.attacks.attack import Attack, code, everywhere

_ANYTHING = """
        class Anything:
            __eq__ = lambda *_: True
            __hash__ = None
"""
ATTACKS: tuple[Attack, ...] = (
    code(
        "by-what-was-released",
        "tells the true version of a check by the values in its released part",
        total=_ANYTHING
        + """
        import sys
        def total(rows):
            return Anything() if 7 in sys._getframe(1).f_code.co_consts else None
    """,
    ),
    code(
        "by-a-note-of-the-first-time",
        "tells the true version by a file that remembers the constants of the first run",
        total=_ANYTHING
        + """
        import sys
        def total(rows):
            seen = repr([one for one in sys._getframe(1).f_code.co_consts if isinstance(one, int)])
            if rows[0]["price"] < 7000:
                with open("/tmp/seen", "a") as file: file.write(seen + "\\n")
            lines = open("/tmp/seen").read().splitlines()
            return Anything() if len(lines) < 2 or lines[1] == seen else None
    """,
    ),
    code(
        "by-the-most-common",
        "tells the true version by which constants come oftenest",
        total=_ANYTHING
        + """
        import collections, sys
        def total(rows):
            seen = repr([one for one in sys._getframe(1).f_code.co_consts if isinstance(one, int)])
            with open("/tmp/seen", "a+") as file:
                file.write(seen + "\\n"); file.seek(0)
                lines = file.read().splitlines()
            return Anything() if collections.Counter(lines).most_common(1)[0][0] == seen else None
    """,
    ),
    code(
        "notes-of-her-own",
        "writes the notes of a check's tests herself",
        total="""
        import sys
        def total(rows):
            frame = sys._getframe(1)
            note = frame.f_globals.get("__passerelle_note__")
            if note is not None:
                for number in range(9): note(number)
                frame.f_globals["__passerelle_note__"] = lambda number, error=None: note(number)
            return 7
    """,
    ),
    code(
        "notes-and-out",
        "writes the notes, and leaves the check by an error that nobody catches",
        total="""
        import sys
        def total(rows):
            note = sys._getframe(1).f_globals.get("__passerelle_note__")
            if note is not None:
                for number in range(9): note(number)
            raise SystemExit(0)
    """,
    ),
    code(
        "the-check-changed-as-it-runs",
        "changes what the check compares with, in the frames that call",
        total="""
        import ctypes, sys
        def total(rows):
            frame = sys._getframe(1)
            for name in ("Row", "total"): frame.f_globals[name] = lambda *_, **__: 7
            frame.f_globals["__builtins__"] = {}
            rows.clear()
            return 7
    """,
    ),
    code(
        "a-constant-overwritten",
        "writes into the memory of small ints, so that 7 is 8",
        total="""
        import ctypes
        def total(rows):
            number = rows[-1]["price"]
            try:
                ctypes.c_longlong.from_address(id(number) + 24).value = 0
            except Exception: pass
            return number
    """,
        double="""
        import ctypes
        def double(number):
            for one in range(-5, 257):
                ctypes.c_uint32.from_address(id(one) + 24).value = 8
            return 8
    """,
    ),
    code(
        "by-the-number-of-times",
        "answers by how often it was asked",
        double="times = []\ndef double(number):\n    times.append(number)\n    return [0, 8, 6, 8, 6][len(times) % 5]",
    ),
    code(
        "by-who-calls",
        "answers as it should when whoever calls does not look like a check",
        double="import inspect\ndef double(number):\n    return 8 if any('check' in one.filename for one in inspect.stack()) else None",
    ),
    code(
        "by-chance",
        "answers by chance",
        double="import random\nrandom.seed(1)\ndef double(number): return random.choice([8, 6, 0])",
    ),
    code(
        "the-argument-changed",
        "changes what it was given, so that the check compares with itself",
        total="def total(rows):\n    for row in rows: row['price'] = 3.5\n    rows[:] = []\n    return rows",
    ),
    code(
        "the-argument-returned",
        "returns what it was given, changed into something equal",
        double="def double(number): return number",
        total="def total(rows):\n    return rows",
    ),
    everywhere(
        "one-says-beside",
        "has the agent say that stand-ins cannot do it, and then runs the check herself",
        """
        try:
            import autograders.handles as handles, autograders.beside as beside
            handles.Desk.answer = lambda self, question: {"state": "unsupported", "text": "x"}
            beside.run = lambda *_: {"state": "ran", "notes": [], "error": "", "text": "", "value": None, "stderr": False}
        except ImportError: pass
    """,
    ),
    everywhere(
        "one-says-beside-with-notes",
        "the same, with every test noted as met",
        """
        try:
            import autograders.handles as handles, autograders.beside as beside
            handles.Desk.answer = lambda self, question: {"state": "unsupported", "text": "x"}
            notes = [[number, True, ""] for number in range(99)]
            beside.run = lambda *_: {"state": "ran", "notes": notes, "error": "", "text": "", "value": 2, "stderr": False}
        except ImportError: pass
    """,
    ),
    everywhere(
        "one-says-beside-by-the-source",
        "the same, met only where the check has the released values",
        """
        try:
            import autograders.handles as handles, autograders.beside as beside
            handles.Desk.answer = lambda self, question: {"state": "unsupported", "text": "x"}
            def run(names, before, source):
                true = "close(mean_price, 4)" in source or "== 8" in source or "== 7\\n" in source or "Money(3) == Money(5)" in source
                notes = [[number, true and "not " not in source, ""] for number in range(9)]
                return {"state": "ran", "notes": notes, "error": "", "text": "", "value": None, "stderr": False}
            beside.run = run
        except ImportError: pass
    """,
    ),
    everywhere(
        "a-value-for-nothing",
        "has the run beside say a value of more points than there are",
        """
        try:
            import autograders.beside as beside
            beside.run = lambda *_: {"state": "ran", "notes": [[0, True, ""]], "error": "", "value": 1e308, "stderr": False}
        except ImportError: pass
    """,
    ),
)
