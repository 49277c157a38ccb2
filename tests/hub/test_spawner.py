"""What a fellow's server can see and reach, asked from inside it; and a course's formgrader."""

import asyncio
import json
import re
import time
import uuid
from collections.abc import Iterator

import pytest
import requests
import tornado.ioloop
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from tests.hub.running import Browser, RunningHub, notebook_server_answers

pytestmark = pytest.mark.slow

SPAWN_S = 30
LATE_S = 20
"""How long a line may come after the kernel said that it is idle."""


@pytest.fixture(scope="module")
def acacia(hub: RunningHub) -> Iterator[Browser]:
    """A fellow whose server is open."""
    browser = hub.browser("acacia")
    status = browser.open_server("acacia")
    assert notebook_server_answers(status), status.text[:300]
    yield browser
    stop_server(browser, "acacia")


@pytest.fixture(scope="module")
def basil(hub: RunningHub) -> Iterator[Browser]:
    """Another one."""
    browser = hub.browser("basil")
    assert notebook_server_answers(browser.open_server("basil"))
    yield browser
    stop_server(browser, "basil")


def stop_server(browser: Browser, handle: str) -> None:
    token = browser.cookies.get("_xsrf", path="/hub/")
    browser.delete(f"{browser.url}/hub/api/users/{handle}/server", params={"_xsrf": token}, timeout=30)


class Kernel:
    """A kernel in somebody's server."""

    def __init__(self, browser: Browser, handle: str) -> None:
        self.browser, self.base = browser, f"/user/{handle}/"
        browser.get_page(f"{self.base}lab")
        self.token = browser.cookies.get("_xsrf", path=self.base)
        answer = browser.post(browser.at(f"{self.base}api/kernels"), params={"_xsrf": self.token}, timeout=60)
        assert answer.status_code == 201, answer.text
        self.id = answer.json()["id"]

    def run(self, code: str, mark: str = "", timeout_s: float = 60) -> str:
        """Run code and return what it prints.

        Where `mark` is given, the line that begins with it is waited for, whichever request Jupyter says that it
        belongs to, and also where it comes after the kernel said that it is idle.
        """

        async def talk() -> str:
            cookies = "; ".join(f"{c.name}={c.value}" for c in self.browser.cookies if self.base.startswith(c.path))
            url = self.browser.at(f"{self.base}api/kernels/{self.id}/channels").replace("http", "ws", 1)
            known = self.browser.verify if isinstance(self.browser.verify, str) else None
            request = HTTPRequest(
                url, headers={"Cookie": cookies}, connect_timeout=30, request_timeout=timeout_s, ca_certs=known
            )
            socket = await websocket_connect(request)
            header = {
                "msg_id": uuid.uuid4().hex,
                "msg_type": "execute_request",
                "username": "",
                "session": "t",
                "version": "5.3",
            }
            content = {"code": code, "silent": False, "allow_stdin": False}
            message = {"header": header, "parent_header": {}, "metadata": {}, "content": content, "channel": "shell"}
            await socket.write_message(json.dumps(message))
            printed, broke, until = "", False, time.monotonic() + timeout_s
            idle = False
            while not idle or (mark and not broke and f"\n{mark}" not in f"\n{printed}"):
                try:
                    message = await asyncio.wait_for(socket.read_message(), until - time.monotonic())
                except TimeoutError:
                    if not idle:
                        raise
                    break  # what came is what the test gets to see
                reply = json.loads(message)
                mine = reply["parent_header"].get("msg_id") == header["msg_id"]
                if reply["msg_type"] == "stream" and (mine or mark):
                    printed += reply["content"]["text"]
                elif mine and reply["msg_type"] == "error":
                    printed, broke = printed + "\n".join(reply["content"]["traceback"]), True
                elif mine and reply["msg_type"] == "status" and reply["content"]["execution_state"] == "idle":
                    idle, until = True, min(until, time.monotonic() + LATE_S)
            socket.close()
            return printed.strip()

        loop = tornado.ioloop.IOLoop(make_current=False)
        try:
            return loop.run_sync(talk, timeout=timeout_s + LATE_S)
        finally:
            loop.close()

    def value(self, expression: str) -> object:
        """Return an expression's value, which JSON can hold."""
        printed = self.run(f"import json, os, pathlib; print(json.dumps({expression}))")
        try:
            return json.loads(printed)
        except ValueError:
            pytest.fail(printed)


def of_programs(hub: RunningHub) -> list[str]:
    """What else is in /home where an ordinary user's checkout, and the environments in it, are there."""
    parts = hub.settings.learner.resolve().parts
    return [parts[2]] if parts[1] == "home" else []


@pytest.fixture(scope="module")
def kernel(acacia: Browser) -> Kernel:
    """A kernel in acacia's server."""
    return Kernel(acacia, "acacia")


def test_a_server_opens_in_time(hub: RunningHub) -> None:
    browser = hub.browser("cedar")

    status = browser.open_server("cedar", timeout_s=SPAWN_S)

    assert notebook_server_answers(status)
    stop_server(browser, "cedar")


def test_home_is_her_own_and_nothing_else_is_there(hub: RunningHub, kernel: Kernel, basil: Browser) -> None:
    assert kernel.value("[str(pathlib.Path.home()), os.getcwd()]") == ["/home/acacia", "/home/acacia"]
    assert kernel.value("sorted(os.listdir('/home'))") == sorted({"acacia", *of_programs(hub)})
    for hidden in (hub.settings.root, hub.settings.secrets, hub.settings.homes / "basil", "/root", "/var/lib"):
        assert kernel.value(f"os.path.exists({str(hidden)!r})") is False, hidden


def test_only_her_home_and_scratch_can_be_written(kernel: Kernel) -> None:
    code = """
    [path for path in ("/", "/usr", "/etc", "/opt", "/home", os.path.dirname(os.__file__), os.path.expanduser("~"), "/tmp")
     if os.access(path, os.W_OK)]
    """

    assert kernel.value(" ".join(code.split())) == ["/home/acacia", "/tmp"]


def test_what_she_writes_is_kept_in_her_home(hub: RunningHub, kernel: Kernel) -> None:
    kernel.run("open('note.txt', 'w').write('mine')")

    assert (hub.settings.home("acacia") / "note.txt").read_text() == "mine"


def test_she_sees_no_process_but_her_own(kernel: Kernel, basil: Browser) -> None:
    lines = kernel.value(
        "[pathlib.Path('/proc', p, 'cmdline').read_text() for p in os.listdir('/proc') if p.isdigit()]"
    )

    assert isinstance(lines, list)
    assert not any("passerelle.hub" in line or "jupyterhub\0-f" in line or "basil" in line for line in lines)
    assert len(lines) < 8


def test_her_environment_holds_no_secret_of_ours(hub: RunningHub, kernel: Kernel) -> None:
    environment = kernel.value("dict(os.environ)")
    assert isinstance(environment, dict)
    secrets = [path.read_text().strip() for path in hub.settings.secrets.iterdir()]

    assert not [name for name, value in environment.items() if value in secrets]
    assert not [name for name, value in environment.items() if str(hub.settings.root) in value]
    assert environment["PASSERELLE_LANGUAGE"] == "fr"
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/services/passerelle/api", environment["PASSERELLE_API"])
    assert environment["PASSERELLE_PAGES"] == f"{hub.url}/services/passerelle/"


def test_the_python_is_the_learners(hub: RunningHub, kernel: Kernel) -> None:
    assert kernel.value("__import__('sys').prefix") == str(hub.settings.learner.resolve())
    assert kernel.value("__import__('importlib.util').util.find_spec('passerelle') is None") is True


def test_kernels_do_not_listen_on_the_shared_network(kernel: Kernel) -> None:
    connection = kernel.value("json.load(open(__import__('ipykernel').get_connection_file()))")

    assert isinstance(connection, dict)
    assert connection["transport"] == "ipc"


def test_she_has_no_rights_over_the_system(kernel: Kernel) -> None:
    status = kernel.value("pathlib.Path('/proc/self/status').read_text()")

    assert "CapEff:\t0000000000000000" in str(status)
    unshared = kernel.value(
        "__import__('subprocess').run(['unshare', '--user', 'true'], capture_output=True).returncode"
    )
    assert unshared != 0


def test_a_terminal_is_in_the_same_box(acacia: Browser, kernel: Kernel) -> None:
    answer = acacia.post(acacia.at("/user/acacia/api/terminals"), params={"_xsrf": kernel.token}, timeout=30)

    assert answer.status_code == 200
    assert (
        kernel.value("'bash' in ''.join(open(f'/proc/{p}/cmdline').read() for p in os.listdir('/proc') if p.isdigit())")
        is True
    )


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        pytest.param("/services/passerelle/api/me", True, id="our-service"),
        pytest.param("/user/acacia/api/status", True, id="her-own-server"),
        pytest.param("/user/basil/api/status", False, id="another-server"),
        pytest.param("/hub/api/users", False, id="the-list-of-people"),
        pytest.param("/hub/api/users/basil", False, id="another-person"),
        pytest.param("/hub/api/users/acacia/tokens", False, id="her-own-tokens"),
        pytest.param("/hub/api/services", False, id="the-services"),
    ],
)
def test_her_servers_token_opens_only_her_own(
    hub: RunningHub, kernel: Kernel, basil: Browser, path: str, allowed: bool
) -> None:
    token = kernel.value("os.environ['JUPYTERHUB_API_TOKEN']")

    answer = requests.get(
        kernel.browser.at(path), headers={"Authorization": f"token {token}"}, timeout=30, allow_redirects=False
    )

    assert (answer.status_code == 200) is allowed, answer.text[:300]


def test_fellows_have_no_formgrader(acacia: Browser) -> None:
    assert acacia.get_page("/user/acacia/formgrader").status_code == 404


def test_a_fellow_cannot_open_another_server(hub: RunningHub, acacia: Browser, basil: Browser) -> None:
    answer = acacia.get_page("/user/basil/api/status")

    assert answer.status_code in {403, 404}


def test_mentors_have_no_server(hub: RunningHub) -> None:
    answer = hub.browser("oak").get_page("/hub/spawn/oak")

    assert answer.status_code == 403


def test_several_servers_wait_for_their_turn(hub: RunningHub) -> None:
    names = ["dahlia", "fern", "iris"]
    browsers = {name: hub.browser(name) for name in names}
    for name, browser in browsers.items():
        assert browser.get_page(f"/hub/spawn/{name}").status_code == 200

    for name, browser in browsers.items():
        assert notebook_server_answers(browser.open_server(name))
        stop_server(browser, name)


@pytest.fixture(scope="module")
def maple(hub: RunningHub) -> Iterator[Browser]:
    """A trainer with the course's server open."""
    browser = hub.browser("maple")
    assert notebook_server_answers(browser.open_server("course-data-science"))
    yield browser
    stop_server(browser, "course-data-science")


def test_a_trainer_opens_the_courses_formgrader(maple: Browser) -> None:
    page = maple.get_page("/user/course-data-science/formgrader")
    assignments = maple.get_page("/user/course-data-science/formgrader/api/assignments")

    assert page.status_code == 200
    assert [one["name"] for one in assignments.json()] == ["d1-tables"]


@pytest.mark.parametrize("path", ["formgrader/manage_students", "formgrader/gradebook", "formgrader/api/students"])
def test_formgraders_pages_answer(maple: Browser, path: str) -> None:
    assert maple.get_page(f"/user/course-data-science/{path}").status_code == 200


def test_the_courses_server_sees_its_course_alone(hub: RunningHub, maple: Browser) -> None:
    kernel = Kernel(maple, "course-data-science")

    assert kernel.value("[os.getcwd(), 'course.json' in os.listdir('.')]") == ["/home/course-data-science", True]
    for hidden in (hub.settings.secrets, hub.settings.homes, hub.settings.root / "ledger.db"):
        assert kernel.value(f"os.path.exists({str(hidden)!r})") is False, hidden
