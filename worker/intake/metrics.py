"""`/metrics`: Prometheus text, read from the database and the broker, so that no worker process is missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric

from worker.domain.vitals import Vitals
from worker.usecases.health.status import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What a look at everything found. `vitals` is None before content is published."""

    status: Status
    vitals: Vitals | None
    disk_free: float


def render_metrics(looked: Looked | None) -> bytes:
    """The text; `nurture_up 0` and nothing else while the database is away."""
    registry = CollectorRegistry()
    registry.register(_Collector(looked))
    return generate_latest(registry)


class _Collector:
    def __init__(self, looked: Looked | None) -> None:
        self._looked = looked

    def collect(self) -> Iterator[Metric]:
        yield _gauge("nurture_up", "1 when the database answers", float(self._looked is not None))
        if self._looked is None:
            return
        yield _gauge("nurture_spool_disk_free_ratio", "free part of the spool's disk", self._looked.disk_free)
        yield from _of_vitals(self._looked.vitals)
        yield from _of_queues(self._looked.status)
        yield from _of_sending(self._looked.status)
        yield from _of_work(self._looked.status)


def _of_vitals(vitals: Vitals | None) -> Iterator[Metric]:
    if vitals is None:
        return
    yield _gauge("nurture_leads_waiting", "people who wait for an answer", vitals.waiting)
    yield _gauge("nurture_leads_late", "of these, told to staff a second time", vitals.late)
    yield _labelled("nurture_week_emails", "emails of seven days by outcome", "outcome", dict(vitals.week))
    if vitals.quiet is not None:
        yield _gauge("nurture_lead_quiet_seconds", "working time since the last lead", vitals.quiet.total_seconds())


def _of_queues(status: Status) -> Iterator[Metric]:
    figures = status.figures
    yield _gauge("nurture_ok", "1 when nothing needs attention", float(status.verdict.ok))
    yield _gauge("nurture_broker_up", "1 when the broker answers", float(figures.broker_answers))
    yield _labelled(
        "nurture_queue_depth",
        "messages waiting",
        "queue",
        {name: queue["depth"] for name, queue in status.queues.items()},
    )
    yield _labelled(
        "nurture_queue_oldest_seconds",
        "age of the oldest message",
        "queue",
        {name: queue["oldest_age_s"] for name, queue in status.queues.items()},
    )
    yield _labelled(
        "nurture_queue_consumers",
        "live workers",
        "queue",
        {name: queue["consumers"] for name, queue in status.queues.items()},
    )


def _of_sending(status: Status) -> Iterator[Metric]:
    figures = status.figures
    yield _gauge("nurture_content_published", "1 when there is content to send", float(figures.has_content))
    yield _gauge("nurture_sending_stopped", "1 while we are refused", float(figures.stopped_because is not None))
    yield _labelled("nurture_sends", "sends by state", "state", dict(status.sends))
    yield _labelled("nurture_alerts", "staff alerts by state", "state", dict(status.alerts))
    yield _gauge("nurture_sends_due", "sends that are due", figures.due)
    yield _gauge("nurture_sends_due_oldest_seconds", "how long the oldest has been due", figures.oldest_due_s or 0)
    yield _gauge("nurture_urgent_unanswered", "urgent messages nobody acknowledged", figures.unanswered)
    yield _gauge("nurture_provider_failing", "1 while the provider is left alone", float(bool(status.providers)))
    yield _gauge("nurture_pauses", "pauses in force", figures.paused)
    yield _gauge(
        "nurture_unknown_oldest_seconds", "how long the oldest outcome is unknown", figures.unknown_oldest_s or 0
    )
    yield _gauge("nurture_enrollments_stranded", "people in a sequence with nothing planned", figures.stranded)


def _of_work(status: Status) -> Iterator[Metric]:
    figures = status.figures
    yield _gauge("nurture_spool_set_aside", "spool files offered in vain", figures.spool_set_aside)
    yield _gauge("nurture_mailboxes_silent", "mailboxes that can't be read", figures.mailboxes_silent)
    yield _gauge("nurture_parked", "items that wait for a person", figures.parked)
    yield _gauge("nurture_quarantined", "submissions in quarantine", figures.quarantined)
    yield _gauge("nurture_suppressions", "suppressed addresses", status.suppressions)
    yield _gauge("nurture_enrollments_active", "leads in a sequence", status.enrollments_active)
    yield _gauge("nurture_spool_files", "spool files not yet confirmed", status.spool["waiting"])
    yield _gauge("nurture_spool_oldest_seconds", "age of the oldest spool file", figures.spool_oldest_s or 0)
    yield _labelled("nurture_feedback_events", "what came back for emails", "kind", dict(status.feedback.events))
    yield _gauge("nurture_feedback_refused", "feedback posts that were not signed", status.feedback.refused)
    yield _gauge("nurture_sequences_stopped", "sequences that stopped by themselves", figures.sequences_stopped)
    yield _gauge("nurture_webhooks_waiting", "events still to be told elsewhere", status.events_waiting)
    yield _gauge("nurture_webhooks_failing", "systems that do not take them", figures.endpoints_failing)
    if status.feedback.last_age_s is not None:
        yield _gauge("nurture_feedback_age_seconds", "since the last event of an email", status.feedback.last_age_s)
    if figures.beat_age_s is not None:
        yield _gauge("nurture_beat_age_seconds", "since the last sweep", figures.beat_age_s)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value)


def _labelled(name: str, text: str, label: str, values: dict[str, float | None]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for key, value in values.items():
        if value is not None:
            family.add_metric([key], value)
    return family
