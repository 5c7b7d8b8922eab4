"""The studio as a program of its own: `nurture preview`. It needs no database, no broker and no internet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from worker.console.studio.drafts import Drafts
from worker.console.studio.findings import Findings
from worker.console.studio.headers import PAGE_HEADERS
from worker.console.studio.routes import Studio, studio_routes
from worker.console.studio.sources import Folder
from worker.console.studio.trial_mail import TrialMail
from worker.delivery.base import Message, Outcome
from worker.delivery.providers import open_provider
from worker.errors import ConfigurationError, PermanentDeliveryError, TransientDeliveryError
from worker.logs import describe
from worker.settings import Settings
from worker.storage.database import Database
from worker.untraced import UNTRACED
from worker.usecases.content.check_content import check_content
from worker.usecases.content.waiting import WaitingPeople

HOSTS = ["127.0.0.1", "localhost"]
"""Under other names nobody may ask: a website could give this machine a name of its own, and read the drafts."""


def preview_studio(
    templates: Path, settings: Settings, *, test_to: Sequence[str] = (), now: Callable[[], datetime] | None = None
) -> Studio:
    """The studio of a folder of drafts. Lint and calendar use the real day, unless told otherwise."""
    clock = now or _real_now
    return Studio(
        drafts=Drafts(Folder(templates)),
        findings=Findings(check_content, lambda: clock().date()),
        now=clock,
        links=settings.links,
        trial_mail=TrialMail(allowed=tuple(test_to), deliver=_deliver_by(settings), where=_where(settings)),
        people=_people(settings),
    )


def create_preview_app(studio: Studio) -> FastAPI:
    """The application of one studio."""
    app = FastAPI(telemetry=UNTRACED, title="Studio", openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    app.include_router(studio_routes(studio))

    @app.get("/", include_in_schema=False)
    def start() -> Response:
        return RedirectResponse(studio.base, 307, dict(PAGE_HEADERS))

    @app.exception_handler(HTTPException)
    async def refuse(_: Request, error: HTTPException) -> Response:
        return PlainTextResponse(error.detail, error.status_code, dict(PAGE_HEADERS))

    @app.exception_handler(Exception)
    async def stumble(_: Request, error: Exception) -> Response:
        name, where = describe(error)
        return PlainTextResponse(f"The studio stumbled: {name} at {where}.", 500, dict(PAGE_HEADERS))

    return app


def _people(settings: Settings) -> WaitingPeople | None:
    """The people of the product beside the drafts; none where there is no product yet."""
    if not settings.database_url and not (settings.state / "lead.db").exists():
        return None
    return WaitingPeople(Database(settings.database))


def _deliver_by(settings: Settings) -> Callable[[Message], Outcome]:
    """Opens the provider for one message; tests are few."""

    def deliver(message: Message) -> Outcome:
        try:
            provider = open_provider(settings.mail_url, settings.state, production=settings.is_production)
        except ConfigurationError as error:
            return PermanentDeliveryError(error.check_id)
        try:
            outcomes = dict(provider.deliver([message]))
            return outcomes.get(message, TransientDeliveryError("no_outcome"))
        finally:
            provider.close()

    return deliver


def _where(settings: Settings) -> str:
    if settings.mail_url.startswith("outbox"):
        return f"kept as a file in {settings.state / 'outbox'}; no mail leaves this machine"
    return "by the mail server of the settings"


def _real_now() -> datetime:
    return datetime.now(UTC)
