"""SMTP: finished messages from this process to a mail server, on one connection.

Against smtp-source with one kept connection, which is written in C and waits for each answer; and, with a mail
server 20 ms away, against a new connection for each message, which is how `smtplib` is mostly used.
"""

from __future__ import annotations

from bench.harness import Bench, Report, Target, Way
from bench.mail import by_new_connections, by_provider, by_smtp_source, finished
from bench.servers import long_wire, smtp_sink
from bench.tools import Absent
from worker.delivery.smtp import SmtpProvider, SmtpSettings
from worker.usecases.sending.deliver import GROUP

ROUND_TRIP_S = 0.020


def measure(bench: Bench) -> Report:
    report = Report(title="SMTP, one connection", unit="messages a second")
    with smtp_sink(bench, report) as port:
        _near(bench, report, port)
        with long_wire(port, ROUND_TRIP_S) as far_port:
            _far(bench, report, far_port)
    return report


def _near(bench: Bench, report: Report, port: int) -> None:
    messages, few = finished(bench.number(2000, 20)), bench.number(500, 2)
    provider = _provider(port)
    ways = [
        Way("kept, pipelined, overlapped", lambda: by_provider(provider, messages, GROUP)),
        Way("smtplib, a new connection each", lambda: by_new_connections(port, messages[:few])),
    ]
    try:
        bench.tools.program("smtp-source")
        ways.append(Way("smtp-source -s1, kept", lambda: by_smtp_source(bench, port, len(messages), 1)))
    except Absent as absent:
        report.absent.append(str(absent))
    series = bench.alternate(ways)
    provider.close()
    report.series = [*report.series, *series]
    if len(series) == len(ways) == 3:
        report.targets.append(
            Target(says="against smtp-source on one connection", measured=series[0].over(series[2]), at_least=1.0)
        )


def _far(bench: Bench, report: Report, port: int) -> None:
    messages = finished(bench.number(60, 10))
    provider = _provider(port)
    ours, theirs = bench.alternate(
        [
            Way("20 ms away: kept, pipelined, overlapped", lambda: by_provider(provider, messages, GROUP)),
            Way("20 ms away: smtplib, a new connection each", lambda: by_new_connections(port, messages[:10])),
        ]
    )
    provider.close()
    report.series = [*report.series, ours, theirs]
    report.targets.append(
        Target(says="20 ms away, against a new connection each", measured=ours.over(theirs), at_least=6)
    )


def _provider(port: int) -> SmtpProvider:
    return SmtpProvider(SmtpSettings.from_url(f"smtp://127.0.0.1:{port}?tls=none&helo=bench.example.com"))
