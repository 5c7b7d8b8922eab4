"""A real Postfix between our adapter and a mail server that keeps what arrives: what it takes, it hands on there.

It runs from an unpacked Debian package, with configuration, queue and log in a folder of the test; nothing of the
machine's own mail is touched.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support.certificates import Certificate
from tests.support.processes import start_server, stop_server, unused_port

HOME = Path(sys.prefix) / "lib" / "postfix"
"""Where `dev.py` unpacks it."""

_OWNER, _GROUP, _OTHER = "daemon", "nogroup", "mail"
"""Accounts that every Debian has; Postfix wants three that differ."""

_SERVICES = """
127.0.0.1:{port} inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""


@contextmanager
def running_postfix(folder: Path, next_port: int, certificate: Certificate) -> Iterator[int]:
    """The port that it listens at, with STARTTLS. What the next server refuses, it sends back."""
    if os.geteuid() != 0:
        pytest.skip("Postfix starts as root only")
    port = unused_port()
    settings = {
        "compatibility_level": "3.6",
        "queue_directory": folder / "queue",
        "data_directory": folder / "data",
        "daemon_directory": HOME / "sbin",
        "command_directory": HOME / "sbin",
        "shlib_directory": HOME,
        "meta_directory": HOME,
        "mail_owner": _OWNER,
        "setgid_group": _GROUP,
        "default_privs": _OTHER,
        "import_environment": f"LD_LIBRARY_PATH={HOME} MAIL_CONFIG={folder}",
        "inet_interfaces": "127.0.0.1",
        "inet_protocols": "ipv4",
        "myhostname": "relay.example.com",
        "mydestination": "",
        "mynetworks": "127.0.0.0/8",
        "relayhost": f"[127.0.0.1]:{next_port}",
        "alias_maps": "",
        "local_recipient_maps": "",
        "maillog_file": folder / "data" / "log",
        "maillog_file_prefixes": folder,
        "smtpd_tls_security_level": "encrypt",
        "smtpd_tls_chain_files": f"{certificate.key} {certificate.chain}",
    }
    (folder / "main.cf").write_text("".join(f"{name} = {value}\n" for name, value in settings.items()))
    (folder / "master.cf").write_text(_SERVICES.format(port=port))
    _make_queue(folder)
    words = ["/usr/bin/env", f"LD_LIBRARY_PATH={HOME}", HOME / "sbin" / "master", "-d", "-c", folder]
    server = start_server(words, folder / "out", is_ready=lambda: _answers_on(port))
    try:
        yield port
    finally:
        stop_server(server)


def _make_queue(folder: Path) -> None:
    owner, group = pwd.getpwnam(_OWNER).pw_uid, grp.getgrnam(_GROUP).gr_gid
    folder.chmod(0o755)
    for name in ("active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "incoming", "private", "trace"):
        (place := folder / "queue" / name).mkdir(parents=True)
        os.chown(place, owner, -1)
        place.chmod(0o700)
    for name, mode in (("maildrop", 0o1730), ("public", 0o710)):
        (place := folder / "queue" / name).mkdir()
        os.chown(place, owner, group)
        place.chmod(mode)
    (folder / "queue" / "pid").mkdir()
    (folder / "data").mkdir()
    shutil.chown(folder / "data", owner)


def _answers_on(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(4).startswith(b"220")
    except OSError:
        return False
