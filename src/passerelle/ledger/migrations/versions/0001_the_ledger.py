"""The ledger: people, receipts, verdicts, the queue, releases, feedback, the access log."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "access",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("viewer", sa.String(length=80), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access")),
    )
    op.create_index(op.f("ix_access_subject"), "access", ["subject"], unique=False)
    op.create_table(
        "cohort",
        sa.Column("cohort", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("starts", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("cohort", name=op.f("pk_cohort")),
    )
    op.create_table(
        "person",
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("first_name", sa.String(length=80), nullable=False),
        sa.Column("language", sa.String(length=8), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("created", sa.DateTime(), nullable=False),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("handle", name=op.f("pk_person")),
    )
    op.create_table(
        "release",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("title", sa.JSON(), nullable=False),
        sa.Column("sender", sa.String(length=80), nullable=False),
        sa.Column("released", sa.DateTime(), nullable=False),
        sa.Column("withdrawn", sa.DateTime(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("files", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_release")),
    )
    op.create_index("release_of_unit", "release", ["track", "unit"], unique=False)
    op.create_table(
        "verdict",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.Column("made", sa.DateTime(), nullable=False),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_verdict")),
    )
    op.create_table(
        "enrolment",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("cohort", sa.String(length=64), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("starts", sa.DateTime(), nullable=False),
        sa.Column("ends", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["cohort"], ["cohort.cohort"], name=op.f("fk_enrolment_cohort")),
        sa.ForeignKeyConstraint(["handle"], ["person.handle"], name=op.f("fk_enrolment_handle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_enrolment")),
        sa.UniqueConstraint("handle", "cohort", "track", name=op.f("uq_enrolment_handle_cohort_track")),
    )
    op.create_index(op.f("ix_enrolment_handle"), "enrolment", ["handle"], unique=False)
    op.create_table(
        "feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("timestamp", sa.String(length=64), nullable=False),
        sa.Column("released", sa.DateTime(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["person.handle"], name=op.f("fk_feedback_handle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
    )
    op.create_index("feedback_of", "feedback", ["handle", "track", "unit"], unique=False)
    op.create_table(
        "manual_mark",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("check", sa.String(length=128), nullable=False),
        sa.Column("answer", sa.String(length=64), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("marked", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["handle"], ["person.handle"], name=op.f("fk_manual_mark_handle")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_manual_mark")),
    )
    op.create_index("manual_mark_of", "manual_mark", ["handle", "track", "unit", "check", "answer"], unique=False)
    op.create_table(
        "pairing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("mentor", sa.String(length=32), nullable=False),
        sa.Column("fellow", sa.String(length=32), nullable=False),
        sa.Column("starts", sa.DateTime(), nullable=False),
        sa.Column("ends", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(["fellow"], ["person.handle"], name=op.f("fk_pairing_fellow")),
        sa.ForeignKeyConstraint(["mentor"], ["person.handle"], name=op.f("fk_pairing_mentor")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairing")),
    )
    op.create_index(op.f("ix_pairing_fellow"), "pairing", ["fellow"], unique=False)
    op.create_index(op.f("ix_pairing_mentor"), "pairing", ["mentor"], unique=False)
    op.create_table(
        "receipt",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("handle", sa.String(length=32), nullable=False),
        sa.Column("sender", sa.String(length=80), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("received", sa.DateTime(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("erased", sa.DateTime(), nullable=True),
        sa.Column("verdict_key", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["handle"], ["person.handle"], name=op.f("fk_receipt_handle")),
        sa.ForeignKeyConstraint(["verdict_key"], ["verdict.key"], name=op.f("fk_receipt_verdict_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("handle", "token", name=op.f("uq_receipt_handle_token")),
        sa.UniqueConstraint("handle", "track", "unit", "number", name=op.f("uq_receipt_handle_track_unit_number")),
    )
    op.create_index(op.f("ix_receipt_verdict_key"), "receipt", ["verdict_key"], unique=False)
    op.create_index("receipt_of_unit", "receipt", ["track", "unit"], unique=False)
    op.create_table(
        "job",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("queued", sa.DateTime(), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=False),
        sa.Column("leased_until", sa.DateTime(), nullable=True),
        sa.Column("done", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["receipt"], ["receipt.id"], name=op.f("fk_job_receipt")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("receipt", name=op.f("uq_job_receipt")),
    )
    op.create_index("job_next", "job", ["state", "not_before", "queued"], unique=False)
