"""From the bytes of a post to one nested value: JSON, urlencoded or multipart, told by the body itself.

Vendors name the wrong content type often enough, so it is not asked.
"""

from __future__ import annotations

import io
import json
import re
from typing import Any
from urllib.parse import parse_qsl

from python_multipart import parse_form
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field

from worker.errors import Unmappable

UNREADABLE = "map_unreadable"
_MAX_FIELDS = 1000
_STEP = re.compile(r"\[([^\[\]]*)\]")


def decode(body: bytes) -> Any:
    """The value of a body. Raises Unmappable."""
    start = body.lstrip()[:2]
    try:
        if start[:1] in {b"{", b"["}:
            return load_json(_text(body))
        pairs = (
            _multipart(body)
            if start == b"--"
            else parse_qsl(_text(body), keep_blank_values=True, max_num_fields=_MAX_FIELDS, strict_parsing=True)
        )
    except (ValueError, RecursionError, FormParserError):
        raise Unmappable(UNREADABLE) from None
    return _nest(pairs)


def split(body: bytes) -> list[bytes]:
    """The posts in a body: a list of objects is as many posts, anything else is one."""
    try:
        data = decode(body)
    except Unmappable:
        return [body]
    if isinstance(data, list) and data and all(isinstance(item, dict) for item in data):
        return [json.dumps(item, ensure_ascii=False).encode() for item in data]
    return [body]


def load_json(text: str) -> Any:
    """As UTF-8 can hold it: JSON may carry half a surrogate pair, which nothing downstream can store."""
    data = json.loads(text)
    written = json.dumps(data, ensure_ascii=False)
    whole = written.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return data if whole == written else json.loads(whole)


def _text(body: bytes) -> str:
    return body.decode("utf-8-sig")


def _multipart(body: bytes) -> list[tuple[str, str]]:
    """The texts of a multipart form; files are left out: health records do not come by form."""
    boundary = body.lstrip().partition(b"\r\n")[0][2:].strip()
    pairs: list[tuple[str, str]] = []

    def keep(field: Field) -> None:
        pairs.append(((field.field_name or b"").decode("utf-8"), (field.value or b"").decode("utf-8")))

    headers = {"Content-Type": b"multipart/form-data; boundary=" + boundary}
    parse_form(headers, io.BytesIO(body.lstrip()), keep, lambda _: None)
    if not body.rstrip().endswith(b"--" + boundary + b"--"):
        raise ValueError("cut off")
    return pairs


def _nest(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """`fields[email][value]=x`, as PHP writes nested values, to nested objects; a repeated name is a list."""
    root: dict[str, Any] = {}
    for name, value in pairs:
        head = name.partition("[")[0]
        path = [head or name, *(_STEP.findall(name[len(head) :]) if head else [])]
        if len(path) > 1 and path[-1] == "":
            path.pop()
        here = root
        for step in path[:-1]:
            inner = here.setdefault(step, {})
            if not isinstance(inner, dict):
                inner = here[step] = {"": inner}
            here = inner
        known = here.get(path[-1])
        here[path[-1]] = value if known is None else [*(known if isinstance(known, list) else [known]), value]
    return root
