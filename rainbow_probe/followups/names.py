"""Names that lead astray: do names lead there that nobody has made, and does the resolver say why it denies?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from rainbow_probe.followups.ask import few, neutral, stopped
from rainbow_probe.followups.sofar import Sofar
from rainbow_probe.model import Cause, Endpoint, Flow, Outcome, Phase, Result, Scalar, Transport, Via
from rainbow_probe.protocols.nat64 import KNOWN_NAME

DENIED = frozenset({Cause.NXDOMAIN, Cause.REFUSED_BY_RESOLVER, Cause.WRONG_ADDRESS})
DNS_PORT = 53
NOBODY = "192.0.2.53"  # an address for documentation only, RFC 5737: no resolver is there, nor anything else
WELL_KNOWN = "64:ff9b:"  # RFC 6052 section 2.1, and RFC 8215 for private use
FEWEST = 2  # hosts at one address; one alone may just be down


def made_up(sofar: Sofar) -> Iterable[Flow]:
    """Where hosts that fail share an address: make up a name of the same domain, and one of somebody else's."""
    by_address: dict[str, dict[str, Result]] = {}
    for result in sofar.ended("https", "xmpp", "turn", "push"):
        if result.verdict.outcome is Outcome.FAIL and result.flow.via is Via.DIRECT:
            for address in _led_to(result):
                by_address.setdefault(address, {})[result.flow.target.host] = result
    for hosts in by_address.values():
        if len(hosts) >= FEWEST:
            yield from _below(next(iter(hosts.values())).flow, [*hosts, neutral(sofar.guide)])


def _below(suspect: Flow, hosts: Iterable[str]) -> Iterator[Flow]:
    """Yield a look-up below the registered domain of each of *hosts*."""
    for above in dict.fromkeys(".".join(host.split(".")[-2:]) for host in hosts):
        if above:
            yield Flow(
                id=f"made-up/{above}:{DNS_PORT}/{Transport.UDP}/{Via.DIRECT}",
                spec=suspect.spec,
                kind="made-up",
                target=Endpoint(host=above, port=DNS_PORT),
                transport=Transport.UDP,
                control_of=suspect.id,
            )


def _led_to(result: Result) -> list[str]:
    steps = (step for step in result.steps if step.phase is Phase.RESOLVE and step.facts.get("source") == "system")
    return [address for step in steps for address in str(step.facts.get("addresses", "")).split()]


def denials(sofar: Sofar) -> Iterable[Flow]:
    """Where a name is denied: ask again in the way in which a resolver may say why (RFC 8914)."""
    for result in few(stopped(sofar, frozenset({Phase.RESOLVE}), DENIED, "dns")):
        flow = result.flow
        params: dict[str, Scalar] = {"over": "udp", "extended": True}
        yield replace(flow, id=f"{flow.id}/extended", params=params, control_of=flow.id)


def translated(sofar: Sofar) -> Iterable[Flow]:
    """Where this machine has IPv6 only, or names have such addresses as a NAT64 may take: ask whether there is one."""
    own = sofar.site.addresses
    only = bool(own) and all(":" in address for address in own)
    for result in sofar.ended("dns"):
        if result.verdict.outcome is Outcome.PASS and (only or _made_of_ipv4(result)):
            target = Endpoint(host=KNOWN_NAME, port=DNS_PORT)
            identity = f"nat64/{target}/{Transport.UDP}/{Via.DIRECT}"
            yield replace(result.flow, id=identity, kind="nat64", target=target, params={}, control_of=result.flow.id)
            return


def _made_of_ipv4(result: Result) -> bool:
    """Tell whether an IPv6 address may be a NAT64's: inside the site, or of the prefix that all may use (RFC 6052)."""
    private = (str(step.facts.get("private") or "") for step in result.steps if step.phase is Phase.RESOLVE)
    suspects = [address for text in private for address in text.split() if ":" in address]
    return bool(suspects) or any(address.startswith(WELL_KNOWN) for address in _led_to(result))


def nobody(sofar: Sofar) -> Iterable[Flow]:
    """Where names are denied: ask where no resolver is; who answers there answers in the place of any."""
    for result in list(few(stopped(sofar, frozenset({Phase.RESOLVE}), DENIED, "dns")))[:1]:
        flow = result.flow
        params: dict[str, Scalar] = {"over": "udp", "at": NOBODY}
        yield replace(flow, id=f"{flow.id}/nobody", params=params, control_of=flow.id)
