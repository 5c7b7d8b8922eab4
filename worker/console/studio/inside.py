"""The studio inside the console: the same pages over the desk's draft, on the product clock; no test mails."""

from __future__ import annotations

from datetime import datetime

from worker.console.studio.drafts import Drafts
from worker.console.studio.findings import Findings
from worker.console.studio.routes import Studio, StudioPages
from worker.console.studio.sources import source_of
from worker.storage import installation
from worker.usecases.content.check_content import check_content
from worker.usecases.content.waiting import WaitingPeople
from worker.usecases.drafting.desk import DraftDesk
from worker.usecases.services import Services

BASE = "/console/studio"


def open_studio(services: Services, desk: DraftDesk) -> StudioPages:
    """The pages of the studio, without the frame of whoever looks."""

    def now() -> datetime:
        with services.database.read() as connection:
            return installation.product_now(connection)

    studio = Studio(
        drafts=Drafts(source_of(desk)),
        findings=Findings(check_content, lambda: now().date()),
        now=now,
        links=services.public_url,
        people=WaitingPeople(services.database),
        base=BASE,
        assets="/console/static",
    )
    return StudioPages(studio)
