"""Files sent beside the notebook: their names, encodings, archives, and what they take the place of."""

import io
import zipfile

from tests.attacks.attack import NOTHING, Attack
from tests.attacks.tiny import POINTS, RIGHT, TASKS


def _bomb() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../../../outside.txt", b"x")
        archive.writestr("zeros", b"\0" * 50_000_000)
    return packed.getvalue()


_MODULE = (
    b"import sys\nsys.modules[__name__] = type('M', (), {'__getattr__': lambda self, name: (lambda *_, **__: 4)})()\n"
)
_TAKEN = (
    "json",
    "random",
    "ast",
    "types",
    "codecs",
    "re",
    "numpy",
    "pandas",
    "autograders",
    "passerelle",
    "IPython",
    "ipykernel",
    "nbgrader",
    "sitecustomize",
    "usercustomize",
)
_CONFIG = b"c = get_config()\nc.ClearSolutions.code_stub = {'python': '5'}\nc.ExecutePreprocessor.enabled = False\nc.OverwriteCells.enabled = False\n"

ATTACKS: tuple[Attack, ...] = (
    Attack(
        "modules-beside",
        "sends modules named like those that marking needs",
        NOTHING,
        files={f"{name}.py": _MODULE for name in _TAKEN},
    ),
    Attack(
        "packages-beside",
        "sends packages named like them",
        NOTHING,
        files={f"{name}/__init__.py": _MODULE for name in _TAKEN},
    ),
    Attack(
        "configuration-beside",
        "sends configuration of nbgrader, IPython and Jupyter",
        NOTHING,
        files={
            "nbgrader_config.py": _CONFIG,
            "ipython_config.py": _CONFIG,
            "jupyter_config.py": _CONFIG,
            ".ipython/profile_default/startup/00.py": b"raise SystemExit",
            "setup.cfg": b"",
            "pyvenv.cfg": b"home = /tmp\n",
        },
    ),
    Attack(
        "data-of-her-own",
        "sends other data in the place of the unit's",
        {**NOTHING, "mean": "mean_price = prices[0]"},
        files={"data/prices.txt": b"4\n4\n4\n"},
    ),
    Attack(
        "data-that-is-a-folder",
        "sends a folder in the place of a file of the unit, and a file in that of a folder",
        RIGHT,
        POINTS,
        TASKS,
        files={"data/prices.txt/x": b"4", "truth": b"x"},
        stock=False,
    ),
    Attack(
        "paths-that-lead-out",
        "names files above the folder, with absolute paths and by devices",
        RIGHT,
        POINTS,
        TASKS,
        files={
            "../../outside.py": b"1",
            "/etc/outside": b"1",
            "a/../../outside": b"1",
            "C:\\outside": b"1",
            "con": b"1",
            "./x": b"1",
            "": b"1",
        },
        stock=False,
    ),
    Attack(
        "odd-names",
        "names files with line breaks, marks of direction, options, patterns and 255 letters",
        RIGHT,
        POINTS,
        TASKS,
        files={
            "x\ny": b"1",
            "\u202etxt.exe": b"1",
            "-rf": b"1",
            "*": b"1",
            "$(id)": b"1",
            "é" * 120: b"1",
            "e\u0301": b"1",
            " ": b"1",
            "a" * 250: b"1",
        },
    ),
    Attack(
        "names-that-are-no-text",
        "names files by bytes that are no text",
        RIGHT,
        POINTS,
        TASKS,
        files={"x\udcff": b"1", "nul\0x": b"1"},
        stock=False,
    ),
    Attack(
        "an-archive",
        "sends an archive that is a thousand times larger inside, with a path that leads out",
        RIGHT,
        POINTS,
        TASKS,
        files={"data.zip": _bomb(), "x.tar.gz": _bomb()},
    ),
    Attack(
        "many-files-beside",
        "sends 3,000 files",
        RIGHT,
        POINTS,
        TASKS,
        files={f"f/{number}": b"" for number in range(3_000)},
    ),
    Attack(
        "a-clock-of-her-own",
        "sends a time and an owner of its own",
        RIGHT,
        POINTS,
        TASKS,
        files={
            "timestamp.txt": b"1999-01-01 00:00:00 UTC",
            "owner.txt": b"neighbour",
            "tiny.user_info.json": b"{}",
            "receipt.json": b'{"received": "1999-01-01"}',
        },
    ),
    Attack(
        "a-time-that-is-none",
        "sends a time that cannot be read",
        RIGHT,
        POINTS,
        TASKS,
        files={"timestamp.txt": b"\xff in a year \x00"},
    ),
    Attack(
        "a-gradebook-beside",
        "sends a gradebook and a ledger",
        NOTHING,
        files={
            "gradebook.db": b"SQLite format 3\0",
            ".passerelle/ledger.db": b"SQLite format 3\0",
            ".passerelle/routes/x.json": b"{}",
        },
    ),
    Attack(
        "other-notebooks",
        "sends other notebooks beside, named almost the same",
        RIGHT,
        POINTS,
        TASKS,
        files={
            "Tiny.ipynb": b"{}",
            "tiny (1).ipynb": b"{}",
            ".ipynb_checkpoints/tiny-checkpoint.ipynb": b"{}",
            "sub/tiny.ipynb": b"[]",
        },
    ),
    Attack(
        "pickles",
        "sends pickles that run code when they are read, and names them like results",
        NOTHING,
        files={
            "model.pkl": b"cos\nsystem\n(S'touch /tmp/outside'\ntR.",
            "result.npy": b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
            "x.joblib": b"cos\nsystem\n(S'id'\ntR.",
        },
    ),
)
