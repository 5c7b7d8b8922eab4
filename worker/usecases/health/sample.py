"""Once a minute, write down how much waits: what a curve on the console's first page is made of, and
what a look at the status tells of rows that are too many to count at each look."""

from __future__ import annotations

from worker.queues import QueueName
from worker.storage import enrollments, heartbeats, installation, samples, send_figures, sends
from worker.storage.database import real_now
from worker.usecases.health.give_sign_of_life import judge_health
from worker.usecases.services import Services


def take_sample(services: Services) -> bool:
    """Take this minute's sample; False where it is there already, or the broker does not answer."""
    with services.database.read() as connection:
        minute = samples.minute_of(real_now(connection))
        if not samples.is_missing(connection, minute):
            return False
        work = heartbeats.work(connection)
        due, _ = sends.due(connection, installation.product_now(connection))
        by_state, active = send_figures.count_one_by_one(connection), enrollments.count_one_by_one(connection)
    depths = services.broker.depths([queue.value for queue in QueueName]) if services.broker else None
    if depths is None:
        return False
    judged = judge_health(services)
    is_well = judged.ok if judged else None
    queues = {name: {"depth": depth.depth, "recent": work[name].recent} for name, depth in depths.items()}
    figures = {"queues": queues, "due": due, "is_well": is_well, "sends": by_state, "active": active}
    with services.database.write() as connection:
        samples.keep(connection, minute, figures)
    return True
