"""The page on which a trainer marks one answer, by its rubric where the unit has one, beside formgrader."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from markupsafe import Markup
from sqlalchemy.orm import Session
from tornado.web import HTTPError

from passerelle.courses import NotBuiltError, unit_source
from passerelle.grading.by_hand import AnotherAnswerError, MarkByHand, give_mark
from passerelle.grading.gradebook import GradebookUnusableError, has_gradebook
from passerelle.grading.layout import is_outline
from passerelle.grading.rebuild import UnreadableSubmissionError, key_of, read_notebook, rebuild, text_of
from passerelle.ledger import help as asking
from passerelle.ledger import manual, people, receipts
from passerelle.ledger.help import ChosenLevel
from passerelle.ledger.receipts import AttemptRow
from passerelle.ledger.tables import ManualMark, Person
from passerelle.model.course import CheckCard, Course, CourseUnit, Criterion, in_language
from passerelle.model.parcel import ParcelError, unpack
from passerelle.model.people import Role, course_user
from passerelle.review.base import PageHandler
from passerelle.review.prose import answer_html, notes_html

MOST_CHARACTERS = 4_000


@dataclass(frozen=True)
class Answer:
    """An answer to mark: whose, of which attempt, and what is known of its mark."""

    row: AttemptRow
    fellow: Person
    course: Course
    unit: CourseUnit
    check: CheckCard
    hash: str
    mark: ManualMark | None
    chosen: Mapping[str, ChosenLevel]
    parcel: bytes | None

    @property
    def criteria(self) -> tuple[Criterion, ...]:
        """Return the rubric, empty where the unit has none for this check."""
        return self.unit.rubrics.get(self.check.key, ())


@dataclass(frozen=True)
class Shown:
    """What the page shows of the notebook: what was asked (empty where the course is an outline), and her answer."""

    question: Markup
    answer: Markup


class MarkPage(PageHandler):
    """`mark/<receipt>/<check>`: her answer, what was asked, criteria with levels and examples; POST keeps the mark."""

    roles = frozenset({Role.TRAINER})

    async def get(self, receipt: str, check: str) -> None:
        """Answer with the page; she can read that it was looked at."""
        await self._show(await self.reading(partial(self._find, receipt=receipt, check=check)))

    async def post(self, receipt: str, check: str) -> None:
        """Keep the mark, then go back to the list of what waits."""
        found = await self.reading(partial(self._find, receipt=receipt, check=check))
        chosen = self._chosen(found.criteria)
        points = sum(one.points for one in chosen.values()) if found.criteria else self._points(found.check)
        if points is None or len(chosen) < len(found.criteria):
            self.set_status(422)
            return await self._show(found, trouble="incomplete")
        comment = self.get_body_argument("comment", "").replace("\r\n", "\n").strip()[:MOST_CHARACTERS] or None
        row = found.row
        mark = MarkByHand(row.handle, row.track, row.unit, check, row.received, found.hash, points, comment)
        beside = partial(asking.put_rubric, chosen=chosen, by=self.me.handle)
        try:
            course_dir = self.context.settings.courses / row.track
            await asyncio.to_thread(give_mark, course_dir, self.context.engine, mark, beside)
        except AnotherAnswerError:
            self.set_status(409)
            return await self._show(found, trouble="another")
        except GradebookUnusableError:
            self.set_status(503)
            return await self._show(found, trouble="gradebook" if has_gradebook(course_dir) else "missing")
        self.context.wake_marking(f"manual {row.track}".encode())
        return self.redirect(f"{self.context.prefix}queue", status=303)

    def _find(self, session: Session, receipt: str, check: str) -> Answer:
        row = receipts.attempt(session, receipt)
        # One answer for «there is none» and «it is of another track»: nobody learns which.
        if row is None or not people.has_role_in(session, self.me.handle, row.track, Role.TRAINER, self.moment):
            raise HTTPError(404)
        fellow, course = people.person(session, row.handle), self.course(row.track)
        unit = next((one for one in course.units if one.card.unit == row.unit), None)
        card = next((one for one in unit.card.checks if one.key == check and one.manual), None) if unit else None
        answer = row.verdict.manual_answers.get(check) if row.verdict else None
        if fellow is None or unit is None or card is None or answer is None:
            raise HTTPError(404)
        mark = manual.manual_mark(session, row.handle, row.track, row.unit, check, answer)
        chosen = asking.rubric_of(session, mark) if mark else {}
        parcel = receipts.parcel_of(session, receipt)
        return Answer(row, fellow, course, unit, card, answer, mark, chosen, parcel)

    def _chosen(self, criteria: tuple[Criterion, ...]) -> dict[str, ChosenLevel]:
        chosen = {}
        for criterion in criteria:
            said = self.get_body_argument(f"level-{criterion.criterion}", "")
            for level in criterion.levels:
                if level.level == said:
                    chosen[criterion.criterion] = ChosenLevel(level.level, level.points)
        return chosen

    def _points(self, check: CheckCard) -> float | None:
        """Return the points of a check without a rubric, as a number from 0 to all; a comma is one too."""
        try:
            points = float(self.get_body_argument("points", "").replace(",", "."))
        except ValueError:
            return None
        return points if 0 <= points <= check.points else None

    async def _show(self, found: Answer, trouble: str = "") -> None:
        await self.log_look(found.row.handle, "mark")  # a form that comes back shows her answer, too
        picked = {name: one.level for name, one in {**found.chosen, **self._chosen(found.criteria)}.items()}
        comment = self.get_body_argument("comment", (found.mark.comment if found.mark else None) or "")
        server = course_user(found.row.track)
        self.page(
            "mark.html",
            found=found,
            shown=await asyncio.to_thread(self._read, found),
            picked=picked,
            comment=comment,
            trouble=trouble,
            formgrader="" if self._is_outline(found) else f"/hub/spawn/{server}?next=/user/{server}/formgrader",
        )

    def _read(self, found: Answer) -> Shown | None:
        """Return what the notebook says; None where it cannot be read (erased, or the unit is not built here)."""
        unit, key = found.row.unit, found.check.key
        try:
            sent = unpack(found.parcel or b"")[f"{unit}.ipynb"]
            if self._is_outline(found):
                return _as_sent(sent, key)
            source = unit_source(self.context.settings.courses / found.row.track, unit)
            text = rebuild(source, sent).answers.get(key)
        except (NotBuiltError, ParcelError, UnreadableSubmissionError, KeyError):
            return None
        if text is None:
            return None
        is_code = any(key_of(cell) == key and cell.cell_type == "code" for cell in source.cells)
        asked = _asked(source.cells, key, self.reader.language)
        return Shown(notes_html(asked, 1), answer_html(text, code=is_code))

    def _is_outline(self, found: Answer) -> bool:
        return is_outline(self.context.settings.courses / found.row.track)


def _as_sent(sent: bytes, key: str) -> Shown | None:
    """Return an answer of a course in outline, which has no source to rebuild it by: the cell as it was sent."""
    cell = next((one for one in read_notebook(sent)["cells"] if key_of(one) == key), None)
    if cell is None:
        return None
    return Shown(Markup(), answer_html(text_of(cell), code=cell.get("cell_type") == "code"))


def _asked(cells: list[Any], key: str, language: str) -> str:
    """Return the prose of an answer's task that stands before it: what she was asked."""
    prose: list[str] = []
    for cell in cells:
        ours = cell.metadata.get("passerelle", {})
        if ours.get("key") == key:
            break
        if ours.get("kind") == "prose":
            text = in_language(ours["text"], language) if "text" in ours else cell.source
            # A heading begins what belongs together.
            prose = [text] if text.lstrip().startswith("#") else [*prose, text]
    return "\n\n".join(prose)
