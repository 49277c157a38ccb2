"""JupyterHub as the supervisor starts it (`python -m passerelle.hub.jupyterhub -f …`): on an inherited socket."""

from typing import Any

from jupyterhub.app import JupyterHub, main
from tornado.httpserver import HTTPServer

from passerelle.hub.logs import hub_logging
from passerelle.hub.sockets import inherited


def listen_on_inherited() -> None:
    """Let Tornado's servers listen on the socket that this process inherited for a port, where there is one."""
    plain = HTTPServer.listen

    def listen(server: HTTPServer, port: int, *args: Any, **kwargs: Any) -> Any:
        found = inherited(port)
        return server.add_socket(found) if found is not None else plain(server, port, *args, **kwargs)

    # JupyterHub makes its server inside its start and has no setting for a socket that is bound already.
    HTTPServer.listen = listen  # type: ignore[assignment]  # the same method


def log_as_we_do() -> None:
    """Let JupyterHub log through our handler from its first word: a setting of its own comes after some of them."""
    JupyterHub.get_default_logging_config = lambda _hub: hub_logging()


if __name__ == "__main__":
    log_as_we_do()
    listen_on_inherited()
    main()
