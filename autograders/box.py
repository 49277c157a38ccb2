"""The agent inside the learner box, forked by `autograders.forkserver`.

It runs a notebook's cells one by one, as a kernel would, and answers questions about what they left behind.
It shares its process with the fellow's code, which may do anything to it: whoever listens must take all that
it says for data, and its limits for a courtesy. What holds is outside (bubblewrap, the watchdog).

First a warden that runs nothing of hers; its child, the runner, runs the cells. At every check the runner
forks a keeper: the state as it is at this place, which answers that check's questions over a socket of its
own. So no cell ever runs after a question's arguments, which may be hidden, came in. What a name holds, the runner
says itself: that changes nothing.
"""

import contextlib
import ctypes
import os
import platform
import resource
import signal
import sys
from collections.abc import Iterator
from typing import Any, NoReturn

from autograders import answers, beside, chance
from autograders.channel import Channel, ClosedError
from autograders.handles import Desk
from autograders.transcript import Transcript

_TOO_BIG = {"state": "value", "value": {"t": "opaque", "kind": "object", "big": True}}
_JOIN_SESSION_KEYRING = 1
_SET_DUMPABLE = 4
_AGAIN_S = 0.2  # a loop that swallows the first alarm gets others
_IDLE_MAGICS = (
    "autosave clear cls connect_info less more qtconsole store pip conda mamba micromamba uv".split()  # noqa: SIM905  a list of words
)
"""What serves a reader, or installs: here it does nothing, so that the rest of its cell runs."""


def _idle(_line: Any) -> None:
    """Do nothing."""


class OutOfTimeError(KeyboardInterrupt):
    """The time of this cell or call is up."""


def _ring(_signal: int, _frame: object) -> NoReturn:
    raise OutOfTimeError


def _start_clock(cpu_s: float, wall_s: float) -> None:
    signal.signal(signal.SIGPROF, _ring)
    signal.signal(signal.SIGALRM, _ring)
    signal.setitimer(signal.ITIMER_PROF, cpu_s, _AGAIN_S)
    signal.setitimer(signal.ITIMER_REAL, wall_s, _AGAIN_S)


def _stop_clock() -> None:
    for timer in (signal.ITIMER_PROF, signal.ITIMER_REAL):
        signal.setitimer(timer, 0)


@contextlib.contextmanager
def _time_limit(cpu_s: float, wall_s: float) -> Iterator[None]:
    _start_clock(cpu_s, wall_s)
    try:
        yield
    finally:
        _stop_clock()


class Runner:
    """Runs cells in an IPython shell, as a kernel would."""

    def __init__(self) -> None:
        from IPython.core.interactiveshell import InteractiveShell  # noqa: PLC0415  long to import

        class Shell(InteractiveShell):
            def enable_gui(self, _gui: Any = None) -> None:  # `%matplotlib inline`, as in a kernel
                return

            def ask_exit(self) -> NoReturn:  # exit() and quit(): the cell ends, and the notebook goes on
                raise SystemExit

        from traitlets.config import Config  # noqa: PLC0415  long to import

        config = Config()
        config.HistoryManager.enabled = False  # it would start a thread
        config.InteractiveShell.colors = "nocolor"
        config.InteractiveShell.xmode = "Context"
        self._shell: Any = Shell.instance(config=config)
        register: Any = self._shell.register_magic_function
        for magic in _IDLE_MAGICS:
            register(_idle, "line", magic)
        self._transcript = Transcript(self._shell)

    def run(self, source: str, cpu_s: float, wall_s: float) -> dict[str, Any]:
        """Run a cell; return how it ended and what it showed."""
        state, error = "done", None
        self._transcript.begin()
        try:
            with _time_limit(cpu_s, wall_s):
                result: Any = self._shell.run_cell(source, store_history=True)
            error = result.error_before_exec or result.error_in_exec
        except BaseException as raised:  # noqa: BLE001  even the alarm, when it rings late
            error = raised
        if isinstance(error, OutOfTimeError):
            state = "time"
        elif isinstance(error, MemoryError):
            state = "memory"
        elif error is not None:
            state = "raised"
        told = answers.raised(error) if error is not None else {}
        return {"state": state, "outputs": self._transcript.end(), "error": told.get("error"), "text": told.get("text")}

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        """Answer a question about the names of the notebook."""
        asks_value = question["ask"] == "get"
        # Before the clock starts: making the arguments may import pandas.
        given = answers.Given.of((), {}) if asks_value else answers.Given.of(question["args"], question["kwargs"])
        try:
            with _time_limit(question["cpu_s"], question["wall_s"]):
                if asks_value:
                    return answers.get(self._shell.user_ns, question["name"])
                return answers.call(self._shell.user_ns, question["name"], given, back=question["back"])
        except OutOfTimeError:
            return {"state": "slow"}
        except BaseException as error:  # noqa: BLE001  exit() in her function is an answer, too
            return answers.raised(error)

    def beside(self, question: dict[str, Any]) -> dict[str, Any]:
        """Run a plain check among her names."""
        try:
            with _time_limit(question["cpu_s"], question["wall_s"]):
                return beside.run(self._shell.user_ns, question["before"], question["source"])
        except OutOfTimeError:
            return {"state": "slow"}
        except BaseException as error:  # noqa: BLE001  exit() in her function is an answer, too
            return answers.raised(error)

    def desk(self, questions: Channel) -> Desk:
        """Return who answers questions about handles; the clock stands while the check's own code runs."""

        def send(answer: dict[str, Any]) -> dict[str, Any]:
            _stop_clock()
            questions.send(answer)
            question: dict[str, Any] = questions.receive()[0]
            _start_clock(question["cpu_s"], question["wall_s"])
            return question

        return Desk(self._shell.user_ns, send)


def _serve(control: Channel, runner: Runner) -> NoReturn:
    """Be the runner until nobody listens."""
    control.send({"ready": sys.version.split()[0]})
    with contextlib.suppress(ClosedError, OSError):
        while True:
            order, descriptors = control.receive()
            if order["do"] == "run":
                control.send(runner.run(order["source"], order["cpu_s"], order["wall_s"]))
            elif order["do"] == "get":
                control.send(runner.answer({**order, "ask": "get"}), instead=_TOO_BIG)
            elif order["do"] == "keep":
                (descriptor,) = descriptors
                if os.fork() == 0:
                    control.close()
                    _keep(runner, Channel.inherited(descriptor))
                os.close(descriptor)
    os._exit(0)


def _keep(runner: Runner, questions: Channel) -> NoReturn:
    """Be the keeper of one moment until nobody asks any more."""
    # A process group of its own: what ends the runner's group leaves it alone.
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    with contextlib.suppress(ClosedError, OSError):
        questions.send({"kept": True})
        desk = runner.desk(questions)
        while True:
            question, descriptors = questions.receive()
            if question["ask"] == "fork":
                _fork(runner, questions, descriptors[0])
            elif question["ask"] == "do":
                questions.send(_timed(desk, question), instead=_TOO_BIG)
            elif question["ask"] == "beside":
                questions.send(runner.beside(question))
            elif question["ask"] == "run":
                questions.send(runner.run(question["source"], question["cpu_s"], question["wall_s"]))
            else:
                questions.send(runner.answer(question), instead=_TOO_BIG)
    os._exit(0)


_FORKS: set[int] = set()


def _fork(runner: Runner, questions: Channel, descriptor: int) -> None:
    """Keep this moment once more, for questions that may change something."""
    for ended in [one for one in _FORKS if _has_ended(one)]:
        _FORKS.discard(ended)
    child = os.fork()
    if child == 0:
        _FORKS.clear()
        questions.close()
        _keep(runner, Channel.inherited(descriptor))
    _FORKS.add(child)
    os.close(descriptor)


def _has_ended(child: int) -> bool:
    """Say whether a fork has ended, and let its number go: those that have ended count, too."""
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(child, os.WNOHANG)[0] != 0
    return True


def _timed(desk: Desk, question: dict[str, Any]) -> dict[str, Any]:
    """Answer a question about handles within its time."""
    try:
        with _time_limit(question["cpu_s"], question["wall_s"]):
            return desk.answer(question)
    except OutOfTimeError:
        return {"state": "slow"}
    except (ClosedError, OSError):
        raise
    except BaseException as error:  # noqa: BLE001  exit() in her function is an answer, too
        return desk.raised(error)


def _limit(limits: dict[str, int]) -> None:
    """Set limits that neither this process nor its children can raise again."""
    for name, most in limits.items():
        which = getattr(resource, f"RLIMIT_{name}")
        _soft, hard = resource.getrlimit(which)
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)  # noqa: PLW2901  the lower of the two
        resource.setrlimit(which, (most, most))


def _join_keyring() -> None:
    """Leave the session's keyring, which no namespace divides: what one box keeps there would be there for the next."""
    call = {"x86_64": 250, "aarch64": 219}.get(platform.machine())
    if call is not None:  # a kernel without keyrings says so, and has none to leave
        ctypes.CDLL(None).syscall(call, _JOIN_SESSION_KEYRING, None)


def warm() -> Runner:
    """Return a runner that has run nothing."""
    return Runner()


def begin(runner: Runner, line: Channel, status: Channel, order: dict[str, Any]) -> NoReturn:
    """Be the first process of a box: the warden."""
    status.close()
    _join_keyring()
    _limit(order["limits"])
    # The first process of a namespace is out of reach of its signals, but for those it has a handler for.
    interrupted = signal.signal(signal.SIGINT, signal.SIG_DFL)
    if os.fork() == 0:
        signal.signal(signal.SIGINT, interrupted)
        # What her programs write to the terminal goes nowhere; what Python prints is in the transcript.
        nowhere = os.open(os.devnull, os.O_RDWR)
        for standard in (0, 1, 2):
            os.dup2(nowhere, standard)
        os.close(nowhere)
        # From here on modules beside the notebook are found, first of all, as in her own kernel.
        sys.path.insert(0, "")
        chance.seed(order["seed"])
        _serve(line, runner)
    # All that is left alone in here is the warden's, and it lives as long as the keepers must.
    line.close()
    ctypes.CDLL(None).prctl(_SET_DUMPABLE, 0, 0, 0, 0)  # and nobody in here takes hold of it by ptrace
    with contextlib.suppress(ChildProcessError):
        while True:  # whoever is left without a parent is its child
            os.wait()
    while True:
        signal.pause()
