"""`python -m worker.intake` serves the web application with uvicorn, by the environment's settings.

No access log: addresses and links are personal.
"""

from __future__ import annotations

import uvicorn

from worker.bootstrap import HintsInBackground, make_services, open_broker, process_settings
from worker.intake.app import create_app
from worker.logs import configure_logs

_STOP_WITHIN_S = 3


def main() -> None:
    """Serve until asked to stop."""
    settings = process_settings()
    configure_logs(settings.log_level, "web")
    services, broker = make_services(settings, HintsInBackground), open_broker(settings)
    host, port = settings.bind.rsplit(":", 1)
    uvicorn.run(
        create_app(services, settings, broker),
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


main()
