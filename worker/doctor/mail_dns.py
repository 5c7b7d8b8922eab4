"""What DNS says of the domains that we send from: SPF, DKIM, DMARC, MX and MTA-STS."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checkdmarc.dmarc import check_dmarc
from checkdmarc.mta_sts import MTASTSError, mx_in_mta_sts_patterns, parse_mta_sts_policy, parse_mta_sts_record
from checkdmarc.spf import check_spf
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from worker.delivery.dkim import DkimSigner
from worker.doctor.catalogue import ALIGNMENT, DKIM, DMARC, DMARC_REMARKS, MTA_STS, MX, SPF, SPF_END, SPF_LOOKUPS
from worker.doctor.dkim_key import judge_key
from worker.doctor.finding import Finding
from worker.doctor.lookup import TIMEOUT_S, Lookup
from worker.doctor.organization import is_aligned
from worker.outgoing import OutgoingError, OutgoingSession

MOST_LOOKUPS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Who signs: the selector, the domain of the signature (empty: that of From) and our key, where it is ours."""

    selector: str = ""
    domain: str = ""
    key: RSAPublicKey | None = None


def signer_of(ours: DkimSigner | None, selector: str, domain: str) -> Signer:
    """Who signs: we ourselves where we have a key, unless another selector is named; else the provider."""
    if ours is None or (selector and selector != ours.selector):
        return Signer(selector=selector, domain=domain)
    return Signer(selector=ours.selector, domain=domain or ours.domain, key=ours.key.public_key())


def check_spf_record(lookup: Lookup, domain: str) -> Iterator[Finding]:
    """At the domain of the return path, which is what SPF speaks of."""
    found = check_spf(domain, resolver=lookup.resolver, timeout=TIMEOUT_S)
    lookups = found.get("dns_lookups") or 0
    if not found["valid"] and lookups <= MOST_LOOKUPS:
        yield SPF.failed(f"{domain}: {found['error']}")
        return
    yield SPF.ok(f"{domain} has one SPF record")
    if lookups > MOST_LOOKUPS:
        yield SPF_LOOKUPS.failed(f"{domain}: SPF needs {lookups} lookups, {MOST_LOOKUPS} are allowed")
    else:
        yield SPF_LOOKUPS.ok(f"{domain}: SPF needs {lookups} lookups")
    yield _spf_end(domain, found["parsed"])


def _spf_end(domain: str, parsed: Any) -> Finding:
    redirect = parsed.get("redirect")
    if redirect:
        return _spf_end(domain, redirect["parsed"])
    match parsed["all"]:
        case "fail" | "softfail":
            return SPF_END.ok(f"{domain}: SPF ends with {parsed['all']}")
        case "pass":
            return SPF_END.failed(f"{domain}: SPF allows everybody to send as us (+all)")
    return SPF_END.warning(f"{domain}: SPF says nothing of everybody else")


def check_dkim_key(lookup: Lookup, domain: str, signer: Signer) -> Iterator[Finding]:
    """At the selector, where it is known."""
    if not signer.selector:
        yield DKIM.skipped("the selector is not known; name it with --selector (the provider shows it)")
        return
    name = f"{signer.selector}._domainkey.{signer.domain or domain}"
    yield from judge_key(name, lookup.texts(name), signer.key)


def check_dmarc_record(lookup: Lookup, domain: str, bounce_domain: str, signer: Signer) -> Iterator[Finding]:
    """At the domain of From, or above it in the tree."""
    found = check_dmarc(domain, resolver=lookup.resolver, timeout=TIMEOUT_S)
    if not found["valid"]:
        yield DMARC.failed(f"{domain}: {found['error']}")
        return
    tags = {name: tag["value"] for name, tag in found["tags"].items()}
    yield DMARC.ok(f"{domain}: DMARC by {found['location']}, p={tags['p']}")
    yield from _remarks(domain, tags, found["warnings"])
    yield from _alignment(lookup, domain, bounce_domain, signer, tags)


def _remarks(domain: str, tags: dict[str, Any], warnings: list[str]) -> Iterator[Finding]:
    remarks = [*warnings]
    if tags.get("t") == "y":
        remarks.append("t=y asks receivers not to apply the policy yet")
    yield from (DMARC_REMARKS.warning(f"{domain}: {remark}") for remark in remarks)
    if not remarks:
        yield DMARC_REMARKS.ok(f"{domain}: nothing to remark on DMARC")


def _alignment(
    lookup: Lookup, domain: str, bounce_domain: str, signer: Signer, tags: dict[str, Any]
) -> Iterator[Finding]:
    signing = signer.domain or domain
    strict_spf, strict_dkim = tags.get("aspf") == "s", tags.get("adkim") == "s"
    by_spf = is_aligned(domain, bounce_domain, strict=strict_spf, records_at=lookup.texts)
    by_dkim = is_aligned(domain, signing, strict=strict_dkim, records_at=lookup.texts)
    if not by_spf and not by_dkim:
        yield ALIGNMENT.failed(f"From is {domain}, but mail is signed by {signing} and bounces go to {bounce_domain}")
    elif not by_dkim:
        yield ALIGNMENT.warning(f"From is {domain}, but mail is signed by {signing}; only SPF speaks for us")
    elif not by_spf:
        yield ALIGNMENT.warning(f"From is {domain}, but bounces go to {bounce_domain}; only DKIM speaks for us")
    else:
        yield ALIGNMENT.ok(f"{domain}: aligned with {signing} (DKIM) and {bounce_domain} (SPF)")


def check_mail_hosts(lookup: Lookup, domain: str) -> Iterator[Finding]:
    """Where bounces, or replies, are delivered."""
    hosts = [record.host for record in lookup.mail_hosts(domain)]
    if not hosts:
        yield MX.failed(f"{domain} has no MX record")
    elif hosts == [""]:
        yield MX.failed(f"{domain} says that it takes no mail (null MX)")
    elif lost := [host for host in hosts if not lookup.has_address(host)]:
        yield MX.failed(f"{domain}: {', '.join(lost)} has no address")
    else:
        yield MX.ok(f"{domain}: mail goes to {', '.join(hosts)}")


def check_mta_sts(lookup: Lookup, domain: str, session: OutgoingSession) -> Iterator[Finding]:
    """The policy that other senders would hold us to; announcing none is fine."""
    announced = [record for record in lookup.texts(f"_mta-sts.{domain}") if record.startswith("v=STSv1")]
    if not announced:
        yield MTA_STS.ok(f"{domain} announces no MTA-STS, which is fine")
        return
    try:
        parse_mta_sts_record(announced[0])
        answer = session.get(f"https://mta-sts.{domain}/.well-known/mta-sts.txt", timeout=TIMEOUT_S)
        if answer.status_code != 200:
            yield MTA_STS.failed(f"{domain}: the policy is not there ({answer.status_code})")
            return
        policy = parse_mta_sts_policy(answer.text)["policy"]
    except MTASTSError as error:
        yield MTA_STS.failed(f"{domain}: {error}")
        return
    except OutgoingError as error:
        yield MTA_STS.failed(f"{domain}: the policy can't be fetched ({type(error).__name__})")
        return
    yield judge_policy(domain, policy, [record.host for record in lookup.mail_hosts(domain)])


def judge_policy(domain: str, policy: Any, hosts: list[str]) -> Finding:
    """Whether a policy covers the hosts that take the mail."""
    left_out = [host for host in hosts if not mx_in_mta_sts_patterns(host, list(policy.get("mx", [])))]
    if policy["mode"] == "none":
        return MTA_STS.ok(f"{domain}: MTA-STS is switched off (mode none)")
    if left_out and policy["mode"] == "enforce":
        return MTA_STS.failed(f"{domain}: the policy leaves out {', '.join(left_out)}")
    if left_out or policy["mode"] == "testing":
        return MTA_STS.warning(f"{domain}: the policy is in testing" + (", and leaves out an MX" if left_out else ""))
    return MTA_STS.ok(f"{domain}: the MTA-STS policy covers every MX")
