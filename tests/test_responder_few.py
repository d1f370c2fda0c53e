"""A responder with few sockets: what is printed for nft, and that nothing is called served before the rules work.

That they do, and that a sweep through them is as one without, the simulated site lan-firewall shows.
"""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest

from rainbow_probe.cli import main
from rainbow_probe.model import PortRange
from rainbow_probe.protocols.binding import port_value, question, unpacked
from rainbow_probe.protocols.stun import Attr, Class, Message
from rainbow_probe.responder import redirect
from rainbow_probe.responder.few import MOST_LEAVING, Few
from rainbow_probe.responder.redirect import EVERY, STALE, Proof, merged, parts, rules
from rainbow_probe.responder.serve import Responder, Wanted
from tests.peers import HOST, peer

WAIT = 20.0  # seconds; what works takes milliseconds
ROOM = (int(Attr.SERVED_PORTS), bytes(64))


def span(first: int, last: int) -> PortRange:
    """Write a range shortly."""
    return PortRange(first=first, last=last)


def test_a_range_is_cut_into_what_one_socket_can_have() -> None:
    """And put together again where the parts touch."""
    cut = parts([span(20000, 40000), span(50000, 50001)])
    assert [str(one) for one in cut] == ["20000-28191", "28192-36383", "36384-40000", "50000-50001"]
    assert [str(one) for one in merged(cut[::-1])] == ["20000-40000", "50000-50001"]
    assert [str(one) for one in merged([cut[0], cut[2]])] == ["20000-28191", "36384-40000"]


@pytest.mark.parametrize(
    ("address", "rule"),
    [
        ("", "fib daddr type local udp dport 20000-28191 redirect to :20003"),
        ("192.0.2.7", "ip daddr 192.0.2.7 udp dport 20000-28191 dnat ip to 192.0.2.7:20003"),
        ("2001:db8::7", "ip6 daddr 2001:db8::7 udp dport 20000-28191 dnat ip6 to [2001:db8::7]:20003"),
    ],
)
def test_rules_are_for_this_machine_only(address: str, rule: str) -> None:
    """Of packets that come in and of those that it sends itself to itself; what it sends on is left alone."""
    written = rules({20003: span(20000, 28191)}, address)
    assert written.count(rule) == 2
    assert "hook prerouting" in written
    assert "hook output" in written
    assert written.count("{") == written.count("}") == 3


def test_nothing_is_served_without_the_rules() -> None:
    """The sockets answer for themselves, and nothing is said of the ranges; an answer leaves by any port of them."""
    with peer(40) as found:
        wanted = Wanted(udp=(span(found.first, found.last),), tcp=(), address=HOST, few_sockets=True)
    with Responder(wanted) as responder:
        assert not responder.udp.sockets
        assert len(responder.few.redirected) == 1
        stop = threading.Event()
        thread = threading.Thread(target=responder.serve, args=(stop.is_set,))
        thread.start()
        try:
            (port,) = responder.few.sockets
            more = [(int(Attr.LEAVE_BY), port_value(found.last))]
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
                asking.settimeout(WAIT)
                asking.sendto(question("", ROOM, *more), (HOST, port))
                packet, _ = asking.recvfrom(2048)
        finally:
            stop.set()
            thread.join()
    said = Message.parse(packet)
    assert said.cls is Class.SUCCESS
    assert unpacked(said.get(Attr.SERVED_PORTS) or b"") == ()


def arrived(proof: Proof, *ports: int, now: float) -> None:
    """Say that the questions to *ports* arrived, as if rules had sent them to where this test listens."""
    for port in ports:
        held = question(transaction=proof._secret + port.to_bytes(2, "big"))  # noqa: SLF001 - known to nobody else
        assert proof.is_own(held, now)


def test_a_part_is_served_while_both_its_ends_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not with one end only, no longer than that, and not where the kernel has no room for more flows."""
    monkeypatch.setattr(redirect, "TABLE", tmp_path)
    both = [span(20000, 28191), span(28192, 30000)]
    proof = Proof(both, HOST)
    assert not proof.is_own(question(), 0.0)
    arrived(proof, 20000, 28191, 30000, now=0.0)
    assert proof.look(0.0) == (both[0],)
    arrived(proof, 28192, now=0.0)
    assert proof.look(STALE) == (span(20000, 30000),)
    assert proof.look(STALE + EVERY) == ()
    arrived(proof, 20000, 28191, now=10.0)
    assert proof.look(10.0) == (both[0],)
    for name, count in (("count", 95), ("max", 100)):
        (tmp_path / f"nf_conntrack_{name}").write_text(f"{count}\n", "ascii")
    assert proof.look(10.0 + EVERY) == ()


def test_a_busy_port_has_its_neighbour_stand_in() -> None:
    """A part without any port that is free is missing, and an answer never leaves by another port than it should."""
    with peer(3) as busy, Few([span(busy.first, busy.last), span(busy.first - 1, busy.first - 1)], HOST) as few:
        assert set(few.missing) >= set(busy.ports)
        with pytest.raises(OSError, match=r"^$"):
            few.leaving(busy.first)
        assert few.leaving(1) is None
    with peer(MOST_LEAVING + 40) as found:
        ports = found.ports
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((HOST, ports[0]))
        with Few([span(ports[0], ports[-1])], HOST) as few:
            assert [*few.redirected.values()] == [span(ports[0], ports[-1])]
            assert ports[0] not in few.redirected
            left: list[socket.socket | None] = []
            with pytest.raises(OSError, match=r"^$"):
                left.extend(few.leaving(port) for port in ports[1:])


def test_the_command_prints_the_rules(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """With how they are taken back, and that nothing is served until then; other systems have no such rules."""
    with peer(40) as found:
        ports = f"{found.first}-{found.last}"
    monkeypatch.setattr("sys.platform", "linux")
    line = ["responder", "--few-sockets", "--bind", HOST, "--udp", ports, "--tcp", "", "--for", "0.1s"]
    assert main(line) == 0
    said = capsys.readouterr().out
    assert f"UDP {ports}: not served yet, with 1 socket as soon as" in said
    assert f"ip daddr {HOST} udp dport {ports} dnat ip to {HOST}:" in said
    assert "nft delete table inet rainbow_probe_responder" in said
    monkeypatch.setattr("sys.platform", "darwin")
    assert main(line) == 2
    assert "--few-sockets: " in capsys.readouterr().err
