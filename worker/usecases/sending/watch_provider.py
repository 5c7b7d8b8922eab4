"""Learn from each group of sends whether the provider works; open and close its breaker, and tell staff.

Judged by groups, since one broken connection fails every message that was still to go over it.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection

from worker.delivery.base import Outcome, Receipt
from worker.domain.breaker import Act, Breaker, Signal, after, unprobed
from worker.errors import DeliveryError, PermanentDeliveryError, TransientDeliveryError
from worker.storage import alerts, breakers, installation
from worker.storage.alerts import AlertKind
from worker.storage.database import real_now
from worker.usecases.sending.stop_sending import stop_all
from worker.usecases.services import Services


def watch_provider(services: Services, outcomes: Sequence[Outcome], *, is_probe: bool, was_well: bool) -> None:
    """Note what a group's outcomes tell. Costs nothing while all is well."""
    signal, error = _signal(outcomes)
    if not is_probe and (signal is None or (signal is Signal.WORKS and was_well)):
        return
    name = services.provider.name
    with services.database.write() as connection:
        breaker, now = breakers.read(connection, name, to_change=True), real_now(connection)
        if signal is None:
            breakers.store(connection, name, unprobed(breaker, now))
            return
        changed, act = after(
            breaker,
            signal,
            now,
            is_probe=is_probe,
            code=error.code if error else None,
            retry_after=error.retry_after if isinstance(error, TransientDeliveryError) else None,
        )
        breakers.store(connection, name, changed)
        if act is not None:
            _tell(connection, act, name, changed if act is Act.OPENED else breaker, error)
    if act is not None:
        services.queue.alert()
        services.queue.deliver()


def _signal(outcomes: Sequence[Outcome]) -> tuple[Signal | None, DeliveryError | None]:
    """What they tell, and the error that tells it. A refusal of one person shows that the provider works."""
    errors = [outcome for outcome in outcomes if isinstance(outcome, DeliveryError)]
    if any(isinstance(outcome, Receipt) or _is_personal(outcome) for outcome in outcomes):
        return Signal.WORKS, None
    if not errors:
        return None, None
    refused = [error for error in errors if isinstance(error, TransientDeliveryError) and error.is_our_fault]
    return (Signal.REFUSES_US, refused[0]) if refused else (Signal.FAILS, errors[0])


def _is_personal(outcome: Outcome) -> bool:
    if isinstance(outcome, TransientDeliveryError):
        return outcome.is_about_recipient
    return isinstance(outcome, PermanentDeliveryError)


def _tell(connection: Connection, act: Act, provider: str, opened: Breaker, error: DeliveryError | None) -> None:
    now, at = installation.product_now(connection), real_now(connection)
    match act:
        case Act.OPENED:
            alerts.queue(connection, AlertKind.PROVIDER_FAILS, f"{provider}/{opened.since}", None, now, at)
        case Act.CLOSED:
            alerts.queue(connection, AlertKind.PROVIDER_WORKS, f"{provider}/{opened.since}", None, now, at)
        case Act.STOP:
            stop_all(connection, error.code if error else "no_code", now)
