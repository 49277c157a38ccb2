"""JupyterHub's configuration: everything is in `passerelle.hub.config`, typed and tested."""

from passerelle.hub.config import configure
from passerelle.hub.parts import Ports
from passerelle.model.settings import Settings

configure(get_config(), Settings(), Ports.from_environment())  # type: ignore[name-defined]  # noqa: F821  # given by traitlets
