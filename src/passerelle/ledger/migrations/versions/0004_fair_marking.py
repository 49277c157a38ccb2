"""Flaky checks, and rehearsals: who would gain and lose if a unit were marked again."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "flaky_sighting",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("check", sa.String(length=128), nullable=False),
        sa.Column("verdict", sa.String(length=64), nullable=False),
        sa.Column("points", sa.Double(), nullable=False),
        sa.Column("other", sa.Double(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["verdict"], ["verdict.key"], name=op.f("fk_flaky_sighting_verdict")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flaky_sighting")),
    )
    op.create_index("flaky_sighting_of", "flaky_sighting", ["track", "unit", "check"], unique=False)
    op.create_table(
        "rehearsal",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("track", sa.String(length=64), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked", sa.DateTime(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("finished", sa.DateTime(), nullable=True),
        sa.Column("recorded", sa.DateTime(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rehearsal")),
    )
    op.create_index("rehearsal_of", "rehearsal", ["track", "unit"], unique=False)
    op.create_table(
        "rehearsed_verdict",
        sa.Column("rehearsal", sa.Integer(), nullable=False),
        sa.Column("receipt", sa.String(length=32), nullable=False),
        sa.Column("record", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["receipt"], ["receipt.id"], name=op.f("fk_rehearsed_verdict_receipt")),
        sa.ForeignKeyConstraint(["rehearsal"], ["rehearsal.id"], name=op.f("fk_rehearsed_verdict_rehearsal")),
        sa.PrimaryKeyConstraint("rehearsal", "receipt", name=op.f("pk_rehearsed_verdict")),
    )
    op.create_index("rehearsed_verdict_of", "rehearsed_verdict", ["receipt"], unique=False)
