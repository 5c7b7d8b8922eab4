"""Tell a watchman outside that all is well, and be silent when it is not: silence is what he reports."""

from __future__ import annotations

import structlog

from worker.domain.health import Verdict, verdict
from worker.errors import DeliveryError
from worker.queues import QueueName
from worker.storage import installation
from worker.usecases.health.status import read_health
from worker.usecases.services import Services

log = structlog.get_logger()


def give_sign_of_life(services: Services) -> bool:
    """Call the watchman if all is well and there is one; True where he heard it."""
    if services.watchman is None:
        return False
    judged = judge_health(services)
    if judged is None or not judged.ok:
        log.warning("watchman.not_called")
        return False
    try:
        services.watchman.call()
    except DeliveryError as error:
        log.warning("watchman.not_reached", code=error.code)
        return False
    return True


def judge_health(services: Services) -> Verdict | None:
    """How the product is, as a worker sees it; None where it has no means to look."""
    if services.broker is None or services.files is None:
        return None
    depths = services.broker.depths([queue.value for queue in QueueName])
    with services.database.read() as connection:
        if installation.active_snapshot(connection) is None:
            return None
        return verdict(read_health(connection, depths, services.files.spool).figures)
