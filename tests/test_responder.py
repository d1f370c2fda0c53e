"""The responder on real sockets: whole ranges, tokens, rates, busy ports, TCP, and its end."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rainbow_probe.cli import main
from rainbow_probe.model import PortRange
from rainbow_probe.net.many import Bound, allow_files, bind_all, intervals, listed
from rainbow_probe.options import UsageError
from rainbow_probe.protocols.binding import question
from rainbow_probe.protocols.stun import Class, Message
from rainbow_probe.responder.quota import MOST_ADDRESSES, Quota
from rainbow_probe.responder.serve import Responder, Wanted
from rainbow_probe.responding import duration, port_ranges
from tests.commands import environment, rainbow_probe
from tests.peers import HOST, peer
from tests.ports import free_port

WAIT = 20.0  # seconds; what works takes milliseconds


def told(port: int, packet: bytes) -> Message:
    """Ask over TCP, in two pieces."""
    with socket.create_connection((HOST, port), timeout=WAIT) as link:
        link.sendall(packet[:7])
        link.sendall(packet[7:])
        return Message.parse(link.recv(2048))


def test_it_answers_over_tcp_too() -> None:
    """With the framing of RFC 8489; what is no STUN ends the connection."""
    with peer(2) as found:
        assert told(found.tcp, question()).cls is Class.SUCCESS
        with socket.create_connection((HOST, found.tcp), timeout=WAIT) as link:
            link.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert link.recv(2048) == b""
        assert told(found.tcp, question()).cls is Class.SUCCESS


def test_an_answer_can_leave_by_another_port_for_another() -> None:
    """The question goes from one socket to one port; the answer comes to another socket from another port."""
    from rainbow_probe.protocols.binding import port_value
    from rainbow_probe.protocols.stun_numbers import Attr

    with peer(4) as found, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as hearing:
            hearing.bind((HOST, 0))
            hearing.settimeout(WAIT)
            more = [
                (int(Attr.RESPONSE_PORT), port_value(hearing.getsockname()[1])),
                (int(Attr.LEAVE_BY), port_value(found.last)),
            ]
            asking.sendto(question("", *more), (HOST, found.first))
            packet, place = hearing.recvfrom(2048)
    assert place == (HOST, found.last)
    assert Message.parse(packet).cls is Class.SUCCESS


def test_who_asks_too_fast_gets_less() -> None:
    """A second's worth at once, and then so many a second."""
    now = [0.0]
    quota = Quota(10, lambda: now[0])
    assert [quota.allows("a") for _ in range(11)] == [True] * 10 + [False]
    assert quota.allows("b")
    now[0] = 0.2
    assert [quota.allows("a") for _ in range(3)] == [True, True, False]
    assert quota.asked == {"a": 14, "b": 1}


def test_made_up_addresses_do_not_fill_the_memory() -> None:
    """The oldest are forgotten."""
    quota = Quota(1, lambda: 0.0)
    for number in range(3 * MOST_ADDRESSES):
        quota.allows(f"198.51.{number}")
    assert len(quota.asked) == MOST_ADDRESSES
    assert len(quota) == MOST_ADDRESSES


def test_busy_ports_are_told_and_the_rest_is_served() -> None:
    """An error of one port is none of the others."""
    with peer(3) as found:
        asked = (PortRange(first=found.first, last=found.last),)
        with Responder(Wanted(udp=asked, tcp=(), address=HOST)) as second:
            assert second.udp.busy == list(found.ports)
            assert second.udp.sockets == {}


def test_files_that_run_out_are_told() -> None:
    """In a process of its own, whose limit may be lowered for good."""
    code = (
        "import resource, socket; resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40));"
        "from rainbow_probe.net.many import bind_all;"
        "b = bind_all(range(62000, 62060), socket.SOCK_DGRAM, '127.0.0.1');"
        "print(len(b.beyond) + len(b.busy) > 20, len(b.sockets) + len(b.beyond) + len(b.busy))"
    )
    if sys.platform == "win32":
        pytest.skip("platform: no such limit on Windows")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment())  # noqa: S603 - our own
    assert done.stdout.split() == ["True", "60"], done.stderr


def test_an_address_of_another_machine_is_refused() -> None:
    """And nothing stays open."""
    with pytest.raises(OSError, match=r".+"):
        bind_all([0], socket.SOCK_STREAM, "192.0.2.77")


def test_both_families_share_a_socket() -> None:
    """IPv4 is answered on it as IPv4."""
    with bind_all([0], socket.SOCK_DGRAM) as bound:
        assert isinstance(bound, Bound)
        assert len(bound.sockets) == 1
    assert allow_files(16) >= 16


def test_ports_are_told_as_ranges() -> None:
    """The first few of them."""
    assert intervals([5, 3, 4, 9, 9]) == (PortRange(first=3, last=5), PortRange(first=9, last=9))
    assert listed(intervals([1, 3, 5, 6])) == "1, 3, 5-6"
    assert listed(intervals(range(1, 30, 2)), most=2) == "1, 3 and 13 more"


@pytest.mark.parametrize(
    ("text", "seconds"), [("30m", 1800), ("90", 90), ("1.5s", 1.5), (" 2H ", 7200), ("24h", 86400)]
)
def test_times_as_people_write_them(text: str, seconds: float) -> None:
    """With and without a unit."""
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-1", "30d", "m", "25h", "1e9"])
def test_other_times_are_refused(text: str) -> None:
    """With what is allowed."""
    with pytest.raises(UsageError, match=r"--for .* as in 90s, 30m or 2h"):
        duration(text)


def test_ports_as_people_write_them() -> None:
    """Single ones, ranges, and nothing."""
    assert port_ranges("5060, 20-30", "--udp") == (PortRange(first=5060, last=5060), PortRange(first=20, last=30))
    assert port_ranges("", "--udp") == ()
    for text in ("x", "0", "70000", "30-20", "1-2-3"):
        with pytest.raises(UsageError, match=r"--udp .* as in 5060,20000-29999"):
            port_ranges(text, "--udp")


def test_the_command_serves_and_ends_by_itself(tmp_path: Path) -> None:
    """It says what it serves, for whom, until when, and what it cannot have; the token is never shown."""
    secret = tmp_path / "token"
    secret.write_text("not-to-be-shown-31\n", "utf-8")
    with peer(2) as busy:
        ports = f"{busy.first}-{busy.last + 40}"
        ended = rainbow_probe(
            "responder", "--bind", HOST, "--udp", ports, "--tcp", "", "--for", "0.1s", "--token-file", str(secret)
        )
    assert ended.status == 0, ended.err
    assert f"not served: UDP {busy.first}-" in ended.out  # and whatever else is in use just now
    assert ": in use by another program" in ended.out
    assert "ports); TCP none" in ended.out
    assert f"at {HOST} for who knows the token" in ended.out
    assert ended.out.splitlines()[-1].startswith("answered 0 questions of ")  # a stray packet of others may have come
    assert "not-to-be-shown" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--udp", "none"], "--udp 'none': wanted are ports"),
        (["--rate", "0"], "--rate 0: allowed are 1 to"),
        (["--bind", "192.0.2.77"], "--bind 192.0.2.77: "),
        (["--udp", "", "--tcp", ""], "not one of the ports can be had"),
        (["--token-file", "/nowhere/at/all"], "--token-file /nowhere/at/all"),
    ],
)
def test_wrong_use_is_told(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """On one line, with status 2."""
    assert main(["responder", *arguments]) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(how: signal.Signals) -> None:
    """What was answered is said, and the status is 0."""
    if sys.platform == "win32":
        pytest.skip("platform: Windows has no such signals")
    command = [sys.executable, "-m", "rainbow_probe", "responder", "--udp", "", "--tcp", "0-0", "--bind", HOST]
    command[command.index("0-0")] = str(free_port())
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as running:  # noqa: S603 - our own
        assert running.stdout
        assert any("ready" in line for line in running.stdout)
        running.send_signal(how)
        assert running.wait(WAIT) == 0
        assert "answered 0 questions" in running.stdout.read()
