"""What runs: the hub, who has its port, what an earlier run has left."""

import http.client
from collections.abc import Iterator

from passerelle.hub import origins, processes
from passerelle.hub.doctor.finding import Finding, broken, look, ok, some
from passerelle.hub.lock import LOCK, hub_runs
from passerelle.hub.parts import PAGES
from passerelle.hub.preflight import port_is_free
from passerelle.model.settings import Settings

TIMEOUT_S = 10
ASKED = (("JupyterHub", "/hub/health"), ("the pages and the exchange", f"{PAGES}health"))


def hub(settings: Settings) -> Iterator[Finding]:
    """Look whether the hub answers, or could start."""
    port = settings.port
    if not hub_runs(settings.root):
        if port_is_free(port):
            yield ok("hub", f"it is not running; port {port} is free")
        else:
            cure = f"find it with `ss -ltnp 'sport = :{port}'` and stop it, or set PASSERELLE_PORT"
            yield look("hub", f"it is not running, and another program has port {port}", cure)
        return
    for what, path in ASKED:
        status = _status(port, path, origins.host(settings))
        if status is None or status >= 500:
            said = "does not answer" if status is None else f"answers with {status}"
            yield broken("hub", f"it runs, and {what} {said} on port {port}", f"see {settings.logs}; then restart it")
        else:
            yield ok("hub", f"{what} answers on port {port}")


def orphans(settings: Settings) -> Iterator[Finding]:
    """Look for processes that an earlier run has left."""
    left = set(processes.stale(settings.root))
    if hub_runs(settings.root):
        supervisor = _supervisor(settings)
        left -= {supervisor, *processes.descendants(supervisor)}
    if left:
        numbers = some([str(pid) for pid in sorted(left)])
        yield look("processes", f"an earlier run has left {numbers}", "the next start ends them")
    else:
        yield ok("processes", "an earlier run has left none")


def _supervisor(settings: Settings) -> int:
    said = (settings.root / LOCK).read_text().strip()
    return int(said) if said.isdigit() else 0


def _status(port: int, path: str, host: str) -> int | None:
    """Return the status of an answer; a redirection is one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_S)
    try:
        # By its name: the proxy sends every other one on, whatever is well behind it.
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()
