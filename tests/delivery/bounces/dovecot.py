"""A real Dovecot of the tests' own: its process, its ports on loopback, its certificate."""

import contextlib
import getpass
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "bounces@kopisenja.example", "teh-pagi-7"
TOKEN = "an-access-token"
PROGRAM = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/bin")
MISSING = "Dovecot is not installed (Debian: dovecot-imapd, dovecot-pop3d): left out"

CONFIG = """
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/dovecot.log
protocols = imap pop3
listen = 127.0.0.1
default_internal_user = {internal}
default_login_user = {login}
default_internal_group = {group}
ssl = yes
ssl_cert = <{home}/cert.pem
ssl_key = <{home}/key.pem
ssl_dh =
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2 oauthbearer
auth_failure_delay = 0 secs
auth_cache_size = 0
mail_max_userip_connections = 100
mail_location = maildir:{home}/mail/%u
mail_uid = {mail}
mail_gid = {mail_group}
first_valid_uid = 1
first_valid_gid = 0
mail_fsync = never
mailbox_list_index = no
imap_idle_notify_interval = 1 mins
namespace inbox {{
  inbox = yes
  separator = /
}}
passdb {{
  driver = passwd-file
  mechanisms = xoauth2 oauthbearer
  args = scheme=PLAIN username_format=%u {home}/tokens
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={mail} gid={mail_group} home={home}/mail/%u
}}
service anvil {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service stats {{
  chroot =
}}
"""


@dataclass
class Dovecot:
    """Where it listens and where its mails lie."""

    home: Path
    imap: int
    imaps: int
    pop3: int
    pop3s: int
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def certificate(self) -> Path:
        """Return the certificate's file."""
        return self.home / "cert.pem"

    def client(self) -> imaplib.IMAP4:
        """Return a connection of the test's own."""
        connection = imaplib.IMAP4("127.0.0.1", self.imap)
        connection.login(USER, PASSWORD)
        return connection

    def put(self, *mails: bytes, folder: str = "INBOX") -> None:
        """Lay mails into a folder, by IMAP."""
        client = self.client()
        for mail in mails:
            lines = mail.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
            assert client.append(folder, None, None, lines)[0] == "OK"
        client.logout()

    def count(self, folder: str = "INBOX") -> int:
        """Say how many mails are in a folder; 0 where there is none."""
        client = self.client()
        answer, data = client.select(f'"{folder}"', readonly=True)
        client.logout()
        return int(data[0]) if answer == "OK" else 0

    def empty(self) -> None:
        """Throw all mails of the user away, with their folders and what numbers them."""
        for path in (self.home / "mail").glob("*"):
            shutil.rmtree(path, ignore_errors=True)

    def lay(self, mails: list[bytes]) -> None:
        """Lay many mails into the inbox, as files."""
        inbox = self.home / "mail" / USER / "new"
        client = self.client()
        client.select("INBOX")  # makes the folders
        client.logout()
        owner = (self.home / "mail").stat()
        for number, mail in enumerate(mails):
            path = inbox / f"{1_700_000_000 + number}.M{number}P1.test"
            path.write_bytes(mail)
            os.chown(path, owner.st_uid, owner.st_gid)

    def count_anew(self) -> None:
        """Have the inbox number its mails anew, under another UIDVALIDITY."""
        folder = self.home / "mail" / USER
        head = (folder / "dovecot-uidlist").read_text().splitlines()[0]
        for path in folder.glob("dovecot*"):
            path.unlink()
        # Made by Dovecot, it would be the second of the clock, and perhaps the same one.
        version, valid, _next, *rest = head.split()
        anew = [version, f"V{int(valid[1:]) + 1}", "N1", *rest]
        (folder / "dovecot-uidlist").write_text(" ".join(anew) + "\n")

    def log(self) -> str:
        """Return what Dovecot wrote."""
        path = self.home / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""


@contextlib.contextmanager
def running() -> Iterator[Dovecot]:
    """Run a Dovecot in a folder of its own, until the block ends."""
    if PROGRAM is None:
        pytest.skip(MISSING)
    home = Path(tempfile.mkdtemp(prefix="dovecot-", dir="/tmp"))
    found = Dovecot(home, *_ports(4))
    try:
        _write(found)
        with (home / "stderr").open("wb") as stderr:
            found.process = subprocess.Popen(
                [PROGRAM, "-F", "-c", str(home / "dovecot.conf")],
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                start_new_session=True,
            )
        _wait(found)
        yield found
    finally:
        if found.process is not None:
            found.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                found.process.wait(10)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(found.process.pid, signal.SIGKILL)
        shutil.rmtree(home, ignore_errors=True)


def _write(dovecot: Dovecot) -> None:
    home = dovecot.home
    home.chmod(0o755)
    (home / "run").mkdir()
    mail = home / "mail"
    mail.mkdir()
    me = getpass.getuser()
    names = {"internal": me, "login": me, "mail": me}
    if os.geteuid() == 0:
        names = {"internal": "dovecot", "login": "dovenull", "mail": "nobody"}
        user = pwd.getpwnam("nobody")
        os.chown(mail, user.pw_uid, user.pw_gid)
    user = pwd.getpwnam(names["mail"])
    (home / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
    (home / "tokens").write_text(f"{USER}:{{PLAIN}}{TOKEN}::::::\n")
    for name in ("users", "tokens"):
        (home / name).chmod(0o644)
    write_certificate(home)
    text = CONFIG.format(
        home=home,
        group=_group(names["internal"]),
        mail_group=user.pw_gid,
        imap=dovecot.imap,
        imaps=dovecot.imaps,
        pop3=dovecot.pop3,
        pop3s=dovecot.pop3s,
        **(names | {"mail": user.pw_uid}),
    )
    (home / "dovecot.conf").write_text(text)


def _group(user: str) -> str:
    import grp

    return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name


def _ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def _wait(dovecot: Dovecot) -> None:
    for _try in range(200):
        with contextlib.suppress(OSError, imaplib.IMAP4.error):
            dovecot.client().logout()
            return
        assert dovecot.process is not None
        if dovecot.process.poll() is not None:
            break
        time.sleep(0.05)
    words = (dovecot.home / "stderr").read_text() + dovecot.log()
    raise AssertionError(f"Dovecot did not start: {words[-2000:]}")


def write_certificate(home: Path) -> None:
    """Write a certificate for localhost and 127.0.0.1, signed by itself, into a folder."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(tz=UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (home / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (home / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
