"""The web application: routes to handlers, headers to every answer.

Every public route is listed here; each parses, calls one use case and maps its outcome.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from worker import __version__
from worker.client_address import ClientAddress
from worker.domain.health import MAX_BEAT_AGE_S, Figures
from worker.intake import api_docs
from worker.intake.acceptor import Acceptor
from worker.intake.bookings import booking_routes
from worker.intake.captcha import Captcha
from worker.intake.cors import FormCors
from worker.intake.direct_posts import DirectPosts
from worker.intake.error_pages import add_error_pages
from worker.intake.events import event_routes
from worker.intake.feedback import feedback_routes
from worker.intake.headers import HeadAsGet, SecureHeaders
from worker.intake.hook_tokens import HookTokens
from worker.intake.hooks import HookEndpoint, hook_routes
from worker.intake.idempotency import Keys
from worker.intake.limiting import ClientLimit, Limits
from worker.intake.metrics import Looked, render_metrics
from worker.intake.public_content import PublicContent
from worker.intake.reading import accepted_language
from worker.intake.recipients import recipient_routes
from worker.intake.submitting import SubmissionEndpoint
from worker.queues import QueueName
from worker.settings import Settings
from worker.storage.broker import Broker
from worker.storage.spool import Spool
from worker.untraced import UNTRACED
from worker.usecases.arrival.understand import DEFAULT_FORM
from worker.usecases.health.status import read_health, read_status
from worker.usecases.health.vitals import read_vitals
from worker.usecases.services import Services


def create_app(services: Services, settings: Settings, broker: Broker, *, console: ASGIApp | None = None) -> FastAPI:
    """The application. Its threads start and stop with it. What staff use is mounted beside the public pages."""
    content = PublicContent(services)
    spool = Spool(settings.spool)
    tokens = HookTokens(services)
    acceptor = Acceptor(services, spool, each_second=[content.refresh, tokens.refresh])
    limit = ClientLimit(settings.rate_limit, settings.trusted_proxies)
    limits = _limits(services, settings)
    endpoint = SubmissionEndpoint(services.ring, content, acceptor, Keys(services), limits, _captcha(settings))

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        acceptor.start()
        yield
        acceptor.stop()

    app = FastAPI(
        telemetry=UNTRACED,
        title="The Albany Clinic: lead intake",
        version=__version__,
        description=api_docs.DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,  # it would send people, and what they posted, wherever the Host header says
    )
    app.mount(
        "/static",
        StaticFiles(directory=Path(__file__).parent / "static", packages=[("worker", "static")]),
        name="static",
    )
    app.add_middleware(DirectPosts, path="/v1/submissions", endpoint=endpoint.post)
    app.add_middleware(FormCors, content=content)
    app.add_middleware(SecureHeaders, is_production=settings.is_production)
    app.add_middleware(HeadAsGet)
    add_error_pages(app, content)
    _add_submission_routes(app, endpoint)
    app.include_router(booking_routes(services, limits))  # before the vendors: one of theirs takes any name
    app.include_router(hook_routes(HookEndpoint(services.ring, acceptor, tokens, limits)))
    app.include_router(recipient_routes(services, content))
    app.include_router(event_routes(services))
    app.include_router(feedback_routes(services, limit))
    _add_health_routes(app, services, broker, spool)
    if console is not None:
        _add_console(app, console)
    api_docs.add_routes(app)
    return app


def _limits(services: Services, settings: Settings) -> Limits:
    def hidden(text: str) -> str:
        return services.ring.sign(text, "limit")

    return Limits(settings.rate_limit, ClientAddress(settings.trusted_proxies), hidden, settings.broker)


def _captcha(settings: Settings) -> Captcha:
    return Captcha(settings.turnstile_site_key, settings.turnstile_secret, settings.turnstile_url, settings.reach)


def _add_submission_routes(app: FastAPI, endpoint: SubmissionEndpoint) -> None:
    async def post_submission(request: Request) -> Response:
        """Post a consultation form: JSON, urlencoded or multipart."""
        return await endpoint.post(request)

    app.router.add_api_route("/v1/submissions", post_submission, methods=["POST"], status_code=202, tags=["forms"],
                             openapi_extra=api_docs.SUBMISSION, responses=api_docs.SUBMISSION_RESPONSES)  # fmt: skip

    @app.get("/form", tags=["pages"], response_class=Response)
    def form(request: Request, form: str = DEFAULT_FORM, lang: str = "") -> Response:
        """The clinic's consultation form, in English or Spanish."""
        return endpoint.form(form, lang, accepted_language(request))

    @app.get("/embed.js", tags=["forms"], response_class=Response, responses=api_docs.EMBED_RESPONSES)
    def embed(form: str = DEFAULT_FORM, lang: str = "") -> Response:
        """A script that puts a registered form on a page, or makes the page's own form patient."""
        return endpoint.embed(form, lang)

    @app.get("/thanks/{token}", include_in_schema=False)
    def thanks(request: Request, token: str) -> Response:
        return endpoint.thanks(token, accepted_language(request))

    @app.get("/", include_in_schema=False)
    def home() -> Response:
        return RedirectResponse("/form", 307)


def _add_console(app: FastAPI, console: ASGIApp) -> None:
    @app.get("/console", include_in_schema=False)
    def shorter() -> Response:
        return RedirectResponse("/console/", 307)

    app.mount("/console", console)


def _add_health_routes(app: FastAPI, services: Services, broker: Broker, spool: Spool) -> None:
    def look() -> Looked | None:
        try:
            status = read_status(services.database, broker, spool, services.manners.warm_up)
            with services.database.read() as connection:
                vitals = read_vitals(services, connection)
        except SQLAlchemyError:
            return None
        return Looked(status=status, vitals=vitals, disk_free=spool.free_share())

    def look_at_health() -> Figures | None:
        depths = broker.depths([queue.value for queue in QueueName])
        try:
            with services.database.read() as connection:
                return read_health(connection, depths, spool).figures
        except SQLAlchemyError:
            return None

    @app.get("/healthz", tags=["health"])
    async def healthz() -> dict[str, str]:
        """This process answers."""
        return {"status": "ok", "version": __version__}

    @app.get("/readyz", tags=["health"])
    async def readyz() -> Response:
        """Database, broker, a consumer on every queue, and beat."""
        figures = await run_in_threadpool(look_at_health)
        beat = figures.beat_age_s if figures else None
        checks = {
            "database": figures is not None,
            "broker": bool(figures and figures.broker_answers),
            "consumers": bool(figures and all(figures.consumers.values())),
            "beat": beat is not None and beat < MAX_BEAT_AGE_S,
            "content": bool(figures and figures.has_content),
        }
        return JSONResponse({"ready": all(checks.values()), **checks}, 200 if all(checks.values()) else 503)

    @app.get("/metrics", tags=["health"], response_class=Response)
    async def metrics() -> Response:
        """Prometheus text."""
        return Response(render_metrics(await run_in_threadpool(look)), media_type="text/plain; version=0.0.4")
