"""The doctor against real servers on this machine: a name server with good and broken zones, SMTP with TLS, HTTP."""

from __future__ import annotations

import base64
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP as Server
from aiosmtpd.smtp import AuthResult, Envelope, Session
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.certificates import Certificate, certificate_for
from tests.support.redis_server import RedisServer
from tests.support.smtp import AnyPort
from tests.support.world import SHIPPED, World
from tests.support.zone import name_server
from worker.content.load import load_catalog
from worker.delivery.dkim import DkimSigner
from worker.delivery.smtp import SmtpSettings
from worker.doctor.catalogue import CHECKS, SPOOL
from worker.doctor.duties import check_agreement, check_reviews
from worker.doctor.finding import Finding, Level
from worker.doctor.installation import check_postgres, check_redis, judge_disk, judge_postgres, judge_redis
from worker.doctor.looks import Patient, examine_patient
from worker.doctor.lookup import make_lookup
from worker.doctor.mail_dns import (
    Signer,
    check_dkim_key,
    check_dmarc_record,
    check_mail_hosts,
    check_mta_sts,
    check_spf_record,
    judge_policy,
    signer_of,
)
from worker.doctor.mail_server import check_mail_server
from worker.doctor.organization import is_aligned, organizational_domain
from worker.doctor.run import Look, examine
from worker.doctor.site import check_site, check_site_certificate, check_unsubscribe, judge_clock
from worker.errors import ConfigurationError
from worker.outgoing import OutgoingSession
from worker.reach import Reach
from worker.settings import load_settings
from worker.usecases.choices.unsubscribe import is_unsubscribe_token
from worker.usecases.sending.compose import make_token

NOW = datetime.now(UTC)
TODAY = date(2026, 11, 22)
KEY = rsa.generate_private_key(65537, 2048)
OTHER = rsa.generate_private_key(65537, 2048)
WEAK = rsa.generate_private_key(65537, 1024)


def record(key: rsa.RSAPrivateKey, more: str = "") -> str:
    """As it stands in DNS: longer than one string of 255 bytes holds."""
    public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text = f"v=DKIM1; k=rsa; {more}p={base64.b64encode(public).decode()}"
    return " ".join(f'"{text[start : start + 200]}"' for start in range(0, len(text), 200))


def levels(found: Iterable[Finding]) -> dict[str, Level]:
    """The worst level of each check, by the digits of its id."""
    order = [Level.SKIPPED, Level.OK, Level.WARNING, Level.FAILED]
    worst: dict[str, Level] = {}
    for finding in found:
        known = worst.get(finding.id, Level.SKIPPED)
        worst[finding.id] = max(known, finding.level, key=order.index)
    return worst


# --- DNS ------------------------------------------------------------------------------------------------------

GOOD = f"""
$TTL 60
mail.DOMAIN. IN TXT "v=spf1 include:spf.esp.example.net ~all"
spf.esp.example.net. IN TXT "v=spf1 ip4:192.0.2.1 -all"
s1._domainkey.mail.DOMAIN. IN TXT {record(KEY)}
_dmarc.DOMAIN. IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@DOMAIN"
DOMAIN. IN MX 10 mx.DOMAIN.
mail.DOMAIN. IN MX 10 mx.DOMAIN.
mx.DOMAIN. IN A 192.0.2.5
"""
NEEDED = [f"NRT-D0{number}" for number in (21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31)]


def seen(zone: str, number: int = 0, signer: Signer | None = None) -> list[Finding]:
    """All that DNS tells of a zone. Each has a domain of its own, because the library remembers answers."""
    domain = f"clinic{number}.example.com"
    sending = f"mail.{domain}"
    signer = signer or Signer(selector="s1", key=KEY.public_key())
    with name_server(zone.replace("DOMAIN", domain).replace("spf.esp", f"spf{number}.esp")) as address:
        lookup = make_lookup(address)
        return [
            *check_spf_record(lookup, sending),
            *check_dkim_key(lookup, sending, signer),
            *check_dmarc_record(lookup, sending, sending, signer),
            *check_mail_hosts(lookup, sending),
            *check_mta_sts(lookup, sending, OutgoingSession()),
        ]


def test_nothing_is_wrong_with_a_good_zone() -> None:
    assert levels(seen(GOOD)) == dict.fromkeys(NEEDED, Level.OK)


SPF = '"v=spf1 include:spf.esp.example.net ~all"'
DMARC = '"v=DMARC1; p=quarantine; rua=mailto:dmarc@DOMAIN"'
SELECTOR = "s1._domainkey.mail.DOMAIN."
STS = '_mta-sts.mail.DOMAIN. IN TXT "v=STSv1; id=1"'
MANY = "a:mx.DOMAIN " * 6 + '" "' + "a:mx.DOMAIN " * 5
BROKEN: dict[str, tuple[str, str, str, Level]] = {
    "no SPF": (f"mail.DOMAIN. IN TXT {SPF}", "", "21", Level.FAILED),
    "two SPF records": (f"TXT {SPF}", f'TXT {SPF}\nmail.DOMAIN. IN TXT "v=spf1 -all"', "21", Level.FAILED),
    "SPF is misspelled": (SPF, '"v=spf1 inclde:spf.esp.example.net ~all"', "21", Level.FAILED),
    "SPF includes nothing": ("include:spf.esp", "include:gone.esp", "21", Level.FAILED),
    "SPF includes itself": ("include:spf.esp.example.net", "include:mail.DOMAIN", "21", Level.FAILED),
    "too many lookups": ("include:spf.esp.example.net ~all", f"{MANY}~all", "22", Level.FAILED),
    "SPF allows all": ("~all", "+all", "23", Level.FAILED),
    "SPF is undecided": ("~all", "?all", "23", Level.WARNING),
    "no DKIM key": ("s1._domainkey", "s2._domainkey", "24", Level.FAILED),
    "two DKIM keys": (record(KEY), f"{record(KEY)}\n{SELECTOR} IN TXT {record(OTHER)}", "24", Level.FAILED),
    "a cut DKIM key": (record(KEY), '"v=DKIM1; k=rsa; p=MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"', "24", Level.FAILED),
    "a DKIM key of another kind": (record(KEY), '"v=DKIM2; p=MIIB"', "24", Level.FAILED),
    "a short DKIM key": (record(KEY), record(WEAK), "25", Level.FAILED),
    "a revoked DKIM key": (record(KEY), '"v=DKIM1; p="', "25", Level.FAILED),
    "a trial DKIM key": (record(KEY), record(KEY, "t=y; "), "25", Level.WARNING),
    "another's DKIM key": (record(KEY), record(OTHER), "26", Level.FAILED),
    "no DMARC": ("_dmarc.DOMAIN.", "dmarc.DOMAIN.", "27", Level.FAILED),
    "two DMARC records": (DMARC, f'{DMARC}\n_dmarc.DOMAIN. IN TXT "v=DMARC1; p=none"', "27", Level.FAILED),
    "a bad DMARC policy": ("p=quarantine", "p=refuse", "27", Level.FAILED),
    "DMARC of RFC 7489": ("p=quarantine;", "p=quarantine; pct=50;", "28", Level.WARNING),
    "DMARC on trial": ("p=quarantine;", "p=quarantine; t=y;", "28", Level.WARNING),
    "no reports": ("; rua=mailto:dmarc@DOMAIN", "", "28", Level.WARNING),
    "no MX": ("mail.DOMAIN. IN MX 10 mx.DOMAIN.", "", "30", Level.FAILED),
    "a null MX": ("mail.DOMAIN. IN MX 10 mx.DOMAIN.", "mail.DOMAIN. IN MX 0 .", "30", Level.FAILED),
    "an MX without an address": ("mx.DOMAIN. IN A", "other.DOMAIN. IN A", "30", Level.FAILED),
    "MTA-STS without a policy": ("$TTL 60", f"$TTL 60\n{STS}", "31", Level.FAILED),
}  # fmt: skip


@pytest.mark.parametrize("fault", BROKEN)
def test_each_fault_of_a_zone_is_found_and_only_what_hangs_on_it(fault: str) -> None:
    old, new, check, level = BROKEN[fault]
    assert old in GOOD, "the fault is put into the good zone"
    found = levels(seen(GOOD.replace(old, new, 1), 1 + sorted(BROKEN).index(fault)))

    assert found[f"NRT-D0{check}"] is level
    worse = {name for name, one in found.items() if one is Level.FAILED} - {f"NRT-D0{check}"}
    assert worse <= ({"NRT-D026"} if check == "25" else set()), "a short or revoked key is not ours either"


def test_every_finding_that_is_not_well_says_what_to_do() -> None:
    old, new, _, _ = BROKEN["no DMARC"]
    bad = [finding for finding in seen(GOOD.replace(old, new), 90) if finding.level in {Level.WARNING, Level.FAILED}]

    assert bad
    assert all(finding.hint for finding in bad)


def test_the_key_that_we_sign_with_is_the_one_that_is_looked_for() -> None:
    ours = DkimSigner(key=KEY, selector="s1")
    other = DkimSigner(key=rsa.generate_private_key(public_exponent=65537, key_size=2048), selector="s1")

    assert levels(seen(GOOD, 93, signer_of(ours, "", "")))["NRT-D026"] is Level.OK
    assert levels(seen(GOOD, 94, signer_of(other, "", "")))["NRT-D026"] is Level.FAILED
    assert signer_of(ours, "provider1", "") == signer_of(None, "provider1", "") == Signer(selector="provider1")


def test_an_ed25519_key_is_read_and_warned_of() -> None:
    public = ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    text = f'"v=DKIM1; k=ed25519; p={base64.b64encode(public).decode()}"'
    found = levels(seen(GOOD.replace(record(KEY), text), 91, Signer(selector="s1")))

    assert (found["NRT-D024"], found["NRT-D025"]) == (Level.OK, Level.WARNING)


@pytest.mark.parametrize(
    ("tags", "signs", "level"),
    [
        ("", "clinic{n}.example.com", Level.OK),
        ("adkim=s;", "clinic{n}.example.com", Level.WARNING),
        ("", "esp.example.net", Level.WARNING),
    ],
    ids=["relaxed", "strict", "the provider's own domain"],
)
def test_a_signature_by_another_domain_is_judged_as_receivers_do(tags: str, signs: str, level: Level) -> None:
    number = 92 + len(tags) + len(signs)
    domain = signs.format(n=number)
    zone = GOOD.replace("s1._domainkey.mail.DOMAIN", f"s1._domainkey.{domain}").replace("rua=", f"{tags} rua=")
    found = levels(seen(zone, number, Signer(selector="s1", domain=domain)))

    assert found["NRT-D024"] is Level.OK
    assert found["NRT-D029"] is level


@pytest.mark.parametrize(
    ("records", "organization"),
    [
        ({"_dmarc.example.com": "v=DMARC1; p=none"}, "example.com"),
        ({"_dmarc.b.example.com": "v=DMARC1; psd=n", "_dmarc.example.com": "v=DMARC1"}, "b.example.com"),
        ({"_dmarc.com": "v=DMARC1; psd=y", "_dmarc.a.b.example.com": "v=DMARC1"}, "example.com"),
        ({}, "a.b.example.com"),
    ],
)
def test_the_organization_is_found_by_walking_up_the_tree(records: dict[str, str], organization: str) -> None:
    """RFC 9989 section 4.10.2."""

    def records_at(name: str) -> list[str]:
        return [records[name]] if name in records else []

    assert organizational_domain("a.b.example.com", records_at) == organization
    assert is_aligned("a.b.example.com", organization, strict=False, records_at=records_at)
    assert is_aligned("a.b.example.com", organization, strict=True, records_at=records_at) == (
        organization == "a.b.example.com"
    )


@pytest.mark.parametrize(
    ("policy", "level"),
    [
        ({"mode": "enforce", "mx": ["*.example.com"]}, Level.OK),
        ({"mode": "enforce", "mx": ["mx2.example.com"]}, Level.FAILED),
        ({"mode": "testing", "mx": ["mx.example.com"]}, Level.WARNING),
        ({"mode": "none", "mx": []}, Level.OK),
    ],
)
def test_a_policy_must_cover_every_host_that_takes_mail(policy: dict[str, object], level: Level) -> None:
    assert judge_policy("example.com", policy, ["mx.example.com"]).level is level


def test_a_name_server_that_is_no_address_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="NRT-E028"):
        make_lookup("dns.example.com")
    assert make_lookup("[::1]:5353").resolver.nameservers
    assert make_lookup("192.0.2.53").resolver.nameservers


# --- SMTP -----------------------------------------------------------------------------------------------------


class _Keeps:
    async def handle_DATA(self, _server: Server, _session: Session, _envelope: Envelope) -> str:
        raise AssertionError("the doctor sends nothing")


def _authenticator(_server: object, _session: object, _envelope: object, _mechanism: str, data: object) -> AuthResult:
    good = getattr(data, "password", b"") == b"right"
    return AuthResult(success=good, handled=good, message=None if good else "535 5.7.8 no")


@contextmanager
def smtp(certificate: Certificate | None) -> Iterator[int]:
    """A server with STARTTLS and a login; without a certificate it offers neither."""
    options = (
        {"tls_context": certificate.server(), "require_starttls": True, "auth_required": True,
         "authenticator": _authenticator}
        if certificate else {}
    )  # fmt: skip
    controller = AnyPort(_Keeps(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return certificate_for(tmp_path_factory.mktemp("tls"), "localhost")


@pytest.mark.parametrize(("password", "level"), [("right", Level.OK), ("wrong", Level.FAILED)])
def test_a_mail_server_is_asked_for_tls_and_login_and_given_no_mail(
    certificate: Certificate, password: str, level: Level
) -> None:
    with smtp(certificate) as port:
        settings = SmtpSettings.from_url(f"smtp://user:{password}@localhost:{port}")
        found = list(check_mail_server(settings, NOW, certificate.client()))

    assert levels(found) == {
        "NRT-D040": Level.OK, "NRT-D041": Level.OK, "NRT-D042": Level.OK, "NRT-D043": level,
    }  # fmt: skip
    assert not any("user" in finding.text or password in finding.text for finding in found if finding.id != "NRT-D040")


def test_a_certificate_that_nobody_vouches_for_or_that_ends_soon_is_told(
    certificate: Certificate, tmp_path: Path
) -> None:
    soon = certificate_for(tmp_path, "localhost", timedelta(days=5))
    with smtp(soon) as port:
        settings = SmtpSettings.from_url(f"smtp://user:right@localhost:{port}")
        unknown = levels(check_mail_server(settings, NOW, certificate.client()))
        known = levels(check_mail_server(settings, NOW, soon.client()))

    assert unknown == {"NRT-D040": Level.OK, "NRT-D041": Level.FAILED}
    assert known["NRT-D042"] is Level.WARNING


def test_a_password_is_never_given_to_a_server_without_tls() -> None:
    with smtp(None) as port:
        settings = SmtpSettings.from_url(f"smtp://user:right@localhost:{port}")
        found = levels(check_mail_server(settings, NOW))

    assert found == {"NRT-D040": Level.OK, "NRT-D041": Level.FAILED}


def test_a_server_that_is_not_there_is_told() -> None:
    settings = SmtpSettings.from_url("smtp://user:right@127.0.0.1:1")

    assert levels(check_mail_server(settings, NOW)) == {"NRT-D040": Level.FAILED}


# --- from outside ---------------------------------------------------------------------------------------------


@contextmanager
def site(status: int, body: str = "", *, clock: timedelta = timedelta(0)) -> Iterator[str]:
    """A web server that answers everything alike."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            self.send_header("Date", format_datetime(datetime.now(UTC) + clock, usegmt=True))
            self.send_header("Location", "https://elsewhere.example.com/")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def session() -> OutgoingSession:
    return OutgoingSession(Reach(allows_loopback=True))


def test_a_public_address_in_clear_works_and_is_warned_of() -> None:
    with site(200) as url:
        assert levels(check_site(session(), url, datetime.now(UTC)))["NRT-D050"] is Level.WARNING


@pytest.mark.parametrize("status", [302, 404, 503])
def test_a_public_address_that_answers_anything_else_has_failed(status: int) -> None:
    with site(status) as url:
        assert levels(check_site(session(), url, datetime.now(UTC))) == {"NRT-D050": Level.FAILED}
        assert levels(check_unsubscribe(session(), f"{url}/u/x")) == {"NRT-D051": Level.FAILED}


def test_a_public_host_with_another_time_is_told() -> None:
    with site(200, clock=timedelta(hours=1)) as url:
        assert levels(check_site(session(), url, datetime.now(UTC)))["NRT-D052"] is Level.FAILED


def test_an_unsubscribe_link_must_show_its_button_and_is_never_shown_itself() -> None:
    with site(200, '<form method="post"><button>Stop</button></form>') as url:
        found = list(check_unsubscribe(session(), f"{url}/u/secret"))
    with site(200, "Please log in") as url:
        strange = list(check_unsubscribe(session(), f"{url}/u/secret"))

    assert levels(found) == {"NRT-D051": Level.OK}
    assert levels(strange) == {"NRT-D051": Level.FAILED}
    assert "secret" not in str([*found, *strange])


def test_the_doctor_s_unsubscribe_link_is_one_that_the_product_knows(world: World) -> None:
    link = make_token("00000000-0000-7000-8000-000000000001", "unsubscribe", world.services.vault.lookup)

    assert is_unsubscribe_token(world.services, link)


def test_the_public_certificate_is_looked_at(certificate: Certificate, tmp_path: Path) -> None:
    with https(certificate) as url:
        assert levels(check_site_certificate(url, NOW, certificate.client())) == {"NRT-D053": Level.OK}
        assert levels(check_site_certificate(url, NOW)) == {"NRT-D053": Level.FAILED}
    assert levels(check_site_certificate("http://127.0.0.1:1", NOW)) == {"NRT-D053": Level.SKIPPED}


@contextmanager
def https(certificate: Certificate) -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = certificate.server().wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_about: None  # type: ignore[method-assign]  # whoever does not trust it hangs up
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"https://localhost:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# --- this installation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("free", "level"), [(50 * 1024**2, Level.FAILED), (500 * 1024**2, Level.WARNING), (5 * 1024**3, Level.OK)]
)
def test_the_disk_is_judged_by_what_is_free(free: int, level: Level) -> None:
    assert judge_disk(free).level is level


@pytest.mark.parametrize(
    ("config", "eviction", "persistence"),
    [
        ({"maxmemory-policy": "noeviction", "maxmemory": "100", "appendonly": "yes"}, Level.OK, Level.OK),
        ({"maxmemory-policy": "allkeys-lru", "maxmemory": "100", "appendonly": "no"}, Level.WARNING, Level.WARNING),
        ({"maxmemory-policy": "allkeys-lru", "maxmemory": "0", "appendonly": "yes"}, Level.OK, Level.OK),
    ],
)
def test_redis_is_judged_by_its_settings(config: dict[str, str], eviction: Level, persistence: Level) -> None:
    assert levels(judge_redis(config)) == {"NRT-D006": eviction, "NRT-D007": persistence}


def test_a_real_redis_tells_its_settings_and_one_that_is_away_has_failed(redis_server: RedisServer) -> None:
    found = levels(check_redis(redis_server.url))

    assert found["NRT-D001"] is Level.OK
    assert {"NRT-D006", "NRT-D007"} <= found.keys()
    assert levels(check_redis("redis://127.0.0.1:1")) == {"NRT-D001": Level.FAILED}


def test_postgres_without_durability_has_failed(world: World) -> None:
    assert judge_postgres({"fsync": "on", "full_page_writes": "on", "synchronous_commit": "local"}).level is Level.OK
    assert judge_postgres({"fsync": "off", "full_page_writes": "on", "synchronous_commit": "on"}).level is Level.FAILED
    if not world.database.is_sqlite:
        with world.database.read() as connection:
            assert check_postgres(connection).id == "NRT-D008"


@pytest.mark.parametrize(("seconds", "level"), [(0, Level.OK), (-20, Level.WARNING), (300, Level.FAILED)])
def test_a_clock_is_judged_by_another(seconds: int, level: Level) -> None:
    assert judge_clock(SPOOL, NOW + timedelta(seconds=seconds), NOW, "the database").level is level


@pytest.mark.parametrize(
    ("written", "is_production", "level"),
    [
        ("", True, Level.FAILED),
        ("", False, Level.SKIPPED),
        ("2026-12-01", True, Level.FAILED),
        ("2025-01-01", True, Level.WARNING),
        ("2026-05-04", True, Level.OK),
    ],
)
def test_the_agreement_with_the_provider_has_a_day_that_has_come(
    written: str, is_production: bool, level: Level
) -> None:
    assert check_agreement(written, TODAY, is_production=is_production).level is level


def test_review_dates_are_told_thirty_days_ahead() -> None:
    catalog = load_catalog(SHIPPED)
    first = min(email.scope.review_by for email in catalog.emails.values())

    assert levels(check_reviews(catalog, first + timedelta(days=1))) == {"NRT-D011": Level.FAILED}
    near = [*check_reviews(catalog, first - timedelta(days=30))]
    assert any("email" in finding.text for finding in near)
    assert {finding.level for finding in check_reviews(catalog, date(2026, 1, 1))} == {Level.OK}


# --- all at once ----------------------------------------------------------------------------------------------


def test_a_look_that_hangs_is_given_up_and_one_that_breaks_is_told_while_the_others_go_on() -> None:
    hang = threading.Event()

    def hangs() -> list[Finding]:
        hang.wait(30)
        return []

    def breaks() -> list[Finding]:
        raise ValueError("maya@example.com")

    told: list[tuple[int, int]] = []
    began = time.monotonic()
    found = examine(
        [Look(SPOOL, "one", hangs, 0.2), Look(SPOOL, "two", breaks), Look(SPOOL, "three", lambda: [SPOOL.ok("well")])],
        lambda done, of: told.append((done, of)),
    )
    hang.set()

    assert time.monotonic() - began < 20
    assert [finding.level for finding in found] == [Level.FAILED, Level.FAILED, Level.OK]
    assert "maya" not in str(found)
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_every_check_has_its_own_id_and_all_its_words() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert all(check.asks and check.means and check.fix for check in CHECKS)


WHOLE = """
$TTL 60
mail.albanyclinic.example.com. IN TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.albanyclinic.example.com. IN TXT "v=DMARC1; p=reject; rua=mailto:dmarc@albanyclinic.example.com"
albanyclinic.example.com. IN MX 10 mx.albanyclinic.example.com.
mail.albanyclinic.example.com. IN MX 10 mx.albanyclinic.example.com.
mx.albanyclinic.example.com. IN A 192.0.2.5
"""


def test_a_whole_installation_is_looked_at(
    world: World, certificate: Certificate, redis_server: RedisServer, tmp_path: Path
) -> None:
    """As the command does it, with the shipped clinic's own domains; nothing is missing from the catalogue's groups."""
    key = f"s1._domainkey.mail.albanyclinic.example.com. IN TXT {record(KEY)}"
    with name_server(f"{WHOLE}{key}\n") as dns, smtp(certificate) as port, site(200, 'method="post"') as url:
        settings = load_settings(
            {}, state_dir=tmp_path, mail_url=f"smtp://user:right@localhost:{port}", dns_server=dns, public_url=url,
            redis_url=redis_server.url, esp_baa_date="2026-05-04",
        )  # fmt: skip
        patient = Patient(
            settings=settings, services=world.services, catalog=world.catalog, now=datetime.now(UTC),
            signer=Signer(selector="s1", key=KEY.public_key()), tls=certificate.client(),
        )  # fmt: skip
        found = levels(examine_patient(patient, lambda _done, _of: None))

    assert {name for name, level in found.items() if level is Level.FAILED} <= {"NRT-D008"}, "test databases may forget"
    of_the_command = {"NRT-D003", "NRT-D004", "NRT-D020"}
    of_postgres = {"NRT-D008"} if world.database.is_sqlite else set()
    assert found.keys() == {check.id for check in CHECKS} - of_the_command - of_postgres


def test_without_a_name_server_that_is_said_once(world: World, tmp_path: Path) -> None:
    settings = load_settings({}, state_dir=tmp_path, dns_server="127.0.0.1:1")
    patient = Patient(settings=settings, services=world.services, catalog=world.catalog, now=NOW)
    found = [finding.id for finding in examine_patient(patient, lambda _done, _of: None)]

    assert found.count("NRT-D020") == 1
    assert not {"NRT-D021", "NRT-D024", "NRT-D027", "NRT-D030"} & set(found)
