"""Addresses that are dead or wrong while others of the same name work: a fail-over would meet them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rainbow_probe.judge.findings.denials import by_address
from rainbow_probe.judge.findings.names import inside
from rainbow_probe.judge.scene import Found, Scene, distinct
from rainbow_probe.judge.traces import SHUT, direct, host_of, over_udp, passes
from rainbow_probe.judge.words import CAUSES, SILENCE, count, named
from rainbow_probe.model import Cause, Failure, Phase, Result, Severity, Who

MOST_TOLD = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bad:
    """One address that did not work in a check that passed by another one."""

    result: Result
    address: str
    failure: Failure | None

    @property
    def silent(self) -> bool:
        """Whether nobody answers there at all."""
        if self.failure is None or self.failure.cause is Cause.PROXY_TARGET_FAILED:
            return True
        doors = {Phase.CONNECT, Phase.STUN} if over_udp(self.result) else {Phase.CONNECT}
        return self.failure.phase in doors and self.failure.cause in SHUT

    @property
    def ipv6(self) -> bool:
        """Whether it is an IPv6 address."""
        return self.address.startswith("[")

    @property
    def place(self) -> str:
        """The address, with the host it is of."""
        return f"{self.result.flow.target.host} at {self.address}"

    @property
    def said(self) -> str:
        """What is wrong with it, in a few words."""
        if self.failure is None:
            return "no answer"
        silence = SILENCE.get(self.failure.phase) if self.failure.cause is Cause.TIMEOUT else None
        return silence or CAUSES[self.failure.cause]


def bad_addresses(scene: Scene) -> list[Found]:
    """Name the addresses that do not work while others of the same name do: the proxy's, and the hosts' own."""
    own_site = {(r.flow.target.host, place) for r in scene.tried("dns") for place in inside(r, scene)}  # told there
    everywhere = [_bad(r, address) for r in scene.results if passes(r) for address in r.verdict.dead]
    bad = [one for one in everywhere if (one.result.flow.target.host, host_of(one.address)) not in own_site]
    proxys = [one for one in bad if not direct(one.result) and not by_address(one.result)]
    own = [one for one in bad if direct(one.result) or by_address(one.result)]
    silent, wrong = [one for one in own if one.silent], [one for one in own if not one.silent]
    families = [[one for one in silent if one.ipv6 is family] for family in (False, True)]
    apart = all(families)
    return [*_proxys(proxys, scene), *(f for some in families for f in _dead(some, scene, apart=apart)), *_wrong(wrong)]


def _bad(result: Result, address: str) -> _Bad:
    failed = [step for step in result.steps if step.failure]
    there = (step.failure for step in failed if address in {step.subject, step.facts.get("address")})
    return _Bad(result=result, address=address, failure=next(there, None))


def _results(bad: Iterable[_Bad]) -> tuple[Result, ...]:
    return tuple(distinct(one.result for one in bad))


def _proxys(bad: list[_Bad], scene: Scene) -> list[Found]:
    if not bad:
        return []
    where = scene.site.proxy.endpoint if scene.site.proxy else "the site"
    told = dict.fromkeys(f"{one.address} ({one.said})" for one in bad)
    number = len({one.address for one in bad})
    return [
        Found(
            id="proxy-address-dead",
            title=f"{count(number, 'address')} of the proxy {where} {'does' if number == 1 else 'do'} not work",
            who=Who.PROXY,
            fix="Repair the proxy at these addresses, or take them out of DNS: connections wait for them, or fail.",
            shows=_results(bad),
            detail=f"{named(told, MOST_TOLD)}; the proxy works at its other addresses",
            at_least=Severity.DEGRADING,
        )
    ]


def _dead(bad: list[_Bad], scene: Scene, *, apart: bool) -> list[Found]:
    """Name dead addresses of one family; *apart*: of the other there are some as well, for a reason of their own."""
    places = list(dict.fromkeys(one.place for one in bad))
    if not places:
        return []
    ipv6 = bad[0].ipv6
    no_ipv6 = ipv6 and not _live_ipv6(scene)
    alive = sum(len(result.verdict.alive) for result in _results(bad))
    return [
        Found(
            id="address-dead-ipv6" if ipv6 and apart else "address-dead",
            title=f"{count(len(places), 'IPv6 address' if ipv6 else 'address')} of hosts that work "
            f"{'does' if len(places) == 1 else 'do'} not answer" + (": IPv6 goes nowhere" if no_ipv6 else ""),
            who=Who.FIREWALL,
            fix="Give this network a way out over IPv6, or none at all: a half one costs time at each connection."
            if no_ipv6
            else "Open the way to all addresses of these names: a fail-over of the service would meet the dead ones.",
            shows=_results(bad),
            detail=f"dead: {named(places, MOST_TOLD)}; {count(alive, 'other address')} answered",
            at_least=Severity.DEGRADING,
        )
    ]


def _live_ipv6(scene: Scene) -> bool:
    """Return whether any target was reached over IPv6; the proxy's address is no way out."""
    return any("[" in address for result in scene.results if direct(result) for address in result.verdict.alive)


def _wrong(bad: list[_Bad]) -> list[Found]:
    if not bad:
        return []
    places = list(dict.fromkeys(one.place for one in bad))
    what = named(dict.fromkeys(one.said for one in bad))
    return [
        Found(
            id="address-wrong",
            title=f"{count(len(places), 'address')} of hosts that work {'is' if len(places) == 1 else 'are'} not in "
            f"order: {what}",
            who=Who.PROVIDER,
            fix="Report these addresses to the provider: a fail-over of the service would meet them. If they are not "
            "the provider's, look at who answers for DNS here.",
            shows=_results(bad),
            detail=named(dict.fromkeys(f"{one.place}: {_detail(one)}" for one in bad), MOST_TOLD),
            at_least=Severity.DEGRADING,
        )
    ]


def _detail(bad: _Bad) -> str:
    return str(bad.failure) if bad.failure else bad.said
