"""The rubrics of the demo year, and the marks that its trainers give by them.

The criteria are those of units that are built from text (D1, W1 and C2), said of any unit of the track.
"""

from typing import TYPE_CHECKING

from sqlalchemy import delete, select

from passerelle.hub import demo_texts
from passerelle.ledger import manual
from passerelle.ledger.help import ChosenLevel, put_rubric
from passerelle.ledger.mentoring_tables import RubricMark
from passerelle.ledger.tables import ManualMark
from passerelle.model.course import Criterion, Level, Text

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

    from passerelle.hub.demo_sent import Attempt
    from passerelle.hub.demo_year import Story

_POINTS = {"absent": 0.0, "begun": 0.5, "there": 1.0}
_POINTS_GIVEN = (1.0, 1.5, 2.0, 2.0)


def _criterion(name: str, title: Text, titles: tuple[Text, Text, Text], example: Text) -> Criterion:
    """Return a criterion of one point, with an answer that has it."""
    levels = [Level(level=one, points=_POINTS[one], title=said) for one, said in zip(_POINTS, titles, strict=True)]
    return Criterion(
        criterion=name, title=title, levels=(*levels[:2], levels[2].model_copy(update={"example": example}))
    )


RUBRICS: dict[str, tuple[Criterion, ...]] = {
    "demo-data": (
        _criterion(
            "finding",
            {"en": "A true finding, with a number that is about something",
             "fr": "Une observation vraie, avec un nombre qui parle de quelque chose"},
            ({"en": "No number, or one that is not in the table", "fr": "Pas de nombre, ou un nombre hors du tableau"},
             {"en": "A number; what it is about is to be guessed", "fr": "Un nombre ; son sujet est à deviner"},
             {"en": "A number, rounded or not, and what it is about",
              "fr": "Un nombre, arrondi ou non, et ce dont il parle"}),
            {"en": "Bretagne has 12 towns in the file, and the largest is Rennes.",
             "fr": "La Bretagne a 12 villes dans le fichier, et la plus grande est Rennes."},
        ),
        _criterion(
            "limit",
            {"en": "A limit or a reason", "fr": "Une réserve ou une raison"},
            ({"en": "What the number cannot tell is not said, nor why it is so",
              "fr": "Ce que le nombre ne peut pas dire n’est pas dit, ni pourquoi il est ainsi"},
             {"en": "A limit that holds for any table", "fr": "Une réserve qui vaut pour tout tableau"},
             {"en": "One limit or one reason, in a few words", "fr": "Une réserve ou une raison, en peu de mots"}),
            {"en": "Small towns are not in the file, so the real number is higher.",
             "fr": "Les petites villes ne sont pas dans le fichier, donc le vrai nombre est plus grand."},
        ),
    ),
    "demo-web": (
        _criterion(
            "choice",
            {"en": "A choice, and for whom", "fr": "Un choix, et pour qui"},
            ({"en": "No choice is named", "fr": "Aucun choix n’est nommé"},
             {"en": "A choice, without a person whom it helps", "fr": "Un choix, sans personne à qui il sert"},
             {"en": "A choice, and whom it helps", "fr": "Un choix, et à qui il sert"}),
            {"en": "The label stands above its field, for somebody who reads the page enlarged.",
             "fr": "L’étiquette est au-dessus du champ, pour une personne qui agrandit la page."},
        ),
        _criterion(
            "tried",
            {"en": "How it was tried", "fr": "Comment c’est essayé"},
            ({"en": "No trial is told", "fr": "Aucun essai n’est raconté"},
             {"en": "It was tried, with what is not said", "fr": "Un essai a eu lieu, avec quoi n’est pas dit"},
             {"en": "With what it was tried, and what was seen", "fr": "Avec quoi c’est essayé, et ce que l’on a vu"}),
            {"en": "By the Tab key alone: the button comes after the field.",
             "fr": "Avec la seule touche Tab : le bouton vient après le champ."},
        ),
    ),
    "demo-security": (
        _criterion(
            "risk",
            {"en": "The risk: what could happen, and to whom", "fr": "Le risque : ce qui peut arriver, et à qui"},
            ({"en": "No risk, or one that is none", "fr": "Pas de risque, ou un risque qui n’en est pas un"},
             {"en": "A risk, without what leads to it", "fr": "Un risque, sans ce qui y mène"},
             {"en": "A risk, and what leads to it", "fr": "Un risque, et ce qui y mène"}),
            {"en": "With a stolen file, one tries millions of passwords a second.",
             "fr": "Avec un fichier volé, on essaie des millions de mots de passe par seconde."},
        ),
        _criterion(
            "way",
            {"en": "The way to something safer", "fr": "Le chemin vers plus de sécurité"},
            ({"en": "No way, or one that nobody can go", "fr": "Pas de chemin, ou un chemin impossible"},
             {"en": "A way; who goes it is open", "fr": "Un chemin ; qui le suit, on l’ignore"},
             {"en": "A way, and its first step", "fr": "Un chemin, et son premier pas"}),
            {"en": "We replace each record when its owner signs in.",
             "fr": "On renouvelle chaque enregistrement quand la personne revient."},
        ),
    ),
}  # fmt: skip


def _levels(points: float, answer: str) -> tuple[str, str]:
    """Return the levels of the two criteria that add up to so many points; which comes first is by the answer."""
    even = int(answer[:2], 16) % 2 == 0
    if points == 1.0 and even:
        return "begun", "begun"
    other = {1.0: "absent", 1.5: "begun", 2.0: "there"}[points]
    return ("there", other) if even else (other, "there")


def take_back_newest(session: "Session", handle: str, track: str) -> None:
    """Let a fellow's answer that was marked last wait for its trainer again."""
    of = select(ManualMark).where(ManualMark.handle == handle, ManualMark.track == track)
    mark = session.scalar(of.order_by(ManualMark.marked.desc(), ManualMark.id.desc()).limit(1))
    assert mark is not None  # she has lived many weeks  # noqa: S101
    session.execute(delete(RubricMark).where(RubricMark.mark == mark.id))
    session.delete(mark)
    session.flush()


def give(story: "Story", attempt: "Attempt", trainer: str, at: "datetime") -> None:
    """Give a mark by the rubric, as the page does, where the answer has none yet."""
    answer = attempt.answer_hash
    card = next(one for one in attempt.unit.card.checks if one.manual)
    where = (attempt.fellow.handle, attempt.course.track, attempt.unit.card.unit, card.key)
    if answer is None or manual.manual_mark(story.session, *where, answer) is not None:
        return
    points = story.draw.choice(_POINTS_GIVEN)
    manual.put_manual_mark(
        story.session,
        handle=where[0],
        track=where[1],
        unit=where[2],
        check=where[3],
        answer=answer,
        points=points,
        comment=story.say(demo_texts.COMMENTS, attempt.fellow.language),
        at=at,
    )
    mark = manual.manual_mark(story.session, *where, answer)
    assert mark is not None  # put there a line above  # noqa: S101
    criteria = attempt.unit.rubrics[card.key]
    levels = _levels(points, answer)
    chosen = {one.criterion: ChosenLevel(name, _POINTS[name]) for one, name in zip(criteria, levels, strict=True)}
    put_rubric(story.session, mark, chosen, trainer)
