import json
import subprocess
from pathlib import Path

from passerelle.hub.parts import node

SCRIPT = Path(__file__).parents[3] / "src/passerelle/hub/proxylog.cjs"


def logged(log: Path, program: str) -> list[dict[str, str]]:
    """Run a program as the proxy is run; return its log."""
    subprocess.run(
        [str(node()), "--require", str(SCRIPT), "-e", program], env={"PASSERELLE_LOG": str(log)}, timeout=60, check=True
    )
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()]


def test_what_the_proxy_says_is_an_event_without_addresses(tmp_path: Path) -> None:
    said = "18:42:07.123 [ConfigProxy] \\u001b[31merror\\u001b[39m: 503 GET /user/acacia/lab?token=s3cret ECONNREFUSED"

    (line,) = logged(tmp_path / "proxy.log", f'console.error("{said}")')

    assert set(line) == {"time", "process", "level", "logger", "event"}
    assert (line["process"], line["level"]) == ("proxy", "ERROR")
    assert line["event"] == "[ConfigProxy] error: 503 GET … ECONNREFUSED"
    assert (tmp_path / "proxy.log").stat().st_mode & 0o077 == 0


def test_a_proxy_that_complains_without_end_fills_nothing(tmp_path: Path) -> None:
    log = tmp_path / "proxy.log"
    log.write_bytes(b"x" * (5 * 1024 * 1024 + 1))
    for number in range(1, 4):
        (tmp_path / f"proxy.log.{number}").write_text(str(number))

    logged(log, 'console.log("once more")')

    assert sorted(path.name for path in tmp_path.iterdir()) == ["proxy.log", *(f"proxy.log.{n}" for n in (1, 2, 3))]
    assert (tmp_path / "proxy.log.1").stat().st_size > 5_000_000
    assert (tmp_path / "proxy.log.3").read_text() == "2"
