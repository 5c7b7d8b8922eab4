"""Which looks there are, by the settings: what does not concern an installation is not looked at."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urlsplit

from worker.content.catalog import Catalog
from worker.delivery.api import ApiProvider
from worker.delivery.providers import open_provider
from worker.delivery.smtp import SmtpSettings
from worker.doctor import catalogue
from worker.doctor.duties import check_agreement, check_reviews
from worker.doctor.finding import Finding
from worker.doctor.installation import check_disk, check_postgres, check_redis
from worker.doctor.lookup import DnsSilent, Lookup, make_lookup
from worker.doctor.mail_api import check_mail_api
from worker.doctor.mail_dns import (
    Signer,
    check_dkim_key,
    check_dmarc_record,
    check_mail_hosts,
    check_mta_sts,
    check_spf_record,
)
from worker.doctor.mail_server import check_mail_server
from worker.doctor.run import Look, examine
from worker.doctor.site import check_database_clock, check_site, check_site_certificate, check_unsubscribe
from worker.domain.ids import new_id
from worker.outgoing import OutgoingSession
from worker.reach import Reach
from worker.settings import Settings
from worker.storage.database import Database, real_now
from worker.storage.spool import Spool
from worker.usecases.sending.compose import make_token
from worker.usecases.services import Services

DNS_BOUND_S = 10.0
"""SPF alone may need ten look-ups, one after the other."""


API_ANSWER_S = 4.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Patient:
    """What is looked at. `services` is None where the database is not to be had."""

    settings: Settings
    services: Services | None
    catalog: Catalog
    now: datetime
    signer: Signer = field(default_factory=Signer)
    looks_at_dns: bool = True
    tls: ssl.SSLContext | None = None

    @property
    def mail_leaves(self) -> bool:
        """True when emails go to a provider."""
        return not self.settings.mail_url.startswith("outbox:")

    @property
    def sending_domains(self) -> list[str]:
        """The domains of From, which are those of the return path as well."""
        clinic = self.catalog.clinic
        senders = {clinic.undecided_sender_address, *(place.sender_address for place in clinic.places.values())}
        return sorted({address.rpartition("@")[2] for address in senders})

    @property
    def answering_domains(self) -> list[str]:
        """Where bounces and people's replies are delivered."""
        clinic = self.catalog.clinic
        replies = {clinic.undecided_reply_to, *(place.reply_to for place in clinic.places.values())}
        return sorted({*self.sending_domains, *(address.rpartition("@")[2] for address in replies)})


def examine_patient(patient: Patient, tell: Callable[[int, int], None]) -> list[Finding]:
    """All findings. `tell` hears how many looks are done. Raises ConfigurationError."""
    return examine(list(looks_at(patient)), tell)


def looks_at(patient: Patient) -> Iterator[Look]:
    """Every look that concerns this installation. Raises ConfigurationError."""
    yield from _installation(patient)
    yield from _duties(patient)
    yield from _site(patient)
    if patient.mail_leaves:
        yield from _provider(patient)
    if patient.looks_at_dns:
        yield from _dns(patient)


def _installation(patient: Patient) -> Iterator[Look]:
    settings, services = patient.settings, patient.services
    yield Look(catalogue.BROKER, "the broker", lambda: check_redis(settings.broker))
    yield Look(catalogue.SPOOL, "the spool", lambda: [_spool(settings)])
    yield Look(catalogue.DISK, "the disk", lambda: [check_disk(settings.spool)])
    if services is not None:
        yield Look(catalogue.CLOCK, "the clock", lambda: [_clock(services.database, patient.now)])
        if not services.database.is_sqlite:
            yield Look(catalogue.DURABILITY, "PostgreSQL", lambda: [_durability(services.database)])
    if not patient.mail_leaves:
        text = "mail stays on this machine (NURTURE_MAIL_URL is outbox:)"
        found = catalogue.OUTBOX.failed(text) if settings.is_production else catalogue.OUTBOX.skipped(text)
        yield Look(catalogue.OUTBOX, "mail", lambda: [found])


def _duties(patient: Patient) -> Iterator[Look]:
    settings, today = patient.settings, patient.now.date()
    agreement = check_agreement(settings.esp_baa_date, today, is_production=settings.is_production)
    yield Look(catalogue.AGREEMENT, "the agreement", lambda: [agreement])
    yield Look(catalogue.REVIEWS, "reviews", lambda: check_reviews(patient.catalog, today))


def _site(patient: Patient) -> Iterator[Look]:
    """From this machine by way of the public address: as near to outside as it can get."""
    settings, services, now = patient.settings, patient.services, patient.now
    if not settings.public_url:
        found = catalogue.SITE.skipped("NURTURE_PUBLIC_URL is not set, so no link works beyond this machine")
        yield Look(catalogue.SITE, "the public address", lambda: [found])
        return
    yield Look(catalogue.SITE, settings.links, lambda: check_site(_session(patient), settings.links, now))
    yield Look(
        catalogue.SITE_CERTIFICATE, settings.links, lambda: check_site_certificate(settings.links, now, patient.tls)
    )
    if services is not None:
        link = f"{settings.links}/u/{make_token(new_id(), 'unsubscribe', services.vault.lookup)}"
        yield Look(catalogue.UNSUBSCRIBE, "an unsubscribe link", lambda: check_unsubscribe(_session(patient), link))


def _provider(patient: Patient) -> Iterator[Look]:
    url = patient.settings.mail_url
    if url.startswith(("smtp:", "smtps:")):
        smtp = SmtpSettings.from_url(url)
        yield Look(catalogue.MAIL_SERVER, smtp.host, lambda: check_mail_server(smtp, patient.now, patient.tls))
        return
    settings = patient.settings
    provider = open_provider(url, settings.state, production=settings.is_production, reach=settings.reach)
    if isinstance(provider, ApiProvider):
        provider.api.answer_s = API_ANSWER_S
        yield Look(catalogue.MAIL_SERVER, provider.name, lambda: check_mail_api(provider))


def _dns(patient: Patient) -> Iterator[Look]:
    try:
        lookup = make_lookup(patient.settings.dns_server)
        lookup.texts(patient.sending_domains[0])
    except DnsSilent as error:
        found = catalogue.DNS.failed(f"no name server answers ({error}), so nothing of DNS can be told")
        yield Look(catalogue.DNS, "DNS", lambda: [found])
        return
    for domain in patient.sending_domains:
        yield from _sender(lookup, domain, patient.signer)
    for domain in patient.answering_domains:
        yield from _receiver(lookup, domain, _session(patient))


def _sender(lookup: Lookup, domain: str, signer: Signer) -> Iterator[Look]:
    yield Look(catalogue.SPF, domain, lambda: check_spf_record(lookup, domain), DNS_BOUND_S)
    yield Look(catalogue.DKIM, domain, lambda: check_dkim_key(lookup, domain, signer), DNS_BOUND_S)
    yield Look(catalogue.DMARC, domain, lambda: check_dmarc_record(lookup, domain, domain, signer), DNS_BOUND_S)


def _receiver(lookup: Lookup, domain: str, session: OutgoingSession) -> Iterator[Look]:
    yield Look(catalogue.MX, domain, lambda: check_mail_hosts(lookup, domain), DNS_BOUND_S)
    yield Look(catalogue.MTA_STS, domain, lambda: check_mta_sts(lookup, domain, session), DNS_BOUND_S)


def _session(patient: Patient) -> OutgoingSession:
    """May call the public address even where that leads back into our own network, as behind a proxy it does."""
    reach = patient.settings.reach
    ours = frozenset({urlsplit(patient.settings.links).hostname or ""})
    return OutgoingSession(Reach(private_hosts=reach.private_hosts | ours, allows_loopback=reach.allows_loopback))


def _spool(settings: Settings) -> Finding:
    Spool(settings.spool)
    return catalogue.SPOOL.ok()


def _clock(database: Database, now: datetime) -> Finding:
    with database.read() as connection:
        return check_database_clock(real_now(connection), now)


def _durability(database: Database) -> Finding:
    with database.read() as connection:
        return check_postgres(connection)
