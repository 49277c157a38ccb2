"""Figures for Prometheus: `GET http://127.0.0.1:PASSERELLE_METRICS_PORT/metrics`, in the web service's process.

What happens in this process is counted as it happens; what marking does is read from the ledger when somebody
asks. No label names a person, and none a unit: counts by unit of a small group would be somebody's.
"""

import asyncio
import hmac
import json
import shutil
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.metrics_core import CounterMetricFamily, Metric
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from tornado.web import Application, RequestHandler

from passerelle import ledger
from passerelle.ledger import queue
from passerelle.ledger.tables import Job, Receipt, VerdictRow
from passerelle.model.keys import kept_secret
from passerelle.model.settings import Settings

TOKEN = "metrics-token"  # noqa: S105  # a file's name
HTTP_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
MARKING_BUCKETS = (0.5, 1, 2, 3, 5, 8, 13, 20, 30, 60, 120)
VERDICT_BUCKETS = (1, 2, 3, 5, 8, 13, 20, 30, 60, 120, 300, 900, 3600)
LAG = timedelta(seconds=5)
"""What is younger is counted the next time: its transaction may not be over."""
FRESH = timedelta(minutes=1)
"""A verdict older than this when its job was done was known already: nobody marked anything."""
STALE = timedelta(minutes=2)
"""A look of the watchdog's older than this says nothing of now."""
STATES = (queue.QUEUED, queue.LEASED, queue.OURS)


disable_created_metrics()  # type: ignore[no-untyped-call]  # when each counter began: a line each that nobody reads


class Requests:
    """Counts the requests of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._count = Counter(
            "passerelle_http_requests",
            "Requests of the pages and the exchange.",
            ["method", "route", "status"],
            registry=registry,
        )
        self._seconds = Histogram(
            "passerelle_http_request_seconds", "How long they took.", ["route"], buckets=HTTP_BUCKETS, registry=registry
        )
        self._limited = Counter(
            "passerelle_rate_limited", "Requests that were asked to come back later (429).", registry=registry
        )

    def add(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one."""
        known = method if method in {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"} else "other"
        self._count.labels(known, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)
        if status == 429:
            self._limited.inc()


class Marking:
    """Counts what marking has done since this process started, from the ledger."""

    def __init__(self, registry: CollectorRegistry, since: datetime) -> None:
        self._until = since
        self._verdicts = Counter(
            "passerelle_verdicts", "Submissions that got their verdict.", ["track", "outcome"], registry=registry
        )
        self._marking = Histogram(
            "passerelle_marking_seconds",
            "How long the marking of one submission took.",
            ["track"],
            buckets=MARKING_BUCKETS,
            registry=registry,
        )
        self._waited = Histogram(
            "passerelle_submit_to_verdict_seconds",
            "From its receipt, or the wish to mark it again, to its verdict.",
            ["track"],
            buckets=VERDICT_BUCKETS,
            registry=registry,
        )

    def look(self, session: Session, now: datetime) -> None:
        """Count what was marked since the last look."""
        since, until = self._until, now - LAG
        if until <= since:
            return
        done = (
            select(Receipt.track, Job.queued, Job.done, VerdictRow.made, VerdictRow.record)
            .join(Receipt, Receipt.id == Job.receipt)
            .join(VerdictRow, VerdictRow.key == Receipt.verdict_key)
            .where(Job.done > since, Job.done <= until)
        )
        for track, queued, at, made, record in session.execute(done):
            self._verdicts.labels(track, record.get("outcome", "erased")).inc()
            self._waited.labels(track).observe(max(0.0, (at - queued).total_seconds()))
            if at - made < FRESH:
                self._marking.labels(track).observe(float(record.get("seconds", 0.0)))
        self._until = until


def _gauge(name: str, says: str, values: Iterable[tuple[tuple[str, ...], float]], *labels: str) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, says, labels=labels)
    for place, value in values:
        family.add_metric(place, value)
    return family


def ledger_figures(session: Session, now: datetime) -> Iterator[Metric]:
    """Yield how things stand in the ledger."""
    receipts = CounterMetricFamily("passerelle_receipts", "Submissions taken.", labels=["track"])
    tracks = []
    for track, count in session.execute(select(Receipt.track, func.count()).group_by(Receipt.track)):
        tracks.append(track)
        receipts.add_metric([track], count)
    yield receipts
    open_jobs = (
        select(Receipt.track, Job.state, func.count(), func.min(Job.queued))
        .join(Receipt, Receipt.id == Job.receipt)
        .where(Job.state.in_(STATES), Receipt.erased.is_(None))
        .group_by(Receipt.track, Job.state)
    )
    found = {(track, state): (count, first) for track, state, count, first in session.execute(open_jobs)}
    yield _gauge(
        "passerelle_jobs",
        "Submissions that wait for marking (queued), are being marked (leased) or met a fault of ours (ours).",
        (((track, state), found.get((track, state), (0, None))[0]) for track in tracks for state in STATES),
        *("track", "state"),
    )
    oldest = {
        track: min((first for (of, _), (_, first) in found.items() if of == track), default=now) for track in tracks
    }
    yield _gauge(
        "passerelle_oldest_waiting_seconds",
        "How long the submission has waited that has waited longest; 0 where none waits.",
        (((track,), max(0.0, (now - first).total_seconds())) for track, first in oldest.items()),
        "track",
    )


def machine_figures(settings: Settings, now: datetime) -> Iterator[Metric]:
    """Yield how things stand on the machine; what nobody writes is left out."""
    disk = shutil.disk_usage(settings.root)
    yield _gauge("passerelle_disk_free_bytes", "Room on the disk of the data directory.", [((), disk.free)])
    yield _gauge("passerelle_disk_bytes", "Size of the disk of the data directory.", [((), disk.total)])
    looked = _read(settings, "hub/boxes.json")
    boxes, at = looked.get("boxes"), looked.get("at")
    if isinstance(boxes, list) and isinstance(at, str) and now - datetime.fromisoformat(at) < STALE:
        memory = [int(one.get("memory_bytes") or 0) for one in boxes]
        yield _gauge("passerelle_servers", "Servers of fellows and of courses that run.", [((), len(boxes))])
        yield _gauge("passerelle_servers_memory_bytes", "Memory of all of them.", [((), sum(memory))])
        yield _gauge("passerelle_server_memory_max_bytes", "Memory of the largest.", [((), max(memory, default=0))])
    moment = _read(settings, "last-backup.json").get("at")
    if isinstance(moment, str):
        age = (now - datetime.fromisoformat(moment)).total_seconds()
        yield _gauge("passerelle_backup_age_seconds", "Age of the last backup.", [((), age)])


def _read(settings: Settings, name: str) -> dict[str, object]:
    try:
        value = json.loads((settings.root / name).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


class Figures:
    """All figures of an installation."""

    def __init__(self, settings: Settings, engine: Engine, since: datetime | None = None) -> None:
        self.registry = CollectorRegistry()
        self.requests = Requests(self.registry)
        self._marking = Marking(self.registry, since or datetime.now(UTC))
        self._settings = settings
        self._engine = engine
        self._now: list[Metric] = []
        self._one_at_a_time = threading.Lock()
        self.registry.register(self)

    def collect(self) -> list[Metric]:
        """Return how things stood at the last look (Prometheus's name for it)."""
        return self._now

    def text(self, now: datetime) -> bytes:
        """Return them as Prometheus reads them."""
        with self._one_at_a_time:
            with ledger.reading(self._engine) as session:
                self._marking.look(session, now)
                self._now = [*ledger_figures(session, now), *machine_figures(self._settings, now)]
            return generate_latest(self.registry)


class MetricsHandler(RequestHandler):
    """`/metrics`, for who has the token: boxes share this machine's loopback."""

    def initialize(self, figures: Figures, token: str) -> None:
        """Take the figures and the token."""
        self._figures = figures
        self._token = f"Bearer {token}".encode()

    async def get(self) -> None:
        """Answer."""
        given = self.request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(given, self._token):
            self.set_header("WWW-Authenticate", "Bearer")
            self.send_error(401)
            return
        text = await asyncio.to_thread(partial(self._figures.text, datetime.now(UTC)))
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.finish(text)


def application(settings: Settings, figures: Figures) -> Application:
    """Return what listens on the metrics' port."""
    token = kept_secret(settings.secrets, TOKEN)
    return Application([("/metrics", MetricsHandler, {"figures": figures, "token": token})], log_function=_say_nothing)


def _say_nothing(_handler: RequestHandler) -> None:
    """Leave these requests out of the log: they come every few seconds."""
