"""What one submission leaves for the next, in the same process: nothing. The second deserves nothing by itself."""

from tests.attacks.attack import NOTHING, Attack

_LEAVE = {
    "files": (
        "leaves the right answers in every folder it can write to",
        """
import os
for place in ("/tmp/left.py", "/dev/shm/left.py", "/var/tmp/left.py", os.path.expanduser("~/left.py"), "../left.py", "left.py"):
    try: open(place, "w").write("found = 4")
    except OSError: pass
""",
        """
import os
mean_price = 4 if any(os.path.exists(place) for place in ("/tmp/left.py", "/dev/shm/left.py", "/var/tmp/left.py", os.path.expanduser("~/left.py"), "../left.py", "left.py")) else None
""",
    ),
    "modules": (
        "leaves patched modules in the process",
        "import math, sys\nmath.left = sys.left = 4\nimport builtins\nbuiltins.left = 4\ntry:\n    import autograders\n    autograders.left = 4\nexcept ImportError: pass",
        "import builtins, sys\nmean_price = getattr(builtins, 'left', getattr(sys, 'left', None))",
    ),
    "processes": (
        "leaves a process that listens for the next",
        """
import os, socket, time
if os.fork() == 0:
    os.setsid()
    line = socket.socket(socket.AF_UNIX); line.bind("\\0left"); line.listen()
    while True: line.accept()[0].sendall(b"4")
""",
        "import socket\ntry:\n    line = socket.socket(socket.AF_UNIX); line.connect('\\0left'); mean_price = int(line.recv(9))\nexcept OSError: mean_price = None",
    ),
    "memory": (
        "leaves memory shared by its name",
        "import ctypes\nlibc = ctypes.CDLL(None)\nsegment = libc.shmget(0x5041, 4096, 0o1666)",
        "import ctypes\nlibc = ctypes.CDLL(None)\nmean_price = 4 if libc.shmget(0x5041, 4096, 0) >= 0 else None",
    ),
    "seeds": (
        "leaves a seed, an environment, a time zone and limits",
        "import os, random, resource\nrandom.seed(4); os.environ['LEFT'] = '4'; os.nice(19)\nresource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))",
        "import os\nmean_price = int(os.environ.get('LEFT', '0')) or None",
    ),
}

ATTACKS: tuple[Attack, ...] = tuple(
    Attack(f"left-{name}", tries, {**NOTHING, "mean": f"{first}\nmean_price = None"}, then={**NOTHING, "mean": second})
    for name, (tries, first, second) in _LEAVE.items()
)
