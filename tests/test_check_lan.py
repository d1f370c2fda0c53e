"""SIP, NTP and SSH against real servers (sipp, chrony, OpenSSH) and hostile ones on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import ssl
import struct
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from rainbow_probe.demo.certificates import server_context
from rainbow_probe.demo.loopback import Datagrams, Handler, loopback
from rainbow_probe.demo.loopback import Peer as Asker
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, Phase, PortRange, Result, Transport
from rainbow_probe.protocols.ntp import EPOCH
from rainbow_probe.protocols.sip import answered, read_fields
from tests.lab.netns import SYSTEM_PATH
from tests.lab.servers import listening
from tests.peers import HOST, peer
from tests.ports import free_port
from tests.servers import (
    CORPORATE,
    NAME,
    PUBLIC,
    QUICK,
    a_flow,
    a_route,
    authority,
    broke,
    facts,
    mute,
    probe,
    says,
    shows,
    trust,
)

PATIENCE = 20.0  # seconds for a server to listen


def to(kind: str, port: int, transport: Transport = Transport.UDP, source: PortRange | None = None) -> Flow:
    """Go to *port* here."""
    return replace(a_flow(kind, port, transport), target=Endpoint(host=HOST, port=port), source=source)


async def tried(kind: str, port: int, transport: Transport = Transport.UDP, source: PortRange | None = None) -> Result:
    """Run the check, with little patience for silence."""
    return await probe(to(kind, port, transport, source), replace(a_route(), limits=QUICK))


@contextmanager
def running(command: Sequence[str], protocol: str, port: int) -> Iterator[None]:
    """Run a server of Debian's until it listens, and end it."""
    where = shutil.which(command[0], path=SYSTEM_PATH)
    if where is None:
        pytest.skip(f"{command[0]} is not installed (tests/setup.sh)")
    with (
        subprocess.Popen(  # noqa: S603 - a fixed command
            [where, *command[1:]], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as server
    ):
        try:
            deadline = time.monotonic() + PATIENCE
            while str(port) not in listening(server.pid, protocol) and time.monotonic() < deadline:
                time.sleep(0.02)
                assert server.poll() is None, f"{command[0]} has ended"
            yield
        finally:
            server.terminate()  # not killed at once: some have children, which it would leave behind
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.wait(PATIENCE)
            server.kill()


SIPP = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="options"><recv request="OPTIONS" /><send><![CDATA[
SIP/2.0 STATUS
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Server: sipp
Allow: INVITE, OPTIONS
Content-Length: 0

]]></send></scenario>
"""


@pytest.mark.parametrize("status", ["200 OK", "503 Service Unavailable"])
async def test_a_real_sip_server_answers(tmp_path: Path, status: str) -> None:
    """Sipp, as a PBX that is well and as one that is not: both prove the way."""
    scenario = tmp_path / "options.xml"
    scenario.write_text(SIPP.replace("STATUS", status), encoding="ascii")
    port = free_port(socket.SOCK_DGRAM)
    command = ["sipp", "-sf", str(scenario), "-i", HOST, "-p", str(port), "-nostdin", "-m", "9"]
    with running(command, "udp", port):
        own = free_port(socket.SOCK_DGRAM)
        result = await tried("sip", port, source=PortRange(first=own, last=own))
    assert result.verdict.outcome is Outcome.PASS, result
    assert status in result.verdict.reason
    found = facts(result, Phase.SIP)
    assert (found["server"], found["local_port"], found["rewritten"]) == ("sipp", own, "")


async def test_a_responder_is_a_sip_server_too() -> None:
    """From another port where the gateway's own is taken, which is told."""
    with peer(2) as found, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))  # noqa: S104 - as the gateway has it
        port = taken.getsockname()[1]
        result = await tried("sip", found.first, source=PortRange(first=port, last=port))
    assert result.verdict.outcome is Outcome.PASS, result
    assert f"as {port}-{port} is in use here" in result.verdict.reason


async def test_a_gateway_that_rewrites_sip_is_seen() -> None:
    """What comes back names an address that is not ours."""

    def rewrite(own: Datagrams, data: bytes, asker: Asker) -> None:
        said = answered(data)
        assert said
        sent_by = read_fields(data.split(b"\r\n", 1)[1])["via"].split()[1].split(";")[0].encode()
        own.send(said.replace(sent_by, b"198.51.100.9:4", 1), asker)

    async with loopback() as place:
        result = await tried("sip", place.udp(rewrite).port)
    assert result.verdict.outcome is Outcome.PASS
    assert "somebody on the way rewrites SIP (our address became 198.51.100.9:4)" in result.verdict.reason


@pytest.mark.parametrize("field", ["Via", "Contact", ""])
async def test_a_rewriting_gateway_that_covers_its_tracks_is_seen(field: str) -> None:
    """It gives the answer our own address again; what the responder had before it, it cannot take back."""
    with peer(2) as found:
        ours, theirs = b"127.0.0.1:", b"127.0.0.9:"

        def both_ways(own: Datagrams, data: bytes, asker: Asker) -> None:
            lines = data.split(b"\r\n")
            told = [line.replace(ours, theirs) if line.startswith(f"{field}:".encode()) else line for line in lines]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as outside:
                outside.settimeout(PATIENCE)
                outside.sendto(b"\r\n".join(told), (HOST, found.first))
                own.send(outside.recv(4096).replace(theirs, ours), asker)

        async with loopback() as place:
            result = await tried("sip", place.udp(both_ways).port)
    assert result.verdict.outcome is Outcome.PASS, result
    assert facts(result, Phase.SIP)["rewritten"] == ""
    assert facts(result, Phase.SIP)["changed"] == field.lower()
    rewrites = f"rewrites SIP (another {field.lower()} arrives than was sent)"
    assert (rewrites in result.verdict.reason) == bool(field)


def provisional(own: Datagrams, data: bytes, asker: Asker) -> None:
    """Say that it is being tried, and never more."""
    own.send((answered(data) or b"").replace(b"200 OK", b"100 Trying"), asker)


def page(own: Datagrams, data: bytes, asker: Asker) -> None:
    """Answer with what is no SIP, no NTP."""
    del data
    own.send(b"HTTP/1.1 400 Bad Request\r\n\r\n", asker)


def timed(question: bytes, stratum: int = 2, kiss: bytes = b"\xc0\0\2\1") -> bytes:
    """Answer *question* with the right time."""
    now = struct.pack("!II", int(time.time()) + EPOCH, 0)
    return struct.pack("!BBbbII4s8s", 0x24, stratum, 0, 0, 0, 0, kiss, bytes(8)) + question[40:48] + now * 2


def to_another(own: Datagrams, data: bytes, asker: Asker) -> None:
    """Answer what nobody has asked."""
    own.send(timed(bytes(48)) if data else b"", asker)


def silent(own: Datagrams, data: bytes, asker: Asker) -> None:
    """Say nothing."""
    del own, data, asker


async def test_a_pbx_that_is_slow_and_has_things_of_its_own_to_say() -> None:
    """What it says first is no answer; that comes after the first repetition."""
    seen: list[bytes] = []

    def handle(own: Datagrams, data: bytes, asker: Asker) -> None:
        seen.append(data)
        own.send(b"\r\n\r\n" if len(seen) == 1 else answered(data) or b"", asker)
        own.send(b"not SIP", asker)

    async with loopback() as place:
        result = await probe(to("sip", place.udp(handle).port), a_route())
    assert result.verdict.outcome is Outcome.PASS, result
    assert len(seen) == 2


async def test_a_provisional_answer_is_one() -> None:
    """A PBX that is busy is there."""
    async with loopback() as place:
        flow = to("sip", place.udp(provisional).port)
        result = await probe(flow, a_route())
    assert result.verdict.outcome is Outcome.PASS, result
    assert "100 Trying" in result.verdict.reason


@pytest.mark.parametrize(
    ("kind", "handler", "phase", "cause"),
    [
        ("sip", silent, Phase.SIP, Cause.TIMEOUT),
        ("sip", page, Phase.SIP, Cause.NOT_SIP),
        ("ntp", silent, Phase.NTP, Cause.TIMEOUT),
        ("ntp", page, Phase.NTP, Cause.NOT_NTP),
        ("ntp", to_another, Phase.NTP, Cause.NOT_NTP),
    ],
)
async def test_what_does_not_answer_as_it_should_fails(
    kind: str, handler: Callable[[Datagrams, bytes, Asker], None], phase: Phase, cause: Cause
) -> None:
    """In the phase of its protocol."""
    async with loopback() as place:
        result = await probe(
            to(kind, place.udp(handler).port), replace(a_route(), limits=replace(QUICK, datagrams=0.9))
        )
    failure = result.verdict.failure
    assert failure
    assert (failure.phase, failure.cause) in {(phase, cause), (phase, Cause.BUDGET)}, result


@pytest.mark.parametrize(("kind", "phase"), [("sip", Phase.SIP), ("ntp", Phase.NTP)])
async def test_nobody_there_refuses(kind: str, phase: Phase) -> None:
    """ICMP says so at once."""
    async with loopback() as place:
        result = await tried(kind, place.rejecting())
    failure = result.verdict.failure
    assert failure
    assert (failure.phase, failure.cause) == (phase, Cause.REFUSED), result


async def test_sip_over_a_stream() -> None:
    """As newer editions have it, over TCP and TLS; the end of the stream without an answer is a failure."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(answered(await reader.readuntil(b"\r\n\r\n")) or b"")
        await writer.drain()

    async with loopback() as place:
        good = await tried("sip", await place.tcp(handle), Transport.TCP)
        bad = await tried("sip", await place.tcp(says(b"220 mail ESMTP\r\n\r\n")), Transport.TCP)
    assert good.verdict.outcome is Outcome.PASS, good
    assert bad.verdict.failure
    assert bad.verdict.failure.cause is Cause.NOT_SIP, bad


KAMAILIO = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
enable_tls=yes
auto_aliases=no
listen=tls:127.0.0.1:{port}
loadmodule "sl.so"
loadmodule "tls.so"
modparam("tls", "private_key", "{folder}/key.pem")
modparam("tls", "certificate", "{folder}/cert.pem")
modparam("tls", "tls_method", "TLSv1.2+")
request_route {{ sl_send_reply("404", "Not here"); }}
"""


async def test_a_real_pbx_answers_over_tls_whatever_its_certificate(tmp_path: Path) -> None:
    """Kamailio, with a certificate of the company's, which this machine does not know."""
    port = free_port(socket.SOCK_STREAM)
    leaf = authority(CORPORATE).issue_cert(HOST)
    (tmp_path / "key.pem").write_bytes(leaf.private_key_pem.bytes())
    (tmp_path / "cert.pem").write_bytes(leaf.cert_chain_pems[0].bytes())
    config = tmp_path / "kamailio.cfg"
    config.write_text(KAMAILIO.format(port=port, folder=tmp_path), encoding="ascii")
    with running(["kamailio", "-f", str(config), "-DD", "-E", "-m", "16", "-M", "4"], "tcp", port):
        result = await probe(to("sips", port, Transport.TLS), a_route())
        known = await probe(to("sips", port, Transport.TLS), replace(a_route(), trust=trust(CORPORATE)))
    assert result.verdict.outcome is Outcome.PASS, result
    assert "404 Not here; its certificate is none that this machine takes (tls-untrusted)" in result.verdict.reason
    assert facts(result, Phase.TLS)["issuer"] == facts(known, Phase.TLS)["issuer"]
    assert known.verdict.outcome is Outcome.PASS, known
    assert known.verdict.reason.endswith("404 Not here")


async def registrar(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer OPTIONS over a stream."""
    writer.write(answered(await reader.readuntil(b"\r\n\r\n")) or b"")
    await writer.drain()


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (shows(), ""),
        (shows(days=(-9, -2)), "(tls-expired)"),
        (shows(days=(2, 9)), "(tls-not-yet-valid)"),
        (shows(to=("other.test",)), "(tls-wrong-name)"),
    ],
)
async def test_what_is_wrong_with_the_certificate_of_a_pbx_is_told(shown: ssl.SSLContext, told: str) -> None:
    """Beside its answer, which proves the way."""
    async with loopback() as place:
        result = await probe(a_flow("sips", await place.tcp(registrar, shown)), a_route())
    assert result.verdict.outcome is Outcome.PASS, result
    assert result.verdict.reason == "SIP is answered: 200 OK" + (
        f"; its certificate is none that this machine takes {told}" if told else ""
    )


async def test_a_pbx_that_wants_a_clients_certificate_or_speaks_no_tls_fails() -> None:
    """What it says is told as it was seen."""
    wanting = server_context(authority(PUBLIC).issue_cert(NAME), ())
    wanting.verify_mode = ssl.CERT_REQUIRED
    async with loopback() as place:
        wants = await probe(a_flow("sips", await place.tcp(registrar, wanting)), a_route())
        plain = await probe(a_flow("sips", await place.tcp(says(b"SIP/2.0 400 Bad\r\n\r\n"))), a_route())
    phase, cause = broke(wants)  # since TLS 1.3 it comes after the handshake, if whoever closes says it at all
    assert phase in {Phase.SIP, Phase.TLS}
    assert cause in {Cause.TLS_ALERT, Cause.CLOSED, Cause.RESET}
    assert broke(plain) == (Phase.TLS, Cause.NOT_TLS)


async def test_a_real_time_server_answers(tmp_path: Path) -> None:
    """Chrony, as a server of its own clock: this machine's."""
    port = free_port(socket.SOCK_DGRAM)
    config = tmp_path / "chrony.conf"
    config.write_text(
        f"port {port}\nbindaddress {HOST}\nallow 127.0.0.0/8\nlocal stratum 3\ncmdport 0\n"
        f"pidfile {tmp_path}/pid\nbindcmdaddress /\n",
        encoding="ascii",
    )
    command = ["chronyd", "-d", "-x", "-U", "-u", _user(), "-f", str(config)]
    with running(command, "udp", port):
        result = await tried("ntp", port)
    assert result.verdict.outcome is Outcome.PASS, result
    found = facts(result, Phase.NTP)
    assert found["stratum"] == 3
    assert abs(float(found["offset_s"] or 0)) < 30  # the same clock, on however busy a machine
    assert "this machine's" in result.verdict.reason


def _user() -> str:
    import getpass

    return getpass.getuser()


async def test_a_time_server_without_time_fails() -> None:
    """It answers, so nothing is in the way; and a gateway gets no time from it."""

    def refuse(own: Datagrams, data: bytes, asker: Asker) -> None:
        own.send(struct.pack("!BBbbII4s8s", 0x24, 0, 0, 0, 0, 0, b"DENY", bytes(8)) + data[40:48] + bytes(16), asker)

    async with loopback() as place:
        result = await tried("ntp", place.udp(refuse).port)
    failure = result.verdict.failure
    assert failure
    assert (failure.phase, failure.cause) == (Phase.NTP, Cause.SERVER_ERROR)
    assert "refuses with 'DENY'" in failure.detail


@pytest.mark.parametrize("late", [0, 1])
async def test_an_answer_to_an_earlier_question_is_one(late: int) -> None:
    """Where the way there and back takes longer than a repetition does; an answer to nothing that was asked is none."""
    asked: list[bytes] = []

    def handle(own: Datagrams, data: bytes, asker: Asker) -> None:
        asked.append(data)
        own.send(timed(bytes(48)), asker)
        if len(asked) > late:
            own.send(timed(asked[0]), asker)

    async with loopback() as place:
        result = await probe(to("ntp", place.udp(handle).port), a_route())
    assert result.verdict.outcome is Outcome.PASS, result
    assert facts(result, Phase.NTP)["strange"] == late + 1


async def test_a_time_server_that_is_asked_too_often_is_well() -> None:
    """By others, as we asked once: that says nothing of the way, nor of its time."""
    async with loopback() as place:
        port = place.udp(lambda own, data, asker: own.send(timed(data, 0, b"RATE"), asker)).port
        result = await tried("ntp", port)
    assert broke(result, Outcome.INCONCLUSIVE) == (Phase.NTP, Cause.CANNOT_TELL)


async def test_a_server_whose_answer_has_no_time_is_none() -> None:
    """And nobody takes 1900 for its time."""
    async with loopback() as place:
        port = place.udp(lambda own, data, asker: own.send(timed(data)[:40] + bytes(8), asker)).port
        result = await tried("ntp", port)
    assert broke(result) == (Phase.NTP, Cause.SERVER_ERROR)
    assert "offset_s" not in facts(result, Phase.NTP)


def _prepare(keygen: str, key: Path) -> None:
    """Make a key, and the folder that sshd wants."""
    subprocess.run([keygen, "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)  # noqa: S603 - a fixed command
    Path("/run/sshd").mkdir(exist_ok=True)


async def test_a_real_ssh_server_says_its_line(tmp_path: Path) -> None:
    """OpenSSH; nobody logs in."""
    port, key = free_port(socket.SOCK_STREAM), tmp_path / "key"
    keygen = shutil.which("ssh-keygen", path=SYSTEM_PATH)
    if keygen is None:
        pytest.skip("ssh-keygen is not installed (tests/setup.sh)")
    _prepare(keygen, key)
    options = ["-o", f"ListenAddress={HOST}", "-o", f"PidFile={tmp_path}/pid", "-o", "UsePAM=no"]
    with running(["sshd", "-D", "-e", "-f", "/dev/null", "-p", str(port), "-h", str(key), *options], "tcp", port):
        result = await tried("ssh", port, Transport.TCP)
    assert result.verdict.outcome is Outcome.PASS, result
    assert str(facts(result, Phase.SSH)["banner"]).startswith("SSH-2.0-OpenSSH")


async def greets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Be a mail server: a line of its own, and then patience."""
    writer.write(b"220 x ESMTP\r\n")
    await mute(reader, writer)


@pytest.mark.parametrize(("handler", "cause"), [(mute, Cause.TIMEOUT), (greets, Cause.NOT_SSH)])
async def test_what_is_no_ssh_fails(handler: Handler, cause: Cause) -> None:
    """Silence, and another service."""
    async with loopback() as place:
        result = await tried("ssh", await place.tcp(handler), Transport.TCP)
    failure = result.verdict.failure
    assert failure
    assert (failure.phase, failure.cause) in {(Phase.SSH, cause), (Phase.SSH, Cause.BUDGET)}, result
