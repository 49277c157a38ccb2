"""What a fellow's server has of Passerelle: the exchange's clients and the notebook's bar."""

from typing import Any

__version__ = "0.1.0"


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    """Name the server extension (`passerelle_lab.extension`) to jupyter-server."""
    return [{"module": "passerelle_lab.extension"}]
