"""The words that many rules share: what names a condition, a treatment, a place of insurance.

From the catalogue of email rules. `KETAMINE` does not match esketamine, which is another product.
"""

from __future__ import annotations

import re

from worker.content.lint.rule import any_of
from worker.domain.leads import Treatment

CONDITION = any_of(
    r"depress\w*", "anxiety", "ptsd", "trauma", "crps", "fibromyalgia", r"neuropath\w*", "chronic pain", "bipolar",
    r"suicid\w*", "mental health", r"psychiatr\w*", "panic",
)  # fmt: skip
KETAMINE = any_of(r"(?<![a-z])ketamine")
SPRAVATO = any_of("spravato", "esketamine")
TMS = any_of(r"\btms\b", "transcranial magnetic")
TREATMENT_NAMES = any_of(KETAMINE.pattern, SPRAVATO.pattern, TMS.pattern)
TELLING = any_of(CONDITION.pattern, TREATMENT_NAMES.pattern)
"""What tells a bystander why someone is written to."""

INSURANCE = any_of(r"\binsur\w*", "medicaid", "medicare", r"\bco-?pay\w*", r"\bcoverage\b", r"\bdeductible")
PAYER = any_of(r"\binsur\w*", "medicaid", "medicare", r"(?<!payment )(?<!treatment )\bplans?\b", r"\bpayers?\b")

SERVICES: dict[Treatment, re.Pattern[str]] = {
    Treatment.IV_KETAMINE: KETAMINE,
    Treatment.SPRAVATO: SPRAVATO,
    Treatment.TMS: TMS,
}
"""How each service is named in an email."""

SERVICE_NAMES = {Treatment.IV_KETAMINE: "IV ketamine", Treatment.SPRAVATO: "Spravato", Treatment.TMS: "TMS"}
