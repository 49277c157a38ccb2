"""What a fellow and the people around her agree on: goals, questions, meetings, actions, requests for help.

Free text here is readable by whom it is about, without exception. There is no field for why somebody was absent.
Erasure empties the texts and sets `erased`; the rows stay, so that counts and times stay true.
"""

from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from passerelle.ledger.tables import Base


class Goal(Base):
    """What she works towards, in her words; the newest counts."""

    __tablename__ = "goal"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    text: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    erased: Mapped[datetime | None]


class Question(Base):
    """Her own question for the next meeting; the newest that no meeting has taken up counts."""

    __tablename__ = "question"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    text: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    meeting: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"))  # where it was talked about
    erased: Mapped[datetime | None]


class Meeting(Base):
    """A meeting of a mentor and a fellow. `state`: planned, held, called-off. `notes` are shared with her."""

    __tablename__ = "meeting"
    id: Mapped[int] = mapped_column(primary_key=True)
    fellow: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    mentor: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    starts: Mapped[datetime]
    minutes: Mapped[int] = mapped_column(default=30)
    state: Mapped[str] = mapped_column(String(16))
    uid: Mapped[str] = mapped_column(String(64), unique=True)  # of the calendar file: names nobody
    sequence: Mapped[int] = mapped_column(default=0)  # of the calendar file: one more with each change
    made_by: Mapped[str] = mapped_column(String(80))
    made: Mapped[datetime]
    held: Mapped[datetime | None]
    notes: Mapped[str | None] = mapped_column(Text)
    noted: Mapped[datetime | None]  # when the notes were last written
    erased: Mapped[datetime | None]
    __table_args__ = (Index("meeting_of_pair", "mentor", "fellow", "starts"),)


class MeetingFeedback(Base):
    """What one of the two said about their meeting to the other."""

    __tablename__ = "meeting_feedback"
    id: Mapped[int] = mapped_column(primary_key=True)
    meeting: Mapped[int] = mapped_column(ForeignKey("meeting.id"))
    author: Mapped[str] = mapped_column(ForeignKey("person.handle"))
    went_well: Mapped[str | None] = mapped_column(Text)
    next_time: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime]
    erased: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("meeting", "author"),)


class Action(Base):
    """What somebody agreed to do until a day. Done, or dropped without a reason."""

    __tablename__ = "action"
    id: Mapped[int] = mapped_column(primary_key=True)
    fellow: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    mentor: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)  # with whom; her next mentor sees hers
    owner: Mapped[str] = mapped_column(ForeignKey("person.handle"))
    meeting: Mapped[int | None] = mapped_column(ForeignKey("meeting.id"))
    text: Mapped[str | None] = mapped_column(Text)
    due: Mapped[date | None] = mapped_column(Date)
    made_by: Mapped[str] = mapped_column(ForeignKey("person.handle"))
    made: Mapped[datetime]
    done: Mapped[datetime | None]
    dropped: Mapped[datetime | None]
    erased: Mapped[datetime | None]


class HelpRequest(Base):
    """«I'm stuck», from any notebook: it goes into the trainers' shared queue.

    `answer_by` is the date that she was shown; `unit` and `check` may be empty, her words too.
    """

    __tablename__ = "help_request"
    id: Mapped[int] = mapped_column(primary_key=True)
    fellow: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    track: Mapped[str] = mapped_column(String(64))
    unit: Mapped[str | None] = mapped_column(String(64))
    check: Mapped[str | None] = mapped_column(String(128))
    words: Mapped[str | None] = mapped_column(Text)
    asked: Mapped[datetime]
    answer_by: Mapped[date] = mapped_column(Date)
    taken_by: Mapped[str | None] = mapped_column(ForeignKey("person.handle"))
    answer: Mapped[str | None] = mapped_column(Text)
    answered_by: Mapped[str | None] = mapped_column(ForeignKey("person.handle"))
    answered: Mapped[datetime | None]
    withdrawn: Mapped[datetime | None]  # by her, without a reason
    token: Mapped[str | None] = mapped_column(String(64))  # a repeated send is one request
    erased: Mapped[datetime | None]
    __table_args__ = (UniqueConstraint("fellow", "token"), Index("help_request_of_track", "track", "answered"))


class CueDismissal(Base):
    """A cue that she or her mentor put aside, with the reason. `facts` is the hash of the facts it was shown for."""

    __tablename__ = "cue_dismissal"
    id: Mapped[int] = mapped_column(primary_key=True)
    fellow: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    cue: Mapped[str] = mapped_column(String(64))
    facts: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(Text)
    by: Mapped[str] = mapped_column(ForeignKey("person.handle"))
    at: Mapped[datetime]
    erased: Mapped[datetime | None]


class Pause(Base):
    """A time in which nothing is expected of her. Nobody is asked why."""

    __tablename__ = "pause"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    starts: Mapped[datetime]
    ends: Mapped[datetime | None]
    made: Mapped[datetime]


class RubricMark(Base):
    """The levels that a trainer chose by the criteria of a rubric, beside the manual mark that they add up to."""

    __tablename__ = "rubric_mark"
    id: Mapped[int] = mapped_column(primary_key=True)
    mark: Mapped[int] = mapped_column(ForeignKey("manual_mark.id"), index=True)
    criterion: Mapped[str] = mapped_column(String(64))
    level: Mapped[str] = mapped_column(String(64))
    points: Mapped[float]
    by: Mapped[str] = mapped_column(String(80))
    __table_args__ = (UniqueConstraint("mark", "criterion"),)


class ExportRecord(Base):
    """An export that left: by whom, of what, for whom; identified ones have a reason."""

    __tablename__ = "export_record"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(Text)
    recipient: Mapped[str] = mapped_column(String(80))
    identified: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(Text)


class ErasureRequest(Base):
    """Somebody's wish that what we have of her goes; a coordinator agrees, then the job does it.

    `done` is when the job had reached every place.
    """

    __tablename__ = "erasure_request"
    id: Mapped[int] = mapped_column(primary_key=True)
    handle: Mapped[str] = mapped_column(ForeignKey("person.handle"), index=True)
    asked: Mapped[datetime]
    asked_by: Mapped[str] = mapped_column(String(80))
    called_off: Mapped[datetime | None]
    agreed: Mapped[datetime | None]
    agreed_by: Mapped[str | None] = mapped_column(String(80))
    done: Mapped[datetime | None]


class VerdictCheck(Base):
    """What a verdict gave at one check: the columns of `verdict.record` that the read model adds up in SQL.

    `answer` is the hash of an answer that a person marks, none where it was left blank; `points` none for those.
    """

    __tablename__ = "verdict_check"
    verdict: Mapped[str] = mapped_column(ForeignKey("verdict.key"), primary_key=True)
    check: Mapped[str] = mapped_column(String(128), primary_key=True)
    manual: Mapped[bool]
    points: Mapped[float | None]
    max_points: Mapped[float]
    answer: Mapped[str | None] = mapped_column(String(64))
