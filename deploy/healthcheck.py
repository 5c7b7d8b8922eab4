"""Does this container do its work? For `healthcheck:` in docker-compose.yml; exits with 0 or 1.

web             its port answers
worker QUEUE …  somebody consumes each of these queues, by the workers' own signs of life in the database
beat            a sweep that it asked for was handled within the last minute
"""

from __future__ import annotations

import sys
import urllib.request

from sqlalchemy.exc import SQLAlchemyError

from worker.domain.health import MAX_BEAT_AGE_S
from worker.settings import Settings, load_settings
from worker.storage import heartbeats
from worker.storage.database import Database


def main(settings: Settings, role: str, queues: list[str]) -> str | None:
    """What is wrong, or None."""
    if role == "web":
        port = settings.bind.rpartition(":")[2]
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=4):
            return None
    database = Database(settings.database, pool_size=1)
    try:
        with database.read() as connection:
            consumers, age = heartbeats.consumers(connection), heartbeats.age(connection, heartbeats.BEAT)
    except SQLAlchemyError:
        return "the database does not answer"
    finally:
        database.close()
    if role == "beat":
        return None if age is not None and age.total_seconds() < MAX_BEAT_AGE_S else f"the last sweep was {age} ago"
    unserved = [queue for queue in queues if not consumers.get(queue)]
    return f"nobody consumes {', '.join(unserved)}" if unserved else None


if __name__ == "__main__":
    try:
        sys.exit(main(load_settings(), sys.argv[1], sys.argv[2:]))
    except OSError as error:
        sys.exit(f"no answer: {type(error).__name__}")
