"""A provider's HTTP API: as many messages a call as the gate lets out at once, against one message a call.

Both on the same kept session. Near, the work of making and reading the call counts; 20 ms away, the calls do.
"""

from __future__ import annotations

from collections.abc import Sequence

from bench.harness import Bench, Report, Series, Target, Way
from bench.mail import by_provider, finished
from bench.servers import long_wire, mail_api
from worker.delivery.base import Message
from worker.delivery.postmark import PostmarkProvider
from worker.reach import Reach
from worker.usecases.sending.deliver import GROUP

ROUND_TRIP_S = 0.020


def measure(bench: Bench) -> Report:
    messages, few = finished(bench.number(1000, 20)), bench.number(60, 10)
    with mail_api(bench) as port:
        near = _both(bench, "here", port, messages, messages[: len(messages) // 4])
        with long_wire(port, ROUND_TRIP_S) as far_port:
            far = _both(bench, "20 ms away", far_port, messages[: 4 * few], messages[:few])
    return Report(
        title="A provider's HTTP API, in batches",
        unit="messages a second",
        series=[*near, *far],
        targets=[
            Target(says="20 ms away, against one call per message", measured=far[0].over(far[1]), at_least=15),
            Target(says="here, against one call per message", measured=near[0].over(near[1]), at_least=15),
        ],
        notes=[f"The gate lets {GROUP} out at once, so no more than {GROUP} calls can become one."],
    )


def _both(bench: Bench, where: str, port: int, many: Sequence[Message], few: Sequence[Message]) -> list[Series]:
    provider = PostmarkProvider(
        f"postmark://token@api.postmarkapp.com?endpoint=http://127.0.0.1:{port}", Reach(allows_loopback=True)
    )
    try:
        return bench.alternate(
            [
                Way(f"{where}: {GROUP} messages a call", lambda: by_provider(provider, many, GROUP)),
                Way(f"{where}: one message a call", lambda: by_provider(provider, few, 1)),
            ]
        )
    finally:
        provider.close()
