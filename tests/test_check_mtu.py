"""How large a datagram may be: what is answered and what is not, in one piece."""

from __future__ import annotations

import socket
import sys

import pytest

from rainbow_probe.demo.loopback import Datagrams, Peer, loopback
from rainbow_probe.model import Cause, Outcome, Phase, Result, Transport
from rainbow_probe.net.fragments import forbid, option
from rainbow_probe.protocols.stun import Class, Message, reply
from tests.servers import a_flow, a_route, broke, facts, probe


async def sized(most: int) -> Result:
    """Probe a server that hears packets of *most* bytes and less, of which 28 are headers."""

    def answer(own: Datagrams, data: bytes, peer: Peer) -> None:
        if len(data) + 28 <= most:
            own.send(bytes(reply(Message.parse(data), Class.SUCCESS)), peer)

    async with loopback() as place:
        return await probe(a_flow("mtu", place.udp(answer).port, Transport.UDP), a_route())


@pytest.mark.parametrize(("most", "passed", "lost"), [(1500, 1500, 0), (1280, 1280, 1350), (600, 576, 800)])
async def test_the_largest_that_passes(most: int, passed: int, lost: int) -> None:
    """And the smallest that does not."""
    result = await sized(most)
    assert result.verdict.outcome is Outcome.PASS, result
    seen = facts(result, Phase.STUN)
    assert (seen["largest_passed"], seen["smallest_lost"], seen["told"]) == (passed, lost, False)


async def test_no_answer_at_all() -> None:
    """Nothing can be told of sizes."""
    assert broke(await sized(0), Outcome.INCONCLUSIVE) == (Phase.STUN, Cause.CANNOT_TELL)


@pytest.mark.parametrize("platform", ["linux", "darwin", "win32"])
@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_every_system_has_its_option(platform: str, family: socket.AddressFamily) -> None:
    """A level, a name and a value."""
    wanted = option(platform, family)
    assert wanted is not None
    assert wanted[0] == (socket.IPPROTO_IPV6 if family is socket.AF_INET6 else socket.IPPROTO_IP)


def test_a_system_without_one() -> None:
    """It is told, and nothing breaks."""
    assert option("plan9", socket.AF_INET) is None
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        assert forbid(own) is (option(sys.platform, socket.AF_INET) is not None)
