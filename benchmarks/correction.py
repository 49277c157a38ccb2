"""How long an author waits while she corrects a unit that `passerelle check --watch` looks on: seconds from her saving.

    python -m benchmarks.correction [UNIT]

She mends an English sentence, is told that its French no longer fits, mends that too, and the unit is proved.
"""

import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO

import polib

from passerelle.courses import read_course_table
from passerelle.model.settings import Settings

COURSES = Path(__file__).parents[1] / "courses"
WITHIN_S = 900


def _correct(folder: Path) -> polib.POEntry:
    """Add a word to the first hint that stands in both languages, in English; return its French, still of the old."""
    table = folder / "unit.toml"
    catalogue = polib.pofile(str(folder / "fr.po"))
    text = table.read_text("utf-8")
    entry = next(one for one in catalogue if text.count(f'"{one.msgid}"') == 1 and one.msgid.endswith("?"))
    table.write_text(text.replace(f'"{entry.msgid}"', f'"{entry.msgid} Look."'), "utf-8")
    return entry


def _translate(folder: Path, old: str) -> None:
    catalogue = polib.pofile(str(folder / "fr.po"))
    entry = next(one for one in catalogue if one.msgid == old)
    entry.msgid, entry.msgstr = f"{old} Look.", f"{entry.msgstr} Regarde."
    catalogue.save()


def _until(said: "queue.Queue[str]", words: str) -> float:
    """Return the seconds until a line has these words."""
    began = time.monotonic()
    while words not in (line := said.get(timeout=WITHIN_S)):
        print(f"  {line}")
    return time.monotonic() - began


def main() -> int:
    """Print the figures of one correction."""
    unit = sys.argv[1] if len(sys.argv) > 1 else "d1-tables"
    tracks = (path.parent for path in COURSES.glob("*/course.toml"))
    track = next(one for one in tracks if unit in {place.unit for place in read_course_table(one).units})
    learner = Settings().learner.resolve()
    with tempfile.TemporaryDirectory(prefix="correction-") as scratch:
        copy = Path(scratch) / "courses" / track.name
        shutil.copytree(track, copy)
        folder = copy / "units" / unit
        command = [sys.executable, "-m", "passerelle.cli", "check", str(folder), "--watch", "--learner", str(learner)]
        watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        try:
            assert watch.stdout is not None
            said: queue.Queue[str] = queue.Queue()
            threading.Thread(target=_hear, args=(watch.stdout, said), daemon=True).start()
            first = _until(said, f"{unit}: proved")
            entry = _correct(folder)
            lacking = _until(said, "to mend")
            _translate(folder, entry.msgid)
            so_far = _until(said, f"{unit}: so far")
            whole = so_far + _until(said, f"{unit}: proved")
        finally:
            watch.terminate()
            watch.wait(timeout=60)
    print(f"{unit}: first proof {first:.0f} s; French that no longer fits told after {lacking:.0f} s")
    print(f"mended: solution and blank release hold after {so_far:.0f} s, all is proved after {whole:.0f} s")
    return 0


def _hear(lines: IO[str], said: "queue.Queue[str]") -> None:
    for line in lines:
        said.put(line.rstrip())


if __name__ == "__main__":
    raise SystemExit(main())
