"""How tests are shared out among processes: files that use one hub, or are sensitive to load, stay together."""

from xdist.scheduler import LoadFileScheduling

TOGETHER = {
    "the hub": (
        "tests/browser/test_accounts.py",
        "tests/hub/test_accounts.py",
        "tests/hub/test_auth.py",
        "tests/hub/test_class_start.py",
        "tests/hub/test_kills.py",
        "tests/hub/test_loop.py",
        "tests/hub/test_operation.py",
        "tests/hub/test_origins.py",
        "tests/hub/test_spawner.py",
        "tests/hub/test_start.py",
    ),
    "the town": (
        "tests/attacks/test_from_a_notebook.py",
        "tests/attacks/test_links.py",
        "tests/attacks/test_loopback.py",
        "tests/attacks/test_services.py",
        "tests/attacks/test_walls.py",
    ),
}
APART = ("tests/courses/test_units.py",)
"""Each test of these takes minutes and shares nothing with the others."""
_GROUPS = {file: name for name, files in TOGETHER.items() for file in files}


class ByHub(LoadFileScheduling):
    """A file's tests go to one process; so do files that share a hub, which each process would start anew."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return nodeid if file in APART else _GROUPS.get(file, file)
