"""Read a post: JSON, urlencoded or multipart, up to 64 KB, into named lists of texts. Nothing is dropped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request

from worker.domain.submissions import Fields

MAX_BODY_BYTES = 64 * 1024
MAX_FIELDS = 200


class Unreadable(Exception):
    """A post that can't be read at all: HTTP status, and why, by a name in `texts`."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status, self.why = status, why


async def read_fields(request: Request) -> Fields:
    """The fields of a post. Raises Unreadable."""
    body = await _read_body(request)
    match _media_type(request):
        case "application/json":
            return _from_json(body)
        case "application/x-www-form-urlencoded":
            return _from_urlencoded(body)
        case "multipart/form-data":
            return await _from_multipart(request, body)
    raise Unreadable(415, "media-type")


def is_json(request: Request) -> bool:
    """True when whoever asks wants JSON back: they sent it, or they accept it and not HTML."""
    accept = request.headers.get("accept", "")
    return _media_type(request) == "application/json" or ("application/json" in accept and "text/html" not in accept)


def _media_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def _read_body(request: Request) -> bytes:
    body = await read_raw(request, MAX_BODY_BYTES)
    if body is None:
        raise Unreadable(413, "too-long")
    return body


async def read_raw(request: Request, at_most: int) -> bytes | None:
    """The bytes of a body; None where there are more than these."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > at_most:
        return None
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > at_most:
            return None
    return bytes(body)


def _from_json(body: bytes) -> Fields:
    try:
        data = json.loads(body)
        if isinstance(data, dict):
            return _collected((name, value) for name, values in data.items() for value in _texts(values))
    except (ValueError, RecursionError):
        raise Unreadable(400, "not-json") from None
    raise Unreadable(400, "not-an-object")


def _texts(value: Any) -> list[str]:
    match value:
        case None:
            return []
        case str():
            return [value]
        case bool():
            return ["true" if value else "false"]
        case list():
            return [text for item in value for text in _texts(item)]
    return [json.dumps(value, ensure_ascii=False)]


def _from_urlencoded(body: bytes) -> Fields:
    try:
        pairs = parse_qsl(body.decode("utf-8"), keep_blank_values=True, max_num_fields=MAX_FIELDS, errors="strict")
    except UnicodeDecodeError:
        raise Unreadable(400, "not-utf-8") from None
    except ValueError:
        raise _too_many() from None
    return _collected(iter(pairs))


async def _from_multipart(request: Request, body: bytes) -> Fields:
    async def stream() -> AsyncIterator[bytes]:
        yield body
        yield b""

    boundary = request.headers.get("content-type", "").partition("boundary=")[2].partition(";")[0].strip(' "')
    if f"--{boundary}--".encode() not in body:
        raise Unreadable(400, "cut-off")
    try:
        form = await MultiPartParser(request.headers, stream(), max_fields=MAX_FIELDS).parse()  # type: ignore[arg-type]
    except (MultiPartException, KeyError, UnicodeDecodeError):
        raise Unreadable(400, "not-multipart") from None
    pairs: list[tuple[str, str]] = []
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            if value.filename or value.size:
                raise Unreadable(415, "files")
            continue
        pairs.append((name, value))
    return _collected(iter(pairs))


def _collected(pairs: Any) -> Fields:
    fields: dict[str, list[str]] = {}
    for count, (name, value) in enumerate(pairs):
        if count >= MAX_FIELDS:
            raise _too_many()
        fields.setdefault(_whole(name), []).append(_whole(value))
    return {name: tuple(values) for name, values in fields.items()}


def _whole(text: str) -> str:
    """The text as UTF-8 can hold it: JSON may carry half a surrogate pair, which nothing downstream can store."""
    return text if text.isascii() else text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _too_many() -> Unreadable:
    return Unreadable(400, "too-many-fields")


def accepted_language(request: Request) -> str:
    """The languages that a browser says its person reads."""
    return request.headers.get("accept-language", "")
