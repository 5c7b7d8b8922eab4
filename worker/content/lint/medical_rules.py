"""The rules about medical words: what promises too much, hides a risk, compares, or explains as if it were known.

Most come from sentences in the clinic's own articles; section 2 of the email rules counts them.
"""

from __future__ import annotations

import re

from worker.content.lint.finding import Severity
from worker.content.lint.rule import CopyRule, Scope, Unit, any_of
from worker.content.lint.words import TREATMENT_NAMES

_E, _W = Severity.E, Severity.W
_OWN = frozenset({Scope.OWN})
_EVERYWHERE = frozenset({Scope.OWN, Scope.BLOCKS, Scope.INBOX})

_REMEDY = any_of(
    TREATMENT_NAMES.pattern,
    r"\btreatments?\b",
    r"\bmedic(?:ine|ation|ations|ines)\b",
    r"antidepressants?",
    r"\btherap(?:y|ies)\b",
    r"\bdrugs?\b",
    r"\bresults?\b",
    r"\brelief\b",
    r"\boptions?\b",
)
_MECHANISM = any_of(
    "nmda",
    "glutamate",
    "bdnf",
    "neurotroph",
    "amygdala",
    "serotonin",
    "norepinephrine",
    "neurotransmitter",
    r"opioid receptor",
    "insular",
    r"neural (?:connections|circuits)",
    "neuroplasticity",
    "dlpfc",
    "prefrontal",
    r"inflammation",
    r"brain activation",
    r"blocks the activity",
)
_HEDGE = any_of(
    r"\breuptake inhibitors?\b",
    r"\bthought to\b",
    r"\bresearchers think\b",
    r"\bit is thought\b",
    r"\bbeing studied\b",
    r"\bno one yet knows\b",
)

_BETTER = "better|well|good|great|happy|happier|calm|calmer|free|relieved|healthy|healthier|yourself|like yourself"

OVERPROMISING: tuple[CopyRule, ...] = (
    CopyRule(
        id="MED010",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=any_of(
            r"\bguarantee\w*",
            r"(?<!not a )(?<!no )\bcure[sd]?\b",
            r"\bpermanent(?:ly)?\b",
            r"\b100 ?(?:%|percent)",
            r"\brisk-free\b",
            r"\bmiracle\w*",
        ),
        says="'{words}' promises a result.",
        what="guarantee, cure, permanent, 100 %, risk-free, miracle ('not a cure' is fine)",
        why="Nobody can promise a result, and both states forbid it in a clinic's advertising.",
        fix="Say what it is and that results differ from person to person.",
        source="NY Education Law 6530(27); 225 ILCS 60/26(3)",
    ),
    CopyRule(
        id="MED025",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=any_of(
            r"\b(?:works?|worked|effective|suitable|right|helps?|helped|suits?|suited)(?: well)?(?: for)? "
            r"(?:(?:nearly|almost|virtually|practically) (?:all|any|every)\w*|everyone|everybody|anyone|anybody|"
            r"(?:all|most) (?:people|patients|of us|of our|of those|who)|every (?:one|body|patient|person))",
        ),
        unless=any_of(r"\b(?:no|not|nothing|none|nor|never|cannot)\b", r"n[’']t\b"),
        says="'{words}' promises it to everybody.",
        what="works for everyone, helps nearly all who come, suits most patients "
        "('does not work for everyone' is fine)",
        why="No treatment here helps everyone, and to say so is a promise of a result.",
        fix="Say that results differ from person to person.",
        source="NY Education Law 6530(27); 225 ILCS 60/26(3)",
    ),
    CopyRule(
        id="MED026",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=any_of(
            rf"\byou(?:[’']ll| will| are going to)(?: \w+ly| soon| also)? "
            rf"(?:feel|be|get|sleep|live|become|start feeling)(?: \w+ly| so| much| a lot| far)* (?:{_BETTER})\b",
            r"\byour (?:\w+ )?(?:pain|depression|anxiety|symptoms?|mood|fear|panic|life|sleep)"
            r"(?:[’']ll| will| is going to) (?:\w+ly )?(?:go away|disappear|vanish|lift|end|ease|fade|improve|change|"
            r"be gone|(?:be|get) better)\b",
            r"\b(?:will|[’']ll) (?:\w+ly )?(?:heal|relieve|ease|lift|end|stop|fix|reduce) your\b",
        ),
        unless=any_of(r"\b(?:no|not|nothing|none|nobody|nor|never|cannot|whether|hope)\b", r"n[’']t\b"),
        says="'{words}' promises the reader how it will end.",
        what="you will feel better, your pain will ease, it will lift your mood ('nobody can say whether you will feel "
        "better' is fine)",
        why="How it ends for one person cannot be known. A promise that fails is a loss to someone who had hoped.",
        fix="Say what happens at a visit, and that results differ from person to person.",
        source="NY Education Law 6530(27); 225 ILCS 60/26(3)",
    ),
    CopyRule(
        id="MED011",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=any_of(
            r"\bthe best\b",
            r"\bleading\b(?! to)",
            r"#1\b",
            r"\bpremier\b",
            r"\bmost (?:advanced|effective|trusted)\b",
            r"\bexpert-led\b",
            r"\bcutting-edge\b",
            r"\bgroundbreaking\b",
            r"\brevolutionary\b",
            r"\btransformative\b",
            r"\bbreakthrough\b",
            r"\binnovative\b",
            r"\bstate-of-the-art\b",
            r"\bworld-class\b",
            r"\bunmatched\b",
        ),
        says="'{words}' claims to be better than others.",
        what="superlatives: the best, leading, premier, expert-led, groundbreaking, innovative, breakthrough …",
        why="A claim of superior quality is unlawful in both states, and readers have learned to skip it.",
        fix="Leave the word out and say what is there.",
        source="NY Education Law 6530(27); 225 ILCS 60/26",
    ),
    CopyRule(
        id="MED012",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=any_of(
            r"\bdon[’']t (?:let|wait|miss)\b",
            r"\bdo not (?:wait|miss)\b",
            r"\bact now\b",
            r"\bbefore it[’']?s too late\b",
            r"\bregain(?:ing)? control\b",
            r"\breclaim(?:ing)? your life\b",
            r"\blimited (?:spots|time|availability)\b",
            r"\b(?:call|contact|request|schedule|book|sign up)\b[^.?!]{0,80}\btoday\b",
            r"\bhurry (?:up|now|before)\b",
            r"\blast chance\b",
            r"\bhold you back\b",
            r"\bany longer\b",
        ),
        says="'{words}' presses, or plays on fear.",
        what="pressure and fear: 'don't let', 'act now', 'regain control of your life', 'call us today'",
        why="People who ask for help are often worn out. Playing on fear is unlawful in Illinois, and unkind anywhere.",
        fix="Say what they can do and that there is no hurry, as in 'If a question came up, a person can answer it.'",
        source="225 ILCS 60/26(3); NY Education Law 6530(27)(a)(ii)",
    ),
    CopyRule(
        id="MED020",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=any_of(
            r"\b(?:shown|proven|found|known) to (?:be )?(?:\w+ )?(?:effective|help|have|work)\b",
            r"\bhighly effective\b",
            r"\bclinically proven\b",
            r"\bpromising\b",
            r"\bevidence-based\b",
            r"\boptimal results\b",
            r"\b(?:research|studies|evidence|experiments)\b(?: studies)? (?:has|have|show|shows|suggest|suggests)\b",
            r"\bsignificant(?:ly)? (?:reduc|decreas|improv|relie)\w*",
            r"\b(?:reduc|decreas|improv)\w+ significantly\b",
            r"\bsafe and effective\b",
            r"\brobust\b",
        ),
        says="'{words}' states proof.",
        what="proof words: shown to be effective, promising, studies show, evidence-based, significantly improved",
        why="A claim of benefit needs a trial of the same treatment behind it. The articles rest on very small ones.",
        fix="Say that it is being studied, or use a claim from claims.toml.",
        source="FTC Health Products Compliance Guidance, 2022",
    ),
)

RISK_WORDS: tuple[CopyRule, ...] = (
    CopyRule(
        id="MED013",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=any_of(
            r"\b(?:(?:completely|relatively|generally|proven|considered|perfectly) )?safe(?:r|st|ly)?\b",
            r"\b(?:minimal|mild|no|few) side effects\b",
            r"\bside effects are (?:mild|minimal|few)\b",
            r"\bnon-?addictive\b",
            r"\b(?:low|little|no) risk(?: of (?:addiction|dependence|abuse|misuse))?\b",
            r"\bharmless\b",
            r"\bdevelop\w* tolerance\b",
            r"\bwithdrawal symptoms\b",
        ),
        says="'{words}' makes the risk sound small.",
        what="safe, safer, minimal or mild side effects, low risk of addiction, non-addictive, harmless",
        why="Each of these treatments has serious risks; the FDA and journals name clinics that play them down.",
        fix='Say what can happen instead, or use {{ block("ketamine-risks") }}.',
        source="FDA warning on compounded ketamine, 2023; JAMA Netw Open 2023;6(11):e2342210",
    ),
    CopyRule(
        id="MED019",
        severity=_E,
        pattern=any_of(
            r"\b(?:lower|decreas|reduc)\w* (?:heart rate and )?blood pressure\b",
            r"\bblood pressure (?:\w+ )?(?:falls|drops|goes down|decreases)\b",
        ),
        says="'{words}' is the wrong way round: ketamine raises blood pressure.",
        what="lower or decreased blood pressure as an effect of ketamine",
        why="One article says so and the other says the opposite. The FDA lists a rise.",
        fix='Say that blood pressure can rise, or use {{ block("ketamine-risks") }}.',
        source="FDA warning on compounded ketamine, 2023; claim 3 of the articles",
    ),
    CopyRule(
        id="MED021",
        severity=_E,
        scopes=_OWN,
        unit=Unit.PARAGRAPH,
        pattern=any_of(
            r"\bsuicid\w*", r"\bself-harm\w*", r"\bkill (?:my|your|them)sel\w*", r"\bend (?:my|your|their) li\w+"
        ),
        also=any_of(TREATMENT_NAMES.pattern, r"\btreatments?\b", r"\bcall us\b", r"\bchoose the clinic\b"),
        says="'{words}' stands beside a treatment or a button.",
        what="suicide or self-harm in one paragraph with a treatment or a button",
        why="No treatment here is an answer to suicidal thoughts, and Spravato's label says so. 988 is.",
        fix="Take it out; the footer carries 988 in every email.",
        source="Spravato label, limitation of use",
    ),
    CopyRule(
        id="MED022",
        severity=_W,
        scopes=_OWN,
        unit=Unit.PARAGRAPH,
        pattern=any_of(
            r"\b(?:good|ideal|great) candidate\b",
            r"\bright (?:for you|choice for you)\b",
            r"\byou (?:may |might )?qualify\b",
            r"\bsuitable for you\b",
            r"\bbest option for you\b",
        ),
        unless=any_of(r"\bclinician\b", r"\bphysician\b", r"\bdoctor\b"),
        says="'{words}' lets a reader judge alone whether it suits them.",
        what="self-qualification ('you may be a good candidate') with no clinician in the paragraph",
        why="A list on a page misses what only a clinician asks. The articles' own lists differ.",
        fix="Add who decides: 'A clinician decides, together with you.'",
        source="claim 10 of the articles",
    ),
)

CLAIMS_OF_EFFECT: tuple[CopyRule, ...] = (
    CopyRule(
        id="MED014",
        severity=_E,
        pattern=any_of(
            r"\b(?:faster|quicker|safer|better|more (?:effective|rapid|powerful)\w*)\b",
            r"\bunlike (?:traditional|other|common|typical)\b",
            r"\bwhereas\b",
            r"\bcompared (?:to|with)\b",
            r"\b(?:than|over) (?:traditional|other|common|usual|oral|standard)\b",
            r"\balternative to\b",
            r"\bon the other hand\b",
        ),
        also=_REMEDY,
        says="'{words}' compares treatments.",
        what="one treatment compared with another: faster, safer, better, unlike traditional, more rapid than",
        why="The FDA knows of no evidence that compounded ketamine beats approved drugs; no trial here compares them.",
        fix="Describe one treatment at a time.",
        source="FDA warning on compounded ketamine, 2023; FTC",
    ),
    CopyRule(
        id="MED015",
        severity=_E,
        pattern=any_of(
            r"\bwithin (?:\w+ ){0,2}(?:to \w+ \w+ )?(?:\d+ )?(?:minutes|hours?|days?|weeks?)\b",
            r"\brapid\w*",
            r"\bfast\b(?! asleep)",
            r"\bfast(?:er|-acting)\b",
            r"\bimmediate(?:ly)?\b",
            r"\bquick(?:ly|er)?\b",
            r"\bshortly after\b",
            r"\binstant\w*\b",
            r"\b(?:hours|days|weeks|months) (?:or|to|or even) (?:a |even )?(?:few )?(?:days|weeks|months|years)\b",
            r"\b\d+ hours of\b",
            r"\blong-(?:term|lasting) (?:relief|results|well-being|benefit)",
            r"\bsustained effects?\b",
            r"\b(?:\d+|two|three|four)[- ](?:hours?|days?|weeks?) (?:following|post-treatment|after treatment)\b",
        ),
        unless=any_of(r"\bimmediate (?:danger|side effects)\b"),
        says="'{words}' says how soon, or for how long, it helps.",
        what="how soon or how long a treatment helps: within hours, rapid, fast, immediate, weeks to months",
        why="Such a promise needs a trial behind it. The articles contradict each other by years.",
        fix="Leave the time out and say that results differ from person to person.",
        source="FTC Health Products Compliance Guidance, 2022; claims 6 and 7 of the articles",
    ),
    CopyRule(
        id="MED016",
        severity=_E,
        pattern=any_of(
            r"[“\"]?\bre-?wir\w+",
            r"\bnew brain cells\b",
            r"\bgrowth (?:of|and survival of) (?:new )?(?:brain cells|neurons)\b",
            r"\bregrow\w*",
            r"\brevers(?:e|es|ed|ing)\b",
            r"\brestor(?:e|es|ing)\b[^.]{0,30}\bfunction\b",
            r"\bimprove(?:s)? brain function\b",
            r"\b(?:neuro)?plasticity\b",
            r"\bheal(?:s|ing)? (?:the|your) brain\b",
        ),
        says="'{words}' says that the brain is rebuilt.",
        what="re-wire, new brain cells, reverse, restore function, regrow, neuroplasticity",
        why="No one knows that it does. It is the most stirring claim in the articles, and the least founded.",
        fix="Say 'is thought to act on …', by a claim from claims.toml.",
        source="claim 9 of the articles",
    ),
    CopyRule(
        id="MED017",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=re.compile(
            r"FDA[- ]approv\w+.{0,60}?(?:\btms\b|transcranial|\bdevices?\b)"
            r"|(?:\btms\b|transcranial|\bdevices?\b).{0,60}?FDA[- ]approv\w+",
            re.IGNORECASE,
        ),
        unless=any_of(r"not (?:been )?FDA[- ]approved"),
        says="'{words}': a TMS device is cleared, not approved.",
        what="'FDA-approved' within 60 characters of TMS or a device",
        why="TMS devices are 510(k)-cleared. To call them approved is misbranding.",
        fix="Write 'FDA-cleared for …'.",
        source="21 CFR 807.97",
    ),
    CopyRule(
        id="MED018",
        severity=_E,
        scopes=_EVERYWHERE,
        pattern=re.compile(
            r"FDA[- ]approv\w+.{0,40}?(?<![a-z])ketamine|(?<![a-z])ketamine.{0,40}?FDA[- ]approv\w+", re.IGNORECASE
        ),
        unless=any_of(r"\bnot (?:been )?(?:FDA[- ])?approved\b"),
        says="'{words}': IV ketamine is not approved for what the clinic uses it for.",
        what="'FDA-approved' within 40 characters of ketamine, without 'not'",
        why="Ketamine is approved as an anesthetic only. Its use for mood or pain is off-label.",
        fix='Use {{ block("off-label") }}.',
        source="FDA warning on compounded ketamine, 2023",
    ),
    CopyRule(
        id="MED024",
        severity=_E,
        scopes=_OWN,
        pattern=_MECHANISM,
        unless=_HEDGE,
        says="'{words}' explains how it works as if that were known.",
        what="how a treatment works in the brain, without 'is thought to'",
        why="The articles name five different mechanisms, each as a fact.",
        fix="Say 'is thought to', by a claim from claims.toml.",
        source="claim 9 of the articles",
    ),
)

MEDICAL_RULES: tuple[CopyRule, ...] = (*OVERPROMISING, *RISK_WORDS, *CLAIMS_OF_EFFECT)
