"""A real mail server on loopback: Exim with TLS both ways, a log-in, recipients that it refuses or puts off.

What it takes stays in its queue, from where it is read as it would be sent on.
"""

from __future__ import annotations

import getpass
import grp
import os
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import trustme

from tests.ports import free_port

EXIM = Path("/usr/sbin/exim4")
HOST, USER, PASSWORD = "localhost", "probe", "Swordfish-0815"
LONGEST = 60.0  # seconds until it is up, or a mail is there; a machine under load is slow
CONFIG = """\
primary_hostname = mail.clinic.example
spool_directory = {folder}/spool
log_file_path = {folder}/log-%s
pid_file_path = {folder}/pid
exim_user = {user}
exim_group = {group}
never_users =
local_interfaces = 127.0.0.1
daemon_startup_retries = 0
daemon_smtp_ports = {starttls} : {tls} : {plain}
tls_on_connect_ports = {tls}
tls_advertise_hosts = ${{if eq{{$received_port}}{{{plain}}}{{}}{{*}}}}
tls_certificate = {folder}/server.pem
auth_advertise_hosts = ${{if or{{{{def:tls_in_cipher}}{{eq{{$received_port}}{{{plain}}}}}}}{{*}}{{}}}}
acl_smtp_rcpt = rcpt
queue_only = true
keep_environment =
host_lookup =
begin acl
rcpt:
  deny !authenticated = *
       message = 5.7.1 log in first
  deny local_parts = nobody
       message = 5.1.1 there is no such user
  defer local_parts = greylisted
       !condition = ${{if exists{{{folder}/greylist-over}}}}
       message = 4.7.1 greylisted, come back later
  accept
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and{{{{eq{{$auth2}}{{probe}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A mail, and for whom it was taken."""

    to: tuple[str, ...]
    mail: EmailMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """A server that runs."""

    folder: Path
    ca_file: Path
    starttls: int
    tls: int
    plain: int
    """Where it offers no TLS."""

    def end_greylisting(self) -> None:
        """Take what was put off from now on."""
        (self.folder / "greylist-over").touch()

    def received(self) -> list[Received]:
        """Return the mails that it took, oldest first; each is there as soon as it said so."""
        return [_read(file) for file in sorted((self.folder / "spool" / "input").glob("*-H"))]


def _read(head: Path) -> Received:
    """Read a queued mail: the envelope, the headers (each with its length before it), and the body beside them."""
    envelope, _, headers = head.read_bytes().partition(b"\n\n")
    lines = envelope.decode().splitlines()
    first = lines.index("XX") + 2  # then the number of recipients, and they themselves
    to = tuple(sorted(lines[first : first + int(lines[first - 1])]))
    whole = b""
    while headers:
        size, flag, rest = int(headers[:3]), headers[3:4], headers[5:]
        whole += b"" if flag == b"*" else rest[:size]  # one that the server took out
        headers = rest[size:]
    _, _, body = head.with_name(head.name.replace("-H", "-D")).read_bytes().partition(b"\n")
    return Received(to=to, mail=message_from_bytes(whole + b"\n" + body, policy=policy.default))


def free_ports(count: int) -> list[int]:
    """Return ports that nobody has now."""
    found: set[int] = set()
    while len(found) < count:
        found.add(free_port())
    return [*found]


@contextmanager
def mail_server(folder: Path, ports: list[int] | None = None) -> Generator[MailServer]:
    """Run the server in *folder* as this user, on these *ports* (or any), and end it."""
    starttls, tls, plain = ports or free_ports(3)
    server = MailServer(folder=folder, ca_file=folder / "ca.pem", starttls=starttls, tls=tls, plain=plain)
    _write(server)
    command = [str(EXIM), "-C", str(folder / "exim.conf"), "-bdf"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:  # noqa: S603 - Debian's own
        try:
            _until_up(process, folder / "log-main")
            yield server
        finally:
            process.terminate()


def _write(server: MailServer) -> None:
    folder, group = server.folder, grp.getgrgid(os.getgid()).gr_name
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(server.ca_file))
    ca.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    ports = {"starttls": server.starttls, "tls": server.tls, "plain": server.plain}
    text = CONFIG.format(folder=folder, user=getpass.getuser(), group=group, password=PASSWORD, **ports)
    (folder / "exim.conf").write_text(text, "utf-8")


def _until_up(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        if process.poll() is not None:
            assert process.stderr
            raise AssertionError(process.stderr.read().decode())
        if log.exists() and "listening for SMTP" in log.read_text("utf-8"):
            return
        time.sleep(0.02)
    raise AssertionError("the mail server does not start")
