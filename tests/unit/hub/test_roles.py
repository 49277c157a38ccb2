"""Groups from roles, roles from tracks."""

import pytest

from passerelle.hub.roles import groups_of, hub_roles
from passerelle.model.people import Role


@pytest.mark.parametrize(
    ("role", "groups"),
    [
        pytest.param(Role.FELLOW, ["fellows"], id="a-fellow-teaches-nowhere"),
        pytest.param(Role.TRAINER, ["trainers", "trainers-data-science"], id="a-trainer-where-she-teaches"),
        pytest.param(Role.MENTOR, ["mentors"], id="mentor"),
        pytest.param(Role.COORDINATOR, ["coordinators"], id="coordinator"),
    ],
)
def test_groups_follow_the_role(role: Role, groups: list[str]) -> None:
    assert groups_of(role, ["data-science"]) == groups


def test_no_role_gives_a_whole_kind_of_thing() -> None:
    roles = [role for role in hub_roles(["data-science", "web-dev"]) if "services" not in role]
    scopes = {scope for role in roles for scope in role["scopes"]}

    assert all("!" in scope or scope == "self" for scope in scopes)


def test_the_supervisor_may_speak_of_the_proxy_alone_prometheus_read_figures_and_erasure_remove_accounts() -> None:
    assert [(role["name"], role["scopes"]) for role in hub_roles([]) if "services" in role] == [
        ("supervisor", ["proxy"]),
        ("metrics", ["read:metrics"]),
        ("erasure", ["delete:users"]),
    ]


def test_only_trainers_of_a_track_open_its_formgrader() -> None:
    roles = {role["name"]: role for role in hub_roles(["data-science", "web-dev"])}

    assert roles["formgrader-web-dev"]["groups"] == ["trainers-web-dev"]
    assert "access:servers!user=course-web-dev" in roles["formgrader-web-dev"]["scopes"]
    assert not any("course-web-dev" in scope for scope in roles["formgrader-data-science"]["scopes"])
