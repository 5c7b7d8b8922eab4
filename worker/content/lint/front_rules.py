"""Rules about an email's front matter, its dates and its template code."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from datetime import date

from worker.content.catalog import ClaimKind, Email, Purpose
from worker.content.lint.finding import Severity
from worker.content.lint.paragraphs import Kind
from worker.content.lint.places import claim_line, heading_line, line_of
from worker.content.lint.readability import words_of
from worker.content.lint.rule import Hit, Rule
from worker.content.lint.sample import SHAPES, Draft, Sample, person
from worker.domain.leads import greeting
from worker.errors import TemplateError

_E, _W = Severity.E, Severity.W
WARN_DAYS = 30
_FEWEST_WORDS, _MOST_WORDS = 120, 300
_INCOMPLETE = frozenset({"tms-antidepressants-2025"})

FM001 = Rule(
    id="FM001",
    severity=_E,
    waivable=False,
    what="a file that can't be read: a key that is missing, unknown or misspelled, an id twice, a name of nothing",
    why="A typing slip in a setting would otherwise change who gets what, unseen.",
    fix="",
)
FM002 = Rule(
    id="FM002",
    severity=_E,
    what="a review date that has passed (error), or passes within 30 days (warning), of an email, claim or fact",
    why="Medical, insurance and clinic facts age. An email whose date has passed is held, and nobody gets it.",
    fix="Have its owner read it again, and set a new review_by.",
)
FM004 = Rule(
    id="FM004",
    severity=_E,
    waivable=False,
    what="a sponsor other than none",
    why="An email that someone pays for is marketing under HIPAA, and needs each reader's own authorization.",
    fix='Write sponsor = "none", or do not send it.',
    source="45 CFR 164.501, 164.508",
)
FM005 = Rule(
    id="FM005",
    severity=_E,
    what="a review date more than 12 months after the last review, or 6 months where insurance is stated",
    why="A date far away is no review at all. Insurance rules change within a year.",
    fix="Bring review_by nearer.",
)
SRC001 = Rule(
    id="SRC001",
    severity=_E,
    what="an educational email without a source, a claim whose article is not among its sources, facts from an article "
    "of which only the introduction is left",
    why="Each fact must be traceable to what the clinic has published.",
    fix="List the article under sources, or leave the fact out.",
)
TPL001 = Rule(
    id="TPL001",
    severity=_E,
    waivable=False,
    what="a variable that does not exist, a slot that nobody fills, template code that can't run",
    why="An email that fails to render is held; nobody may get half of one.",
    fix="",
)
TPL002 = Rule(
    id="TPL002",
    severity=_E,
    waivable=False,
    what="a person's condition, message, name, phone or address in template code",
    why="An email that says what someone told us in confidence exposes it to whoever opens it.",
    fix="Write for everyone who gets this email; {{ greeting }} is the only personal word.",
    source="45 CFR 164.502(b), minimum necessary",
)
TPL003 = Rule(
    id="TPL003",
    severity=_E,
    waivable=False,
    what="a greeting or personal link that is changed or branched on; a name that breaks out of its place",
    why="Names come from an open form: empty, long, with accents, with code in them. They are joined in at the end.",
    fix="Write {{ greeting }} and {{ links.… }} bare, without a filter or condition.",
)
TPL004 = Rule(
    id="TPL004",
    severity=_E,
    waivable=False,
    what="raw HTML, a script, a form, an image by data URI",
    why="It breaks in mail programs, and it is how a page turns into a trap.",
    fix="Write Markdown only.",
)
TPL006 = Rule(
    id="TPL006",
    severity=_W,
    what="a condition in an email that is true for all who get it, or for none",
    why="Words that nobody gets are never read by a reviewer in the preview either.",
    fix="Take the condition out, or the words that it hides.",
)
LEN001 = Rule(
    id="LEN001",
    severity=_W,
    what="an educational email of fewer than 120 or more than 300 words of its own",
    why="Long emails are put off, and very short ones teach nothing. Blocks and the footer do not count.",
    fix="Aim for about 200 words; a second thought makes a second email.",
)
CTA001 = Rule(
    id="CTA001",
    severity=_E,
    what="an email with no call to action, or with more than one",
    why="One clear next step is easier to take than two.",
    fix='Use {{ block("call-to-action") }} once.',
)

RULES = (FM001, FM002, FM004, FM005, SRC001, TPL001, TPL002, TPL003, TPL004, TPL006, LEN001, CTA001)


_SAID_OF = (("raw HTML", TPL004), ("person's own words", TPL003))


def broken(error: TemplateError) -> Hit:
    """What is said of an email that does not render."""
    rule = next((rule for words, rule in _SAID_OF if words in error.problem), TPL001)
    return rule.at(error.source, error.line, _sentence(_begun(error.problem)))


def unreadable(error: TemplateError) -> Hit:
    """What is said of a file that does not load."""
    return FM001.at(error.source, error.line, _sentence(error.problem))


def _begun(text: str) -> str:
    """With a capital; a name that it begins with, such as facts.parking, stays as it is written."""
    return text[0].upper() + text[1:] if re.match(r"[a-z]+ ", text) else text


def _sentence(text: str) -> str:
    return text if text.endswith((".", "?", "!")) else text + "."


def check_front_matter(draft: Draft) -> Iterator[Hit]:
    """Sponsor, review dates and sources."""
    email = draft.email
    if email.sponsor.lower() != "none":
        yield FM004.at(email.path, draft.front_line("sponsor"), f"{email.sponsor!r} pays for this email.")
    yield from dated(email.scope.review_by, draft.today, "this email", email.path, draft.front_line("review_by"))
    yield from _check_period(draft)
    if email.purpose is Purpose.EDUCATIONAL and not email.sources:
        yield SRC001.at(email.path, draft.front_line("sources"), "No article is named as its source.")
    for claim in sorted(draft.stated & set(draft.catalog.claims)):
        yield from _check_source(draft, claim)


def dated(review_by: date, today: date, thing: str, path: str, line: int | None) -> Iterator[Hit]:
    """A review date that has passed, or soon will."""
    if today > review_by:
        yield FM002.at(path, line, f"{thing} had to be reviewed by {review_by}; emails with it are held.".capitalize())
    elif (review_by - today).days <= WARN_DAYS:
        days = (review_by - today).days
        yield FM002.at(path, line, f"{thing} is due for review in {days} days.".capitalize(), severity=_W)


def _check_period(draft: Draft) -> Iterator[Hit]:
    email, claims = draft.email, draft.catalog.claims
    insurance = any(claims[claim].kind is ClaimKind.INSURANCE for claim in draft.stated if claim in claims)
    latest = _months_after(email.reviewed, 6 if insurance else 12)
    if email.scope.review_by > latest:
        why = "states insurance facts, so it may run 6 months" if insurance else "may run 12 months"
        yield FM005.at(
            email.path, draft.front_line("review_by"), f"Reviewed {email.reviewed}, it {why}: until {latest}."
        )
    for name in sorted(draft.stated & set(claims)):
        months = 6 if claims[name].kind is ClaimKind.INSURANCE else 12
        latest = _months_after(email.reviewed, months)
        if claims[name].review_by > latest:
            message = f"Claim {name!r} runs until {claims[name].review_by}, more than {months} months after the review."
            yield FM005.at("claims.toml", claim_line(draft.catalog, name), message)


def _check_source(draft: Draft, name: str) -> Iterator[Hit]:
    source, line = draft.catalog.claims[name].source, claim_line(draft.catalog, name)
    if source in _INCOMPLETE:
        yield SRC001.at(
            "claims.toml", line, f"Claim {name!r} rests on {source}, of which only an introduction is left."
        )
    elif source not in draft.email.sources:
        message = f"Claim {name!r} comes from {source}, which is not among this email's sources."
        yield SRC001.at(draft.email.path, draft.front_line("sources"), message, fix=f'Add "{source}" to sources.')


def _months_after(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    return date(day.year + years, month + 1, min(day.day, monthrange(day.year + years, month + 1)[1]))


_PERSONAL = re.compile(
    r"\{[{%][^}]*?\b(lead|person|submission|patient|first_name|last_name|condition|conditions|message|email)\b(?!\s*\()"
)
_ABOUT_GREETING = re.compile(
    r"\{%[^%]*\b(greeting)\b|\{\{\s*(greeting|links\.(?:unsubscribe|choose|confirm))\s*[|+~\[.(]"
)
_CONDITION = re.compile(r"\{%-?\s*(?:el)?if\s+(.+?)\s*-?%\}", re.DOTALL)
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")


def check_length(draft: Draft) -> Iterator[Hit]:
    """A length that people read, wherever the email goes."""
    if draft.email.purpose is not Purpose.EDUCATIONAL or not draft.samples:
        return
    counts = [sum(len(words_of(part.text)) for part in one.paragraphs if part.is_prose) for one in draft.samples]
    least, most = min(counts), max(counts)
    if least < _FEWEST_WORDS or most > _MOST_WORDS:
        said = f"{least}" if least == most else f"{least} to {most}"
        yield LEN001.at(draft.email.path, draft.email.body_line, f"It has {said} words of its own.")


def check_template(draft: Draft) -> Iterator[Hit]:
    """Template code: nothing personal, nothing that depends on the greeting, no branch that nobody gets."""
    body = draft.email.body
    bare = _QUOTED.sub(lambda match: " " * len(match.group()), body)
    for found in _PERSONAL.finditer(bare):
        yield TPL002.at(
            draft.email.path, draft.line_at(found.start(1)), f"'{found.group(1)}' is what one person told us."
        )
    for found in _ABOUT_GREETING.finditer(bare):
        name = found.group(1) or found.group(2)
        yield TPL003.at(draft.email.path, draft.line_at(found.start()), f"'{name}' is not bare here.")
    if draft.is_whole and draft.samples:
        yield from _check_branches(draft)


def _check_branches(draft: Draft) -> Iterator[Hit]:
    for found in _CONDITION.finditer(draft.email.body):
        condition = found.group(1)
        if "greeting" in condition or re.search(r"\bloop\b", condition):
            continue
        try:
            answers = {sample.renderer.holds(condition, sample.outline) for sample in draft.samples}
        except TemplateError:
            continue  # it rests on a variable of the template's own; rendering has shown that it runs
        if len(answers) == 1:
            so = "true for everyone" if answers.pop() else "never true for anyone"
            message = f"'{condition}' is {so} who gets this email."
            yield TPL006.at(draft.email.path, draft.line_at(found.start()), message)


def check_names(sample: Sample) -> Iterator[Hit]:
    """Names of every shape stay where they belong."""
    path, line = sample.email.path, sample.email.body_line
    for persona, name in SHAPES.items():
        message = sample.compiled.for_person(person(name))
        loose = [part for part in ("<b>Sam", "{{7", "\r", "\nBcc:") if part in message.html or part in message.text]
        if loose or len(greeting(name)) > 60:
            yield TPL003.at(path, line, "A name breaks out of its place.", persona=persona)


def check_call_to_action(sample: Sample) -> Iterator[Hit]:
    """One call to action."""
    email = sample.email
    buttons = sum(paragraph.is_button for paragraph in sample.paragraphs) + sum(
        markdown.count('"button"')
        for name, markdown in sample.outline.blocks.items()
        for paragraph in sample.paragraphs
        if paragraph.kind is Kind.BLOCK and paragraph.text == name
    )
    if buttons != 1:
        found = "There is no call to action." if not buttons else f"There are {buttons} calls to action."
        yield CTA001.at(email.path, _last_line(email), found)


def _last_line(email: Email) -> int:
    return email.body_line + email.body.rstrip().count("\n")


def check_dates_of_claims(draft: Draft) -> Iterator[Hit]:
    """The review dates of the claims and facts that an email states; any of them holds it."""
    catalog, today = draft.catalog, draft.today
    for name in sorted(draft.stated & set(catalog.claims)):
        line = claim_line(catalog, name)
        yield from dated(catalog.claims[name].review_by, today, f"claim {name!r}", "claims.toml", line)
    text = catalog.files.get("clinic.toml", "")
    for sample in draft.samples:
        if sample.location not in catalog.clinic.places:
            continue
        facts = catalog.clinic.places[sample.location].facts
        for name in sorted(set(re.findall(r"facts\.(\w+)", draft.email.body)) & set(facts)):
            line = heading_line(text, f"places.{sample.location}.facts") or 1
            line += (line_of(text[_offset(text, line) :], f"{name} =") or 1) - 1
            yield from dated(facts[name].review_by, today, f"fact {name!r} of {sample.location}", "clinic.toml", line)


def _offset(text: str, line: int) -> int:
    return sum(len(one) for one in text.splitlines(keepends=True)[: line - 1])
