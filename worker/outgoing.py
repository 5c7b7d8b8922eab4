"""The one door for HTTP calls out of the product: short, encrypted, to the host that was named, and nowhere inside.

Whoever may set a web address here must not reach what stands behind our firewall with it (server-side
request forgery). Names are resolved once, every address is judged, and the connection goes to the very
address that was judged, so that a name server which answers differently the second time gains nothing.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NameResolutionError, ReadTimeoutError

from worker.reach import Reach

CONNECT_S, READ_S, WHOLE_S = 3.0, 10.0, 30.0
MAX_ANSWER_BYTES = 1024 * 1024
_CHUNK = 64 * 1024

OutgoingError = requests.RequestException
"""Whatever can go wrong with a call. Its words quote addresses: log its type only."""


class AddressRefused(requests.exceptions.InvalidURL):
    """The address may not be called: in clear, or inside our own network. Nothing was sent."""


class _Refused(Exception):
    """As AddressRefused, on its way through urllib3, which takes every OSError for trouble with the network."""


class OutgoingSession(requests.Session):
    """A kept session. No redirects, no proxies or passwords from the environment, no repeats, TLS always verified."""

    def __init__(self, reach: Reach | None = None) -> None:
        super().__init__()
        self._reach = reach or Reach()
        self.trust_env = False
        adapter = _GuardedAdapter(self._reach)
        self.mount("https://", adapter)
        self.mount("http://", adapter)

    def request(self, method: str | bytes, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """One call. Raises OutgoingError; AddressRefused where nothing was sent because nothing may be."""
        where = urlsplit(url if isinstance(url, str) else url.decode())
        if where.scheme != "https" and not self._reach.allows_clear_text(where.hostname or ""):
            raise AddressRefused("only https addresses are called")
        options = {"timeout": (CONNECT_S, READ_S), **options, "verify": True, "allow_redirects": False, "stream": True}
        try:
            return _read(super().request(method, url, *args, **options))
        except _Refused as error:
            raise AddressRefused("this address is inside a private network") from error


def _read(answer: requests.Response) -> requests.Response:
    """Read the body here, within limits: a server that never ends must not hold a worker."""
    body, until = bytearray(), time.monotonic() + WHOLE_S
    try:
        while chunk := answer.raw.read1(_CHUNK, decode_content=True):
            body += chunk
            if len(body) > MAX_ANSWER_BYTES or time.monotonic() > until:
                raise requests.exceptions.ContentDecodingError("the answer is too long")
    except ReadTimeoutError as error:
        answer.close()
        raise requests.exceptions.ReadTimeout("the answer stopped") from error
    except (HTTPError, OSError) as error:
        answer.close()
        if isinstance(error, requests.RequestException):
            raise
        raise requests.exceptions.ChunkedEncodingError("the answer broke off") from error
    answer._content = bytes(body)
    answer.raw.release_conn()
    return answer


def _connect(connection: HTTPConnection, reach: Reach) -> socket.socket:
    """Connect to an address that was judged; the host's name still goes into TLS and the Host header."""
    host = connection._dns_host
    try:
        found = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except OSError as error:
        unresolved = error if isinstance(error, socket.gaierror) else socket.gaierror(str(error))
        raise NameResolutionError(connection.host, connection, unresolved) from error
    for address in dict.fromkeys(str(entry[4][0]) for entry in found):
        if not reach.allows(host, ip_address(address.partition("%")[0])):
            raise _Refused
    return _first_that_answers(connection, dict.fromkeys(str(entry[4][0]) for entry in found))


def _first_that_answers(connection: HTTPConnection, addresses: Iterable[str]) -> socket.socket:
    name, connection._dns_host = connection._dns_host, ""
    last: HTTPError | None = None
    try:
        for address in addresses:
            connection._dns_host = address
            try:
                return HTTPConnection._new_conn(connection)
            except HTTPError as error:
                last = error
    finally:
        connection._dns_host = name
    assert last is not None, "a name that resolves has an address"
    raise last


class _GuardedAdapter(HTTPAdapter):
    """Connections that judge where they go."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """As the stock one, with guarded connections."""
        super().init_poolmanager(*args, **options)
        reach = self._reach

        class Clear(HTTPConnection):
            def _new_conn(self) -> socket.socket:
                return _connect(self, reach)

        class Secure(HTTPSConnection):
            def _new_conn(self) -> socket.socket:
                return _connect(self, reach)

        class ClearPool(HTTPConnectionPool):
            ConnectionCls = Clear

        class SecurePool(HTTPSConnectionPool):
            ConnectionCls = Secure

        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = {"http": ClearPool, "https": SecurePool}
