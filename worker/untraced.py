"""No request is told to a tracing collector (I6): paths hold personal links, queries what staff looked for.

FastAPI tells both, and the texts of exceptions, to whatever OpenTelemetry provider it finds in its process.
"""

from __future__ import annotations

from fastapi.telemetry import TelemetryConfig

UNTRACED = TelemetryConfig(tracing=False, metrics=False, logs=False, operation_spans=False, auto_configure=False)
