"""The web process: the public intake and, under `/console`, the staff console. `python -m worker.web` serves both.

No access log: addresses and links are personal.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Sequence

import uvicorn
from fastapi import FastAPI

from worker.bootstrap import HintsInBackground, make_services, open_broker, open_desk, process_settings
from worker.client_address import ClientAddress
from worker.console.app import create_console
from worker.console.means import Means
from worker.doctor.finding import Finding
from worker.doctor.round import make_round
from worker.intake.app import create_app
from worker.logs import configure_logs, guard_last_words
from worker.settings import Settings
from worker.storage.broker import Broker
from worker.storage.spool import Spool
from worker.usecases.services import Services

_STOP_WITHIN_S = 3


def create_web(
    services: Services,
    settings: Settings,
    broker: Broker,
    examine: Callable[[Settings, Services], Sequence[Finding]] = make_round,
) -> FastAPI:
    """Everything that the web process serves."""
    means = Means(
        services=services,
        broker=broker,
        spool=Spool(settings.spool),
        clients=ClientAddress(settings.trusted_proxies),
        is_https=settings.links.startswith("https://"),
        needs_codes=settings.is_production,
        desk=open_desk(settings, services.database),
        examine=lambda: examine(settings, services),
    )
    return create_app(services, settings, broker, console=create_console(means))


def main() -> None:
    """Serve until asked to stop."""
    settings = process_settings()
    configure_logs(settings.log_level, "web")
    guard_last_words()
    services, broker = make_services(settings, HintsInBackground), open_broker(settings)
    app = create_web(services, settings, broker)
    gc.collect()
    gc.freeze()  # what is loaded stays: nobody shall wait while it is looked through for rubbish
    host, port = settings.bind.rsplit(":", 1)
    uvicorn.run(
        app,
        host=host,
        port=int(port),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_WITHIN_S,
    )
    services.close()
    broker.close()


if __name__ == "__main__":
    main()
