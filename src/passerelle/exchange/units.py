"""What a track offers: its units, their newest release, and who the caller is."""

import json
from hashlib import sha256
from typing import Any, ClassVar

from sqlalchemy.orm import Session

from passerelle.exchange.errors import ApiError
from passerelle.exchange.handler import PARCEL_BODY, ApiHandler
from passerelle.exchange.rights import Part
from passerelle.ledger import people, releases
from passerelle.ledger.tables import Release
from passerelle.model.course import Unit
from passerelle.model.parcel import ParcelError, unpack
from passerelle.model.people import LANGUAGES

VERSION_HEADER = "X-Passerelle-Version"


class MeHandler(ApiHandler):
    """`api/me`: who the caller is; she may change her language."""

    def get(self) -> None:
        """Say what the ledger knows of the caller."""
        self.send_json(
            {
                "handle": self.caller.name,
                "language": self.caller.language,
                "role": self.caller.role,
                "tracks": list(self.caller.tracks),
            }
        )

    async def put(self) -> None:
        """Change her language."""
        language = self.json_body().get("language")
        if language not in LANGUAGES:
            raise ApiError.of(422, "language-unknown", languages=", ".join(LANGUAGES))
        name = self.caller.name
        if await self.reading(lambda session: people.person(session, name)) is None:
            raise ApiError.of(403, "not-yours")
        await self.writing(lambda session: people.set_language(session, name, language))
        self.send_json({"language": language})


class CoursesHandler(ApiHandler):
    """`api/courses`: the tracks the caller is in."""

    def get(self) -> None:
        """List them."""
        self.send_json([track for track in self.caller.tracks if self.caller.part_in(track) is not None])


class UnitsHandler(ApiHandler):
    """`api/units/<track>`: the units that are open."""

    async def get(self, track: str) -> None:
        """List them, in the order of their first release."""
        self.caller.must_be_in(track)

        def listed(session: Session) -> list[dict[str, Any]]:
            return [
                {
                    "unit": release.unit,
                    "version": release.version,
                    "released": release.released.isoformat(),
                    "title": release.title,
                }
                for release in releases.releases_of(session, track)
            ]

        self.send_json(await self.reading(listed))


class ReleaseHandler(ApiHandler):
    """`api/releases/<track>/<unit>`: a unit as fellows get it."""

    max_body: ClassVar[int] = PARCEL_BODY

    async def get(self, track: str, unit: str) -> None:
        """Send the newest release."""
        self.caller.must_be_in(track)

        def newest(session: Session) -> tuple[str, bytes] | None:
            release = releases.newest_release(session, track, unit)
            return (release.version, release.files) if release is not None else None

        found = await self.reading(newest)
        if found is None:
            raise ApiError.of(404, "not-released", unit=unit, track=track)
        version, parcel = found
        self.set_header(VERSION_HEADER, version)
        self.send_parcel(parcel, unit)

    async def put(self, track: str, unit: str) -> None:
        """Release what is sent, for the track's trainers."""
        self.caller.must_be(Part.STAFF, track)
        parcel = self.whole_body()

        def release(session: Session) -> Release:
            version, title = _card(unit, parcel)
            return releases.put_release(
                session,
                track,
                unit,
                version,
                parcel,
                title=title,
                sender=self.caller.name,
                at=self.context.clock(),
            )

        put = await self.writing(release)
        self.send_json(
            {"unit": unit, "version": put.version, "released": put.released.isoformat(), "sha256": put.sha256}, 201
        )

    async def delete(self, track: str, unit: str) -> None:
        """Let a unit no longer be fetched or submitted, for the track's trainers."""
        self.caller.must_be(Part.STAFF, track)
        at = self.context.clock()
        if not await self.writing(lambda session: releases.withdraw_release(session, track, unit, at)):
            raise ApiError.of(404, "not-released", unit=unit, track=track)
        self.send_json({"unit": unit, "withdrawn": at.isoformat()})


def _card(unit: str, parcel: bytes) -> tuple[str, dict[str, str]]:
    """Return version and title of a release: from its `unit.json`, or, for a unit from elsewhere, from its notebook.

    Raises:
        ApiError: 422 where the parcel holds no notebook of that name.
    """
    try:
        files = unpack(parcel)
    except ParcelError as fault:
        raise ApiError.from_parcel(fault) from fault
    if f"{unit}.ipynb" not in files:
        raise ApiError.of(422, "no-notebook", notebook=f"{unit}.ipynb")
    try:
        card = Unit.model_validate(json.loads(files["unit.json"]))
    except (KeyError, ValueError):
        return _plain_version(files), {"en": unit}
    return card.version, dict(card.title)


def _plain_version(files: dict[str, bytes]) -> str:
    digest = sha256()
    for name in sorted(files):
        digest.update(f"{name}\0{len(files[name])}\0".encode() + files[name])
    return digest.hexdigest()
