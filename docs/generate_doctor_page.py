"""Write `docs/operators/doctor.md` from the doctor's own catalogue: `python docs/generate_doctor_page.py`."""

from __future__ import annotations

from pathlib import Path

from worker.doctor.catalogue import GROUPS
from worker.doctor.finding import Check

PAGE = Path(__file__).parent / "operators" / "doctor.md"

OPENING = """\
# The doctor

<!-- Written by docs/generate_doctor_page.py from worker/doctor/catalogue.py. Change it there. -->

`nurture doctor` looks at everything that the product stands on, changes nothing, and sends nothing. Run it before
the first real email, after each change of provider or DNS, and once a week from a timer.

    nurture doctor                                as the settings say
    nurture doctor --selector clinic1             with the DKIM selector that the provider shows
    nurture doctor --dns 192.0.2.53               ask this name server, such as the domain's own
    nurture doctor --json                         for programs

It exits with 1 when something has **failed**. A **warning** asks for a look. What is **skipped** does not concern this
installation, or could not be told. All looks run at once; one that hangs is given up after five seconds (DNS: ten).

While mail stays on this machine (`outbox:`), DNS and provider are not looked at unless `--dns` is given. The domains
are those of `templates/email/clinic.toml`, as published: the senders' for SPF, DKIM and DMARC, those of replies for MX.
The public address is asked from this machine, by its public name: what only someone outside would see, it can't.

SPF, DMARC and MTA-STS are read by the library checkdmarc, DMARC as of RFC 9989: the record is found by walking up the
tree of names, and `pct`, `rf` and `ri` are no more.

Ids that begin with NRT-E are about [settings](README.md#check-ids).
"""


def render() -> str:
    """The whole page."""
    return OPENING + "".join(_group(title, checks) for title, checks in GROUPS)


def _group(title: str, checks: tuple[Check, ...]) -> str:
    rows = "".join(f"| `{check.id}` | {check.asks} | {check.means} | {check.fix} |\n" for check in checks)
    return f"\n## {title}\n\n| id | looks whether | if not | do |\n| --- | --- | --- | --- |\n{rows}"


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    print(f"wrote {PAGE}")
