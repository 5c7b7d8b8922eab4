"""Calls out of the product: to the host that was named, by TLS, within limits, and never to what stands inside."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.world import ScriptedProvider
from worker.delivery.alerts import AlertText, open_alerts
from worker.errors import ConfigurationError, PermanentDeliveryError
from worker.outgoing import AddressRefused, OutgoingError, OutgoingSession
from worker.reach import Reach, is_public

HERE = Reach(allows_loopback=True)


@contextmanager
def answering(
    answer: Callable[[BaseHTTPRequestHandler], None], *, protocol: str = "HTTP/1.0"
) -> Iterator[ThreadingHTTPServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = protocol

        def do_GET(self) -> None:
            self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
            answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def ok(handler: BaseHTTPRequestHandler) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5")
    handler.end_headers()
    handler.wfile.write(b"hello")


INSIDE = [
    "127.0.0.1", "127.8.9.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::1", "ff02::1",
    "::ffff:10.0.0.1", "::ffff:169.254.169.254", "2002:7f00:0001::", "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe",
]  # fmt: skip


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public_however_it_is_spelled(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize("address", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946"])
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize("url", ["http://{}/", "https://{}/"])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "169.254.169.254", "0.0.0.0", "2130706433"])
def test_nothing_inside_is_called_in_production(url: str, host: str) -> None:
    with OutgoingSession(Reach()) as session, pytest.raises(AddressRefused):
        session.get(url.format(host))


def test_a_name_that_points_inside_is_refused_before_a_byte_leaves() -> None:
    with answering(ok) as server, OutgoingSession(Reach()) as session:
        with pytest.raises(AddressRefused):
            session.get(f"https://localhost:{server.server_port}/")
        assert server.asked == []  # type: ignore[attr-defined]


def test_a_name_server_that_changes_its_mind_gains_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: public at the look, inside at the call. There is only one look; the call goes where it looked."""
    asked: list[str] = []
    stock = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *args: Any, **options: Any) -> Any:
        if host != "rebind.example.com":
            return stock(host, port, *args, **options)
        asked.append(host)
        address = "203.0.113.7" if len(asked) % 2 == 0 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    with answering(ok) as server, OutgoingSession(HERE) as session:
        monkeypatch.setattr(socket, "getaddrinfo", rebinding)
        answer = session.get(f"http://rebind.example.com:{server.server_port}/")
        assert answer.text == "hello"
        assert len(asked) == 1, "a second look may tell another address than the one that was judged"
        ((_, headers),) = server.asked  # type: ignore[attr-defined]
        assert headers["Host"].startswith("rebind.example.com")


def test_one_bad_address_among_good_ones_refuses_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 443)) for ip in ("93.184.216.34", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: entries)

    with OutgoingSession() as session, pytest.raises(AddressRefused):
        session.get("https://mixed.example.com/")


def test_a_private_host_is_called_when_the_operator_names_it() -> None:
    reach = Reach.parse("chat.internal.example.com, 127.0.0.1", allows_loopback=False)
    with answering(ok) as server, OutgoingSession(reach) as session:
        assert session.get(f"http://127.0.0.1:{server.server_port}/").text == "hello"
        with pytest.raises(AddressRefused):
            session.get(f"http://localhost:{server.server_port}/")


def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    def elsewhere(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/elsewhere")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with answering(elsewhere) as server, OutgoingSession(HERE) as session:
        assert session.get(f"http://127.0.0.1:{server.server_port}/", allow_redirects=True).status_code == 302
        assert [path for path, _ in server.asked] == ["/"]  # type: ignore[attr-defined]


def test_an_answer_without_end_is_cut_off() -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65536)
        except OSError:
            handler.close_connection = True

    with answering(endless) as server, OutgoingSession(HERE) as session, pytest.raises(OutgoingError):
        session.get(f"http://127.0.0.1:{server.server_port}/")


def test_an_answer_that_stops_is_given_up() -> None:
    stop = threading.Event()

    def stalling(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "100")
        handler.end_headers()
        handler.wfile.write(b"x")
        stop.wait(10)

    with answering(stalling) as server, OutgoingSession(HERE) as session:
        with pytest.raises(OutgoingError):
            session.get(f"http://127.0.0.1:{server.server_port}/", timeout=(1, 0.2))
        stop.set()


def test_a_connection_is_kept_and_used_again() -> None:
    ports: list[int] = []

    def note_and_answer(handler: BaseHTTPRequestHandler) -> None:
        ports.append(handler.client_address[1])
        ok(handler)

    with answering(note_and_answer, protocol="HTTP/1.1") as server, OutgoingSession(HERE) as session:
        for _ in range(3):
            assert session.get(f"http://127.0.0.1:{server.server_port}/").text == "hello"
    assert len(ports) == 3
    assert len(set(ports)) == 1, "each call came by the same connection"


def test_proxies_and_passwords_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    with answering(ok) as server, OutgoingSession(HERE) as session:
        assert session.get(f"http://127.0.0.1:{server.server_port}/").text == "hello"


def unsigned_certificate(folder: Path) -> Path:
    """A key and a certificate that vouches for itself, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    path = folder / "server.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, form, plain)
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return path


def test_certificates_are_verified_whatever_a_caller_asks(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(unsigned_certificate(tmp_path))
    with answering(ok) as server, OutgoingSession(HERE) as session:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        with pytest.raises(requests.exceptions.SSLError):
            session.get(f"https://localhost:{server.server_port}/", verify=False)
        assert server.asked == []  # type: ignore[attr-defined]


def test_an_alert_webhook_inside_is_parked_and_one_in_clear_is_refused_at_the_start(tmp_path: Path) -> None:
    alert = AlertText(id="1", title="A title", body="A body", link="https://leads.example.com", urgent=False)
    inside = open_alerts("https://169.254.169.254/hook", ScriptedProvider(), "a@example.com", tmp_path, Reach())
    with pytest.raises(PermanentDeliveryError, match="alert_address_refused"):
        inside.post(alert)
    with pytest.raises(ConfigurationError, match="NRT-E029"):
        open_alerts("http://chat.example.com/hook", ScriptedProvider(), "a@example.com", tmp_path, Reach())
