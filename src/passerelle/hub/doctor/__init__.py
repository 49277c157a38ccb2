"""`passerelle doctor`: looks at a stopped or running installation, changes nothing, says the cure."""

from collections.abc import Callable, Iterator

from passerelle.hub.doctor import databases, files, installation, running
from passerelle.hub.doctor.finding import Finding, Level, broken
from passerelle.model.settings import Settings

Check = Callable[[Settings], Iterator[Finding]]

CHECKS: tuple[Check, ...] = (
    installation.versions,
    installation.environments,
    installation.wheels,
    installation.parts,
    installation.time_zone,
    files.room,
    files.rights,
    files.unfinished,
    files.clock,
    running.hub,
    running.orphans,
    databases.schemas,
    databases.integrity,
    databases.last_receipt,
    databases.waiting,
    databases.agreement,
    files.homes,
    files.last_backup,
)


def examine(settings: Settings) -> Iterator[Finding]:
    """Yield what is found, in an order in which the first broken line may be the reason for the next ones."""
    if not settings.root.is_dir():
        cure = "set PASSERELLE_DATA, or start Passerelle once: it makes the directory"
        yield broken("data", f"there is no data directory {settings.root}", cure)
        return
    for check in CHECKS:
        try:
            yield from check(settings)
        except Exception as error:  # one look that stops must not hide what the others see  # noqa: BLE001
            name = check.__name__.replace("_", " ")
            yield broken(
                name, f"this look stopped: {type(error).__name__}: {error}", "see the lines above; then report it"
            )


__all__ = ["Finding", "Level", "examine"]
