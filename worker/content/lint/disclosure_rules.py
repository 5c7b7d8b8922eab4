"""Rules about what must stand in an email: risks before the button, the footer, the right clinic and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator

from worker.content.catalog import Purpose
from worker.content.lint.endings import ENDINGS
from worker.content.lint.finding import Severity
from worker.content.lint.paragraphs import Kind, sentences_of
from worker.content.lint.rule import Hit, Rule, any_of
from worker.content.lint.sample import LINKS_HOST, Draft, Sample
from worker.content.lint.words import KETAMINE, SERVICE_NAMES, SERVICES, SPRAVATO, TMS
from worker.domain.leads import CLINICS, Location

_E, _W = Severity.E, Severity.W

MED001 = Rule(
    id="MED001",
    severity=_E,
    waivable=False,
    what="ketamine named without the off-label block before the first button",
    why="IV ketamine is approved as an anesthetic only. Two of the articles name it 97 times and never say so.",
    fix='Put {{ block("off-label") }} before the button.',
    source="FDA warning on compounded ketamine, 2023; FTC",
)
MED002 = Rule(
    id="MED002",
    severity=_E,
    waivable=False,
    what="Spravato or esketamine named without the Spravato block before the first button",
    why="Its label has a boxed warning, a certified site, two hours of watching, and a limitation of use.",
    fix='Put {{ block("spravato") }} before the button.',
    source="Spravato label",
)
MED003 = Rule(
    id="MED003",
    severity=_E,
    waivable=False,
    what="a sentence on what ketamine is used or helps for, in an email without the ketamine risk block",
    why="A benefit without its risks in the same message is misleading, whatever a link says.",
    fix='Put {{ block("ketamine-risks") }} into this email.',
    source="FDA warning on compounded ketamine, 2023; FTC Health Products Compliance Guidance",
)
MED004 = Rule(
    id="MED004",
    severity=_W,
    what="TMS named without the TMS risk block before the first button",
    why="Headache, discomfort and, rarely, a seizure belong beside what it is for.",
    fix='Put {{ block("tms-risks") }} before the button.',
)
FTR001 = Rule(
    id="FTR001",
    severity=_E,
    waivable=False,
    what="a part without the clinic's name with its state, its postal address or its licence line",
    why="Commercial email must carry a postal address, and in Illinois the title as on the licence.",
    fix="Mend blocks/footer.md or clinic.toml.",
    source="15 USC 7704 (CAN-SPAM); 225 ILCS 60/26(4)",
)
FTR002 = Rule(
    id="FTR002",
    severity=_E,
    waivable=False,
    what="a part without the unsubscribe link or the line that says why someone gets this",
    why="One click to stop, in both parts, is the law and the rule of every large mailbox.",
    fix="Mend blocks/footer.md.",
    source="15 USC 7704; Gmail sender guidelines",
)
FTR003 = Rule(
    id="FTR003",
    severity=_E,
    waivable=False,
    what="a part without 988 (call or text, 988lifeline.org), 911 and the line that nobody watches this mailbox",
    why="Someone in danger may open this email at night.",
    fix="Mend blocks/crisis.md, and use it in blocks/footer.md.",
    source="988 Messaging Framework",
)
FTR004 = Rule(
    id="FTR004",
    severity=_E,
    waivable=False,
    what="a part without 'This email is general information, not medical advice'",
    why="An email to many people can't be advice to one.",
    fix="Mend blocks/footer.md.",
)
FTR005 = Rule(
    id="FTR005",
    severity=_E,
    waivable=False,
    what="an email that writes a piece of the footer itself",
    why="There is one place to mend an address or the crisis line.",
    fix="Take it out: blocks/footer.md ends every email.",
)
LOC001 = Rule(
    id="LOC001",
    severity=_E,
    what="the other clinic's city, state, phone, address or Medicaid in an email for one clinic",
    why="'The Albany Clinic' in Carbondale and the clinic in Albany, New York are easily taken for each other.",
    fix="Use {{ location.name }}, {{ location.phone }} and {{ contact }}, which are right everywhere.",
)
LOC002 = Rule(
    id="LOC002",
    severity=_E,
    what="a treatment that the location does not offer, or that the email's treatments do not list",
    why="The front matter decides who may get an email. Nobody should read of a treatment that they can't have there.",
    fix="List it under treatments, and send the email only where clinic.toml offers it.",
)
LOC003 = Rule(
    id="LOC003",
    severity=_W,
    what="'the Albany clinic', 'our Albany Clinic' or 'our clinic' without a place, in mail from Carbondale",
    why="A reader in Illinois would think of New York.",
    fix="Write {{ location.name }}.",
)

RULES = (
    MED001,
    MED002,
    MED003,
    MED004,
    FTR001,
    FTR002,
    FTR003,
    FTR004,
    FTR005,
    LOC001,
    LOC002,
    LOC003,
)

_BENEFIT = any_of(
    r"\bhelp\w*",
    r"\bimprov\w*",
    r"\brelie\w+",
    r"\beas(?:e|es|ed|ing)\b",
    r"\breduc\w*",
    r"\btreat\w*",
    r"\bused?\b",
    r"\boption\b",
    r"\bworks?\b",
    r"\boffer\w*",
)

WORDING = {
    "off-label": (MED001, ("off-label", r"not (?:been )?FDA[- ]approved")),
    "spravato": (
        MED002,
        (
            "adults",
            "certified",
            "REMS",
            r"2 hours",
            "sedation",
            "dissociation",
            "breathing",
            "misuse",
            "suicidal thoughts",
            r"not been shown to prevent suicide",
        ),
    ),
    "ketamine-risks": (
        MED003,
        (
            "misuse",
            "sedation",
            "dissociation",
            "psychiatric",
            r"(?:raised|increased|higher) blood pressure",
            "breathing",
            "bladder",
        ),
    ),
    "tms-risks": (MED004, ("headache", "scalp", "seizure")),
}
"""What each disclosure must say, whoever edits it."""


def check_disclosures(sample: Sample) -> Iterator[Hit]:
    """The disclosures of what is named, before the first button, in their full wording."""
    for pattern, block in ((KETAMINE, "off-label"), (SPRAVATO, "spravato"), (TMS, "tms-risks")):
        rule = WORDING[block][0]
        if (found := pattern.search(sample.all_words)) and not sample.has_block_before_button(block):
            path, line = sample.where(found.group())
            yield rule.at(
                path, line, f"'{found.group()}' is named, and {_name(block)} does not come before the button."
            )
    if "ketamine-risks" not in sample.outline.blocks and (benefit := _benefit(sample)):
        path, line = sample.where("ketamine", benefit)
        yield MED003.at(path, line, "This says what ketamine is used for, without its risks.")
    for block, (rule, phrases) in WORDING.items():
        words = " ".join(sample.outline.blocks.get(block, "").replace("*", "").split())
        missing = [phrase for phrase in phrases if words and not re.search(phrase, words, re.IGNORECASE)]
        if missing:
            yield rule.at(f"blocks/{block}.md", 1, f"This block no longer says {missing[0]!r}.", fix="Put it back.")


def _benefit(sample: Sample) -> str | None:
    sentences = (text for part in sample.paragraphs if part.kind is not Kind.BLOCK for text in sentences_of(part.text))
    return next((text for text in sentences if KETAMINE.search(text) and _BENEFIT.search(text)), None)


def _name(block: str) -> str:
    return f"the block {block!r}"


def check_footer(sample: Sample) -> Iterator[Hit]:
    """Everything that both parts must end with."""
    path, wording = f"blocks/{sample.footer}.md", ENDINGS[sample.email.language]
    for part, words in (("text", " ".join(sample.rendered.text.split())), ("HTML", sample.page.text)):
        for place in sample.places:
            for thing in (place.name, place.address, place.licence_line):
                if thing not in words:
                    yield FTR001.at(path, 1, f"The {part} part lacks '{thing}'.")
        for rule, phrases in (
            (FTR002, (wording.why[sample.email.purpose == Purpose.ACKNOWLEDGEMENT],)),
            (FTR003, wording.crisis),
            (FTR004, (wording.advice,)),
        ):
            for phrase in phrases:
                if phrase not in words:
                    yield rule.at(path, 1, f"The {part} part lacks '{phrase}'.")
    unsubscribe = f"https://{LINKS_HOST}/u/"
    links = [element.attributes.get("href", "") for element in sample.page.all("a")]
    if unsubscribe not in sample.rendered.text or not any(link.startswith(unsubscribe) for link in links):
        yield FTR002.at(path, 1, "One of the parts has no unsubscribe link.")


_OWN_FOOTER = re.compile(
    r"links\.unsubscribe|block\(\s*[\"'](?:footer|crisis)(?:-\w+)?[\"']|licence_line|\bunsubscribe\b|"
    r"not medical advice|988lifeline|location\.address",
    re.IGNORECASE,
)


def check_own_footer(draft: Draft) -> Iterator[Hit]:
    """No email writes what the footer says."""
    for found in _OWN_FOOTER.finditer(draft.email.body):
        message = f"'{found.group()}' belongs to the footer."
        yield FTR005.at(draft.email.path, draft.line_at(found.start()), message)


def check_place(sample: Sample) -> Iterator[Hit]:
    """The right clinic, and only its services."""
    if sample.location in CLINICS:
        yield from _check_other_clinic(sample)
    offered = sample.catalog.clinic.services_at(sample.location)
    for service, pattern in SERVICES.items():
        found = pattern.search(sample.all_words)
        if found is None:
            continue
        path, line = sample.where(found.group())
        if service not in offered:
            yield LOC002.at(path, line, f"{SERVICE_NAMES[service]} is not offered at {sample.location}.")
        elif service not in sample.email.scope.treatments:
            yield LOC002.at(path, line, f"{SERVICE_NAMES[service]} is named, and treatments does not list {service}.")
    if sample.location is Location.CARBONDALE:
        for words in re.findall(
            r"\bthe Albany clinic\b|\bour Albany Clinic\b(?! in)|\b[Oo]ur clinic\b(?! in)|\b[Aa]t the Albany Clinic,",
            sample.own_text,
        ):
            path, line = sample.where(words)
            yield LOC003.at(path, line, f"'{words}' could be the one in New York.")


def _check_other_clinic(sample: Sample) -> Iterator[Hit]:
    other = sample.catalog.clinic.places[next(clinic for clinic in CLINICS if clinic is not sample.location)]
    texts = (sample.rendered.subject, sample.rendered.preheader, sample.rendered.text)
    said = re.sub(re.escape(sample.catalog.clinic.brand), " ", " ".join(" ".join(texts).split()), flags=re.IGNORECASE)
    said = re.sub(r"\b(?:[Oo]ur|[Tt]he) Albany [Cc]linic\b", " ", said)
    patterns = (rf"\b{re.escape(name)}\b" for name in (other.address, other.state, other.city))
    exact = (rf"\b{other.state_code}\b", re.escape(other.phone))
    found = [match.group() for pattern in patterns if (match := re.search(pattern, said, re.IGNORECASE))]
    found += [match.group() for pattern in exact if (match := re.search(pattern, said))]
    for words in found[:1]:
        path, line = sample.where(words)
        yield LOC001.at(path, line, f"'{words}' belongs to the other clinic.")
