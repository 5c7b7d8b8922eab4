"""What no route answers, told in the language of who asked; programs are told by a header which language it is."""

from __future__ import annotations

import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from tests.unit.shipped import catalog
from worker.intake.error_pages import add_error_pages

PAGE = {"Accept": "text/html"}
SPANISH = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}


class Content:
    """The published content."""

    catalog = catalog()


@pytest.fixture(scope="module")
def http() -> TestClient:
    app = FastAPI()
    add_error_pages(app, Content())

    @app.get("/away")
    def away() -> None:
        raise OperationalError("select", {}, Exception("maya@example.com"))

    @app.get("/broken")
    def broken() -> None:
        raise RuntimeError("maya@example.com")

    return TestClient(app, raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("method", "path", "status", "english", "spanish"),
    [
        ("GET", "/none", 404, "We can't find that page.", "No encontramos esa página."),
        ("DELETE", "/away", 405, "This address does not take that", "Esta dirección no acepta eso"),
        ("GET", "/away", 503, "We can't do this just now", "No podemos hacerlo en este momento"),
        ("GET", "/broken", 500, "Something went wrong on our side", "Algo falló de nuestro lado"),
    ],
)
def test_a_person_reads_what_went_wrong_in_their_language(
    http: TestClient, method: str, path: str, status: int, english: str, spanish: str
) -> None:
    read, leido = http.request(method, path, headers=PAGE), http.request(method, path, headers=PAGE | SPANISH)

    assert (read.status_code, leido.status_code) == (status, status)
    assert f"<h1>{english}</h1>" in read.text.replace("&#39;", "'")
    assert f"<h1>{spanish}</h1>" in leido.text
    assert '<html lang="es">' in leido.text
    assert "maya" not in read.text + leido.text


@pytest.mark.parametrize("path", ["/none", "/broken"])
def test_a_program_is_told_in_which_language_the_sentences_are(http: TestClient, path: str) -> None:
    english, spanish = http.get(path), http.get(path, headers=SPANISH)

    assert (english.headers["Content-Language"], spanish.headers["Content-Language"]) == ("en", "es")
    assert english.json()["type"] == spanish.json()["type"]
    assert english.json()["detail"] != spanish.json()["detail"]
