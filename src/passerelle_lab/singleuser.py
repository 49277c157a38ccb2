"""A fellow's server, as the hub starts it: `python -m passerelle_lab.singleuser [jupyterhub-singleuser's arguments]`.

Her language comes from PASSERELLE_LANGUAGE, her home from HOME.
"""

import os
from pathlib import Path

from passerelle_lab.inherited import serve
from passerelle_lab.settings import prepare_home
from passerelle_lab.words import LANGUAGES


def main() -> None:
    """Prepare the home and become the server."""
    language = os.environ.get("PASSERELLE_LANGUAGE", "")
    os.environ |= prepare_home(Path.home(), language if language in LANGUAGES else "en")
    serve()


if __name__ == "__main__":
    main()
