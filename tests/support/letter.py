"""A letter to write, of which tests change what they are about."""

from __future__ import annotations

from datetime import UTC, datetime

from worker.delivery.mime import Letter

LETTER = Letter(
    from_name="The Albany Clinic, Carbondale IL",
    from_address="carbondale@mail.albanyclinic.example.com",
    to="maya@example.com",
    reply_to="carbondale@albanyclinic.example.com",
    subject="We have your request",
    text="Hello Maya,\n",
    html="<p>Hello Maya,</p>\n",
    date=datetime(2026, 3, 4, 18, 0, 1, tzinfo=UTC),
    message_id="00000000-0000-5000-8000-000000000000@mail.albanyclinic.example.com",
    unsubscribe_url="https://albanyclinic.example.com/u/AAAAAAAAAAAAAAAAAAAAAA.BBBBBBBBBBBBBBBBBBBBBB",
    list_id="education.mail.albanyclinic.example.com",
    feedback_id="education:carbondale:worker:clinic",
)
