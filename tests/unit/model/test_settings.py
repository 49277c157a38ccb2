from dataclasses import FrozenInstanceError, asdict, fields
from pathlib import Path

import pytest

from passerelle.model.settings import AddressError, SettingError, Settings

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


@pytest.mark.parametrize(
    ("url", "address", "encrypted"),
    [
        pytest.param("", "http://passerelle.localhost:8123", False, id="one-machine"),
        pytest.param("https://learn.example.org", "https://learn.example.org", True, id="public"),
        pytest.param(" HTTPS://Learn.Example.org/ ", "https://learn.example.org", True, id="as-people-paste-it"),
        pytest.param("https://learn.example.org:8443", "https://learn.example.org:8443", True, id="with-a-port"),
        pytest.param("http://learn.test", "http://learn.test", False, id="plain"),
    ],
)
def test_the_address_is_a_name(url: str, address: str, encrypted: bool) -> None:
    settings = Settings(port=8123, url=url)

    assert (settings.address, settings.encrypted) == (address, encrypted)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("learn.example.org", id="no-scheme"),
        pytest.param("ftp://learn.example.org", id="another-scheme"),
        pytest.param("https://learn.example.org/hub", id="a-path"),
        pytest.param("https://learn.example.org?x=1", id="a-query"),
        pytest.param("https://maple:x@learn.example.org", id="a-person"),
        pytest.param("http://127.0.0.1:8000", id="a-number-has-no-subdomains"),
        pytest.param("http://localhost:8000", id="one-word"),
        pytest.param("https://learn.example.org; script-src *", id="more-than-an-address"),
    ],
)
def test_what_can_have_no_subdomains_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(AddressError, match=r"PASSERELLE_URL=.*like https://learn\.example\.org$") as refused:
        Settings(url=url)

    assert url in str(refused.value)


@pytest.mark.parametrize("name", [one.name for one in fields(Settings)])
def test_every_setting_is_documented(name: str) -> None:
    assert f"`PASSERELLE_{name.upper()}`" in (REPOSITORY / "docs/settings.md").read_text(encoding="utf-8")


def test_what_is_given_stands_before_the_environment_and_this_before_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERELLE_DATABASE", "sqlite:///elsewhere.db")
    monkeypatch.setenv("PASSERELLE_PORT", "8123")
    monkeypatch.setenv("PASSERELLE_EXPLAIN_ERRORS", "No")
    monkeypatch.setenv("PASSERELLE_SMTP_PASSWORD_FILE", str(tmp_path / "password"))

    found = Settings(database="", data=str(tmp_path))

    assert (found.database, found.data) == ("", tmp_path)
    assert (found.port, found.explain_errors, found.smtp_password_file) == (8123, False, tmp_path / "password")
    assert (found.smtp_port, found.course_sources) == (587, Path("courses"))
    assert Settings(**asdict(found)) == found


@pytest.mark.parametrize(
    ("name", "found", "needed"),
    [
        pytest.param("port", "eighty", "a whole number", id="no-number"),
        pytest.param("server_memory_mb", "255", "256 or more", id="too-small"),
        pytest.param("explain_errors", "perhaps", "true or false", id="neither-yes-nor-no"),
    ],
)
def test_a_value_that_a_setting_cannot_have_is_refused_in_one_line(
    name: str, found: str, needed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"PASSERELLE_{name.upper()}", found)

    with pytest.raises(SettingError, match=f"^PASSERELLE_{name.upper()}={found}: .* {needed}; .*settings.md"):
        Settings()


def test_a_setting_that_does_not_exist_is_not_passed_over() -> None:
    with pytest.raises(TypeError, match="prot"):
        Settings(prot=8000)


def test_one_submission_a_core_is_marked_at_once_and_four_at_most(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for cores in (1, 2, 16):
        monkeypatch.setattr("os.sched_getaffinity", lambda _process, cores=cores: set(range(cores)))
        found.append((Settings().workers, Settings(marking_workers=6).workers))

    assert found == [(1, 6), (2, 6), (4, 6)]


def test_settings_do_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        Settings().port = 9000  # type: ignore[misc]  # that is what is tried
