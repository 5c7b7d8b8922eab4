"""The keys that the settings name: what seals, and what signs mail. Apart from the settings, which beat reads too."""

from __future__ import annotations

import os
from pathlib import Path

from worker.delivery.dkim import DkimSigner
from worker.errors import ConfigurationError
from worker.settings import Settings
from worker.storage.sealing import KeyRing, new_key


def dkim_signer(settings: Settings) -> DkimSigner | None:
    """What signs mail to an SMTP relay, if anything. Raises ConfigurationError."""
    if not settings.dkim_key:
        return None
    return DkimSigner.read(settings.dkim_key, settings.dkim_selector, settings.dkim_domain)


def key_ring(settings: Settings) -> KeyRing:
    """The key ring. In development a first key is made in the state folder; production must be given one."""
    if settings.secret_keys:
        return KeyRing.parse(settings.secret_keys)
    if settings.is_production:
        raise ConfigurationError("NRT-E012", "NURTURE_SECRET_KEYS is not set", "make a key with: nurture keys new")
    return KeyRing.parse(_development_key(settings.state))


def _development_key(state: Path) -> str:
    path = state / "keys"
    if not path.exists():
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = state / f"keys.{os.getpid()}"
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_key("dev1") + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)  # of two first starts, one key wins
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    return path.read_text().strip()
