"""The doctor's round for whoever asks from within the product, with its own services and settings."""

from __future__ import annotations

from datetime import UTC, datetime

from worker.doctor.finding import Finding
from worker.keys import dkim_signer
from worker.settings import Settings
from worker.usecases.services import Services


def make_round(settings: Settings, services: Services) -> list[Finding]:
    """Look at everything that concerns this installation. Raises ConfigurationError."""
    # Here, so that no process waits for the libraries of DNS before somebody asks.
    from worker.doctor.looks import Patient, examine_patient
    from worker.doctor.mail_dns import signer_of

    with services.database.read() as connection:
        catalog = services.content.renderer(connection)[1].catalog
    patient = Patient(
        settings=settings,
        services=services,
        catalog=catalog,
        now=datetime.now(UTC),
        signer=signer_of(dkim_signer(settings), "", ""),
        looks_at_dns=not settings.mail_url.startswith("outbox:"),
    )
    return examine_patient(patient, lambda _done, _all: None)
