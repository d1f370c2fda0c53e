"""A whole call between two allocations of ours, as the guide's section 9 draws it: ICE, DTLS-SRTP, channel, voice."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Self

from rainbow_probe.evidence import Recorder, SilenceError, StepError
from rainbow_probe.model import Cause, PeerError, Phase, Scalar, Verdict
from rainbow_probe.net.call import EARLY, TRYING, Call, relayed, silence
from rainbow_probe.net.dtls import Handshake
from rainbow_probe.net.ice import Agent, agree, carrying, two_agents
from rainbow_probe.net.media import THIN, WHOLE, Conversation, Plain
from rainbow_probe.net.paths import passed
from rainbow_probe.net.relay import Relay, Relayed, endpoint
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.dtls import DtlsError
from rainbow_probe.protocols.rtp import SILENCE
from rainbow_probe.protocols.srtp import PROFILE, Srtp

PLAIN = 1.5  # seconds for as much plain data as there was voice
CHECK_SIZE = 100  # bytes of a connectivity check, about


@dataclass(frozen=True, slots=True, kw_only=True)
class RealCall:
    """A call from *near* to *far*; each group of steps is a step of its own, and the first that fails ends it."""

    near: Relay
    far: Relay
    path: Call
    rec: Recorder

    @classmethod
    def between(cls, near: Relay, far: Relay, subject: str, route: Route, rec: Recorder) -> Self:
        """Make a call that is recorded under the address *subject*."""
        return cls(near=near, far=far, path=Call(near, far, subject, route, rec), rec=rec)

    async def made(self) -> Verdict:
        """Call, talk and hang up. Raises ``StepError`` for the first group of steps that does not pass."""
        here, there = relayed(self.near), relayed(self.far)
        async with two_agents(self.near, here, self.far, there) as agents:
            await self._agree(*agents)
            ends = await self._shake_hands(*agents)
            await self.path.channels()
            facts = await self._talk(agents, ends)
        for relay in (self.near, self.far):
            with contextlib.suppress(StepError):  # the call is over: what the server does not hear, it ends by itself
                await relay.release()
        return passed(
            f"a call passes: {facts['authenticated']} of {facts['sent']} SRTP packets authenticated there, "
            f"{facts['back_authenticated']} of {facts['back_sent']} back"
        )

    async def _agree(self, caller: Agent, callee: Agent) -> None:
        """Check the pair of relayed addresses from both ends, until it is nominated."""
        async with self.path.attempt(Phase.ICE) as facts:
            try:
                async with asyncio.timeout(self.near.limit * TRYING):
                    await agree(caller, callee)
            except TimeoutError as exc:
                raise await self._unanswered(caller, callee) from exc
            finally:
                facts["checks"] = caller.sent + callee.sent
            facts |= {"local": str(endpoint(callee.peer)), "remote": str(endpoint(caller.peer))}

    async def _unanswered(self, caller: Agent, callee: Agent) -> Exception:
        if altered := caller.altered + callee.altered:
            return PeerError(Cause.ALTERED, f"{altered} connectivity checks arrive, and neither end has made them")
        return await self.path.stopped(
            "no connectivity check is answered", CHECK_SIZE, (caller.sent + callee.sent) // 2
        )

    async def _shake_hands(self, caller: Agent, callee: Agent) -> tuple[Srtp, Srtp]:
        """Agree on keys over the nominated pair, and see that nobody stands between."""
        shake = Handshake(caller, callee, reliable=self.path.reliable)
        async with self.path.attempt(Phase.DTLS) as facts:
            try:
                await self._shaken(shake, caller, callee)
            except TimeoutError as exc:
                raise await self.path.unshaken(shake) from exc
            finally:
                facts |= {"datagrams": shake.datagrams, "size": shake.size}
            facts["profile"] = PROFILE.decode()
            return _ends(shake)

    async def _shaken(self, shake: Handshake, *agents: Agent) -> None:
        """Shake hands in indications, and go on in channels after a while: one of the two will do."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.near.limit * EARLY), carrying(*agents):
                await shake.run()
        if shake.done:
            return
        async with asyncio.timeout(self.near.limit * (TRYING - EARLY)):
            await self.path.channels()
            async with carrying(*agents):
                await shake.run()

    async def _talk(self, agents: tuple[Agent, Agent], ends: tuple[Srtp, Srtp]) -> dict[str, Scalar]:
        """Send voice both ways, over the channel."""
        async with self.path.attempt(Phase.MEDIA, 2 * PLAIN) as facts:
            talk = Conversation((agents[0], ends[0]), (agents[1], ends[1]), facts)
            try:
                async with asyncio.timeout(self.near.limit * TRYING), carrying(*agents):
                    await talk.run()
            except TimeoutError as exc:
                raise await self._unheard(talk) from exc
            if talk.altered:
                raise _spoilt(talk)
            if talk.share < THIN:
                await self._compared(talk, agents, ends)
        return facts

    async def _compared(self, talk: Conversation, agents: tuple[Agent, Agent], ends: tuple[Srtp, Srtp]) -> None:
        """Raise ``SilenceError`` if hardly any voice arrives, twice, and all but all plain data in between."""
        plain = await self._plain()
        again = Conversation((agents[0], ends[0]), (agents[1], ends[1]), {})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PLAIN), carrying(*agents):
                await again.run()
        if again.share < THIN and plain.share >= WHOLE:
            said = f"hardly any voice arrives: {talk.told}, then {again.told}, while plain data does: {plain.told}"
            raise SilenceError(Cause.TIMEOUT, said)

    async def _unheard(self, talk: Conversation) -> Exception:
        """Tell voice that is stopped from a path that carries too little, or nothing any more."""
        what = f"voice does not arrive both ways: {talk.told}"
        if talk.altered:
            return _spoilt(talk)
        if self.near.link.reliable or (await self._plain()).arrives:
            return SilenceError(Cause.TIMEOUT, f"{what}, while as much plain data does")
        if await self.path.still_passes(relayed(self.far), len(SILENCE)):
            return PeerError(Cause.CANNOT_TELL, f"{what}, nor does as much plain data, though a few packets pass")
        return silence(what)

    async def _plain(self) -> Conversation:
        """Send plain packets both ways at the pace of voice."""
        near, far = Relayed(self.near, relayed(self.far)), Relayed(self.far, relayed(self.near))
        control = Conversation((near, Plain()), (far, Plain()), {})
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PLAIN):
                await control.run()
        return control


def _spoilt(talk: Conversation) -> PeerError:
    return PeerError(Cause.ALTERED, f"voice arrives, and is not authenticated: {talk.told}")


def _ends(shake: Handshake) -> tuple[Srtp, Srtp]:
    """Return both ends of the media. Raises ``PeerError`` if a third party holds the keys, or there are none."""
    client, server = shake.client, shake.server
    if (client.shown, server.shown) != (server.fingerprint, client.fingerprint):
        raise PeerError(Cause.ALTERED, "the certificate shown is not the other end's: somebody ends DTLS on the way")
    try:
        return Srtp(client.keys()), Srtp(server.keys())
    except DtlsError as exc:
        raise PeerError(Cause.TLS_ALERT, str(exc)) from exc
