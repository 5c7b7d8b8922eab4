"""Every setting, once: name, default, unit, help. Checked at start; printed without secrets.

Environment variables have the prefix `NURTURE_`; each may be given as `NURTURE_…_FILE` instead, the path
of a file that holds the value (Docker and Kubernetes secrets).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from functools import cached_property
from ipaddress import ip_network
from pathlib import Path
from typing import Any, Literal

import limits
from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.broker_address import embedded_socket, for_client, socket_url
from worker.domain.manners import Manners
from worker.errors import ConfigurationError
from worker.reach import Reach
from worker.send_rates import read_manners

PREFIX = "NURTURE_"
ROOT = Path(__file__).resolve().parent.parent
"""Where `worker/`, `templates/` and `celeryconfig.py` stand side by side."""

TEMPLATES = ROOT / "templates" / "email"


_FEEDBACK_SECRET = "feedback_secret_"
FEEDBACK_PROVIDERS = ("ses", "postmark", "mailgun", "resend", "sendgrid")
"""Providers whose webhooks we understand; each has a setting for its secret."""


class Environment(StrEnum):
    """`PRODUCTION` refuses whatever is only good enough for trying out."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Settings(BaseSettings):
    """The product's settings. Frozen; made by `load_settings`."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    env: Environment = Field(Environment.DEVELOPMENT, description="development, or production, which refuses defaults")
    state_dir: Path = Field(Path(".local"), description="where the embedded parts keep everything")
    database_url: str = Field(
        "", repr=False, description="empty: SQLite in the state folder; postgresql+psycopg://… in production"
    )
    redis_url: str = Field(
        "", repr=False, description="empty: an embedded Valkey in the state folder; any Redis or Valkey else"
    )
    bind: str = Field("127.0.0.1:8600", description="address and port of the web process")
    spool_dir: Path | None = Field(None, description="empty: spool in the state folder; one per intake host")
    mail_url: str = Field(
        "outbox:",
        repr=False,
        description="outbox: keeps mail on this machine; else smtp, smtps, ses, postmark, mailgun, resend or sendgrid",
    )
    dkim_key: str = Field("", repr=False, description="RSA private key in PEM: signs what goes to an SMTP relay")
    dkim_selector: str = Field("nurture", description="name of that key in DNS")
    dkim_domain: str = Field("", description="domain that signs; empty: the one of each From")
    secret_keys: str = Field("", repr=False, description="key ring, id:base64,…; the first one seals")
    public_url: str = Field("", description="base of every link in emails; empty: http:// and BIND")
    clock_speed: float = Field(
        1.0, description="product seconds per real second; 1440 = a day a minute; not in production"
    )
    alert_url: str = Field(
        "", repr=False, description="where staff alerts go: mailto:…, https://…; empty: files in the state folder"
    )
    drafts: Literal["auto", "files", "database"] = Field(
        "auto",
        description="where the studio keeps drafts; auto: in the files in development where they can be written",
    )
    second_approval: bool = Field(
        False, description="whoever wrote a change in the studio can't publish it: a second person does"
    )
    ping_url: str = Field(
        "", repr=False, description="called each minute while all is well, so that a watchman outside notices silence"
    )
    log_level: str = Field("INFO", description="DEBUG, INFO, WARNING or ERROR")
    send_rate: str = Field(
        "", description="14/second, gmail 5/second, …: most emails sent, and most to one kind of mailbox; or off"
    )
    warm_up: str = Field("", description="2026-12-01: 20 40 80: first day, and each day's cap on educational emails")
    dns_server: str = Field(
        "", description="name server that the doctor asks, address or address:port; empty: the system's"
    )
    rate_limit: str = Field("60/minute", description="posts per client and address, or off")
    trusted_proxies: str = Field("", description="addresses whose X-Forwarded-For is believed, separated by commas")
    turnstile_site_key: str = Field("", description="Cloudflare Turnstile on forms with `captcha`: the public key")
    turnstile_secret: str = Field("", repr=False, description="and its secret; empty: no CAPTCHA anywhere")
    turnstile_url: str = Field("", description="where its tokens are checked; empty: Cloudflare's own address")
    private_hosts: str = Field(
        "", description="hosts in your own network that may be called (alerts), separated by commas"
    )
    esp_baa_date: str = Field(
        "", description="date of the agreement with the mail provider, YYYY-MM-DD; production needs it"
    )

    duda_api: str = Field(
        "", repr=False, description="user:password of Duda's Partner API, for: nurture forms reconcile"
    )
    feedback_secret_ses: str = Field(
        "", repr=False, description="ARN of the SNS topic that SES publishes its events to"
    )
    feedback_secret_postmark: str = Field("", repr=False, description="user:password in the address of its webhook")
    feedback_secret_mailgun: str = Field("", repr=False, description="HTTP webhook signing key of the account")
    feedback_secret_resend: str = Field("", repr=False, description="signing secret of its webhook, whsec_…")
    feedback_secret_sendgrid: str = Field("", repr=False, description="verification key of its signed event webhook")
    feedback_imap: str = Field(
        "",
        repr=False,
        description="mailboxes to read bounces and replies from, imaps://user:password@host/INBOX, by commas",
    )

    @field_validator("log_level")
    @classmethod
    def _known_level(cls, value: str) -> str:
        if value.upper() not in {"DEBUG", "INFO", "WARNING", "ERROR"}:
            raise ValueError("must be DEBUG, INFO, WARNING or ERROR")
        return value.upper()

    @field_validator("rate_limit")
    @classmethod
    def _a_limit(cls, value: str) -> str:
        if value != "off":
            limits.parse(value)
        return value

    @field_validator("send_rate")
    @classmethod
    def _rates(cls, value: str) -> str:
        read_manners(value, "", "")
        return value

    @field_validator("warm_up")
    @classmethod
    def _daily_caps(cls, value: str) -> str:
        read_manners("", value, "")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _networks(cls, value: str) -> str:
        for part in filter(None, (part.strip() for part in value.split(","))):
            ip_network(part)
        return value

    @field_validator("bind")
    @classmethod
    def _address_and_port(cls, value: str) -> str:
        host, _, port = value.rpartition(":")
        if not host or not port.isdigit():
            raise ValueError("must be ADDRESS:PORT, such as 127.0.0.1:8600")
        return value

    @field_validator("esp_baa_date")
    @classmethod
    def _a_date(cls, value: str) -> str:
        if value:
            date.fromisoformat(value)
        return value

    @field_validator("redis_url")
    @classmethod
    def _a_broker(cls, value: str) -> str:
        if value and not value.startswith(("redis://", "rediss://", "unix://", "redis+socket://", "sentinel://")):
            raise ValueError("must begin with redis://, rediss://, unix:// or sentinel://")
        return value

    @field_validator("database_url")
    @classmethod
    def _a_database(cls, value: str) -> str:
        if value and not value.startswith(("sqlite:///", "postgresql+psycopg://")):
            raise ValueError("must begin with postgresql+psycopg:// or sqlite:///")
        return value

    @field_validator("clock_speed")
    @classmethod
    def _not_backwards(cls, value: float) -> float:
        if value < 0:
            raise ValueError("must not be negative")
        return value

    @property
    def is_production(self) -> bool:
        """True in production."""
        return self.env is Environment.PRODUCTION

    @cached_property
    def state(self) -> Path:
        """The state folder, absolute."""
        return self.state_dir.resolve()

    @property
    def database(self) -> str:
        """The database's URL."""
        return self.database_url or f"sqlite:///{self.state / 'lead.db'}"

    @property
    def broker(self) -> str:
        """The broker's address, as redis-py spells it."""
        return for_client(self.redis_url) if self.redis_url else socket_url(embedded_socket(self.state))

    @property
    def spool(self) -> Path:
        """The spool folder."""
        return (self.spool_dir or self.state / "spool").resolve()

    @property
    def draft_folder(self) -> Path | None:
        """The folder in which the studio writes drafts; None: in the database. A host that is thrown away or one of
        several must not keep them, so production says so where its files are meant."""
        writable = os.access(TEMPLATES, os.W_OK) and not self.is_production
        return TEMPLATES if self.drafts == "files" or (self.drafts == "auto" and writable) else None

    @property
    def reach(self) -> Reach:
        """Which hosts the product may call; this machine's own in development only."""
        return Reach.parse(self.private_hosts, allows_loopback=not self.is_production)

    @property
    def links(self) -> str:
        """The base of links, without a closing slash."""
        return (self.public_url or f"http://{self.bind}").rstrip("/")

    @property
    def feedback_secrets(self) -> dict[str, str]:
        """The secret of each provider whose webhook is heard."""
        given = {name: getattr(self, f"{_FEEDBACK_SECRET}{name}") for name in FEEDBACK_PROVIDERS}
        return {name: secret for name, secret in given.items() if secret}

    @property
    def manners(self) -> Manners:
        """How fast mail may go out."""
        return read_manners(self.send_rate, self.warm_up, self.mail_url)


def load_settings(environment: Mapping[str, str] | None = None, **overrides: Any) -> Settings:
    """Read the environment. Raises ConfigurationError, which names each bad setting and never quotes a value."""
    given = os.environ if environment is None else environment
    values = {name: _value(given, name) for name in Settings.model_fields}
    try:
        settings = Settings(**{name: value for name, value in values.items() if value is not None} | overrides)
    except ValidationError as error:
        names = ", ".join(f"{PREFIX}{str(problem['loc'][0]).upper()}: {problem['msg']}" for problem in error.errors())
        raise ConfigurationError("NRT-E001", names, "see docs/configuration.md") from None
    check_production(settings)
    return settings


def check_production(settings: Settings) -> None:
    """Refuse, in production, what would expose or confuse people. Raises ConfigurationError."""
    if not settings.is_production:
        return
    problems = {
        "NRT-E002": (settings.clock_speed != 1, "NURTURE_CLOCK_SPEED must be 1", "unset it"),
        "NRT-E003": (not settings.esp_baa_date, "NURTURE_ESP_BAA_DATE is not set",
                     "sign the agreement with the mail provider and give its date"),
        "NRT-E004": (not settings.public_url.startswith("https://"), "NURTURE_PUBLIC_URL is not https",
                     "give the address under which people reach this host"),
        "NRT-E005": (not settings.database_url, "NURTURE_DATABASE_URL is not set", "give a postgresql+psycopg:// URL"),
        "NRT-E008": (settings.mail_url == "outbox:", "NURTURE_MAIL_URL is outbox:, so no email would leave", "give smtps://…"),
        "NRT-E006": (not settings.redis_url, "NURTURE_REDIS_URL is not set", "give a redis:// URL"),
    }  # fmt: skip
    for check_id, (is_wrong, problem, hint) in problems.items():
        if is_wrong:
            raise ConfigurationError(check_id, problem, hint)


def _value(given: Mapping[str, str], name: str) -> str | None:
    direct, by_file = f"{PREFIX}{name.upper()}", f"{PREFIX}{name.upper()}_FILE"
    if by_file in given:
        try:
            return Path(given[by_file]).read_text(encoding="utf-8").strip()
        except OSError:
            raise ConfigurationError(
                "NRT-E007", f"the file of {by_file} can't be read", "check its path and rights"
            ) from None
    return given.get(direct)
