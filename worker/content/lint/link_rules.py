"""Rules about links and images: where they may go, what they may tell, how they are named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from worker.content.lint.finding import Severity
from worker.content.lint.page import Element
from worker.content.lint.rule import Hit, Rule
from worker.content.lint.sample import LINKS_HOST, TOKEN, Sample
from worker.content.lint.words import TELLING

_E, _W = Severity.E, Severity.W

PRV001 = Rule(
    id="PRV001",
    severity=_E,
    waivable=False,
    what="a link, image, font or stylesheet of another host than the clinic's or 988lifeline.org; http:, an IP "
    "address, a user name in a link, a tracking query",
    why="A click or an image load tells its host who reads a clinic's email. Shared so, it is a breach.",
    fix="Link to the clinic's own site, or name the thing without a link.",
    source="FTC v. GoodRx, BetterHelp, Cerebral, Monument",
)
PRV002 = Rule(
    id="PRV002",
    severity=_E,
    waivable=False,
    what="an image of 2 pixels or less, a hidden one, or one whose address is a person's own",
    why="That is a tracking pixel.",
    fix="Take the image out.",
    source="FTC v. GoodRx",
)
PRV003 = Rule(
    id="PRV003",
    severity=_E,
    waivable=False,
    what="a person's own link whose address names a condition or treatment",
    why="The link would join a person to a condition in every log it passes through.",
    fix="Use {{ links.choose }} and the like as they are.",
    source="740 ILCS 110/2",
)
LNK001 = Rule(
    id="LNK001",
    severity=_E,
    what="a link that is empty, relative or shows another host than it opens (error); 'click here', 'learn more', or "
    "one name for two targets (warning)",
    why="People who listen to an email hear links alone; filters take a mismatch for phishing.",
    fix="Name what the link opens, and give it a full address.",
    source="WCAG 2.2, 2.4.4",
)
LNK002 = Rule(
    id="LNK002",
    severity=_W,
    what="more than 6 links, or a link of the HTML part that the text part lacks",
    why="Many links look like advertising to filters, and each is a way out of the one next step.",
    fix="Keep the one call to action.",
)

RULES = (PRV001, PRV002, PRV003, LNK001, LNK002)

_MOST_LINKS = 6
_TRACKING = re.compile(r"(?:^|&)(?:utm_\w+|mc_\w+|fbclid|gclid|msclkid|_hs\w+)=", re.IGNORECASE)
_VAGUE = re.compile(r"(?:click )?here|(?:read|learn|find out|see) more|more|this link|link", re.IGNORECASE)
_HOST_LIKE = re.compile(r"(?:https?://)?((?:[a-z0-9-]+\.)+[a-z]{2,})(?:/\S*)?", re.IGNORECASE)


def check_addresses(sample: Sample) -> Iterator[Hit]:
    """Every address that the HTML opens or loads."""
    for element in sample.page.elements:
        for name in ("href", "src", "background"):
            if name in element.attributes:
                yield from _check_address(sample, element, element.attributes[name])
    loaded = re.findall(r"url\(\s*['\"]?([^)'\"]+)|@import\s+['\"]([^'\"]+)", sample.rendered.html)
    for address in (one or other for one, other in loaded):
        yield PRV001.at("layout/email.html", 1, f"The layout loads '{address}'.")


def _check_address(sample: Sample, element: Element, address: str) -> Iterator[Hit]:
    words = " ".join(element.words)
    if address.strip() in {"", "#"} or not re.match(r"[a-z][a-z0-9+.-]*:", address, re.IGNORECASE):
        yield LNK001.at(*sample.where(words), f"This link opens '{address}', which leads nowhere from an inbox.")
        return
    if trouble := _trouble(sample, address):
        yield PRV001.at(*sample.where(words), f"'{address}' {trouble}.")
    parts = urlsplit(address)
    if TOKEN in address and TELLING.search(parts.path + "?" + parts.query):
        yield PRV003.at(*sample.where(words), "A person's own link names a condition or treatment.")


def _trouble(sample: Sample, address: str) -> str | None:
    parts = urlsplit(address)
    if parts.scheme == "tel":
        return None
    if parts.scheme == "mailto":
        domain = address.rpartition("@")[2].split("?")[0]
        return None if domain in _mail_domains(sample) else "writes to another host than the clinic's"
    if parts.scheme != "https":
        return f"is not encrypted ({parts.scheme})"
    if parts.username or "@" in parts.netloc:
        return "has a user name in it"
    if parts.hostname not in _hosts(sample):
        return "leads to another host than the clinic's"
    return "carries a tracking query" if _TRACKING.search(parts.query) else None


def _hosts(sample: Sample) -> set[str | None]:
    return {urlsplit(sample.catalog.clinic.website).hostname, LINKS_HOST, "988lifeline.org"}


def _mail_domains(sample: Sample) -> set[str]:
    clinic = sample.catalog.clinic
    addresses = [clinic.undecided_reply_to, clinic.undecided_sender_address]
    addresses += [address for place in clinic.places.values() for address in (place.reply_to, place.sender_address)]
    return {address.rpartition("@")[2] for address in addresses}


def check_images(sample: Sample) -> Iterator[Hit]:
    """No image that watches its reader."""
    for image in sample.page.all("img"):
        sizes = [image.attributes.get(name) or image.style.get(name, "") for name in ("width", "height")]
        tiny = any((match := re.match(r"\d+", size)) and int(match.group()) <= 2 for size in sizes)
        if tiny or image.is_hidden or TOKEN in image.attributes.get("src", ""):
            path, line = sample.where(image.attributes.get("alt", ""))
            yield PRV002.at(path, line, f"'{image.attributes.get('src', '')}' is an image that nobody sees.")


def check_names_of_links(sample: Sample) -> Iterator[Hit]:
    """What links are called, how many there are, and that the text part shows them."""
    named: dict[str, str] = {}
    links = [
        (_label(sample, link), link.attributes.get("href", "")) for link in sample.page.all("a") if not link.is_hidden
    ]
    for label, target in links:
        for message, severity in _troubles_of(label, target):
            yield LNK001.at(*sample.where(label), message, severity=severity)
        if named.setdefault(label.lower(), target) != target:
            yield LNK001.at(*sample.where(label), f"'{label}' names two different links.", severity=_W)
        if not _is_in_text(sample, target):
            yield LNK002.at(*sample.where(label), f"The text part does not show '{target}'.")
    if len(links) > _MOST_LINKS:
        yield LNK002.at(sample.email.path, sample.email.body_line, f"There are {len(links)} links.")


def _troubles_of(label: str, target: str) -> Iterator[tuple[str, Severity]]:
    if not label:
        yield f"The link to '{target}' has no words.", _E
    elif _VAGUE.fullmatch(label.strip(" .!→»>")):
        yield f"'{label}' does not say what opens.", _W
    shown = _HOST_LIKE.fullmatch(label)
    host = urlsplit(target).hostname or ""
    if shown and shown.group(1).lower().removeprefix("www.") != host.removeprefix("www."):
        yield f"'{label}' opens {host or target}.", _E


def _label(sample: Sample, link: Element) -> str:
    inside = [element for element in sample.page.elements if link in element.ancestry()]
    return " ".join(" ".join(word for element in inside for word in element.words).split())


def _is_in_text(sample: Sample, target: str) -> bool:
    shown = target.removeprefix("tel:").removeprefix("mailto:").removeprefix("https://").rstrip("/")
    return shown.removeprefix("+1-") in sample.rendered.text
