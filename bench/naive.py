"""The usual Celery project, to compare with: a task per lead through the ORM, a task per email from template to mail.

Nothing in it is slow on purpose: templates are compiled once, connections to the database are kept, workers take the
default four messages ahead. `celery -A bench.naive worker`.
"""

from __future__ import annotations

import os
import smtplib
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

from celery import Celery
from sqlalchemy import JSON, ForeignKey, create_engine, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

from bench.letters import BY_NAME
from bench.stages.render import NaiveMail

PREFIX = "naive:"

app = Celery("naive", broker=os.environ.get("BENCH_BROKER", "memory://"))
app.conf.update(task_ignore_result=True, broker_transport_options={"global_keyprefix": PREFIX})


class Base(DeclarativeBase):
    """The tables of a project that keeps only what it must."""


class Lead(Base):
    """A person who asked."""

    __tablename__ = "leads"
    id: Mapped[str] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(index=True)
    fields: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class Email(Base):
    """An email to come, or sent."""

    __tablename__ = "emails"
    id: Mapped[str] = mapped_column(primary_key=True)
    lead_id: Mapped[str] = mapped_column(ForeignKey("leads.id"), index=True)
    template: Mapped[str]
    status: Mapped[str] = mapped_column(index=True)
    due_at: Mapped[datetime]
    sent_at: Mapped[datetime | None]


@cache
def sessions() -> sessionmaker[Session]:
    """One engine a process, made after the fork."""
    return sessionmaker(create_engine(os.environ["BENCH_DATABASE"]))


@cache
def mail(letters: str) -> NaiveMail:
    """The templates, compiled."""
    return NaiveMail(BY_NAME[letters])


@app.task(name="naive.store")  # type: ignore[untyped-decorator]
def store(fields: dict[str, Any]) -> None:
    """A lead, its acknowledgement and its first email, in one transaction."""
    now = datetime.now(UTC).replace(tzinfo=None)
    with sessions()() as session:
        lead = Lead(id=str(uuid4()), email=fields["email"], fields=fields, created_at=now)
        session.add(lead)
        session.flush()
        for template in ("acknowledgement", "first"):
            session.add(Email(id=str(uuid4()), lead_id=lead.id, template=template, status="pending", due_at=now))
        session.commit()


@app.task(name="naive.send")  # type: ignore[untyped-decorator]
def send(email_id: str) -> None:
    """Claim, render, send over a new connection, mark."""
    with sessions()() as session:
        session.execute(update(Email).where(Email.id == email_id).values(status="sending"))
        session.commit()
        email = session.get_one(Email, email_id)
        lead = session.scalars(select(Lead).where(Lead.id == email.lead_id)).one()
        link = f"https://mail.albanyclinic.example.com/u/{email.id}"
        content = mail(email.template).message(lead.fields["first_name"], lead.email, link)
        with smtplib.SMTP("127.0.0.1", int(os.environ["BENCH_SMTP"]), local_hostname="bench.example.com") as connection:
            connection.sendmail("bounce@mail.albanyclinic.example.com", [lead.email], content)
        email.status, email.sent_at = "sent", datetime.now(UTC).replace(tzinfo=None)
        session.commit()
