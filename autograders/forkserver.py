"""A warm process that forks: `python -m autograders.forkserver <descriptor> <agent> <alone> <modules as JSON>`.

It lives behind the walls of a box. It imports, once, what submissions and checks will need, and runs nothing of
anybody's. Each order forks one process that is `alone`: in namespaces of its own (processes, mounts, network, IPC),
with empty disks of its own over all that can be written, the files of its order, and no capability left. So nothing
that one leaves behind is there for the next: memory, files, processes, sockets.

Where namespaces cannot be nested a server is used once: then its fork has the server's own box for itself.

The agent is a module with `warm()`, done once before anything is forked, and `begin(made, line, status, order)`, which
is the first process of each fork (the first of its namespace: all ends with it) and never returns.
"""

import contextlib
import ctypes
import errno
import fcntl
import gc
import importlib
import json
import mmap
import os
import platform
import socket
import struct
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from autograders.channel import Channel, ClosedError
from autograders.single import without_pyarrow

_NEW_MOUNTS, _NEW_IPC, _NEW_PROCESSES, _NEW_NETWORK = 0x20000, 0x8000000, 0x20000000, 0x40000000
_NO_DEVICES_NO_SETUID = 0x4 | 0x2
_READ_ONLY, _REMOUNT = 0x1, 0x20
_MOST_FILES = 50_000
"""Of each disk: a file without content takes the kernel's memory, too."""
_CAPABILITIES_V3 = 0x20080522
_AMBIENT, _CLEAR_ALL = 47, 4
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1
_SET_SECCOMP, _BY_FILTER = 22, 2
_KEYRINGS = {"x86_64": (0xC000003E, (248, 250)), "aarch64": (0xC00000B7, (217, 219))}
"""How the kernel calls an architecture, and the first and last number of the calls for keys."""
_OTHER_NUMBERS = 0x40000000  # x32's
_LOAD, _IS, _IS_AT_LEAST, _IS_MORE, _ANSWER = 0x20, 0x15, 0x35, 0x25, 0x06  # of the kernel's packet filter
_OF_NUMBER, _OF_ARCHITECTURE = 0, 4
_REFUSE, _ALLOW = 0x00050000, 0x7FFF0000
_TOP_PAD, _USUAL_PAD = -2, 128 * 1024
_WILL_NEED_LARGE = 14
HEAP = 256 * 1024 * 1024
"""Bytes that are set aside at once (by address, not by memory) for the objects of a server and its forks."""
_libc = ctypes.CDLL(None, use_errno=True)


def _done(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def main() -> NoReturn:
    """Warm up, then fork until nobody asks any more."""
    _ask_for_large_pages()
    without_pyarrow()
    control = Channel.inherited(int(sys.argv[1]))
    agent, alone, modules = importlib.import_module(sys.argv[2]), sys.argv[3] == "alone", json.loads(sys.argv[4])
    sys.argv[:] = [""]
    # Always there: what is drawn at random depends on whether numpy was there when it was seeded.
    _import("numpy.random")
    made = agent.warm()
    before = _loaded()
    for name in modules:
        _import(name)
    # What is there by now is never looked at by the collector again: else it would be copied in every fork.
    gc.collect()
    gc.freeze()
    try:
        control.send({"loaded": sorted(_loaded() - before)})
        while True:
            order, descriptors = control.receive()
            forked = os.fork()
            if forked == 0:
                control.close()
                _first(agent, made, order, descriptors, alone=alone)
            if alone:  # it ends as soon as the first process of its namespace is there
                os.waitpid(forked, 0)
            for descriptor in descriptors:
                os.close(descriptor)
    except (ClosedError, OSError):
        os._exit(0)


def _ask_for_large_pages() -> None:
    """Let the heap, which holds nothing yet, lie in large pages; where there are none it lies in small ones."""
    _libc.sbrk.restype = ctypes.c_void_p
    end = _libc.sbrk(0) or 0
    first = max(0, end - HEAP) // 4096 * 4096
    _libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(end - first), _WILL_NEED_LARGE)


def _loaded() -> set[str]:
    """Return what is imported, by the names of whole packages."""
    return {name.partition(".")[0] for name in sys.modules}


def _import(name: str) -> None:
    """Import a module on nobody's time; what cannot be imported here says so where it is needed."""
    with contextlib.suppress(BaseException):  # a library may fail in any way: whoever imports it will be told
        importlib.import_module(name)


def _first(agent: Any, made: Any, order: dict[str, Any], descriptors: list[int], *, alone: bool) -> NoReturn:
    """Be the first process of a fork."""
    try:
        _libc.mallopt(_TOP_PAD, _USUAL_PAD)
        line, status = (Channel.inherited(one) for one in descriptors[:2])
        try:
            if alone:
                network = _NEW_NETWORK if order["network"] else 0
                _done(_libc.unshare(_NEW_MOUNTS | _NEW_IPC | _NEW_PROCESSES | network), "namespaces")
                if os.fork() != 0:
                    os._exit(0)
                for place, size in order["disks"].items():
                    _mount(place, size)
                if order["network"]:
                    _bring_up_loopback()
            _write(order["root"], descriptors[2])
            for said in descriptors[3:]:
                os.dup2(said, 2)
                os.close(said)
            if alone:
                for place in order["sealed"]:
                    _seal(place)
                _drop_capabilities()
                _close_keyrings()
            os.chdir(order["root"])
        except OSError as error:
            status.send({"fault": str(error), "errno": error.errno})
            os._exit(1)
        status.send({"alone": alone})
        agent.begin(made, line, status, order)
    finally:
        os._exit(1)


def _mount(place: str, size: int) -> None:
    options = f"size={size},nr_inodes={_MOST_FILES},mode=0755".encode()
    _done(_libc.mount(b"tmpfs", place.encode(), b"tmpfs", _NO_DEVICES_NO_SETUID, options), place)


def _seal(place: str) -> None:
    flags = _REMOUNT | _READ_ONLY | _NO_DEVICES_NO_SETUID
    _done(_libc.mount(b"tmpfs", place.encode(), None, flags, None), place)


def _bring_up_loopback() -> None:
    """Let a server of the notebook's own be asked by it: nobody else is in this network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        request = struct.pack("16sH", b"lo", 0)
        flags = struct.unpack("16sH", fcntl.ioctl(asked, _GET_FLAGS, request))[1]
        fcntl.ioctl(asked, _SET_FLAGS, struct.pack("16sH", b"lo", flags | _UP))


def _write(root: str, descriptor: int) -> None:
    """Write the files of an order: their names and sizes as JSON in a line, then their contents."""
    # Mapped, not read: whoever sent it may send the same to another, and they would share the place in it.
    with mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ) as content:
        named: Mapping[str, int] = json.loads(content.readline())
        Path(root).mkdir(parents=True, exist_ok=True)
        for name, size in named.items():
            path = Path(root, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.read(size))
    os.close(descriptor)


def _drop_capabilities() -> None:
    """Give up for good what was needed to be alone: no program started later can have it back."""

    class Header(ctypes.Structure):
        _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))

    class Sets(ctypes.Structure):
        _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))

    _done(_libc.prctl(_AMBIENT, *map(ctypes.c_ulong, (_CLEAR_ALL, 0, 0, 0))), "capabilities")
    _done(_libc.capset(ctypes.byref(Header(_CAPABILITIES_V3, 0)), (Sets * 2)()), "capabilities")


def _close_keyrings() -> None:
    """Take the kernel's keyrings away: all forks of a server are one user to it, and would find each other's keys.

    By a filter of system calls, which holds for whatever is started later. Another architecture's calls, which have
    other numbers, are refused as a whole.
    """

    class Instruction(ctypes.Structure):
        _fields_ = (("code", ctypes.c_uint16), ("yes", ctypes.c_uint8), ("no", ctypes.c_uint8), ("k", ctypes.c_uint32))

    class Program(ctypes.Structure):
        _fields_ = (("length", ctypes.c_uint16), ("filter", ctypes.POINTER(Instruction)))

    architecture, calls = _KEYRINGS.get(platform.machine(), (0, (0, 0)))
    if not architecture:
        raise OSError(errno.ENOSYS, f"keyrings: their calls on {platform.machine()} are not known")
    refused, allowed = _REFUSE | errno.ENOSYS, _ALLOW
    program = [
        Instruction(_LOAD, 0, 0, _OF_ARCHITECTURE),
        Instruction(_IS, 0, 4, architecture),
        Instruction(_LOAD, 0, 0, _OF_NUMBER),
        Instruction(_IS_AT_LEAST, 2, 0, _OTHER_NUMBERS),
        Instruction(_IS_AT_LEAST, 0, 2, calls[0]),
        Instruction(_IS_MORE, 1, 0, calls[1]),
        Instruction(_ANSWER, 0, 0, refused),
        Instruction(_ANSWER, 0, 0, allowed),
    ]
    filled = (Instruction * len(program))(*program)
    made = Program(len(program), ctypes.cast(filled, ctypes.POINTER(Instruction)))
    none = ctypes.c_ulong(0)
    _done(_libc.prctl(_SET_SECCOMP, ctypes.c_ulong(_BY_FILTER), ctypes.byref(made), none, none), "system calls")


if __name__ == "__main__":
    main()
