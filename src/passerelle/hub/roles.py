"""Who may do what in the hub: groups from the ledger, the least scopes for each.

People hold nothing by name: their groups come from the ledger at every log-in and every few minutes after.
"""

from collections.abc import Iterable
from typing import Any

from passerelle.model.people import Role, course_user

SERVICE = "passerelle"
SUPERVISOR = "supervisor"
METRICS = "metrics"
ERASURE = "erasure"
ACCESS_SERVICE = f"access:services!service={SERVICE}"
NAMED_FOR_S = 20
"""How long a server or our service believes what the hub said of a token: then a log-out or a revocation counts."""


def role_group(role: Role) -> str:
    """Return the hub group of everybody with a role."""
    return f"{role}s"


def trainers_group(track: str) -> str:
    """Return the hub group of a track's trainers."""
    return f"trainers-{track}"


def groups_of(role: Role, tracks: Iterable[str]) -> list[str]:
    """Return the hub groups of a person: her role, and for a trainer the tracks she teaches."""
    teaches = [trainers_group(track) for track in tracks] if role is Role.TRAINER else []
    return [role_group(role), *teaches]


def hub_roles(tracks: Iterable[str]) -> list[dict[str, Any]]:
    """Return the roles of the hub for the tracks there are.

    A server's token reaches its own server and our service, nothing of the hub's: it lies in an environment
    that a fellow's code can read. Our service itself holds no role: it asks the hub with the token of whoever
    calls it. The supervisor may tell the hub to look after the proxy's routes; who gathers figures may read the
    hub's; the job of erasure may remove accounts, servers with them.
    """
    roles: list[dict[str, Any]] = [
        {"name": "user", "scopes": ["self", ACCESS_SERVICE]},
        {"name": "server", "scopes": ["users:activity!user", "access:servers!server", ACCESS_SERVICE]},
        {"name": SUPERVISOR, "scopes": ["proxy"], "services": [SUPERVISOR]},
        {"name": METRICS, "scopes": ["read:metrics"], "services": [METRICS]},
        {"name": ERASURE, "scopes": ["delete:users"], "services": [ERASURE]},
    ]
    for track in tracks:
        course = course_user(track)
        roles.append(
            {
                "name": f"formgrader-{track}",
                "description": f"start and open the formgrader of {track}",
                "scopes": [f"servers!user={course}", f"access:servers!user={course}", f"read:users:name!user={course}"],
                "groups": [trainers_group(track)],
            }
        )
    # Makes the hub's account of each course; it has no password and no row in the ledger, so nobody logs in as it.
    roles.append({"name": "course", "scopes": [ACCESS_SERVICE], "users": [course_user(track) for track in tracks]})
    return roles
