"""The platform's database: people, receipts and attempts, verdicts, the queue, the access log.

Functions live in `people`, `invitations`, `tries`, `extensions`, `receipts`, `queue`, `releases` and `manual`
and work in the transaction that `session` (writes) or `reading` opens. Moments have their zone here, and are UTC.
"""

from passerelle.ledger.database import engine, migrate, reading, session

__all__ = ["engine", "migrate", "reading", "session"]
