"""A name server of our own on this machine: it answers from a zone file, for any domain that the test writes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from dnslib import RCODE, RR, DNSRecord
from dnslib.server import BaseResolver, DNSHandler, DNSServer


class Zone(BaseResolver):
    """Answers from records as a zone file writes them. `silent` takes questions and never answers."""

    def __init__(self, text: str, *, silent: bool = False) -> None:
        self.records = RR.fromZone(text, origin=".")
        self.silent = silent

    def resolve(self, request: DNSRecord, _handler: DNSHandler) -> DNSRecord:
        reply = request.reply()
        asked = request.q.qname
        kind = request.q.qtype
        here = [record for record in self.records if record.rname == asked]
        for record in here:
            if record.rtype == kind:
                reply.add_answer(record)
        if not here and not any(record.rname.matchSuffix(asked) for record in self.records):
            reply.header.rcode = RCODE.NXDOMAIN
        return reply


class _Handler(DNSHandler):
    def get_reply(self, data: bytes) -> bytes:
        if self.server.resolver.silent:  # type: ignore[attr-defined]
            raise TimeoutError
        return bytes(super().get_reply(data))


class _Quiet:
    """Logs nothing: the server asks for a logger with these methods."""

    def __getattr__(self, _name: str) -> object:
        return lambda *_words: None


@contextmanager
def name_server(text: str, *, silent: bool = False) -> Iterator[str]:
    """The server's address, as `--dns` takes it."""
    servers = _on_one_port(Zone(text, silent=silent))
    for server in servers:  # its own way of starting looks only twice a second whether it should stop
        threading.Thread(target=server.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield f"127.0.0.1:{servers[0].server.server_address[1]}"
    finally:
        for server in servers:
            server.stop()
            server.server.server_close()


def _on_one_port(zone: Zone) -> tuple[DNSServer, DNSServer]:
    """One for UDP and one for TCP. A port that is free for one may be taken for the other: then there is another."""
    options = {"address": "127.0.0.1", "logger": _Quiet(), "handler": _Handler}
    while True:
        udp = DNSServer(zone, port=0, **options)
        try:
            return udp, DNSServer(zone, port=udp.server.server_address[1], tcp=True, **options)
        except OSError:
            udp.server.server_close()
