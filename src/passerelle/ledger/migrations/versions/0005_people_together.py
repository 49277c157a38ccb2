"""Goals, questions, meetings, actions, requests for help, pauses, rubrics; each verdict's points by check as rows.

And what erasure and retention may change in rows that were append-only until now.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_index("job_done", "job", ["done"], unique=False)
    op.create_table(
        "export_record",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("recipient", sa.String(length=80), nullable=False),
        sa.Column("identified", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_record")),
    )
    op.create_table(
        "cue_dismissal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fellow", sa.String(length=32), nullable=False),
        sa.Column("cue", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("by", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["by"], ["person.handle"], name=op.f("fk_cue_dismissal_by")),
        sa.ForeignKeyConstraint(["fellow"], ["person.handle"], name=op.f("fk_cue_dismissal_fellow")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cue_dismissal")),
    )
    op.create_index(op.f("ix_cue_dismissal_fellow"), "cue_dismissal", ["fellow"], unique=False)

    op.create_table(
        "erasure_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("called_off", sa.DateTime(), nullable=True),
        sa.Column("agreed", sa.DateTime(), nullable=True),
        sa.Column("agreed_by", sa.String(length=80), nullable=True),
        sa.Column("done", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["person.handle"], name=op.f("fk_erasure_request_handle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasure_request")),
    )
    op.create_index(op.f("ix_erasure_request_handle"), "erasure_request", ["handle"], unique=False)

    op.create_table(
        "goal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["person.handle"], name=op.f("fk_goal_handle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goal")),
    )
    op.create_index(op.f("ix_goal_handle"), "goal", ["handle"], unique=False)

    op.create_table(
        "help_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fellow", sa.String(length=32), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=True),
        sa.Column("check", sa.String(length=128), nullable=True),
        sa.Column("words", sa.Text(), nullable=True),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.Column("answer_by", sa.Date(), nullable=False),
        sa.Column("taken_by", sa.String(length=32), nullable=True),
        sa.Column("answer", sa.Text(), nullable=True),
        sa.Column("answered_by", sa.String(length=32), nullable=True),
        sa.Column("answered", sa.DateTime(), nullable=True),
        sa.Column("withdrawn", sa.DateTime(), nullable=True),
        sa.Column("token", sa.String(length=64), nullable=True),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["person.handle"], name=op.f("fk_help_request_answered_by")),
        sa.ForeignKeyConstraint(["fellow"], ["person.handle"], name=op.f("fk_help_request_fellow")),
        sa.ForeignKeyConstraint(["taken_by"], ["person.handle"], name=op.f("fk_help_request_taken_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_help_request")),
        sa.UniqueConstraint("fellow", "token", name=op.f("uq_help_request_fellow_token")),
    )
    op.create_index("help_request_of_track", "help_request", ["track", "answered"], unique=False)
    op.create_index(op.f("ix_help_request_fellow"), "help_request", ["fellow"], unique=False)

    op.create_table(
        "meeting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fellow", sa.String(length=32), nullable=False),
        sa.Column("mentor", sa.String(length=32), nullable=False),
        sa.Column("starts", sa.DateTime(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("uid", sa.String(length=64), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column("made", sa.DateTime(), nullable=False),
        sa.Column("held", sa.DateTime(), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("noted", sa.DateTime(), nullable=True),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["fellow"], ["person.handle"], name=op.f("fk_meeting_fellow")),
        sa.ForeignKeyConstraint(["mentor"], ["person.handle"], name=op.f("fk_meeting_mentor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting")),
        sa.UniqueConstraint("uid", name=op.f("uq_meeting_uid")),
    )
    op.create_index(op.f("ix_meeting_fellow"), "meeting", ["fellow"], unique=False)
    op.create_index(op.f("ix_meeting_mentor"), "meeting", ["mentor"], unique=False)
    op.create_index("meeting_of_pair", "meeting", ["mentor", "fellow", "starts"], unique=False)

    op.create_table(
        "pause",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("starts", sa.DateTime(), nullable=False),
        sa.Column("ends", sa.DateTime(), nullable=True),
        sa.Column("made", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["person.handle"], name=op.f("fk_pause_handle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pause")),
    )
    op.create_index(op.f("ix_pause_handle"), "pause", ["handle"], unique=False)

    op.create_table(
        "verdict_check",
        sa.Column("verdict", sa.String(length=64), nullable=False),
        sa.Column("check", sa.String(length=128), nullable=False),
        sa.Column("manual", sa.Boolean(), nullable=False),
        sa.Column("points", sa.Double(), nullable=True),
        sa.Column("max_points", sa.Double(), nullable=False),
        sa.Column("answer", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["verdict"], ["verdict.key"], name=op.f("fk_verdict_check_verdict")),
        sa.PrimaryKeyConstraint("verdict", "check", name=op.f("pk_verdict_check")),
    )
    op.create_table(
        "action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("fellow", sa.String(length=32), nullable=False),
        sa.Column("mentor", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("meeting", sa.Integer(), nullable=True),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("due", sa.Date(), nullable=True),
        sa.Column("made_by", sa.String(length=32), nullable=False),
        sa.Column("made", sa.DateTime(), nullable=False),
        sa.Column("done", sa.DateTime(), nullable=True),
        sa.Column("dropped", sa.DateTime(), nullable=True),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["fellow"], ["person.handle"], name=op.f("fk_action_fellow")),
        sa.ForeignKeyConstraint(["made_by"], ["person.handle"], name=op.f("fk_action_made_by")),
        sa.ForeignKeyConstraint(["meeting"], ["meeting.id"], name=op.f("fk_action_meeting")),
        sa.ForeignKeyConstraint(["mentor"], ["person.handle"], name=op.f("fk_action_mentor")),
        sa.ForeignKeyConstraint(["owner"], ["person.handle"], name=op.f("fk_action_owner")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_action")),
    )
    op.create_index(op.f("ix_action_fellow"), "action", ["fellow"], unique=False)
    op.create_index(op.f("ix_action_mentor"), "action", ["mentor"], unique=False)

    op.create_table(
        "meeting_feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meeting", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=32), nullable=False),
        sa.Column("went_well", sa.Text(), nullable=True),
        sa.Column("next_time", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["author"], ["person.handle"], name=op.f("fk_meeting_feedback_author")),
        sa.ForeignKeyConstraint(["meeting"], ["meeting.id"], name=op.f("fk_meeting_feedback_meeting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_feedback")),
        sa.UniqueConstraint("meeting", "author", name=op.f("uq_meeting_feedback_meeting_author")),
    )
    op.create_table(
        "question",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("meeting", sa.Integer(), nullable=True),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["person.handle"], name=op.f("fk_question_handle")),
        sa.ForeignKeyConstraint(["meeting"], ["meeting.id"], name=op.f("fk_question_meeting")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
    )
    op.create_index(op.f("ix_question_handle"), "question", ["handle"], unique=False)

    op.create_table(
        "rubric_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.Integer(), nullable=False),
        sa.Column("criterion", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["mark"], ["manual_mark.id"], name=op.f("fk_rubric_mark_mark")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rubric_mark")),
        sa.UniqueConstraint("mark", "criterion", name=op.f("uq_rubric_mark_mark_criterion")),
    )
    op.create_index(op.f("ix_rubric_mark_mark"), "rubric_mark", ["mark"], unique=False)

    _fill_verdict_checks()
    if op.get_bind().dialect.name == "sqlite":
        _let_tombstones_pass()


# A person who was erased: only her handle may take the place of another.
_TOMBSTONE = "EXISTS (SELECT 1 FROM person WHERE handle = NEW.{column} AND erased IS NOT NULL)"
_KEPT_DAYS = 180
"""A look at somebody's page cannot be removed before: she must have had the time to read of it."""


def _let_tombstones_pass() -> None:
    """Let an erased person's handle be replaced, and old looks go; all else of 0002 stays as it is."""
    for name in ("receipt_as_it_came", "access_as_it_came", "access_stays"):
        op.execute(f"DROP TRIGGER {name}")
    _refuse("receipt", "receipt_as_it_came", "UPDATE OF id, track, unit, received, number, size")
    emptied = "NEW.erased IS NOT NULL AND NEW.content IS NULL"
    _refuse("receipt", "receipt_hash", "UPDATE OF sha256, token", f"NOT ({emptied})")
    _refuse("access", "access_as_it_came", "UPDATE OF id, at, what")
    for table, column in (("receipt", "handle"), ("receipt", "sender"), ("access", "viewer"), ("access", "subject")):
        otherwise = f"NOT {_TOMBSTONE.format(column=column)}"
        _refuse(table, f"{table}_{column}", f"UPDATE OF {column}", otherwise)
    _refuse("access", "access_stays", "DELETE", f"OLD.at > datetime('now', '-{_KEPT_DAYS} days')")


def _refuse(table: str, name: str, what: str, when: str = "1") -> None:
    said = f"'{table}: rows are added, never removed or rewritten'"
    op.execute(f"CREATE TRIGGER {name} BEFORE {what} ON {table} WHEN {when} BEGIN SELECT RAISE(ABORT, {said}); END")


def _fill_verdict_checks() -> None:
    """Write what every verdict has given so far as rows, too."""
    verdict = sa.table("verdict", sa.column("key", sa.String), sa.column("record", sa.JSON))
    names = {"verdict": sa.String, "check": sa.String, "answer": sa.String, "manual": sa.Boolean}
    into = sa.table(
        "verdict_check",
        *(sa.column(name, kind) for name, kind in names.items()),
        *(sa.column(name, sa.Double) for name in ("points", "max_points")),
    )
    bind = op.get_bind()
    for key, record in bind.execute(sa.select(verdict.c.key, verdict.c.record)).all():
        rows = rows_of(key, record or {})
        if rows:
            bind.execute(sa.insert(into), rows)


def rows_of(key: str, record: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the rows of one verdict's record as it was written until now."""
    rows: dict[str, dict[str, Any]] = {}
    answers = record.get("manual_answers") or {}
    for one in record.get("checks") or []:
        place = f"{one['notebook']}/{one['key']}" if one.get("notebook") else one["key"]
        rows[place] = {
            "verdict": key,
            "check": place,
            "manual": False,
            "points": one["points"],
            "max_points": one["max_points"],
            "answer": None,
        }
    for place, answer in answers.items():
        known = rows.get(place, {"max_points": 0.0})
        rows[place] = {
            "verdict": key,
            "check": place,
            "manual": True,
            "points": None,
            "max_points": known["max_points"],
            "answer": answer,
        }
    return list(rows.values())
