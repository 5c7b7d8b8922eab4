"""The pages that a person sees: the form, its answers, and the two links of an email.

Every page carries the 988 lines, works without JavaScript and asks no other host for anything. Values are
escaped by the templates; a title never says anything about health, because titles stay in browser histories.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment

from worker.domain.clinic import Clinic, Place
from worker.domain.forms import Form
from worker.domain.leads import CLINICS, Language, Location, Treatment
from worker.domain.submissions import is_true
from worker.errors import FieldError
from worker.intake.captcha import SCRIPT
from worker.intake.texts import texts
from worker.page_templates import page_templates
from worker.static_files import PALETTE, version_of

STATIC = Path(__file__).parent / "static"
"""The folder to serve under `STATIC_URL`."""

STATIC_URL = "/static"

_ENGLISH = Language.ENGLISH
_LABELS = texts(Language.ENGLISH)["labels"]
"""The fields of the form, which are the same in every language."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Typed:
    """What someone typed, and what was wrong with it."""

    values: Mapping[str, Sequence[str]]
    errors: Sequence[FieldError]

    def text(self, name: str) -> str:
        """What stands in a text field."""
        return next(iter(self.values.get(name, ())), "")

    def has(self, name: str, value: str) -> bool:
        """Whether this choice was made."""
        return value in self.values.get(name, ())

    @property
    def agreed(self) -> bool:
        """Whether the consent box was ticked."""
        return is_true(self.text("consent_email"))

    def problems(self, name: str) -> list[str]:
        """What to say beside a field."""
        return [error.detail for error in self.errors if self.field(error) == name]

    def field(self, error: FieldError) -> str | None:
        """The field that an error is about, which is the id of its first control. None: the whole form."""
        name = error.pointer.removeprefix("/").partition("/")[0]
        return name if name in _LABELS else None


def form_page(
    form: Form,
    clinic: Clinic,
    *,
    values: Mapping[str, Sequence[str]],
    errors: Sequence[FieldError],
    nonce: str,
    token: str,
    captcha_key: str = "",
) -> str:
    """The consultation form; with errors, what was typed is kept and the list of errors gets the focus."""
    said = texts(form.language)
    return _render(
        "form.html",
        clinic,
        form.language,
        form=form,
        typed=_Typed(values=values, errors=errors),
        nonce=nonce,
        token=token,
        captcha_key=captcha_key,
        captcha_script=SCRIPT,
        labels=said["labels"],
        conditions=said["conditions"],
        treatments=_offered(clinic, form.language),
        other_language=next(one for one in Language if one is not form.language),
    )


def thanks_page(clinic: Clinic, language: Language = _ENGLISH, *, reference: str, crisis: bool) -> str:
    """The request arrived. With `crisis`, help that is there right now comes first and largest."""
    return _render("crisis.html" if crisis else "thanks.html", clinic, language, reference=reference)


def problem_page(clinic: Clinic, language: Language = _ENGLISH, *, title: str, detail: str, status: int) -> str:
    """Something did not work: what, how to reach a person, and the way back."""
    return _render("problem.html", clinic, language, title=title, detail=detail, is_ours=status >= 500)


def unsubscribe_page(clinic: Clinic, language: Language = _ENGLISH, *, token: str, done: bool) -> str:
    """One button that stops the emails; after it, that they are stopped."""
    return _render("unsubscribe.html", clinic, language, action=f"/u/{quote(token, safe='')}", done=done)


def preference_page(clinic: Clinic, language: Language = _ENGLISH, *, until: date | None) -> str:
    """What was chosen instead of stopping everything: quiet until a day, or the end of this series."""
    return _render("preference.html", clinic, language, until=_day(until, language) if until else None)


def choose_page(clinic: Clinic, language: Language = _ENGLISH, *, token: str, chosen: Place | None) -> str:
    """The two clinics to choose from; after the choice, what happens next."""
    return _render("choose.html", clinic, language, action=f"/choose/{quote(token, safe='')}", chosen=chosen)


def confirm_page(clinic: Clinic, language: Language = _ENGLISH, *, token: str, done: bool) -> str:
    """One button that lets the emails come again; after it, that they will."""
    return _render("confirm.html", clinic, language, action=f"/confirm/{quote(token, safe='')}", done=done)


def not_found_page(clinic: Clinic, language: Language = _ENGLISH) -> str:
    """There is no such page."""
    return _render("not_found.html", clinic, language)


def _day(day: date, language: Language) -> str:
    said = texts(language)["dates"]
    return said["day"].format(day=day.day, month=said["months"].split()[day.month - 1], year=day.year)


def _offered(clinic: Clinic, language: Language) -> dict[str, str]:
    """Treatments that some place offers; one that not every place offers says where it is."""
    offered: dict[str, str] = {}
    said = texts(language)
    for treatment, words in said["treatments"].items():
        places = [place for place in _places(clinic) if Treatment(treatment) in place.services]
        if len(places) == len(CLINICS):
            offered[treatment] = words
        elif places:
            where = said["form"]["and"].join(f"{place.city}, {place.state}" for place in places)
            offered[treatment] = said["form"]["only_in"].format(treatment=words, places=where)
    return offered


def _places(clinic: Clinic) -> tuple[Place, ...]:
    return clinic.places_of(Location.UNDECIDED)


def _tel(phone: str) -> str:
    """A number as a `tel:` link dials it; one without a country code is American."""
    digits = "".join(character for character in phone if character.isdecimal())
    return f"tel:+1{digits}" if len(digits) == 10 else f"tel:+{digits}"


def _asset(file: Path) -> str:
    """The address of a static file, different for each content, so that browsers may keep it for ever."""
    return f"{STATIC_URL}/{file.name}?v={version_of(file)}"


def _environment() -> Environment:
    environment = page_templates(Path(__file__).parent / "pages")
    environment.filters["tel"] = _tel
    environment.globals["assets"] = {
        file.stem: _asset(file) for file in (PALETTE, *sorted(STATIC.iterdir())) if file.is_file()
    }
    return environment


_ENVIRONMENT = _environment()


def _render(template: str, clinic: Clinic, language: Language, **values: object) -> str:
    said = {"t": texts(language), "language": language}
    return _ENVIRONMENT.get_template(template).render(clinic=clinic, places=_places(clinic), **said, **values)
