"""Whoever fills in a form in Spanish is told in Spanish what to mend; programs see the same codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.databases import Databases
from tests.support.serving import intake_of
from tests.support.world import SHIPPED, World
from tests.unit.shipped import catalog
from worker.content.load import load_catalog
from worker.content.render import Renderer
from worker.domain.forms import TokenCheck
from worker.domain.leads import Language, Location
from worker.errors import FieldError, InvalidSubmission
from worker.intake.reading import MAX_BODY_BYTES, MAX_FIELDS
from worker.intake.texts import texts
from worker.usecases.arrival.understand import understand
from worker.usecases.choices.unsubscribe import unsubscribe
from worker.usecases.content.publish import publish
from worker.usecases.sending.compose import make_token

ARRIVAL = Path(__file__).parents[2] / "worker" / "usecases" / "arrival"
MEND = texts(Language.SPANISH)["mend"]


def problems_of(fields: dict[str, list[str]]) -> list[FieldError]:
    with pytest.raises(InvalidSubmission) as caught:
        understand(
            {name: tuple(values) for name, values in fields.items()}, catalog(), datetime.now(UTC), None, TokenCheck()
        )
    return list(caught.value.errors)


@pytest.fixture(scope="module")
def databases(sqlite_databases: Databases) -> Databases:
    """SQLite alone: nothing is asked of the database here."""
    return sqlite_databases


def test_each_form_is_told_in_its_own_language(world: World) -> None:
    spanish = SHIPPED["forms.toml"].replace("[forms.sandbox]\n", '[forms.sandbox]\nlanguage = "es"\n')
    publish(world.database, {**SHIPPED, "forms.toml": spanish}, "Jordan Example")

    def told(http: TestClient, form: str) -> dict[str, str]:
        body: dict[str, Any] = {"form": form, "email": "lucia(at)example.com", "first_name": "L" * 300}
        answer = http.post("/v1/submissions", json=body)
        assert answer.status_code == 422
        assert answer.headers["Content-Language"] == ("es" if form == "sandbox" else "en")
        return {error["code"]: error["detail"] for error in answer.json()["errors"]}

    with intake_of(world) as http:
        in_spanish, in_english = told(http, "sandbox"), told(http, "clinic")

    assert in_spanish == {code: MEND[code] for code in ("email.syntax", "text.too_long")}
    assert in_english.keys() == in_spanish.keys()
    assert not set(in_english.values()) & set(in_spanish.values())


def test_every_problem_that_a_person_can_mend_has_its_sentence_in_spanish() -> None:
    source = "".join((ARRIVAL / name).read_text(encoding="utf-8") for name in ("understand.py", "contact.py"))
    codes = set(re.findall(r'"((?:contact|email|phone|text|form)\.[a-z_]+)"', source)) - {"phone.odd"}

    assert codes == {code for code in MEND if "." in code}


def test_what_a_form_is_told_to_mend_is_what_staff_read_of_it_in_a_table_of_leads() -> None:
    """The two stand apart: a use case knows no page. They must not differ."""
    fields = {"email": ["maya(at)example.com"], "phone": ["1"], "first_name": ["L" * 201], "form": ["none"]}
    told = [
        *problems_of(fields),
        *problems_of({}),
        *problems_of({"phone": ["1"]}),
        *problems_of({"email": ["ñ@example.com"]}),
    ]

    assert {error.code: error.detail for error in told} == {
        code: sentence for code, sentence in texts(Language.ENGLISH)["mend"].items() if "." in code
    }


@pytest.mark.parametrize("language", list(Language))
def test_a_limit_that_is_told_is_the_one_that_holds(language: Language) -> None:
    mend = texts(language)["mend"]

    assert f" {MAX_FIELDS} " in mend["too-many-fields"]
    assert f" {MAX_BODY_BYTES // 1024} KB" in mend["too-long"]


def test_a_problem_of_a_form_is_told_in_its_language_and_one_of_no_form_in_the_browser_s(world: World) -> None:
    with intake_of(world) as http:
        post = {"form": "clinica", "email": "lucia@example.com", "idempotency_key": "k" * 201}
        of_the_form = http.post("/v1/submissions", data=post, headers={"Accept-Language": "en", "Accept": "text/html"})
        headers = {"Content-Type": "text/plain", "Accept-Language": "es", "Accept": "text/html"}
        shown = http.post("/v1/submissions", content=b"email=lucia@example.com", headers=headers)
        gone = http.get("/thanks/none", headers={"Accept-Language": "es"})

    assert (of_the_form.status_code, "<h1>La clave es demasiado larga</h1>" in of_the_form.text) == (400, True)
    assert (shown.status_code, '<html lang="es">' in shown.text) == (415, True)
    assert "No se acepta este tipo de contenido" in shown.text
    assert (gone.status_code, "No encontramos esa página" in gone.text) == (404, True)
    assert 'href="/form?lang=es"' in gone.text


def test_a_person_asks_for_spanish_or_has_a_browser_that_does_and_can_switch(world: World) -> None:
    with intake_of(world) as http:

        def shown(address: str, accepted: str = "en-US") -> str:
            return http.get(address, headers={"Accept-Language": accepted}).text

        english, spanish = shown("/form"), shown("/form?lang=es")
        assert '<html lang="en">' in english
        assert 'href="/form?form=clinic&amp;lang=es"' in english
        assert '<html lang="es">' in spanish
        assert 'name="form" value="clinica"' in spanish
        assert 'href="/form?form=clinica&amp;lang=en"' in spanish
        assert '<html lang="es">' in shown("/form", "es-MX,es;q=0.9")
        assert '<html lang="en">' in shown("/form?form=clinica&lang=en", "es-MX")
        assert '<html lang="en">' in shown("/form?form=sandbox&lang=es"), "it has no translation"
        assert "Enviar mi solicitud" in http.get("/embed.js?form=clinic&lang=es").text
        assert "Send my request" in http.get("/embed.js?form=clinic", headers={"Accept-Language": "es"}).text
        missing = http.get("/u/none", headers={"Accept-Language": "es", "Accept": "text/html"})
        assert (missing.status_code, "No encontramos esa página" in missing.text) == (404, True)


def test_a_post_in_spanish_is_answered_in_spanish_with_an_error_without_and_in_a_crisis(world: World) -> None:
    with intake_of(world) as application, application as http:  # with its threads, which make a post durable
        wrong = http.post("/v1/submissions", data={"form": "clinica", "email": "lucia(at)example.com"})
        right = http.post("/v1/submissions", data={"form": "clinica", "email": "lucia@example.com"})
        danger = {"form": "clinica", "email": "lucia@example.com", "message": "me quiero matar"}
        crisis = http.post("/v1/submissions", data=danger)

    assert wrong.status_code == 422
    assert MEND["email.syntax"] in wrong.text
    assert "lucia(at)example.com" in wrong.text
    assert "Gracias. Tenemos su solicitud." in right.text
    assert "No tiene que enfrentar esto a solas." in crisis.text
    assert "sms:988?body=AYUDA" in crisis.text


@pytest.mark.parametrize(
    ("form", "language", "heading"),
    [
        ("clinica", "es", "¿Quiere dejar de recibir nuestros correos?"),
        ("clinic", "en", "Do you want to stop our emails?"),
    ],
)
def test_the_links_of_a_lead_open_in_the_language_in_which_they_wrote(
    world: World, form: str, language: str, heading: str
) -> None:
    lead_id = world.lead_from(form=form)
    acknowledgement = "acknowledgement-es" if language == "es" else "acknowledgement"
    token = make_token(world.send(acknowledgement, lead_id)["id"], "unsubscribe", world.services.vault.lookup)
    with intake_of(world) as http:
        asked = http.get(f"/u/{token}").text
        stopped = http.post(f"/u/{token}").text

    assert f'<html lang="{language}">' in asked
    assert heading in asked
    assert f'<html lang="{language}">' in stopped


def said(world: World, email: str, lead_id: str) -> str:
    message = message_from_bytes(
        (world.folder / "outbox" / f"{world.send(email, lead_id)['id']}.eml").read_bytes(), policy=policy.default
    )
    return " ".join(part.get_content() for part in message.walk() if not part.is_multipart())


def test_an_answer_in_spanish_is_spanish_down_to_its_footer(world: World) -> None:
    spanish, english = (
        world.lead_from(form=form, email=f"{form}@example.com", location="carbondale") for form in ("clinica", "clinic")
    )
    world.deliver()

    words = said(world, "acknowledgement-es", spanish)
    for phrase in ("oprima 2", "AYUDA al 988", "Recibe este mensaje porque", "no un consejo", "Cancelar la suscripci"):
        assert phrase in words
    for phrase in ("Unsubscribe", "You are receiving", "not medical advice", "In crisis"):
        assert phrase not in words
    assert "Unsubscribe" in said(world, "acknowledgement", english)


def test_someone_who_had_stopped_is_asked_in_spanish_whether_emails_may_come_again(world: World) -> None:
    lead_id = world.lead_from(form="clinica")
    first = world.send("acknowledgement-es", lead_id)["id"]
    unsubscribe(world.services, make_token(first, "unsubscribe", world.services.vault.lookup), "one_click")
    world.jump(timedelta(days=40))
    world.lead_from(form="clinica")
    world.deliver()

    assert "Confírmelo con un clic" in said(world, "acknowledgement-confirm-es", lead_id)


def test_content_from_before_its_spanish_footer_still_ends_as_it_did(world: World) -> None:
    before = {name: text for name, text in SHIPPED.items() if name != "blocks/footer-es.md"}
    renderer = Renderer(load_catalog(before))

    assert "Unsubscribe" in renderer.compiled("acknowledgement-es", Location.ALBANY, None).text
