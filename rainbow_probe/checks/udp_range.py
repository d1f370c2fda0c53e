"""UDP 49152-65535 to the conference servers, told by what a TURN server's relay hands back.

Nothing in that range answers a stranger, but our own relayed addresses lie in it: send to them from fresh plain
sockets and see what comes out of the relay, then have the relay send back. Ports are the server's choice, so samples.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.measures import PortInterval
from rainbow_probe.model import Cause, Failure, Flow, Outcome, PeerError, Phase, PortRange, Verdict
from rainbow_probe.net.paths import failed, passed
from rainbow_probe.net.port_trial import ONE_PASS, Trial
from rainbow_probe.net.relayed_ports import Allotted, Port, allot, permit
from rainbow_probe.net.route import Route
from rainbow_probe.net.survey import Survey
from rainbow_probe.net.turn_ways import Way, Ways

PORTS = 64  # distinct relayed ports: if all are open, less than 4.6 % of the range is closed, with 95 % confidence
STREAM_PORTS = 16  # where each costs a connection of its own, perhaps through a proxy
MORE = 2  # times as many are asked for where open ports meet closed ones, and only those kept that lie there
PASSES = 3  # over the ports: all, then the silent ones and those at the edges, then the silent ones of these
SAMPLING = PASSES * ONE_PASS + 1.0  # seconds
TURNS, MOST_TURNS = 3, 9  # times that ports are given back for others, where a user may have only few: more, up to
# half of the time, where these are too few for a pass; each takes a second or more
OTHERS = 2.0  # seconds for other checks to leave the server: what we take of a user's quota, they cannot have
EAR = 1  # relay more, for the controls
ENOUGH_PORTS = EAR + 1  # fewer ports than planned are told
TRANSLATED = (
    "{}, through a NAT64: who translates IPv4 addresses by itself, as phones do, gets there, and browsers of this "
    "machine do not"
)
NO_CREDENTIALS = "needs TURN credentials: --turn-user and RAINBOW_PROBE_TURN_PASSWORD, or --turn-password-file"


async def run(flow: Flow, route: Route, rec: Recorder) -> Verdict:
    """Sample the range; a server policy that forbids the test is inconclusive, never a failure."""
    if route.turn is None:
        return Verdict(outcome=Outcome.SKIPPED, reason=NO_CREDENTIALS)
    async with Ways.tried(flow, route, rec) as ways, AsyncExitStack() as stack:
        try:
            way = await ways.first()
            await route.allocations.quiet(flow.target.host, OTHERS)
            found = await _allotted(stack, way, _number(flow, way), rec)
        except StepError as exc:
            return _could_not(exc.failure)
        return await _Sampling(stack, ways, way, flow, rec, few=found.full).run(found.ports[EAR:], found.ports[0])


def _could_not(failure: Failure) -> Verdict:
    reason = f"the range could not be tried, as no allocation is to be had: {failure}"
    return Verdict(outcome=Outcome.INCONCLUSIVE, reason=reason, failure=failure)


def _whole(flow: Flow) -> PortRange:
    return PortRange(first=int(flow.params.get("first") or 1), last=int(flow.params.get("last") or 65535))


def _number(flow: Flow, way: Way) -> int:
    """Return how many ports to ask for."""
    wanted = int(flow.params.get("ports") or PORTS)
    return (min(wanted, STREAM_PORTS) if way.reliable else wanted) + EAR


async def _allotted(stack: AsyncExitStack, way: Way, asked: int, rec: Recorder) -> Allotted:
    """Ask for the ports, in one step of the report. Raises ``StepError`` where too few are to be had."""
    rec.restart_budget(extra=3 * way.route.limits.exchange)
    async with rec.step(Phase.TURN_ALLOCATE, way.hop.label, limit=4 * way.route.limits.exchange) as facts:
        found = await allot(stack, way, asked, [way.mapped], rec)
        facts |= {"asked": asked, "allocated": len(found.ports), "refused": _reasons(found)}
    if len(found.ports) < ENOUGH_PORTS:
        first = found.refused[0]
        rec.note(first.phase, way.hop.label, first)
        raise StepError(first)
    return found


def _reasons(found: Allotted) -> str:
    return "; ".join(dict.fromkeys(map(str, found.refused)))


class _Sampling:
    """One survey, under way: by *way*, while the others may still tell more addresses of ours."""

    def __init__(
        self, stack: AsyncExitStack, ways: Ways, way: Way, flow: Flow, rec: Recorder, *, few: bool = False
    ) -> None:
        self._few = few  # whether this user may have no more than were allotted at once
        self._stack, self._ways, self._way, self._flow, self._rec = stack, ways, way, flow, rec
        self._mapped = {way.mapped} - {""}
        self._direct = way.direct
        self._there = ""

    async def run(self, ports: Sequence[Port], ear: Port) -> Verdict:
        whole = _whole(self._flow)
        inside = [port for port in ports if whole.first <= port.at.port <= whole.last]
        survey = Survey(ports=inside or ports, whole=whole, server=self._flow.target.host)
        try:
            self._rec.restart_budget(extra=SAMPLING)
            async with self._rec.step(Phase.TURN_DATA, self._flow.target, limit=1.5 * SAMPLING) as facts:
                if not inside:
                    raise PeerError(Cause.CANNOT_TELL, f"the server relays from ports such as {ports[0].at.port} only")
                survey = await self._in_time(survey, ear)
                facts |= {**survey.facts(), "mapped": " ".join(sorted(self._mapped))}
                survey.judge(self._doubt(survey))
                if self._there != ear.at.host:
                    raise PeerError(Cause.CANNOT_TELL, TRANSLATED.format(survey.passed()))
        except StepError as exc:
            measured = None if exc.failure.cause in {Cause.CANNOT_TELL, Cause.BUDGET} else survey.measured()
            return replace(failed(exc.failure), measured=measured)
        return replace(passed(survey.passed()), measured=survey.measured())

    async def _in_time(self, survey: Survey, ear: Port) -> Survey:
        try:
            async with asyncio.timeout(SAMPLING):
                self._there = await self._way.route.names.reach(ear.at.host)
                return await self._sampled(survey, ear)
        except TimeoutError as exc:  # every wait in it is bounded: only this machine can be that late
            raise PeerError(Cause.BUDGET, "this machine was too busy to sample the range") from exc

    async def _sampled(self, survey: Survey, ear: Port) -> Survey:
        async with Trial.with_ear(ear, host=self._there) as trial:
            if not self._lets_in(survey):
                await self._permitted(survey.ports)
            return await self._tried(survey, trial) if self._lets_in(survey) else survey

    async def _tried(self, survey: Survey, trial: Trial) -> Survey:
        """Try every port, and more where it matters."""
        await trial.of(survey.ports)
        if not survey.out and await self._permitted(survey.ports):
            await trial.of(survey.ports)
        if self._few and not survey.silent:
            survey = await self._by_turns(survey, trial)
        if not survey.open or not survey.silent:
            return survey
        # Where some are open, loss must not look like closed ports; and where those end is worth some more.
        async with asyncio.TaskGroup() as group:
            group.create_task(trial.of(survey.silent))
            more = group.create_task(self._at_edges(survey, trial))
        if not survey.lossless:
            await trial.of([port for port in more.result() if not port.back])
        return replace(survey, chosen=more.result())

    async def _by_turns(self, survey: Survey, trial: Trial) -> Survey:
        """Give back what was found open, and try as many others in its place: so few that others have room, too."""
        planned, server = _number(self._flow, self._way) - EAR, self._way.hop.authority.host
        ports, first, began = list(survey.ports), len(survey.ports), self._rec.elapsed
        for turn in range(MOST_TURNS):
            if turn >= TURNS and (survey.sure or self._rec.elapsed - began > SAMPLING / 2):
                break
            for port in ports:
                await port.relay.give_back()
            await self._way.route.allocations.room(server, 0)
            asked = min(planned - len(ports), max(1, first // 2) if turn < TURNS else first)
            if asked <= 0 or not all(port.back for port in ports):
                break
            found = await allot(self._stack, self._way, asked, self._mapped, self._rec)
            await trial.of(found.ports)
            ports += found.ports
            survey = replace(survey, ports=ports)
        return survey

    def _lets_in(self, survey: Survey) -> bool:
        """Tell whether any datagram of ours can be let in: who goes out by IPv6 only has no way to an IPv4 relay."""
        family = ":" in survey.ports[0].at.host
        return not self._mapped or any((":" in address) == family for address in self._mapped)

    async def _permitted(self, ports: Iterable[Port]) -> bool:
        """Let in every address that the other ways saw us come from; tell whether there was a new one."""
        others = await self._ways.working()
        self._direct = self._direct or any(way.direct for way in others)
        new = {way.mapped for way in others} - {""} - self._mapped
        self._mapped |= new
        async with asyncio.TaskGroup() as group:
            for port in ports if new else ():
                group.create_task(permit(port, new))
        return bool(new)

    async def _at_edges(self, survey: Survey, trial: Trial) -> Sequence[Port]:
        """Return more ports, tried, of those where open ones end; ports that are open need no relay any more."""
        edges = survey.edges()
        if not edges:
            return ()
        for port in survey.open:
            await port.relay.give_back()
        asked = MORE * _number(self._flow, self._way)
        found = await allot(self._stack, self._way, asked, self._mapped, self._rec, lambda port: _within(port, edges))
        await trial.of(found.ports)
        return found.ports

    def _doubt(self, survey: Survey) -> str:
        """Say why none coming through need not mean that the range is closed; empty if it does."""
        relay = ipaddress.ip_address(self._there or survey.ports[0].at.host)
        server = ipaddress.ip_address(self._way.hop.address.host)
        if not self._lets_in(survey):
            ours, theirs = ("IPv4", "IPv6") if relay.version == 6 else ("IPv6", "IPv4")
            return f"this machine goes out by {ours} only, and the relayed address is {theirs}"
        if not survey.relays:
            return "the TURN server relays nothing to its own relayed addresses, so nothing can be told"
        if not self._direct:
            return (
                "the address our own datagrams leave from is not known (only the proxy's is), so none may have been "
                "let in"
            )
        if relay.version != server.version:
            return f"the server relays over IPv{relay.version}, and is reached from here over IPv{server.version}"
        if relay.is_private and not server.is_private:
            return f"the server relays from {relay}, which cannot be reached from outside"
        return ""


def _within(port: int, edges: Sequence[PortInterval]) -> bool:
    return any(edge.first <= port <= edge.last for edge in edges)
