"""Who rejects a datagram: read from the error queue where there is one, and from recorded reports everywhere."""

from __future__ import annotations

import struct
import sys

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Cause, Endpoint, Phase, Transport
from rainbow_probe.net.icmp import rejecter, sender
from tests.servers import HOST, OddTurn, a_flow, a_route, broke, listen, probe

V4 = struct.pack("=IBBBBII", 111, 2, 3, 3, 0, 0, 0) + struct.pack("=HH4s8x", 2, 0, bytes([192, 0, 2, 1]))
V6 = struct.pack("=IBBBBII", 111, 3, 1, 4, 0, 0, 0) + struct.pack("=HHI16sI", 10, 0, 0, bytes(15) + b"\1", 0)
LOCAL = struct.pack("=IBBBBII", 90, 1, 0, 0, 0, 0, 0) + bytes(16)


@pytest.mark.parametrize(
    ("report", "address"),
    [(V4, "192.0.2.1"), (V6, "::1"), (LOCAL, ""), (V4[:12], ""), (V4[:18], ""), (b"", "")],
)
def test_the_sender_of_an_error(report: bytes, address: str) -> None:
    """Whatever the kernel hands over."""
    assert sender(report) == address


@pytest.mark.skipif(sys.platform != "linux", reason="platform: only Linux tells")
async def test_a_closed_port_rejects_by_itself() -> None:
    """And who answers, or says nothing, rejects nothing."""
    async with loopback() as place:
        closed, open_, mute = place.rejecting(), await listen(OddTurn(place), place, Transport.UDP), place.silent()
        assert await rejecter(Endpoint(host=HOST, port=closed), b"?", patience=5) == HOST
        assert await rejecter(Endpoint(host=HOST, port=open_), b"?", patience=0.05) == ""
        assert await rejecter(Endpoint(host=HOST, port=mute), b"?", patience=0.05) == ""


@pytest.mark.skipif(sys.platform != "linux", reason="platform: only Linux tells")
async def test_the_control_notes_who_rejects() -> None:
    """Beside the refusal itself."""
    async with loopback() as place:
        result = await probe(a_flow("answers", place.rejecting(), Transport.UDP, {"speak": "stun"}), a_route())
    assert broke(result) == (Phase.STUN, Cause.REFUSED)
    assert [step.facts.get("rejected_by") for step in result.steps if step.failure] == [None, HOST]
