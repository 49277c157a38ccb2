"""How JupyterLab is set for a fellow."""

import json
import os
from pathlib import Path

import pytest

from passerelle_lab.settings import FELLOW_CONFIG, follow_language, prepare_home

SETTING = Path(".jupyter/lab/user-settings/@jupyterlab/translation-extension/plugin.jupyterlab-settings")


def locale(home: Path) -> str:
    # Lab reads JSON with comments; ours has one line of them.
    lines = (home / SETTING).read_text(encoding="utf-8").splitlines()
    return str(json.loads("\n".join(line for line in lines if not line.startswith("//")))["locale"])


def test_lab_follows_her_language_until_she_chooses_in_lab(tmp_path: Path) -> None:
    follow_language(tmp_path, "fr")
    first = locale(tmp_path)
    follow_language(tmp_path, "en")
    second = locale(tmp_path)
    (tmp_path / SETTING).write_text('{"locale": "fr_FR"}', encoding="utf-8")
    follow_language(tmp_path, "en")

    assert (first, second, locale(tmp_path)) == ("fr_FR", "en", "fr_FR")


def test_the_hubs_configuration_comes_before_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/etc/hub")

    environment = prepare_home(tmp_path, "fr")

    assert environment["JUPYTER_CONFIG_PATH"].split(os.pathsep) == ["/etc/hub", str(FELLOW_CONFIG)]
    assert environment["PASSERELLE_LANGUAGE"] == "fr"


def test_a_home_that_cannot_be_written_still_gets_its_server(tmp_path: Path) -> None:
    (tmp_path / ".jupyter").write_text("in the way", encoding="utf-8")

    environment = prepare_home(tmp_path, "fr")

    assert environment["PASSERELLE_LANGUAGE"] == "fr"
    assert (tmp_path / ".jupyter").read_text(encoding="utf-8") == "in the way"
