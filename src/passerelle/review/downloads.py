"""The files behind the export buttons: without names, each written down before it is made."""

from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.ledger import people
from passerelle.ledger.exported import record_export
from passerelle.model.people import Role
from passerelle.progress import FORMATS, TYPES, TrackProgress, Wanted, track_export, track_progress
from passerelle.progress.pseudonyms import PROGRAMME, of_reader, pseudonym, pseudonym_secret
from passerelle.review import staff
from passerelle.review.base import PageHandler
from passerelle.review.long_work import made

KINDS = "|".join(FORMATS)
"""The endings of their addresses."""


class Download(PageHandler):
    """A file of progress, without names."""

    async def send(self, progress: TrackProgress, kind: str, about: str, wanted: Wanted) -> None:
        """Answer with the file; it is made beside the requests of others."""
        settings = self.context.settings
        content = await made(lambda: track_export(progress, settings, wanted).content(kind), self.me.handle)
        day = self.moment.astimezone(ZoneInfo(settings.timezone)).strftime("%Y-%m-%d")
        self.set_header("Content-Type", TYPES[kind])
        self.set_header("Content-Disposition", f'attachment; filename="{about}-{day}.{kind}"')
        self.finish(content)


class TrackDownload(Download):
    """The export of a track: for its trainers, and for coordinators."""

    roles = frozenset({Role.TRAINER, Role.COORDINATOR})

    async def get(self, track: str, kind: str) -> None:
        """Answer with the file; every fellow in it can read that it was made."""

        def read(session: Session) -> TrackProgress:
            teaches = people.has_role_in(session, self.me.handle, track, Role.TRAINER, self.moment)
            if self.me.role != Role.COORDINATOR and not teaches:
                self.refuse()  # before it is said whether there is such a track
            return track_progress(session, self.course(track), self.moment, zone=self.zone)

        progress = await self.reading(read)

        def note(session: Session) -> None:
            record_export(
                session,
                by=self.me.handle,
                what=f"{track}, {kind}",
                recipient=PROGRAMME,
                fellows=[one.fellow for one in progress.fellows],
                at=self.moment,
            )

        await self.writing(note)
        await self.send(progress, kind, track, Wanted())


class FellowDownload(Download):
    """One fellow's progress in a track (`?track=`, the first where none is said): for who may see her sheet."""

    roles = frozenset({Role.FELLOW, Role.MENTOR, Role.TRAINER})

    async def get(self, handle: str, kind: str) -> None:
        """Answer with the file."""

        def read(session: Session) -> TrackProgress:
            _, hers = staff.may_look_at(self, session, handle)
            wanted = self.get_query_argument("track", hers[0] if hers else "")
            if wanted not in hers:
                raise HTTPError(404)
            return track_progress(session, self.course(wanted), self.moment, [handle], zone=self.zone)

        progress = await self.reading(read)
        await self.log_look(handle, "download")
        recipient = of_reader(self.me.handle)
        stands_for = pseudonym(handle, pseudonym_secret(self.context.settings.secrets), recipient)
        await self.send(progress, kind, f"{progress.track}-{stands_for}", Wanted(recipient, named=True))
