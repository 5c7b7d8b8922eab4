"""What a form's program is told in Spanish where the form is: the sentences that a person reads, by their codes.

The codes stay the same in every language, so that programs need not know this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from worker.domain.leads import Language
from worker.errors import FieldError

SENTENCES: Mapping[str, str] = {
    "contact.missing": "Por favor, escriba un correo electrónico o un número de teléfono; así podemos responderle.",
    "email.syntax": "Por favor, escriba un correo electrónico como nombre@example.com.",
    "email.not_ascii": "No podemos escribir a este correo. Por favor, dé otro, o un número de teléfono.",
    "phone.too_short": "Por favor, escriba un número de teléfono como 618-555-0142.",
    "text.too_long": "Por favor, use menos palabras aquí: caben 200 letras.",
    "too-many": "Recibimos muchas solicitudes a la vez. Por favor, espere un minuto e intente otra vez.",
    "not-saved": "No pudimos guardar su solicitud. Por favor, intente otra vez en un momento, o llámenos.",
}


def in_language(errors: Sequence[FieldError], language: Language) -> list[FieldError]:
    """These errors as the readers of a form are told them."""
    if language is not Language.SPANISH:
        return list(errors)
    return [replace(error, detail=SENTENCES.get(error.code, error.detail)) for error in errors]


def sentence(code: str, english: str, language: Language) -> str:
    """One sentence likewise."""
    return SENTENCES.get(code, english) if language is Language.SPANISH else english
