"""Reaching out: files outside, the network, sockets, processes, signals, the system."""

from tests.attacks.attack import SAY as _SAY
from tests.attacks.attack import Attack, everywhere
from tests.attacks.cage import ABSTRACT, PORT

ATTACKS: tuple[Attack, ...] = (
    everywhere(
        "writes-outside",
        "writes files above its folder, in homes, and where Python looks at its start",
        f"""
        import os, site, sys
        places = ["../outside.txt", "../../outside.txt", "/var/tmp/outside.txt", "/etc/outside.txt", sys.prefix + "/outside.pth",
                  os.path.join(site.getsitepackages()[0], "outside.pth"), "/passerelle/autograders/outside.py", "/opt/outside"]
        for place in places:
            try:
                with open(place, "w") as file: file.write("import os\\n")
            except OSError: continue
            if not os.path.realpath(place).startswith(("/home/fellow", "/tmp")): {_SAY}"wrote", place)
    """,
    ),
    everywhere(
        "everybody-full-marks",
        "writes full marks for everybody into the gradebook",
        f"""
        import glob, sqlite3
        for path in glob.glob("../../../gradebook.db") + glob.glob("/*/*/gradebook.db"):
            try:
                with sqlite3.connect(path, timeout=1) as book:
                    book.execute("update grade set auto_score = 100, manual_score = 100, needs_manual_grade = 0")
                    book.execute("update grade_cells set max_score = 1000")
                {_SAY}"the gradebook")
            except sqlite3.Error: pass
    """,
    ),
    everywhere(
        "a-trap-in-the-gradebook",
        "leaves a trigger in the gradebook that gives everybody points later",
        f"""
        import glob, sqlite3
        for path in glob.glob("../../../gradebook.db") + glob.glob("/*/*/gradebook.db"):
            try:
                with sqlite3.connect(path, timeout=1) as book:
                    book.execute("create trigger gift after update on grade begin update grade set manual_score = 9 where id = new.id; end")
                {_SAY}"a trigger")
            except sqlite3.Error: pass
    """,
    ),
    everywhere(
        "the-source-changed",
        "writes other checks into the course's source and release",
        f"""
        import glob
        for path in glob.glob("../../../source/*/*.ipynb") + glob.glob("/*/*/source/tiny/*.ipynb"):
            try:
                text = open(path).read()
                open(path, "w").write(text.replace("assert ", "1 or "))
                {_SAY}"the source")
            except OSError: pass
    """,
    ),
    everywhere(
        "the-work-of-a-neighbour",
        "writes over what others sent and what was marked",
        f"""
        import glob
        for path in glob.glob("../../neighbour/*/*.ipynb") + glob.glob("../../../submitted/neighbour/*/*.ipynb"):
            try:
                open(path, "w").write("{{}}"); {_SAY}"a neighbour's work")
            except OSError: pass
    """,
    ),
    everywhere(
        "configuration-for-the-next",
        "leaves configuration of IPython, Jupyter and Python for whoever is marked next",
        """
        import os, sys
        home = os.path.expanduser("~")
        for place in (".ipython/profile_default/startup/00.py", ".jupyter/jupyter_config.py", ".local/lib/python3.11/site-packages/usercustomize.py", ".config/matplotlib/matplotlibrc"):
            try:
                os.makedirs(os.path.dirname(os.path.join(home, place)), exist_ok=True)
                open(os.path.join(home, place), "w").write("get_ipython().ast_transformers.append(__import__('ast').NodeTransformer())\\nget_ipython().input_transformers_post.append(lambda lines: ['5\\\\n'])\\n")
            except OSError: pass
    """,
    ),
    everywhere(
        "tcp",
        "connects to a port of the machine, and outside",
        f"""
        import socket
        for host, port in (("127.0.0.1", {PORT}), ("localhost", {PORT}), ("10.0.2.2", 80), ("1.1.1.1", 53)):
            try: socket.create_connection((host, port), 0.2).close(); {_SAY}host)
            except OSError: pass
    """,
    ),
    everywhere(
        "udp-and-dns",
        "asks for names, and sends a datagram outside",
        f"""
        import socket
        try: socket.getaddrinfo("example.org", 80); {_SAY}"DNS")
        except OSError: pass
        try: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("1.1.1.1", 53)); {_SAY}"UDP")
        except OSError: pass
    """,
    ),
    everywhere(
        "unix-sockets",
        "connects to abstract sockets and to those in the file system",
        f"""
        import glob, os, socket, stat
        for address in ["\\0{ABSTRACT}", "/run/dbus/system_bus_socket", "/var/run/docker.sock", *glob.glob("/tmp/**/*.sock", recursive=True)]:
            try:
                with socket.socket(socket.AF_UNIX) as line: line.connect(address)
                {_SAY}repr(address))
            except OSError: pass
    """,
    ),
    everywhere(
        "raw-and-netlink",
        "opens raw, packet and netlink sockets and changes the network",
        f"""
        import socket
        for family, kind in ((socket.AF_PACKET, socket.SOCK_RAW), (socket.AF_INET, socket.SOCK_RAW)):
            try: socket.socket(family, kind, 255); {_SAY}"raw")
            except OSError: pass
    """,
    ),
    everywhere("kill-everybody", "kills every process it may", "import os, signal\nos.kill(-1, signal.SIGKILL)"),
    everywhere(
        "kill-the-parent",
        "kills whoever started it, one after the other",
        """
        import os, signal
        for pid in (os.getppid(), 1, 2, 3):
            try: os.kill(pid, signal.SIGKILL)
            except OSError: pass
    """,
    ),
    everywhere(
        "stop-everybody",
        "stops every other process it may, and leaves them so",
        """
        import os, signal
        for pid in range(1, 4096):
            if pid != os.getpid():
                try: os.kill(pid, signal.SIGSTOP)
                except OSError: pass
    """,
    ),
    everywhere(
        "ptrace",
        "attaches to every other process as a debugger, and ends it",
        """
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        for pid in range(1, 4096):
            if pid != os.getpid() and libc.ptrace(0x4206, pid, 0, 0) == 0: libc.ptrace(8, pid, 0, 0)
    """,
    ),
    everywhere(
        "a-daemon",
        "leaves a program behind, in a session of its own, twice forked",
        """
        import os
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                os.execvp("sleep", ["sleep", "98765"])
            os._exit(0)
    """,
    ),
    everywhere(
        "a-program-that-holds-on",
        "leaves a program behind that holds its output open",
        """
        import subprocess
        for _ in range(3): subprocess.Popen(["sleep", "98765"], start_new_session=True, close_fds=False)
    """,
    ),
    everywhere(
        "more-rights",
        "asks for other users, namespaces, mounts and devices",
        f"""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        for what, done in {{"root": lambda: libc.setuid(0) == 0 and os.getuid() == 0, "a mount": lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, 0) == 0,
                           "a device": lambda: os.mknod("/tmp/disk", 0o60600, os.makedev(8, 0)) is None, "another root": lambda: libc.chroot(b"/tmp") == 0}}.items():
            try:
                if done(): {_SAY}what)
            except OSError: pass
    """,
    ),
    everywhere(
        "the-terminal",
        "types into the terminal of whoever started marking",
        f"""
        import fcntl, os, termios
        for number in (0, 1, 2):
            try: fcntl.ioctl(number, termios.TIOCSTI, b"#"); {_SAY}"the terminal")
            except OSError: pass
    """,
    ),
)
