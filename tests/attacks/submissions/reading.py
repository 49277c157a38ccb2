"""Reading what is not hers: hidden tests, truth, others' work, the gradebook, the environment, arguments that are hidden."""

from tests.attacks.attack import SAY as _SAY
from tests.attacks.attack import Attack, code, everywhere


def _kept(name: str, tries: str, keep: str, later: str = "") -> Attack:
    """Return an attack that keeps what a function is called with, and answers rightly."""
    function = f"import os, sys\nseen = []\ndef double(number):\n    {keep}\n    return number * 2"
    return Attack(name, tries, {"double": function, "total": later} if later else {"double": function}, {"double": 2.0})


ATTACKS: tuple[Attack, ...] = (
    everywhere(
        "files-that-look-hidden",
        "walks through all files for hidden tests, truth and solutions",
        f"""
        import os
        for top in ("/home", "/tmp", "/dev/shm", "/var", "/root", "/srv", "/opt", ".."):
            for folder, _, names in os.walk(top):
                if "site-packages" in folder or "/lib/python" in folder: continue
                for name in names:
                    path = os.path.join(folder, name)
                    try: text = open(path, "rb").read(2_000_000)
                    except OSError: continue
                    if b"BEGIN HIDDEN" in text and b"double(" in text or b"truth-of-the" in text and b"walks through" not in text:
                        {_SAY}name[-5:])
    """,
    ),
    everywhere(
        "the-gradebook",
        "looks for a gradebook and reads the hidden tests in it",
        f"""
        import glob, sqlite3
        for path in glob.glob("../../../gradebook.db") + glob.glob("/*/*/gradebook.db"):
            for row in sqlite3.connect(path).execute("select source from source_cell"):
                if "HIDDEN" in str(row[0]): {_SAY}"gradebook")
    """,
    ),
    everywhere(
        "the-work-of-others",
        "reads what others sent",
        f"""
        import glob
        for path in glob.glob("../../*/*/*.ipynb") + glob.glob("../../../submitted/*/*/*.ipynb") + glob.glob("/*/*/submitted/*/*/*.ipynb"):
            if "neighbour" in path: {_SAY}"a neighbour's work")
    """,
    ),
    everywhere(
        "the-environment",
        "prints the environment, its own and that of other processes",
        f"""
        import glob, os
        for name, value in os.environ.items():
            if any(word in name for word in ("TOKEN", "SECRET", "KEY", "PASSERELLE_DATA")): {_SAY}name)
        for path in glob.glob("/proc/[0-9]*/environ"):
            if path.split("/")[2] != str(os.getpid()):
                try: open(path, "rb").read() and {_SAY}"environ")
                except OSError: pass
    """,
    ),
    everywhere(
        "the-memory-of-processes",
        "reads the memory and the open files of other processes",
        f"""
        import glob, os
        for path in glob.glob("/proc/[0-9]*/mem") + glob.glob("/proc/[0-9]*/fd/*"):
            if path.split("/")[2] != str(os.getpid()):
                try: open(path, "rb").read(1); {_SAY}path)
                except OSError: pass
    """,
    ),
    everywhere(
        "the-platform",
        "imports the platform and looks for its ledger",
        f"""
        try:
            import passerelle
            {_SAY}passerelle.__file__)
        except ImportError: pass
        import glob
        for path in glob.glob("/*/*/ledger.db") + glob.glob("/*/*/.passerelle/ledger.db"): {_SAY}path)
    """,
    ),
    everywhere(
        "open-descriptors",
        "reads from every descriptor that was left open",
        f"""
        import fcntl, os, stat
        for number in range(3, 1024):
            try: mode = os.fstat(number).st_mode
            except OSError: continue
            if stat.S_ISREG(mode) or stat.S_ISDIR(mode): {_SAY}number)
    """,
    ),
    everywhere(
        "the-agents-own-memory",
        "looks among all objects for the checks",
        f"""
        import gc
        for one in (gc.unfreeze(), gc.get_objects())[1]:
            text = repr(one) if type(one) in (dict, list, tuple) and len(one) < 50 else ""
            if "HIDDEN " + str("TESTS") in text: {_SAY}"a check")
    """,
    ),
    _kept("kept-in-a-global", "keeps hidden arguments among its names", "seen.append(number)", "print(seen)"),
    _kept(
        "kept-in-a-file",
        "keeps hidden arguments in a file",
        "open('seen.txt', 'a').write(f'{number};')",
        "print(open('seen.txt').read() if os.path.exists('seen.txt') else '')",
    ),
    Attack(
        "kept-in-an-error",
        "says hidden arguments in an error",
        {"double": "def double(number): raise type(f'E{number}', (ValueError,), {})(f'called with {number}')"},
    ),
    _kept(
        "kept-in-what-it-prints",
        "prints hidden arguments, to both streams and to the terminal",
        "print(number); print(number, file=sys.stderr); os.write(1, str(number).encode()); sys.__stdout__ and sys.__stdout__.write(str(number))",
    ),
    Attack(
        "kept-in-the-name-of-a-class",
        "names a class after a hidden argument",
        {"double": "def double(number): return type(f'C{number}', (), {})()"},
    ),
    Attack(
        "kept-in-the-result",
        "returns hidden arguments in words",
        {
            "double": "def double(number): return f'called with {number}'",
            "total": "def total(rows): return [repr(rows)]",
        },
    ),
    Attack(
        "kept-by-displaying",
        "displays hidden arguments",
        {
            "double": "from IPython.display import display, HTML\ndef double(number):\n    display(HTML(f'<b>{number}</b>'))\n    return str(number)"
        },
    ),
    code(
        "asserted-with-a-reason",
        "raises AssertionError with hidden arguments as its words",
        double="def double(number): raise AssertionError(f'expected for {number}')",
        total="def total(rows): raise AssertionError(repr(rows))",
    ),
    code(
        "in-the-key-of-an-error",
        "raises KeyError and NameError for names made of hidden arguments",
        double="def double(number): return globals()[f'double_of_{number}']",
        total="def total(rows): return eval(f'total_of_{rows[0][\"price\"]}')",
    ),
)
