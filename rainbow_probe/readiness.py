"""The main job: options and a site in, a judged report out, also when it is stopped half way."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from rainbow_probe import __version__
from rainbow_probe.capacity import most_wanted
from rainbow_probe.catalogue import Guide, Proxying, RowSpec
from rainbow_probe.followups import Sofar, follow_up
from rainbow_probe.followups.made import CALL, fails_at_dtls, over_addresses, turn_beside, why_no_call
from rainbow_probe.followups.pushes import idle_links
from rainbow_probe.followups.quality import Choice, beside_load, choose, turn_of
from rainbow_probe.judge import judge
from rainbow_probe.model import Assignment, Credentials, Flow, Outcome, Proxy, Report, Result, Site, Verdict, Via
from rainbow_probe.net.allocations import Allocations
from rainbow_probe.net.many import allow_files
from rainbow_probe.net.names import Names, ask_system, confirmed, outside_only, resolver_endpoint
from rainbow_probe.net.proxy_auth import Logins
from rainbow_probe.net.route import Limits, Route
from rainbow_probe.net.stay import Stay
from rainbow_probe.net.trust import Trust
from rainbow_probe.net.waits import with_waits
from rainbow_probe.options import Options, TurnServer
from rainbow_probe.plan import ACCOUNT, CONTROLS, DOWNLOAD, Plan, destinations, make_plan, scheme_of, select_rows
from rainbow_probe.runner import Events, Job, Progressing, complete, run_all, run_waves
from rainbow_probe.site import machine_roots
from rainbow_probe.turn_servers import known_servers
from rainbow_probe.wayout.evaluate import ENDLESS
from rainbow_probe.wayout.ways import Ways

ASK_THE_WAY = frozenset({"dns", "udp-range"})
"""Kinds that go direct, and yet want to know whether clients of their host use a proxy."""
LOOKED_UP_HERE = 4  # the version of SOCKS that carries addresses only
ALONE = frozenset({"proxy-capacity", "sweep", "sweep-in", DOWNLOAD})
"""Kinds of checks that put a load on what the others go through."""
SHORT_CALL = 3.0  # seconds for each part of a call that has been seen to fail
NOT_REACHED = "the run was stopped before this was tried to its end"


@dataclass
class Assessment:
    """One run: made, tried, then reported; what was found until an interruption is not lost."""

    options: Options
    guide: Guide
    site: Site
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    jobs: list[Job] = field(default_factory=list[Job])
    progress: Progressing = field(default_factory=Progressing)
    plan: Plan | None = None
    before: Assessment | None = field(default=None, repr=False)
    """What this is a second look at, within the same run: no password is tried twice."""
    stay: Stay = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Start the clock and read the trust stores; raises ``TrustError`` for a bad file."""
        self._zero = time.monotonic()
        self.logins: Logins = Logins(self.before.logins if self.before else None)
        self.stay = self.before.stay if self.before else Stay(self.options.account, xmpp=self.options.account_xmpp)
        self.allocations: Allocations = self.before.allocations if self.before else Allocations()
        self._turn: dict[str, Credentials] = {}
        allow_files(4096)  # some systems allow 256 unless they are asked
        self._ways = Ways(site=self.site, environ=os.environ)
        self._trust = Trust(
            ca_files=self.options.ca_files, public_ca=self.options.public_ca, machine_roots=machine_roots()
        )

    @property
    def rows(self) -> tuple[RowSpec, ...]:
        """The rows asked for."""
        return select_rows(self.guide, self.options.clients, self.options.rows)

    async def run(self, events: Events) -> None:
        """Try everything at once; what needs a TURN server begins when it is known which there are."""
        names = self._names()
        self._trust.prepare()
        waves = [self._past_any_proxy(names), self._jobs(names, ()), self._jobs_with_turn(names)]
        try:
            await run_waves(
                waves,
                self.progress,
                events,
                budget=self.options.timeout,
                deadline=self.options.deadline,
                more=lambda results: self._follow_up(names, results),
            )
            await self._calls(events)
            await self._alone(names, events)
            await self._push_idle(names, events)
        finally:
            names.close()

    async def _push_idle(self, names: Names, events: Events) -> None:
        """Hold idle links, if that was asked for: at the very end, so that the rest does not wait for it."""
        if not self.options.push_idle:
            return
        sofar = Sofar(guide=self.guide, site=self._ways.told(), results=self.progress.results)
        jobs = self._begin(names, list(idle_links(sofar)), {})
        deadline = self.options.push_idle + self.options.deadline
        await run_all(jobs, self.progress, events, budget=self.options.timeout, deadline=deadline)

    async def _alone(self, names: Names, events: Events) -> None:
        """Run what would disturb the others, when they have ended and time is left: one after the other."""
        late = [job for job in self.jobs if job.flow.kind in ALONE]
        await self._in_turn(late, events)
        for chosen in (partial(choose, seconds=self.options.quality_seconds), beside_load):
            await self._in_turn(self._media(names, chosen), events)

    async def _in_turn(self, jobs: Sequence[Job], events: Events) -> None:
        for job in jobs:
            left = self.options.deadline - (time.monotonic() - self._zero)
            if left > 0:
                await run_all([job], self.progress, events, budget=self.options.timeout, deadline=left)

    def _media(self, names: Names, chosen: Callable[[Sofar, Mapping[str, Assignment]], Choice]) -> list[Job]:
        """Return what is to be measured, in order."""
        if self.plan is None:
            return []
        sofar = Sofar(guide=self.guide, site=self._ways.told(), results=self.progress.results, full=self.options.full)
        choice = chosen(sofar, self.plan.assignments)
        self.plan = replace(self.plan, assignments={**self.plan.assignments, **choice.assignments})
        ways = {flow.id: self._proxy_of(turn_of(flow, self.progress.results.values())) for flow in choice.flows}
        return self._begin(names, choice.flows, {key: proxy for key, proxy in ways.items() if proxy})

    def _proxy_of(self, result: Result | None) -> Proxy | None:
        return next((job.route.proxy for job in self.jobs if result and job.flow.id == result.flow.id), None)

    async def _calls(self, events: Events) -> None:
        """Make the calls, all at once, when the others have ended: where TURN did not pass, none is tried."""
        for job in [job for job in self.jobs if job.flow.kind == CALL]:
            if why := why_no_call(job.flow, self.progress.results, quick=self.options.quick):
                verdict = Verdict(outcome=Outcome.SKIPPED, reason=why)
                self.progress.results[job.flow.id] = Result(flow=job.flow, verdict=verdict)
        jobs = [self._calling(job) for job in self.jobs if job.flow.kind == CALL]
        calls = [job for job in jobs if job.flow.id not in self.progress.results]
        left = self.options.deadline - (time.monotonic() - self._zero)
        if calls and left > 0:
            await run_all(calls, self.progress, events, budget=self.options.timeout, deadline=left)

    def _calling(self, job: Job) -> Job:
        """Send a call where TURN passed, with less time where its own handshake has shown that none does."""
        turn, limits = turn_beside(job.flow, self.progress.results), job.route.limits
        shorter = limits.datagrams > SHORT_CALL and turn is not None and fails_at_dtls(turn)
        route = replace(job.route, limits=limits.scaled(SHORT_CALL / limits.datagrams)) if shorter else job.route
        return replace(job, flow=over_addresses(job.flow, turn), route=route)

    async def _jobs_with_turn(self, names: Names) -> list[Job]:
        if self.stay.account and any(spec.kind == ACCOUNT for spec in self.guide.flows.values()):
            await self.stay.over.wait()
        servers = await known_servers(self.options, self.guide, names, self.stay.servers)
        self._turn = {server.host: server.credentials for server in servers if server.credentials}
        return await self._jobs(names, servers)

    @property
    def _controls(self) -> frozenset[str]:
        """Kinds that are run though no row asks for them."""
        weighed = self.options.quality_seconds and any(row.demand for row in self.rows)
        return CONTROLS | self.stay.wanted | frozenset([DOWNLOAD] * bool(weighed))

    async def _past_any_proxy(self, names: Names) -> list[Job]:
        """Return what need not wait until a PAC file has been asked."""
        plan = make_plan(self.guide, self.rows, (), lambda _: None, hosts=self.options.hosts)
        return self._begin(names, [flow for flow in plan.flows if self._is_direct(flow)], {})

    def _is_direct(self, flow: Flow) -> bool:
        return (
            bool(self.site.pacs) and self.guide.flows[flow.spec].proxy is Proxying.NO and flow.kind not in ASK_THE_WAY
        )

    async def _jobs(self, names: Names, servers: Sequence[TurnServer]) -> list[Job]:
        """Plan with the servers known so far, and return the jobs that are new."""
        await self._ways.settle(destinations(self.guide, self.rows, servers, self._controls), self._route(names))
        plan = make_plan(
            self.guide,
            self.rows,
            servers,
            self._ways.proxy_for,
            websocket_proxy_for=self._ways.websocket_proxy_for,
            hosts=self.options.hosts,
            controls=self._controls,
        )
        if self.plan is None or servers:
            self.plan = plan
        return self._begin(names, plan.flows, plan.proxies)

    def _follow_up(self, names: Names, results: Mapping[str, Result]) -> list[Job]:
        """Return the controls that *results* make necessary, and that have not begun yet."""
        flows = follow_up(Sofar(guide=self.guide, site=self._ways.told(), results=results, full=self.options.full))
        proxied = {flow.id: self._proxy_of_control(flow) for flow in flows if flow.via is Via.PROXY}
        return self._begin(names, flows, {key: proxy for key, proxy in proxied.items() if proxy})

    def _proxy_of_control(self, flow: Flow) -> Proxy | None:
        """Return the proxy of the flow under suspicion: the control must differ in one thing only."""
        suspect = next((job.route.proxy for job in self.jobs if job.flow.id == flow.control_of), None)
        return suspect or self._ways.proxy_for(flow.target) or self._ways.told().proxy

    def _begin(self, names: Names, flows: Sequence[Flow], proxies: Mapping[str, Proxy]) -> list[Job]:
        begun = {job.flow.id for job in self.jobs}
        route = self._route(names)
        new = [self._job(flow, route, proxies.get(flow.id)) for flow in flows if flow.id not in begun]
        self.jobs += new
        return [job for job in new if job.flow.kind not in ALONE | {CALL}]

    def report(self, *, interrupted: bool = False) -> Report:
        """Judge what was found."""
        plan = self.plan or make_plan(
            self.guide, self.rows, self.options.turn, lambda _: None, hosts=self.options.hosts
        )
        jobs = [*self.jobs, *self._not_begun(plan)]
        why = "interrupted: " + NOT_REACHED if interrupted else "the deadline of the run came first: " + NOT_REACHED
        return replace(
            judge(
                guide=self.guide,
                rows=plan.rows,
                assignments=plan.assignments,
                results=[*complete(jobs, self.progress, why), *self._ways.results],
                site=self._ways.told(),
                have_credentials=self.options.credentials is not None or bool(self._turn),
                load=self.options.load,
            ),
            version=__version__,
            started=self.started.strftime("%Y-%m-%dT%H:%M:%SZ"),
            duration=time.monotonic() - self._zero,
            self_check=self.progress.self_check,
            interrupted=interrupted,
        )

    def _not_begun(self, plan: Plan) -> list[Job]:
        begun = {job.flow.id for job in self.jobs}
        return [Job(flow=f, route=self._route(self._names())) for f in plan.flows if f.id not in begun]

    def _names(self) -> Names:
        from rainbow_probe.net.dns import anyone_knows, ask_all

        resolvers = [resolver_endpoint(text) for text in self.site.resolvers]

        async def direct(host: str) -> tuple[str, ...]:
            return await ask_all(resolvers, host)

        async def knows(host: str) -> bool:
            return await anyone_knows(resolvers, host)

        own = self.site.addresses
        ipv6, ipv4 = any(":" in address for address in own), not own or any(":" not in address for address in own)
        if self.options.resolvers:
            return Names(direct, ipv6=ipv6, ipv4=ipv4, source="resolver", stalled=self.progress.stood)
        look_up = outside_only(confirmed(ask_system, direct), inside=self._ways.inside)
        return Names(look_up, ipv6=ipv6, ipv4=ipv4, knows=knows, stalled=self.progress.stood)

    def _route(self, names: Names) -> Route:
        route = Route(
            trust=self._trust,
            names=names,
            logins=self.logins,
            limits=Limits.within(self.options.timeout),
            maps=self.options.maps,
            turn=self.options.credentials,
            stay=self.stay,
            allocations=self.allocations,
            resolvers=self.site.resolvers,
            quality_seconds=self.options.quality_seconds,
            bandwidth_kbit_s=min(self.options.bandwidth_cap, most_wanted(self.rows, self.options.load)),
            capacity=self.options.proxy_capacity,
            load=self.options.load,
            peer_token=self.options.peer_token,
            sweep_rate=self.options.sweep_rate,
            platform=self.site.platform,
            dynamic_ports=self.site.dynamic_ports,
            ranges=self.guide.ranges,
        )
        return with_waits(route, self.options)

    def _job(self, flow: Flow, route: Route, proxy: Proxy | None) -> Job:
        """Put a flow on its way; of a control, too, it is told which proxy that is."""
        towards = self._ways.proxy_of(flow.target.host)
        resolves = towards is not None and towards.socks != LOOKED_UP_HERE
        undecided = ENDLESS if self._is_a_clients(flow) and self._ways.hangs(flow.target, scheme_of(flow.kind)) else ""
        turn = self._turn.get(flow.target.host, route.turn)
        own = replace(route, proxy=proxy, site_proxy=towards, proxied_site=resolves, undecided=undecided, turn=turn)
        return Job(flow=replace(flow, proxy=str(proxy) if proxy else ""), route=own)

    def _is_a_clients(self, flow: Flow) -> bool:
        spec = self.guide.flows.get(flow.spec)
        return spec is not None and spec.proxy is not Proxying.NO and not flow.control_of


def assess(assessment: Assessment, events: Events) -> Report:
    """Run to the end or to Ctrl-C, and report either way."""
    try:
        asyncio.run(assessment.run(events))
    except KeyboardInterrupt:
        return assessment.report(interrupted=True)
    return assessment.report()
