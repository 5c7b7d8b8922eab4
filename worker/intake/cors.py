"""Cross-origin posts: pages of a registered form's origins may post by script and read the answer; no other may."""

from __future__ import annotations

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from worker.intake.public_content import PublicContent

_PATH = "/v1/submissions"


class FormCors(CORSMiddleware):
    """Asks the published `forms.toml` for each request, so that a new origin needs no restart."""

    def __init__(self, app: ASGIApp, *, content: PublicContent) -> None:
        super().__init__(
            app,
            allow_methods=["POST"],
            allow_headers=["Content-Type", "Idempotency-Key"],
            allow_credentials=False,
            max_age=600,
        )
        self._content = content

    def is_allowed_origin(self, origin: str) -> bool:
        """True for an origin that some registered form names."""
        return any(origin in form.origins for form in self._content.catalog.forms.values())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """CORS for the one address that takes forms; everything else has none."""
        if scope["type"] == "http" and scope["path"] == _PATH:
            await super().__call__(scope, receive, send)
        else:
            await self.app(scope, receive, send)
