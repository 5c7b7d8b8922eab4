"""What the embedded form says, in each language that a form may have."""

from __future__ import annotations

from collections.abc import Mapping

from worker.domain.leads import Language

WORDS: Mapping[Language, Mapping[str, str]] = {
    Language.ENGLISH: {
        "email": "Email address",
        "phone": "Phone number",
        "first_name": "First name",
        "location": "Which clinic?",
        "undecided": "Not sure yet",
        "message": "Your message (optional)",
        "send": "Send my request",
        "sending": "Sending…",
        "check": "Please look at this again.",
        "later": "We can't be reached just now. What you typed is kept here, and we keep trying.",
        "thanks": "Thank you. We have your request; its number is",
        "help": "Need help right now? Call or text 988, at any hour.",
        "alone": "You do not have to carry this alone.",
        "crisis": "Please call or text 988 now. People there listen, day and night. In immediate danger, call 911.",
        "call": "Call 988",
        "text": "Text 988",
    },
    Language.SPANISH: {
        "email": "Correo electrónico",
        "phone": "Número de teléfono",
        "first_name": "Nombre",
        "location": "¿Qué clínica?",
        "undecided": "Todavía no sé",
        "message": "Su mensaje (opcional)",
        "send": "Enviar mi solicitud",
        "sending": "Enviando…",
        "check": "Por favor, revise esto.",
        "later": "No logramos recibirla ahora. Lo que escribió sigue aquí y seguimos intentando.",
        "thanks": "Gracias. Tenemos su solicitud; su número es",
        "help": "¿Necesita ayuda ya? Llame al 988 (oprima 2) o envíe AYUDA al 988, a cualquier hora.",
        "alone": "No tiene que enfrentar esto a solas.",
        "crisis": "Llame ya al 988 (oprima 2), a cualquier hora. Si hay peligro inmediato, llame al 911.",
        "call": "Llamar al 988",
        "text": "Escribir al 988",
    },
}
