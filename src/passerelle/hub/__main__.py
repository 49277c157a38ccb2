"""`python -m passerelle.hub [--demo]`: what `make start` runs."""

import sys

from passerelle.hub import demo, supervisor
from passerelle.model.errors import PasserelleError
from passerelle.model.settings import Settings


def main() -> int:
    """Fill the demo programme where asked, then run the hub; an error of ours is one line."""
    try:
        settings = Settings()
        if "--demo" in sys.argv[1:]:
            for line in demo.announcement(settings, demo.fill(settings)):
                print(line, flush=True)
        return supervisor.run(settings)
    except PasserelleError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
