"""What the demo year's coordinator finds on her desk: exports that left, and somebody's wish to be erased."""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from passerelle.hub import demo_courses, demo_texts
from passerelle.ledger import erasure
from passerelle.ledger.exported import record_export
from passerelle.model.people import OPERATOR
from passerelle.progress.pseudonyms import PROGRAMME

if TYPE_CHECKING:
    from passerelle.hub.demo_year import Fellow, Story


def tell(story: "Story", fellows: Sequence["Fellow"]) -> None:
    """Let it all have happened in the last weeks; without a draw, so that the rest of the year stays as it is."""
    _export(story, fellows)
    # Of a cohort whose weeks are over. Nothing is erased unless a coordinator agrees.
    leaves = [one.handle for one in fellows if one.ends is not None][1]
    erasure.ask(story.session, leaves, leaves, story.last_day - timedelta(days=1, hours=3))


def _export(story: "Story", fellows: Sequence["Fellow"]) -> None:
    """Let an export of each kind have left: for the programme, for a partner, and one that says who she is."""
    session, last, first = story.session, story.last_day, fellows[0]
    for days, trainer, track in zip((33, 12, 5), demo_texts.TRAINERS, demo_courses.TRACKS, strict=True):
        there = [one.handle for one in fellows if one.track == track]
        at = last - timedelta(days=days, hours=2)
        record_export(session, by=trainer, what=f"{track}, xlsx", recipient=PROGRAMME, fellows=there, at=at)
    record_export(
        session,
        by=OPERATOR,
        what=f"{first.track}, csv, pdf",
        recipient=demo_texts.PARTNER,
        fellows=[one.handle for one in fellows if one.track == first.track],
        at=last - timedelta(days=26, hours=4),
        outside=True,
    )
    record_export(
        session,
        by=OPERATOR,
        what=f"{first.track}, 1 named, pdf",
        recipient=demo_texts.PARTNER,
        fellows=[first.handle],
        at=last - timedelta(days=19, hours=1),
        identified=True,
        reason=demo_texts.EXPORT_REASON[first.language],
    )
