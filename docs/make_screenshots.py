"""Takes the pictures of docs/staff/preview.md: the studio with the shipped emails, on a pinned day.

.venv/bin/python docs/make_screenshots.py

It needs Chromium and the development packages. Each picture gets a palette, so that it stays small.
"""

from __future__ import annotations

import contextlib
import shutil
import struct
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.support.serving import serving
from worker.console.studio.app import create_preview_app, preview_studio
from worker.settings import TEMPLATES, load_settings

IMAGES = Path(__file__).parent / "staff" / "images"
NOW = datetime(2026, 3, 6, 18, 0, tzinfo=UTC)
WIDE, PHONE = {"width": 1280, "height": 800}, {"width": 375, "height": 740}
FIRST_VISIT = "/email/first-visit?sequence=depression"
CALENDAR = "/calendar?location=carbondale&condition=depression&submitted_at=2026-03-06T22:15"
SHOTS = {
    "preview-email": (FIRST_VISIT, WIDE),
    "preview-everyone": (f"{FIRST_VISIT}&view=everyone", WIDE),
    "preview-sequence": ("/sequence/depression", WIDE),
    "preview-calendar": (CALENDAR, WIDE),
    "preview-phone": (FIRST_VISIT, PHONE),
}
MOST_BYTES = 150_000


@contextlib.contextmanager
def running_studio(drafts: Path, state: Path) -> Iterator[str]:
    """A studio of these drafts; its address."""
    studio = preview_studio(drafts, load_settings({}, state_dir=state), test_to=["me@example.com"], now=lambda: NOW)
    with serving(create_preview_app(studio)) as address:
        try:
            yield f"{address}/studio"
        finally:
            studio.stop()


def take(page: Page, url: str, name: str) -> None:
    """One picture, once lint has spoken and every frame is there."""
    page.goto(url, wait_until="networkidle" if "view=everyone" in url else "load")
    expect(page.locator("#status")).to_have_text("Live")
    expect(page.locator("[data-pending]")).to_have_count(0)
    picture = with_palette(page.screenshot())
    assert len(picture) < MOST_BYTES, (name, len(picture))
    (IMAGES / f"{name}.png").write_bytes(picture)
    print(f"{name}.png  {len(picture) / 1024:.0f} KB")


def main() -> None:
    """Take them all."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        drafts = Path(shutil.copytree(TEMPLATES, Path(folder) / "email"))
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        with running_studio(drafts, Path(folder) / "state") as url:
            for name, (path, size) in SHOTS.items():
                page = browser.new_page(viewport=size)
                take(page, url + path, name)
                page.close()
            email = drafts / "emails" / "first-visit.md"
            text = email.read_text(encoding="utf-8")
            page = browser.new_page(viewport=WIDE)
            email.write_text(text.replace('subject = "What', 'subject = "A miracle: what'), encoding="utf-8")
            take(page, f"{url}{FIRST_VISIT}&view=source", "preview-lint")
            email.write_text(text.replace("{{ slot.topic }}", "{{ slot.topik }}"), encoding="utf-8")
            take(page, url + FIRST_VISIT, "preview-fault")
        browser.close()


def with_palette(png: bytes) -> bytes:
    """The same picture with its 256 most frequent colours: a third of the size."""
    width, height, rows = pixels(png)
    counted = Counter(row[at : at + 3] for row in rows for at in range(0, len(row), 3))
    palette = [colour for colour, _ in counted.most_common(256)]
    index = {colour: number for number, colour in enumerate(palette)}
    for colour in counted.keys() - index.keys():
        index[colour] = min(range(len(palette)), key=lambda number: distance(palette[number], colour))
    lines = [b"\0" + bytes(index[row[at : at + 3]] for at in range(0, len(row), 3)) for row in rows]
    return b"".join(
        [
            png[:8],
            chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            chunk(b"PLTE", b"".join(palette)),
            chunk(b"IDAT", zlib.compress(b"".join(lines), 9)),
            chunk(b"IEND", b""),
        ]
    )


def pixels(png: bytes) -> tuple[int, int, list[bytes]]:
    """Width, height and rows of an 8-bit RGB picture, its filters undone (PNG specification, section 9)."""
    at, data, width, height = 8, b"", 0, 0
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        if kind == b"IHDR":
            width, height, *form = struct.unpack(">IIBBBBB", body)
            assert form == [8, 2, 0, 0, 0], "a picture without transparency"
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    raw, stride = zlib.decompress(data), 3 * width + 1
    rows, above = [], bytes(stride - 1)
    for start in range(0, len(raw), stride):
        above = unfiltered(raw[start], bytearray(raw[start + 1 : start + stride]), above)
        rows.append(above)
    return width, height, rows


def unfiltered(kind: int, row: bytearray, above: bytes) -> bytes:
    """One row as it was before its filter."""
    for at in range(len(row)):
        left, over, corner = (row[at - 3], above[at], above[at - 3]) if at > 2 else (0, above[at], 0)
        guess = (0, left, over, (left + over) // 2, paeth(left, over, corner))[kind]
        row[at] = (row[at] + guess) & 255
    return bytes(row)


def paeth(left: int, over: int, corner: int) -> int:
    """Whichever neighbour is nearest to left + over - corner."""
    return min((left, over, corner), key=lambda one: abs(left + over - corner - one))


def distance(one: bytes, other: bytes) -> int:
    """How different two colours are."""
    return sum((a - b) ** 2 for a, b in zip(one, other, strict=True))


def chunk(kind: bytes, body: bytes) -> bytes:
    """A part of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


if __name__ == "__main__":
    main()
