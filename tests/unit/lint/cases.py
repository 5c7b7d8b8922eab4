"""For each rule something that breaks it, and something close by that does not.

Quotations are from the clinic's articles, which break most of the rules about words.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tests.unit import shipped
from tests.unit.lint import drafts
from tests.unit.lint.drafts import (
    ALBANY,
    BOTH,
    CALL,
    CARBONDALE,
    RISKS,
    TODAY,
    body,
    email_with,
    said_of,
    said_of_body,
    said_of_inbox,
    said_of_sequences,
    said_of_shipped,
    said_of_text,
    said_of_wire,
    with_block,
    with_claim,
    with_layout,
    with_place,
    with_sequence,
    with_step,
)
from worker.content.catalog import Catalog, Waiver
from worker.content.lint.claim_rules import check_all_claims
from worker.content.lint.engine import lint, told
from worker.content.lint.finding import Finding
from worker.content.lint.front_rules import unreadable
from worker.content.lint.rule import Hit
from worker.content.render import Renderer
from worker.domain.leads import Location
from worker.domain.sequences import Step
from worker.errors import ContentInvalid

Said = Iterable[Finding | Hit]


@dataclass(frozen=True)
class Case:
    """`broken` is what is said of something that breaks the rule, `sound` of something that does not."""

    broken: Callable[[], Said]
    sound: Callable[[], Said]


def words(broken: str, sound: str) -> Case:
    """Two sentences in the body of an email."""
    return Case(lambda: said_of_text(broken), lambda: said_of_text(sound))


def bodies(broken: str, sound: str, email: str = CARBONDALE) -> Case:
    """Two whole bodies."""
    return Case(lambda: said_of_body(broken, email), lambda: said_of_body(sound, email))


def _unreadable(old: str, new: str) -> Said:
    try:
        drafts.edited((("emails/risks.md", old, new),))
    except ContentInvalid as error:
        return told(unreadable(problem) for problem in error.problems)
    return []


def _waived(until: date, rule: str = "LEN001") -> Said:
    """A short email whose shortness is waived, alone in its catalog."""
    email = email_with(body("Short."))
    waiver = Waiver(path=email.path, rule=rule, reason="it is a postcard", by="Jordan Example", until=until)
    catalog = replace(shipped.catalog(), emails={email.id: email}, sequences={}, waivers=(waiver,))
    return lint(Renderer(catalog), TODAY)


WORDS: Mapping[str, Case] = {
    "MED010": words("We guarantee that it is a cure.", "It is not a cure for depression or chronic pain."),
    "MED025": words("IV ketamine works for everyone.", "No treatment works for everyone, and it can’t help everybody."),
    "MED026": words(
        "After a few visits you will feel better.",
        "Nobody can say whether you will feel better. You will be asked how you feel.",
    ),
    "MED011": words(
        "It offers a safe and innovative approach to mental health and pain management.",
        "It is one approach. The lead nurse can tell you more.",
    ),
    "MED012": words(
        "Don’t let your condition hold you back any longer—regain control of your life.",
        "You do not have to do anything with it today. If you like, call us one day.",
    ),
    "MED013": words(
        "Overall, ketamine infusion therapy is generally safe.", "Its safety is watched over by the staff."
    ),
    "MED014": words(
        "IV ketamine shares the same mechanism as Spravato but tends to have more rapid-acting effects.",
        "You may feel better prepared after a talk.",
    ),
    "MED015": words(
        "Patients often experience symptom improvement within hours to a few days of receiving the infusion.",
        "If anyone is in immediate danger, call 911.",
    ),
    "MED016": words(
        "Enhancing neuroplasticity , potentially “re-wiring” nerve circuits associated with unhealthy thinking.",
        "Write your list on the back of the sheet.",
    ),
    "MED017": words(
        "Since TMS therapy is FDA-approved, some major insurance providers in Illinois cover costs.",
        "TMS devices are FDA-cleared for major depression in adults.",
    ),
    "MED018": words("We offer FDA-approved ketamine.", "It is not FDA-approved: ketamine is used off-label for these."),
    "MED019": words("These include: Dizziness Decreased heart rate and blood pressure", "Blood pressure can rise."),
    "MED020": words(
        "Ketamine infusion therapy has been shown to be effective in treating several types of depression.",
        "It is being studied for this.",
    ),
    "MED021": words(
        "Only patients with major depressive disorder with suicidal ideation are eligible for the treatment.",
        "If you have suicidal thoughts, please reach someone at 988 now.",
    ),
    "MED022": words(
        "You may be a good candidate if: You have been diagnosed with SAD, or another severe form of anxiety",
        "You may be a good candidate, or not: a clinician decides, together with you.",
    ),
    "MED023": words(
        "The infusion takes approximately 40 minutes to complete.",
        "A session takes {{ facts.ketamine_session }}.",
    ),
    "MED024": words(
        "Ketamine also lowers the activity of the amygdala , a brain region linked to fear.",
        "It is thought to quiet the amygdala, which has to do with fear.",
    ),
    "INS002": words(
        "Spravato is covered by most major insurance plans in Illinois, including Medicare and Medicaid.",
        "Our staff can help you ask your plan.",
    ),
    "INS004": words("Full payment is required before each procedure.", "Ask what you pay, and when."),
    "TST001": words(
        "There have been many reported cases of successful ketamine infusion therapy treatment.",
        'The last line matters. "I can\'t lift my grandchild" tells a clinician a great deal.',
    ),
    "STA001": words(
        "According to the National Institute of Mental Health (NIMH) , 7.1% of the U.S. population experiences social "
        "anxiety disorder annually.",
        "According to the National Institute of Mental Health, 7.1% of adults had it in 2003.",
    ),
    "SAFE001": words("No one should commit suicide.", "People have died by suicide, and help is there at 988."),
    "SRC002": words(
        "The first clinical use of ketamine was in the Vietnam War to treat troops with battle wounds.",
        "It has been used for many years to put people to sleep for surgery.",
    ),
    "TPL005": words("Share by:", "You can share this note with someone you trust."),
    "SUB001": Case(
        lambda: said_of_inbox("What to expect from a TMS session"), lambda: said_of_inbox("What to expect from a visit")
    ),
    "SUB002": Case(lambda: said_of_inbox("READ this now!!"), lambda: said_of_inbox("A few plain words for you")),
    "INS003": words(
        "Your journey begins with a complimentary consultation to discuss it.",
        "Feel free to say little. A first talk is with a clinician.",
    ),
    "INS001": words(
        "While the medication is usually covered by insurance, patients may still have out-of-pocket costs.",
        "Is this care covered by my plan?",
    ),
    "LOC003": words("At the Albany Clinic, we’re here to help you understand your costs.", "We are here to help."),
    "A11Y002": words(
        "Whether you’re considering TMS, antidepressants, or a combination of both, understanding your options can "
        "empower you to make an informed decision about your mental health journey.",
        "Ask us. We will answer as well as we can.",
    ),
}

_WELL = "You can ask them anything, and you decide what comes after that. " * 12

STRUCTURE: Mapping[str, Case] = {
    "FM001": Case(lambda: _unreadable("review_by", "reviewed_by"), list),
    "FM002": Case(lambda: said_of_shipped(today=date(2027, 11, 21)), lambda: said_of_shipped(today=date(2027, 10, 1))),
    "FM004": Case(
        lambda: said_of(email_with(body("Words."), sponsor="A manufacturer")),
        lambda: said_of(email_with(body("Words."), sponsor="none")),
    ),
    "FM005": Case(
        lambda: said_of(email_with(body("Words."), scope={"review_by": date(2027, 11, 21)})),
        lambda: said_of(email_with(body("Words."), scope={"review_by": date(2027, 11, 20)})),
    ),
    "SRC001": Case(
        lambda: said_of(email_with(body("Words."), sources=())),
        lambda: said_of(email_with(body("Words."), sources=("social-anxiety-2025",))),
    ),
    "TPL001": bodies(body("{{ facts.parking }}"), body("{{ location.phone }}")),
    "TPL002": bodies(body("You wrote: {{ lead.message }}"), body("You wrote to {{ location.name }}.")),
    "TPL003": bodies(body("Dear {{ greeting | upper }}"), body("{{ greeting }}")),
    "TPL004": bodies(body("<form action='https://example.com'></form>"), body("Write to us, or call.")),
    "TPL006": Case(
        lambda: said_of_body(body('{% if location.id == "albany" %}Here.{% endif %}')),
        lambda: said_of_body(body('{% if location.id == "albany" %}Here.{% endif %}'), BOTH),
    ),
    "LEN001": bodies(body("Short."), body(_WELL)),
    "CTA001": bodies(body(CALL), body("One more thing.")),
    "MED001": bodies(
        body("Ketamine is a type of anesthetic, with its origins dating back to the 1960s."),
        body("Ketamine is an anesthetic.", before_button=RISKS),
    ),
    "MED002": bodies(
        body("Spravato is an FDA-approved nasal spray that contains esketamine."),
        body("Spravato is a nasal spray.", before_button='{{ block("spravato") }}'),
    ),
    "MED003": bodies(
        body("Ketamine infusion therapy can help.", before_button='{{ block("off-label") }}'),
        body("Ketamine is an anesthetic.", before_button='{{ block("off-label") }}'),
    ),
    "MED004": bodies(
        body("TMS therapy is a noninvasive procedure."),
        body("TMS is done with a device.", before_button='{{ block("tms-risks") }}'),
    ),
    "FTR001": Case(
        lambda: said_of_shipped(catalog=with_block("footer", "{{ clinic.address }}", "")), lambda: said_of_shipped()
    ),
    "FTR002": Case(
        lambda: said_of_shipped(catalog=with_block("footer", "[Unsubscribe]({{ links.unsubscribe }})", "")),
        lambda: said_of_shipped(),
    ),
    "FTR003": Case(
        lambda: said_of_shipped(catalog=with_block("crisis", "call 911", "call for help")), lambda: said_of_shipped()
    ),
    "FTR004": Case(
        lambda: said_of_shipped(catalog=with_block("footer", "not medical advice", "not more than that")),
        lambda: said_of_shipped(),
    ),
    "FTR005": bodies(body("[Unsubscribe]({{ links.unsubscribe }})"), body("Each note has a link to stop them.")),
    "LOC001": bodies(
        body("It’s essential to use ketamine under medical supervision, such as our clinic in Albany."),
        body("The Albany Clinic, our Albany Clinic in Carbondale."),
    ),
    "LOC004": words("Call us at 212-555-0100.", "Call us at {{ location.phone }}, or dial 988 at any hour."),
    "LOC002": bodies(
        body("Ask about Spravato."),
        body("Ask about IV ketamine.", before_button=RISKS),
        ALBANY,
    ),
    "CLM001": bodies(
        body("You take each dose at the clinic with medical staff there."),
        body("You come to the clinic for each visit."),
    ),
    "CLM002": Case(
        lambda: check_all_claims(
            with_claim("plan-is-yours", says=_says("care-goes-on").replace("see how", "look how"))
        ),
        lambda: check_all_claims(shipped.catalog()),
    ),
    "CLM003": Case(
        lambda: said_of(email_with(body('{{ claim("spravato-what") }}'), claims=("spravato-what",))),
        lambda: said_of(
            email_with(
                body('{{ claim("spravato-what") }}', before_button='{{ block("spravato") }}'), claims=("spravato-what",)
            )
        ),
    ),
    "CLM004": Case(
        lambda: said_of(email_with(body('{{ claim("ptsd-what") }}'), claims=("ptsd-what",))),
        lambda: said_of(email_with(body('{{ claim("plan-is-yours") }}'), claims=("plan-is-yours",))),
    ),
    "CLM005": Case(
        lambda: said_of(email_with(body("Words."), claims=("plan-is-yours",))),
        lambda: said_of(email_with(body('{{ claim("plan-is-yours") }}'), claims=("plan-is-yours",))),
    ),
    "PRV001": bodies(
        body("[Our film](https://video.example.org/1?utm_source=mail)"),
        body("[Our pages](https://albanyclinic.example.com/visit)"),
    ),
    "PRV002": Case(
        lambda: said_of_shipped(catalog=_with_image('width="1" height="1"')),
        lambda: said_of_shipped(catalog=_with_image('width="100" height="40"')),
    ),
    "PRV003": bodies(body("[Choose]({{ links.choose }}?about=depression)"), body("[Choose]({{ links.choose }})"), BOTH),
    "LNK001": bodies(
        body("[click here](https://albanyclinic.example.com/)"),
        body("[how to find us](https://albanyclinic.example.com/)"),
    ),
    "LNK002": bodies(
        body(" ".join(f"[Page {number}](https://albanyclinic.example.com/{number})" for number in range(7))),
        body("[Our pages](https://albanyclinic.example.com/visit)"),
    ),
    "A11Y001": Case(
        lambda: said_of_shipped(catalog=with_layout("color: #23302b; }", "color: #8a8f8c; }")),
        lambda: said_of_shipped(),
    ),
    "SIZ001": bodies(body("\n\n".join(["A word or two that is said again."] * 2000)), body("Short.")),
    "MIM001": Case(
        lambda: said_of_wire(
            drafts.catalog_of(email_with(body("Words."), subject="A visit\nBcc: someone@example.com"))
        ),
        lambda: said_of_wire(drafts.catalog_of(email_with(body("Words."), subject="A visit – “what to ask” ☀ Zoë"))),
    ),
    "PRV004": Case(
        lambda: said_of_wire(with_place(Location.CARBONDALE, reply_to="ketamine@albanyclinic.example.com")),
        lambda: said_of_wire(shipped.catalog()),
    ),
    "SUB003": Case(
        lambda: said_of_wire(with_place(Location.CARBONDALE, sender_name="The Albany Clinic")),
        lambda: said_of_wire(shipped.catalog()),
    ),
    "SEQ001": Case(
        lambda: said_of_sequences(with_step("ptsd", "session", wait=timedelta(hours=47))),
        lambda: said_of_sequences(with_step("ptsd", "session", wait=timedelta(hours=48))),
    ),
    "SEQ002": Case(
        lambda: said_of_sequences(with_sequence("tms", steps=_steps("tms")[:4])),
        lambda: said_of_sequences(with_sequence("tms", steps=_steps("tms")[:5])),
    ),
    "SEQ003": Case(
        lambda: said_of_sequences(with_step("tms", "insurance", wait=timedelta(days=30))),
        lambda: said_of_sequences(with_step("tms", "insurance", wait=timedelta(days=9))),
    ),
    "SEQ004": Case(
        lambda: said_of_sequences(with_step("ptsd", "session", email="pain-options")), lambda: said_of_sequences()
    ),
    "SEQ005": Case(
        lambda: said_of_sequences(with_sequence("ptsd", steps=_steps("ptsd")[1:])), lambda: said_of_sequences()
    ),
    "SEQ006": Case(lambda: said_of_sequences(with_sequence("general", steps=())), lambda: said_of_sequences()),
    "WAI001": Case(lambda: _waived(date(2026, 11, 21)), lambda: _waived(date(2026, 12, 1))),
}

CASES: Mapping[str, Case] = {**WORDS, **STRUCTURE}


def _says(claim: str) -> str:
    return shipped.catalog().claims[claim].says


def _steps(sequence: str) -> tuple[Step, ...]:
    return shipped.catalog().sequences[sequence].steps


def _with_image(size: str) -> Catalog:
    image = f'<img src="https://albanyclinic.example.com/i.png" alt="A tree" {size}>'
    return with_layout("{{ content }}", image + "{{ content }}")
