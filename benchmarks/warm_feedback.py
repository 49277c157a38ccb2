"""Make the feedback page of every fellow of a unit; print the seconds of each, as JSON."""

import json
import sys
import time
from pathlib import Path

from passerelle import ledger
from passerelle.grading.feedback import release_feedback


def main() -> None:
    """Make those of the course directory, track and unit in the arguments."""
    course, track, unit = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    engine = ledger.engine(f"sqlite:///{course / '.passerelle' / 'ledger.db'}")
    took = []
    for handle in sorted(path.parent.name for path in (course / "autograded").glob(f"*/{unit}")):
        began = time.monotonic()
        made = release_feedback(course, handle, unit, engine, track=track)
        if made:
            took.append(time.monotonic() - began)
    engine.dispose()
    print(json.dumps(took))


if __name__ == "__main__":
    main()
