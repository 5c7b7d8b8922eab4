"""The rules about words, as data. Each knows its words, its reason and what to write instead.

They are heuristics for a second pair of eyes: a person still reads every email before it is published.
"""

from __future__ import annotations

from worker.content.lint.finding import Severity
from worker.content.lint.medical_rules import MEDICAL_RULES
from worker.content.lint.rule import CopyRule, Scope, Unit, any_of
from worker.content.lint.words import INSURANCE, TELLING

_E, _W = Severity.E, Severity.W

INBOX_RULES: tuple[CopyRule, ...] = (
    CopyRule(
        id="SUB001",
        severity=_E,
        waivable=False,
        scopes=frozenset({Scope.INBOX}),
        pattern=any_of(TELLING.pattern, r"\binfusion", r"\btreatment", INSURANCE.pattern, r"\{\{", r"qx\d+personqx"),
        says="'{words}' would show on a locked phone, beside the clinic's name.",
        what="a condition, a treatment, insurance or a name in the subject or preheader",
        why="Whoever sees the phone would learn that its owner asked a clinic for help, and with what.",
        fix="Say what the note is for without naming it, as in 'The choices ahead, in plain words'.",
        source="740 ILCS 110/2; FTC v. GoodRx, BetterHelp",
    ),
)

PROMISE_RULES: tuple[CopyRule, ...] = (
    CopyRule(
        id="INS002",
        severity=_E,
        waivable=False,
        pattern=any_of(
            r"\bmost (?:\w+ ){0,2}(?:insurance|plans|insurers)\b",
            r"\bfully covered\b",
            r"\b(?:maximi[sz]|minimi[sz])\w* (?:your |the |any )?(?:insurance |out-of-pocket )?"
            r"(?:coverage|costs?|benefits?)",
            r"\binsurance-backed\b",
            r"\bno cost to you\b",
        ),
        says="'{words}' promises what only a plan can promise.",
        what="a promise about insurance: most plans, fully covered, insurance-backed, maximize, minimize, no cost",
        why="Whether a plan pays is known case by case. A promise that fails costs a person money, and trust.",
        fix="Say that we can help them ask, and state coverage only by a claim from claims.toml.",
        source="claims 13 and 17 of the articles",
    ),
    CopyRule(
        id="TST001",
        severity=_E,
        waivable=False,
        pattern=any_of(
            r"\btestimonials?\b",
            r"\bsuccess stor(?:y|ies)\b",
            r"\breported cases\b",
            r"\bcases of success\w*",
            r"\b(?:our |many |most )?patients? (?:often |commonly |frequently |usually )?"
            r"(?:say|report|love|tell|experience)\b",
            r"\bpatients who .{0,60}\bfind relief\b",
            r"[”\"],? (?:says|said|wrote|reports)\b",
            r"[”\"]\s*[—–-]\s*[A-Z]",
        ),
        says="'{words}' lets patients speak for a treatment.",
        what="testimonials and what stands in for them: success stories, 'patients report', a quotation with a name",
        why="New York forbids testimonials in a clinic's advertising, and one person's story says nothing of the next.",
        fix="Leave it out, or say that results differ from person to person.",
        source="NY Education Law 6530(27)(a)(iii)",
    ),
    CopyRule(
        id="STA001",
        severity=_E,
        pattern=any_of(
            r"\b\d+(?:\.\d+)? ?(?:%|percent\b)",
            r"\bone[- ](?:third|quarter|half|fifth)\b",
            r"\btwo[- ]thirds\b",
            r"\b(?:\d+|one|two|three) (?:in|out of) (?:\d+|two|three|four|five|ten)\b(?! (?:minutes|days|weeks))",
            r"\bmillions of people\b",
        ),
        unless=any_of(r"(?=.*\b(?:19|20)\d\d\b)(?=.*(?:according to|as (?:counted|reported|published) by|survey of))"),
        says="'{words}' is a figure without its source and year.",
        what="a percentage or fraction without a named source and a year in the same sentence",
        why="A figure ages and belongs to one group of people; without source and year nobody can check it.",
        fix="Name who counted it and when, in the same sentence, or leave the figure out.",
        source="FTC Health Products Compliance Guidance, 2022",
    ),
    CopyRule(
        id="SAFE001",
        severity=_E,
        scopes=frozenset({Scope.OWN, Scope.BLOCKS, Scope.INBOX}),
        pattern=any_of(
            r"\bcommit(?:s|ted|ting)? suicide\b",
            r"\b(?:successful|failed|unsuccessful) (?:suicide |attempt)",
            r"\bsuicide epidemic\b",
            r"\bcompleted suicide\b",
            r"\boverdos\w*",
            r"\bhang(?:s|ed|ing) (?:my|your|him|her)self\b",
            r"\bslit\w* (?:my|your|his|her|their) wrists?\b",
            r"\bshoot\w* (?:my|your|him|her)self\b",
            r"\bfirearms?\b",
        ),
        says="'{words}' is not how to speak of suicide.",
        what="words about suicide that harm: 'commit', 'successful attempt', a method",
        why="Such words add shame or show a way. Safe messaging speaks of help and hope.",
        fix="Say 'died by suicide' or 'suicidal thoughts' where it must be said, name no method, and point to 988.",
        source="Action Alliance Framework for Successful Messaging",
    ),
)

PLACE_RULES: tuple[CopyRule, ...] = (
    CopyRule(
        id="TPL005",
        severity=_E,
        scopes=frozenset({Scope.OUTPUT, Scope.INBOX}),
        pattern=any_of(
            r"\{\{|\}\}|\{%|%\}",
            r"\bTODO\b|\bFIXME\b|\bXXX\b",
            r"\blorem\b",
            r"\bshare by:",
            r"\[\[|\]\]",
            r"\btbd\b",
        ),
        says="'{words}' is left over from writing.",
        what="what is left over in the finished email: template code, notes to oneself, lorem ipsum, 'Share by:'",
        why="It tells a reader that nobody looked.",
        fix="Take it out.",
    ),
    CopyRule(
        id="MED023",
        severity=_W,
        scopes=frozenset({Scope.SOURCE}),
        pattern=any_of(
            r"\b(?:\d+|one|two|three|four|five|six|seven|eight|ten|twelve|twenty|thirty|forty|fifty|sixty)"
            r"(?:\s*(?:-|–|to|or)\s*\w+)?[\s-](?:minutes?|sessions?|infusions?|treatments?|doses?)\b",
            r"\b(?:about|approximately|around) (?:an|one|two) hours?\b",
            r"\b\d+(?:\s*(?:-|–|to)\s*\d+)?[\s-](?:hours?|days?|weeks?|months?)\b",
            r"\btwice[- ]weekly\b",
        ),
        says="'{words}' is typed here; the next change in the clinic won't reach it.",
        what="numbers of minutes, visits or weeks typed by hand",
        why="The articles disagree with each other because each typed its own. One fact per place has one date.",
        fix="Use {{ facts.… }} from clinic.toml, or a claim.",
        source="claim 5 of the articles",
    ),
)

SOURCE_RULES: tuple[CopyRule, ...] = (
    CopyRule(
        id="LOC004",
        severity=_E,
        scopes=frozenset({Scope.SOURCE}),
        pattern=any_of(
            r"(?<![\d-])(?:\+?1[ .-]?)?\(?\d{3}\)?[ .-]\d{3}[ .-]\d{4}(?![\d-])",
            r"\b(?:open|answered?|reach(?:able|ed)?|call|phones?)\b[^.!?]{0,40}?"
            r"\b\d{1,2}(?::\d\d)? ?(?:a\.?m\b|p\.?m\b|o'clock)",
            r"\bopen (?:on )?(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b",
        ),
        says="'{words}' is typed here.",
        what="a phone number, or hours, typed by hand",
        why="A wrong number sends someone who is afraid to a stranger. The clinic's own stand in one place.",
        fix="Use {{ contact }}, {{ location.phone }} or {{ location.hours }}, which are right everywhere.",
    ),
    CopyRule(
        id="INS004",
        severity=_E,
        scopes=frozenset({Scope.SOURCE}),
        pattern=any_of(
            r"\bfull payment\b",
            r"\bpayment is (?:due|required)\b",
            r"\bpaid in full\b",
            r"\bsuperbills?\b",
            r"\bpay (?:in full|up front|upfront)\b",
        ),
        says="'{words}' is one clinic's rule for paying, typed by hand.",
        what="a rule for paying (full payment, superbill, paid up front) typed by hand",
        why="It is one clinic's rule, on one day. A fact of that place has a review date.",
        fix="Use {{ facts.ketamine_payment }}, or leave it out.",
        source="claim 18 of the articles",
    ),
    CopyRule(
        id="SRC002",
        severity=_E,
        pattern=any_of(r"\bVietnam\b", r"\bfound success with traditional treatments?\b", r"\bMDSI\b"),
        says="'{words}' is a known slip of the articles.",
        what="what the articles got wrong: the Vietnam War, 'found success with traditional treatments', MDSI",
        why="One has a word missing that turns its meaning round, one is doubtful, one narrows who Spravato is for.",
        fix="Leave it out.",
        source="claims 11, 15 and 23 of the articles",
    ),
)

COPY_RULES: tuple[CopyRule, ...] = (
    *INBOX_RULES,
    *MEDICAL_RULES,
    *PROMISE_RULES,
    *PLACE_RULES,
    *SOURCE_RULES,
)

UNITS = {Scope.INBOX: Unit.PARAGRAPH, Scope.SOURCE: Unit.PARAGRAPH, Scope.OUTPUT: Unit.PARAGRAPH}
"""Where a scope has no sentences, its rules read a whole piece at a time."""
