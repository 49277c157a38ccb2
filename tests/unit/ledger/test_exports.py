"""Every export is written down; one with names says why."""

import pytest
from sqlalchemy import Engine, select

from passerelle import ledger
from passerelle.ledger.exports import NoReasonError, record_export
from passerelle.ledger.mentoring_tables import ExportRecord


def test_names_leave_with_a_reason_alone(programme: Engine) -> None:
    with ledger.session(programme) as session:
        for reason in (None, "", "   ", "because"):
            with pytest.raises(NoReasonError, match="says too little"):
                record_export(session, by="linden", what="track", recipient="x", identified=True, reason=reason)
        record_export(session, by="linden", what="track", recipient="region")
        record_export(session, by="linden", what="track", recipient="x", identified=True, reason="certificates of 2026")

    with ledger.reading(programme) as session:
        kept = session.scalars(select(ExportRecord).order_by(ExportRecord.id)).all()
        assert [(one.identified, one.reason) for one in kept] == [(False, None), (True, "certificates of 2026")]
