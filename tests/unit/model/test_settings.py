from pathlib import Path

import pytest

from passerelle.model.settings import Settings

REPOSITORY = Path(__file__).parents[3]


def test_everything_lies_in_the_one_data_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PASSERELLE_DATA", str(tmp_path))

    settings = Settings()

    assert settings.database_url == f"sqlite:///{tmp_path}/ledger.db"
    for place in (settings.courses, settings.homes, settings.secrets, settings.logs, settings.marking_socket):
        assert place.is_relative_to(tmp_path)


def test_the_home_of_a_course_server_is_its_course_directory(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    (settings.courses / "data-science").mkdir(parents=True)

    assert settings.home("course-data-science") == settings.courses / "data-science"
    assert settings.home("acacia") == settings.homes / "acacia"


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`PASSERELLE_{name.upper()}`" in (REPOSITORY / "docs/settings.md").read_text(encoding="utf-8")
