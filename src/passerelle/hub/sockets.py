"""Listening sockets that outlive whoever listens on them.

The supervisor binds them and every process inherits its own. While a killed process is away its port is
nobody else's (all boxes share loopback: one of them could otherwise answer in its place), and callers wait in
the backlog, for about a second, instead of being refused.
"""

import json
import os
import socket
from collections.abc import Iterable

SOCKETS = "PASSERELLE_SOCKETS"
"""Names, in a process's environment, the descriptor of each port that it inherited."""

BACKLOG = 511


def bind(port: int = 0) -> socket.socket:
    """Return a socket that listens on a port of 127.0.0.1, a free one where none is named; OSError: it is taken."""
    made = socket.socket()
    try:
        # A connection of an earlier run that is still closing does not hold the port.
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


def keep_from_others(port: int) -> socket.socket | None:
    """Return a socket that has a port of ::1 and does not listen: None where the machine has no ::1, or it is taken.

    Browsers on this machine try ::1 first for a name that is at home. Whatever a box served there would get what
    people send us, while nobody listening is an answer, too: they go on to 127.0.0.1.
    """
    try:
        made = socket.socket(socket.AF_INET6)
    except OSError:
        return None
    try:
        # Without SO_REUSEADDR, which would let another one have it as well.
        made.bind(("::1", port))
    except OSError:
        made.close()
        return None
    return made


def port_of(held: socket.socket) -> int:
    """Return the port of a socket."""
    port: int = held.getsockname()[1]
    return port


def handed_down(sockets: Iterable[socket.socket]) -> dict[str, str]:
    """Return the environment that tells a child which descriptors are its sockets (pass them to it as well)."""
    return {SOCKETS: json.dumps({port_of(one): one.fileno() for one in sockets})}


def inherited(port: int) -> socket.socket | None:
    """Return the socket that listens on a port, where this process inherited it."""
    descriptor = json.loads(os.environ.get(SOCKETS, "{}")).get(str(port))
    if descriptor is None:
        return None
    found = socket.socket(fileno=descriptor)
    found.setblocking(False)
    found.set_inheritable(False)
    return found
