"""The only wiring: settings in, services out. Entry points alone import this."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Sequence
from functools import cache

import structlog
from kombu.exceptions import KombuError, OperationalError

from worker.celery import app
from worker.delivery.alerts import open_alerts
from worker.delivery.outbox import OutboxProvider
from worker.delivery.providers import open_provider
from worker.delivery.watchman import Watchman
from worker.feedback.imap import open_mailboxes
from worker.feedback.sources import open_sources
from worker.keys import dkim_signer, key_ring
from worker.queues import QUEUE_OF, TaskName
from worker.settings import Settings, load_settings
from worker.storage.broker import Broker
from worker.storage.database import Database
from worker.storage.local_files import LocalFiles
from worker.storage.witness import Witnesses
from worker.usecases.drafting.desk import DraftDesk
from worker.usecases.services import Services

log = structlog.get_logger()


class CeleryQueue:
    """Puts wake-up hints on Redis. Never raises, never waits long: what is lost here is found by the sweep.

    A hint that still waits on its queue tells as much as another one would: whoever takes it looks at the rows
    after they were committed. So under load one lies there at a time, instead of one for each group of leads.
    """

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def is_capture_waiting(self) -> bool:
        """A group that no worker has taken yet."""
        return bool(self._broker.is_waiting(QUEUE_OF[TaskName.CAPTURE]))

    def capture(self, envelopes: Sequence[str]) -> bool:
        """One message for a group of sealed submissions."""
        return self._send(TaskName.CAPTURE, [list(envelopes)])

    def deliver(self) -> None:
        """Something is due."""
        self._hint(TaskName.DELIVER)

    def alert(self) -> None:
        """An alert waits."""
        self._hint(TaskName.ALERT)

    def tell(self) -> None:
        """Someone is to be told."""
        self._hint(TaskName.TELL)

    def _hint(self, task: TaskName) -> None:
        if not self._broker.is_waiting(QUEUE_OF[task]):
            self._send(task, [])

    def _send(self, task: TaskName, arguments: list[object]) -> bool:
        try:
            app.send_task(
                task.value,
                args=arguments,
                queue=QUEUE_OF[task].value,
                argsrepr="(sealed)",  # the default would print the arguments into a header, in clear
                kwargsrepr="{}",
                ignore_result=True,
                retry=False,
            )
        except (KombuError, OperationalError, OSError) as error:
            log.warning("queue.not_reached", task=task.value, error=type(error).__name__)
            return False
        return True


class HintsInBackground(CeleryQueue):
    """For the web: a click must not wait for a broker that is away. Hints that pile up meanwhile are dropped."""

    def __init__(self, broker: Broker) -> None:
        super().__init__(broker)
        self._hints: queue.Queue[TaskName] = queue.Queue(maxsize=16)
        threading.Thread(target=self._keep_sending, name="hints", daemon=True).start()

    def _hint(self, task: TaskName) -> None:
        with contextlib.suppress(queue.Full):
            self._hints.put_nowait(task)

    def _keep_sending(self) -> None:
        while True:
            super()._hint(self._hints.get())


@cache
def process_settings() -> Settings:
    """The settings of this process."""
    return load_settings()


def open_database(settings: Settings | None = None) -> Database:
    """A database of one's own."""
    return Database((settings or process_settings()).database)


def open_desk(settings: Settings, database: Database) -> DraftDesk:
    """Where the studio keeps drafts."""
    return DraftDesk(database=database, folder=settings.draft_folder, needs_second=settings.second_approval)


def open_broker(settings: Settings) -> Broker:
    """A look at the broker of these settings."""
    return Broker(settings.broker)


def make_services(settings: Settings, queue_class: type[CeleryQueue] = CeleryQueue) -> Services:
    """Services by these settings. Raises ConfigurationError."""
    settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
    provider = open_provider(
        settings.mail_url, settings.state, production=settings.is_production, reach=settings.reach,
        signer=dkim_signer(settings),
    )  # fmt: skip
    sender = f"alerts@{_alert_domain(settings)}"
    broker = open_broker(settings)
    return Services(
        database=open_database(settings),
        ring=key_ring(settings),
        provider=provider,
        practice=OutboxProvider(settings.state / "outbox"),
        alerts=open_alerts(settings.alert_url, provider, sender, settings.state, settings.reach),
        queue=queue_class(broker),
        public_url=settings.links,
        broker=broker,
        manners=settings.manners,
        reach=settings.reach,
        files=LocalFiles(settings.state, settings.spool),
        witnesses=Witnesses(settings.state / "epoch.json", broker),
        feedback=open_sources(settings.feedback_secrets),
        watchman=Watchman(settings.ping_url, settings.reach) if settings.ping_url else None,
        mailboxes=open_mailboxes(settings.feedback_imap, production=settings.is_production),
    )


_services: Services | None = None


def process_services() -> Services:
    """This process's services, made at first need."""
    global _services
    if _services is None:
        _services = make_services(process_settings())
    return _services


def renew_process_services() -> None:
    """Forget, without closing, what was inherited across a fork."""
    global _services
    if _services is not None:
        _services.database.forget()
    _services = None


def _alert_domain(settings: Settings) -> str:
    host = settings.links.partition("://")[2].partition("/")[0].partition(":")[0]
    return host if "." in host and not host.replace(".", "").isdigit() else "localhost.example.com"
