"""What a server starts by itself on its way up."""

import json
import sys
from pathlib import Path

import pytest

from passerelle.hub.spawner import box_config
from passerelle.model.settings import Settings
from tests.attacks.routes import server_environment, server_routes

PROGRAMS = ("node", "npm", "uname")


@pytest.mark.slow
def test_no_node_is_started_where_the_machine_has_one(tmp_path: Path) -> None:
    (tmp_path / "jupyter_server_config.json").write_text(json.dumps(box_config(Settings(data=tmp_path))))
    started = tmp_path / "started"
    started.mkdir()
    for name in PROGRAMS:
        program = tmp_path / name
        program.write_text(f'#!/bin/sh\ntouch "{started}/{name}"\necho /nowhere\n')
        program.chmod(0o755)
    environment = server_environment(tmp_path, "acacia", JUPYTER_CONFIG_PATH=str(tmp_path))
    environment["PATH"] = f"{tmp_path}:{environment['PATH']}"

    assert server_routes(Path(sys.executable), "passerelle_lab.singleuser", environment)

    # Jupyter Server asks what machine this is: it has come as far as that, and looked for programs here.
    assert [path.name for path in started.iterdir()] == ["uname"]
