"""One stage a file: what is measured, against what, and the target. In the order of a lead's way."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bench.harness import Bench, Report
from bench.stages import capture, claim, http_batch, intake, latency, memory, messages, pages, pump, render, smtp

STAGES: Mapping[str, Callable[[Bench], Report]] = {
    "intake": intake.measure,
    "capture": capture.measure,
    "claim": claim.measure,
    "render": render.measure,
    "smtp": smtp.measure,
    "http_batch": http_batch.measure,
    "pump": pump.measure,
    "messages": messages.measure,
    "latency": latency.measure,
    "memory": memory.measure,
    "pages": pages.measure,
}
