"""A real IMAP server (Dovecot) with one mailbox, over TLS by a certificate of our own."""

from __future__ import annotations

import getpass
import grp
import os
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from imapclient import IMAPClient

from tests.support.certificates import Certificate, certificate_for
from tests.support.processes import unused_port

USER, PASSWORD = "carbondale@albanyclinic.example.com", "secret/with:marks@"


@dataclass(frozen=True)
class ImapServer:
    """Where it is, and the certificate that speaks for it."""

    port: int
    certificate: Certificate

    def url(self, query: str = "") -> str:
        """As NURTURE_FEEDBACK_IMAP has it."""
        return (
            f"imaps://carbondale%40albanyclinic.example.com:secret%2Fwith%3Amarks%40@127.0.0.1:{self.port}/INBOX{query}"
        )

    @contextmanager
    def client(self) -> Iterator[IMAPClient]:
        """A mail program of a person's."""
        context = self.certificate.client()
        with IMAPClient("127.0.0.1", self.port, ssl=True, ssl_context=context, timeout=20) as client:
            client.login(USER, PASSWORD)
            client.select_folder("INBOX")
            yield client

    def put(self, *mails: bytes, at: datetime | None = None) -> None:
        with self.client() as client:
            for mail in mails:
                client.append("INBOX", mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), msg_time=at)

    def flags(self) -> list[tuple[bytes, ...]]:
        with self.client() as client:
            found = client.search("ALL")
            return [tuple(flags) for _, flags in sorted(client.get_flags(found).items())] if found else []

    def empty(self) -> None:
        with self.client() as client:
            if found := client.search("ALL"):
                client.delete_messages(found)
                client.expunge()


@contextmanager
def running_imap() -> Iterator[ImapServer]:
    """In a folder of its own: pytest's are closed to the user whose rights the server takes on."""
    with TemporaryDirectory(prefix="imap-") as folder:
        os.chmod(folder, 0o711)
        yield from _running(Path(folder))


def _running(folder: Path) -> Iterator[ImapServer]:
    program = shutil.which("dovecot") or shutil.which("dovecot", path="/usr/sbin")
    if program is None:
        pytest.fail("Dovecot is missing: `sudo apt-get install dovecot-imapd`", pytrace=False)
    port = unused_port()
    certificate = certificate_for(folder, "imap.example.com")
    server = ImapServer(port, certificate)
    (folder / "dovecot.conf").write_text(_configuration(folder, port, certificate))
    process = subprocess.Popen([program, "-F", "-c", str(folder / "dovecot.conf")])
    try:
        _wait_for(server)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(server: ImapServer) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            with server.client():
                return
        except Exception:
            if time.monotonic() >= until:
                raise
            time.sleep(0.05)


def _configuration(folder: Path, port: int, certificate: Certificate) -> str:
    """Dovecot drops its rights when it has them: as root its own users are used, else ours is everything."""
    is_root = os.getuid() == 0
    owner = pwd.getpwnam("nobody") if is_root else pwd.getpwuid(os.getuid())
    mail = folder / "mail"
    mail.mkdir()
    if is_root:
        os.chown(mail, owner.pw_uid, owner.pw_gid)
    me, group = getpass.getuser(), grp.getgrgid(os.getgid()).gr_name
    ours = f"default_internal_user = {me}\ndefault_internal_group = {group}\ndefault_login_user = {me}\n"
    return (
        ("" if is_root else ours)
        + f"""
protocols = imap
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/log
listen = 127.0.0.1
ssl = required
ssl_cert = <{certificate.chain}
ssl_key = <{certificate.key}
mail_location = maildir:{mail}
auth_username_chars =
passdb {{
  driver = static
  args = password={PASSWORD}
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={mail}
}}
first_valid_uid = 1
service imap-login {{
  chroot =
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
}}
"""
    )
