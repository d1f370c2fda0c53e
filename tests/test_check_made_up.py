"""Names that nobody has made: whether they exist all the same, as they are or with a dot at their end."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.model import Cause, Endpoint, Outcome, PeerError, Result, Transport
from rainbow_probe.net.names import Names
from tests.servers import HOST, NAME, a_flow, a_route, probe

GONE = PeerError(Cause.NXDOMAIN, "no such name")
SILENT = PeerError(Cause.NO_ANSWER, "nobody answers")


async def asked(relative: str | PeerError, absolute: str | PeerError) -> Result:
    """Look up a made-up name where names without and with a dot at their end lead there."""
    names: list[str] = []

    async def look_up(host: str) -> tuple[str, ...]:
        names.append(host)
        found = absolute if host.endswith(".") else relative
        if isinstance(found, PeerError):
            raise found
        return (found,)

    flow = replace(a_flow("made-up", 53, Transport.UDP), target=Endpoint(host=NAME, port=53))
    result = await probe(flow, replace(a_route(), names=Names(look_up, ipv6=False)))
    assert len({name.rstrip(".") for name in names}) == 1
    assert all(name.rstrip(".").endswith(f".{NAME}") for name in names)
    return result


@pytest.mark.parametrize(
    ("relative", "absolute", "outcome", "facts"),
    [
        (GONE, GONE, Outcome.PASS, {}),
        (HOST, HOST, Outcome.FAIL, {"relative": HOST, "absolute": HOST}),
        (HOST, GONE, Outcome.FAIL, {"relative": HOST}),
        (SILENT, GONE, Outcome.INCONCLUSIVE, {}),
    ],
)
async def test_a_made_up_name(
    relative: str | PeerError, absolute: str | PeerError, outcome: Outcome, facts: dict[str, str]
) -> None:
    """That it does not exist is what should be; without an answer it cannot be told."""
    result = await asked(relative, absolute)
    assert result.verdict.outcome is outcome
    assert {key: value for step in result.steps for key, value in step.facts.items()} == facts
