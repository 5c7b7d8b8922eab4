"""What recipients reach from an email: stop, choose a clinic, confirm. GET never changes anything.

Link scanners follow links, and some run scripts: only a POST acts, and it needs nothing but the token.
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import Response

from worker.domain.consent import Preference
from worker.domain.language import page_language
from worker.domain.leads import CLINICS, Language, Location
from worker.domain.submissions import flat
from worker.intake import pages
from worker.intake.problems import page
from worker.intake.public_content import PublicContent
from worker.intake.reading import Unreadable, accepted_language, read_fields
from worker.usecases.choices.choose_location import choose_location, lead_of_choice
from worker.usecases.choices.confirm_consent import confirm_consent, lead_of_confirmation
from worker.usecases.choices.language import language_of_link
from worker.usecases.choices.prefer import be_quiet, end_series
from worker.usecases.choices.unsubscribe import is_unsubscribe_token, unsubscribe
from worker.usecases.services import Services


def recipient_routes(services: Services, content: PublicContent) -> APIRouter:
    """The routes, on these services."""
    router = APIRouter(tags=["recipients"], default_response_class=Response)
    _add_unsubscribe(router, services, content)
    _add_choice(router, services, content)
    _add_confirmation(router, services, content)
    return router


def _missing(content: PublicContent, request: Request) -> Response:
    language = page_language(accepted=accepted_language(request))
    return page(pages.not_found_page(content.catalog.clinic, language), 404)


def _language(services: Services, content: PublicContent, request: Request, token: str, purpose: str) -> Language:
    """The one in which the holder of a link wrote to us; where that can't be told, what their browser asks for."""
    own = language_of_link(services, content.catalog.forms, token, purpose)
    return page_language(own=own, accepted=accepted_language(request))


def _add_unsubscribe(router: APIRouter, services: Services, content: PublicContent) -> None:
    @router.get("/u/{token}")
    def show_unsubscribe(token: str, request: Request) -> Response:
        """Show one button."""
        if not is_unsubscribe_token(services, token):
            return _missing(content, request)
        language = _language(services, content, request, token, "unsubscribe")
        return page(pages.unsubscribe_page(content.catalog.clinic, language, token=token, done=False))

    @router.post("/u/{token}")
    async def do_unsubscribe(token: str, request: Request) -> Response:
        """Unsubscribe (RFC 8058): no cookie, no redirect, as often as you like. Or what the page offers instead."""
        return await run_in_threadpool(_keep, services, content, token, request, await _choice_in(request))


async def _choice_in(request: Request) -> Preference:
    """What was chosen. Whatever can't be read asks to stop everything: a link that ends in an error is no way out."""
    try:
        choice = flat(await read_fields(request), "choice")
    except Unreadable:
        choice = ""
    return Preference(choice) if choice in set(Preference) else Preference.ALL


def _keep(services: Services, content: PublicContent, token: str, request: Request, choice: Preference) -> Response:
    clinic, language = content.catalog.clinic, _language(services, content, request, token, "unsubscribe")
    if choice is Preference.ALL:
        if not unsubscribe(services, token, "link"):
            return _missing(content, request)
        return page(pages.unsubscribe_page(clinic, language, token=token, done=True))
    if not is_unsubscribe_token(services, token):
        return _missing(content, request)
    if choice is Preference.MONTH:
        return page(pages.preference_page(clinic, language, until=be_quiet(services, token)))
    end_series(services, token)
    return page(pages.preference_page(clinic, language, until=None))


def _add_choice(router: APIRouter, services: Services, content: PublicContent) -> None:
    @router.get("/choose/{token}")
    def show_choice(token: str, request: Request) -> Response:
        """Show the two clinics."""
        if lead_of_choice(services, token) is None:
            return _missing(content, request)
        language = _language(services, content, request, token, "choose")
        return page(pages.choose_page(content.catalog.clinic, language, token=token, chosen=None))

    @router.post("/choose/{token}")
    def do_choose(token: str, request: Request, location: Annotated[str, Form()] = "") -> Response:
        """Choose a clinic; without a valid choice, the two are shown again."""
        if location not in set(CLINICS):
            return show_choice(token, request)
        if not choose_location(services, token, Location(location)):
            return _missing(content, request)
        clinic, language = content.catalog.clinic, _language(services, content, request, token, "choose")
        return page(pages.choose_page(clinic, language, token=token, chosen=clinic.places[Location(location)]))


def _add_confirmation(router: APIRouter, services: Services, content: PublicContent) -> None:
    @router.get("/confirm/{token}")
    def show_confirmation(token: str, request: Request) -> Response:
        """Ask whether emails may come again."""
        if lead_of_confirmation(services, token) is None:
            return _missing(content, request)
        language = _language(services, content, request, token, "confirm")
        return page(pages.confirm_page(content.catalog.clinic, language, token=token, done=False))

    @router.post("/confirm/{token}")
    def do_confirm(token: str, request: Request) -> Response:
        """Confirm a new consent."""
        if not confirm_consent(services, token):
            return _missing(content, request)
        language = _language(services, content, request, token, "confirm")
        return page(pages.confirm_page(content.catalog.clinic, language, token=token, done=True))
