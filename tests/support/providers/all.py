"""Every stub, by the scheme of its provider's URL."""

from __future__ import annotations

from tests.support.providers.mailgun import MailgunStub
from tests.support.providers.postmark import PostmarkStub
from tests.support.providers.resend import ResendStub
from tests.support.providers.sendgrid import SendGridStub
from tests.support.providers.ses import SesStub
from tests.support.providers.stub import ProviderStub

STUBS: dict[str, type[ProviderStub]] = {
    "ses": SesStub,
    "postmark": PostmarkStub,
    "mailgun": MailgunStub,
    "resend": ResendStub,
    "sendgrid": SendGridStub,
}
