"""Every stub, by the scheme of its provider's URL."""

from __future__ import annotations

from tests.support.providers.resend import ResendStub
from tests.support.providers.stub import ProviderStub

STUBS: dict[str, type[ProviderStub]] = {
    "resend": ResendStub,
}
