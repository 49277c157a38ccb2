"""A server on a socket that whoever started it has bound: its port can never be taken by another process.

`python -m passerelle_lab.inherited [jupyterhub-singleuser's arguments]` is `jupyterhub-singleuser` on that socket;
PASSERELLE_LISTEN is the descriptor's number. Without it the server binds its port itself, as ever. Either way Lab
starts no Node, which it would, where the machine has one, to learn from which registry it could build itself anew.
"""

import os
import socket

LISTEN = "PASSERELLE_LISTEN"


def serve() -> None:
    """Become the server."""
    # Imported late: Jupyter reads its directories from the environment while it is imported.
    from jupyter_server.serverapp import ServerApp  # noqa: PLC0415
    from jupyterhub.singleuser import main  # noqa: PLC0415
    from jupyterlab import commands  # noqa: PLC0415

    # Asked while Lab is imported, before any setting is read.
    commands._yarn_config = lambda _logger: {"yarn config": {}, "npm config": {}}
    descriptor = os.environ.pop(LISTEN, "")
    if descriptor:
        inherited = socket.socket(fileno=int(descriptor))
        inherited.setblocking(False)
        inherited.set_inheritable(False)  # her kernels and terminals do not get it

        def listen(self: ServerApp) -> bool:
            self.http_server.add_socket(inherited)
            return True

        # Jupyter Server has no setting for a socket that is bound already: it would look for a free port instead.
        ServerApp._find_http_port = lambda _self: None  # type: ignore[method-assign,assignment]
        ServerApp._bind_http_server_tcp = listen  # type: ignore[method-assign]
    main()


if __name__ == "__main__":
    serve()
