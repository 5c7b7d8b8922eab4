"""Logs: structured, one line an event, with an allow-list of keys, so that health data can't slip in (I6).

A key that is not listed is dropped and named in `dropped`. Library exceptions quote addresses and rows:
only their type and the place in our code are kept. What would otherwise be printed past the log (an
uncaught exception of a thread, a warning, a failing handler) takes the same way.
"""

from __future__ import annotations

import contextlib
import json
import logging
import re
import sys
import threading
import traceback
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

ALLOWED = frozenset(
    {
        "event", "level", "timestamp", "logger", "dropped", "error", "where",
        "submission_id", "lead_id", "send_id", "alert_id", "event_id", "endpoint_id", "enrollment_id",
        "snapshot", "file", "task_id", "task",
        "code", "kind", "email", "queue", "state", "count", "pushed", "stored", "repeated", "quarantined", "parked",
        "taken_back", "unknown", "resolved", "released", "repaired", "unreadable", "retained", "process", "check_id",
    }
)  # fmt: skip
"""`email` is an email's id in the catalogue, never an address."""


def configure_logs(level: str, process: str) -> None:
    """Set up logging for this process: JSON lines on standard error."""
    structlog.contextvars.bind_contextvars(process=process)
    out = Unbreakable(sys.stderr)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _reduce_exception,
            _allow_listed,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.WriteLoggerFactory(out),  # type: ignore[arg-type]  # of a file it uses these two
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(_LibraryFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)


class Unbreakable:
    """Where log lines go. A disk that is full of them must cost lines, never the work that they tell of."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with contextlib.suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with contextlib.suppress(OSError):
            self._stream.flush()


def guard_last_words() -> None:
    """For a process of its own: nothing prints an exception or a warning with its words, not even the last one."""
    logging.captureWarnings(True)
    logging.raiseExceptions = False  # a handler that fails would print the record with its arguments
    sys.excepthook = lambda _kind, error, _traceback: _last_words("process.uncaught", error)
    threading.excepthook = lambda args: _last_words("thread.uncaught", args.exc_value)
    sys.unraisablehook = lambda args: _last_words("object.uncaught", args.exc_value)


def _last_words(event: str, error: BaseException | None) -> None:
    if isinstance(error, KeyboardInterrupt):
        return
    structlog.get_logger().error(event, exc_info=error)


def describe(error: BaseException) -> tuple[str, str]:
    """An exception's type, and the last place in our own code that it passed; never its words."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/worker/" in frame.filename]
    where = f"{frames[-1].filename.rpartition('/worker/')[2]}:{frames[-1].lineno}" if frames else ""
    return type(error).__name__, where


def _reduce_exception(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        event["error"], event["where"] = describe(error)
    return event


def _allow_listed(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    dropped = sorted(key for key in event if key not in ALLOWED)
    for key in dropped:
        del event[key]
    if dropped:
        event["dropped"] = dropped
    return event


class _LibraryFormatter(logging.Formatter):
    """Other people's log lines: their level, logger and exception type. Their words may hold anything."""

    def format(self, record: logging.LogRecord) -> str:
        line = {"level": record.levelname.lower(), "logger": record.name, "event": "library"}
        if record.exc_info and record.exc_info[1]:
            line["error"], line["where"] = describe(record.exc_info[1])
        elif record.name.startswith("worker."):
            line["event"] = record.getMessage()
        elif record.name.partition(".")[0] in _PLAIN_SPEAKERS and _is_pattern(record.msg):
            line["event"] = str(record.msg)  # without its arguments
        return json.dumps(line)


def _is_pattern(message: object) -> bool:
    """Not one that was put together with its values before it was logged: a traceback, an address, a number."""
    return isinstance(message, str) and _PATTERN.fullmatch(message) is not None


_PATTERN = re.compile(r"(?:[A-Za-z ,.:;()\[\]/_-]|%\([a-z_]+\)[sdr]|%[sdr])*")
_PLAIN_SPEAKERS = {"uvicorn", "alembic", "celery"}
"""Libraries whose message patterns are known to hold no values."""
