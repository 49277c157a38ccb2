"""Release units of a course directory, as `passerelle build` does once it has built them."""

import sys
from pathlib import Path

from passerelle.grading.release import generate


def main() -> None:
    """Release the units in the arguments of the course directory before them."""
    for unit in sys.argv[2:]:
        generate(Path(sys.argv[1]), unit)


if __name__ == "__main__":
    main()
