"""What the footer of an email must say, in each language that we write in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from worker.domain.leads import Language


@dataclass(frozen=True, slots=True)
class Ending:
    """What both parts must end with. `why`: of an educational email, and of an acknowledgement."""

    why: tuple[str, str]
    crisis: tuple[str, ...]
    advice: str


ENDINGS: Mapping[Language, Ending] = {
    Language.ENGLISH: Ending(
        (
            "You asked The Albany Clinic for a consultation and agreed to receive information by email",
            "You are receiving this because",
        ),
        ("call or text 988", "988lifeline.org", "911", "not monitored for emergencies"),
        "This email is general information, not medical advice",
    ),
    Language.SPANISH: Ending(
        (
            "Usted pidió una consulta a The Albany Clinic y aceptó recibir información por correo electrónico",
            "Recibe este mensaje porque",
        ),
        ("llame al 988 y oprima 2", "AYUDA al 988", "988lifeline.org", "911", "Nadie atiende emergencias"),
        "Este correo es información general, no un consejo médico",
    ),
}
