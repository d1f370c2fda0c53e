"""From a site's rules to an nftables rule set, and back from its counters to what it really did."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence

from tests.lab import nat
from tests.lab.names import BY_NAME, SITE_GATEWAY, addresses
from tests.lab.netns import LabError, Namespace
from tests.lab.scenario import Dns, Firewall, HttpProxy, Rule

BOXES = {"mute": 9001, "inspector": 9002, "portal": 9003, "tls-portal": 9004, "tls-inspector": 9005, "resolver": 53}
BOXES |= {"http-proxy": 9006, "sni-filter": 9007, "web-only": 9008, "sip-alg": 9009}
"""Actions that hand a connection (TCP, or DNS) to a box in the firewall, with the port where it listens."""
ACTIONS = {
    "accept": "accept",
    "drop": "drop",
    "reject": "reject",
    "reset": "reject with tcp reset",
    "prohibit": "reject with icmpx admin-prohibited",
}
TABLE = """\
table inet lab {{
  chain forwarding {{
    type filter hook forward priority filter; policy drop;
    {loss}
    {forgotten}
    ct state established,related accept
    ct status dnat accept
    iifname "lan" oifname "dmz" {proxy}
    iifname "lan" oifname "nat64" accept
    iifname {{ "lan", "nat64" }} jump from_site
    iifname "dmz" jump from_proxy
    {back}
  }}
  chain from_site {{
    {site_rules}
    counter {default} comment "default"
  }}
  chain from_proxy {{
    {proxy_rules}
    accept
  }}
  chain incoming {{
    type filter hook input priority filter; policy accept;
    {dns}
  }}
}}
"""


def ruleset(
    firewall: Firewall, proxy: HttpProxy | None, exits: tuple[str, str], resolver: Dns, back: Sequence[str] = ()
) -> str:
    """Return the rule set; *exits* are the public addresses of the site and of its proxy, *back* what may come in."""
    return TABLE.format(
        forgotten='ct state invalid counter drop comment "forgets"' if firewall.forgets else "",
        loss=_lines([*_loss(firewall.udp_loss), *_lost(firewall.lost)]),
        proxy=f"tcp dport {proxy.port} accept" if proxy else "drop",
        site_rules=_lines(_filters(firewall, "site")),
        proxy_rules=_lines(_filters(firewall, "proxy")),
        default=_action(firewall.default),
        back=_lines([f'iifname "office" oifname "lan" {match} accept' for match in back]),
        dns=_unheard(resolver),
    ) + nat.table(firewall.nat, _lines([*_reroutes(firewall), *_boxes(firewall)]), exits, firewall.other_exit)


def hits(namespace: Namespace) -> Counter[str]:
    """Return the packets each named rule has met."""
    listing = json.loads(namespace.run("nft", "-j", "list", "ruleset"))
    rules = [item["rule"] for item in listing["nftables"] if "rule" in item]
    found: Counter[str] = Counter()
    for rule in rules:
        for expression in rule["expr"]:
            if "comment" in rule and "counter" in expression:
                found[rule["comment"]] += expression["counter"]["packets"]
    return found


def own(matches: Sequence[str]) -> str:
    """Return the rule set of a machine that does not let out what *matches*."""
    rules = _lines([f"{match} counter drop" for match in matches])
    return (
        f"table inet own {{\n  chain outgoing {{\n    type filter hook output priority filter;\n    {rules}\n  }}\n}}\n"
    )


def _lines(lines: Iterator[str] | list[str]) -> str:
    return "\n    ".join(lines)


def _unheard(resolver: Dns) -> str:
    """Drop the questions that the resolver is not to hear."""
    shut = "tcp, udp" if resolver.silent else resolver.shut
    return f'ip daddr {SITE_GATEWAY} meta l4proto {{ {shut} }} th dport 53 counter drop comment "dns"' if shut else ""


def _loss(percent: int) -> list[str]:
    return [f'meta l4proto udp numgen random mod 100 < {percent} counter drop comment "udp-loss"'] if percent else []


def _lost(matches: Sequence[str]) -> list[str]:
    return [f'{match} counter drop comment "lost {number}"' for number, match in enumerate(matches)]


def _action(action: str) -> str:
    if action not in ACTIONS:
        raise LabError(f"no action {action}; there are: {', '.join((*ACTIONS, *BOXES))}")
    return ACTIONS[action]


def _filters(firewall: Firewall, source: str) -> Iterator[str]:
    """Give the rules that let pass or stop; a rule's number is its name."""
    for number, rule in enumerate(firewall.rules):
        if rule.action not in BOXES and rule.source in {source, "both"}:
            for match in _matches(rule):
                yield f'{match} counter {_action(rule.action)} comment "rule {number}"'


def _boxes(firewall: Firewall) -> Iterator[str]:
    """Give the rules that hand connections to a box."""
    for number, rule in enumerate(firewall.rules):
        if rule.action in BOXES:
            for match in _matches(rule):
                yield f'iifname "lan" {match} counter redirect to :{BOXES[rule.action]} comment "rule {number}"'


def _reroutes(firewall: Firewall) -> Iterator[str]:
    for number, (service, instead) in enumerate(firewall.reroute.items()):
        name, _, port = service.rpartition(":")
        match = f"ip daddr {addresses(name)[0]}" + (f" tcp dport {port}" if port != "*" else "")
        yield f'{match} counter dnat to {addresses(instead)[0]} comment "reroute {number}"'


def _matches(rule: Rule) -> Iterator[str]:
    """Give the nft matches of *rule*, one for each address family it names addresses of."""
    ports = f"{rule.protocol or 'th'} dport {{ {rule.ports} }}" if rule.ports else ""
    protocol = f"meta l4proto {rule.protocol}" if rule.protocol else "meta l4proto { tcp, udp }" if rule.ports else ""
    family = {"v4": "meta nfproto ipv4", "v6": "meta nfproto ipv6", "": ""}[rule.family]
    for there in _destinations(rule):
        yield " ".join(part for part in (family, there, protocol, ports) if part)


def _destinations(rule: Rule) -> list[str]:
    if not rule.to:
        return [""]
    known = [addresses(name) for name in rule.to if name in BY_NAME]
    v4 = [pair[0] for pair in known] + [name for name in rule.to if name not in BY_NAME]
    v6 = [pair[1] for pair in known]
    both = [f"ip daddr {{ {', '.join(v4)} }}", *([f"ip6 daddr {{ {', '.join(v6)} }}"] if v6 else [])]
    return both[:1] if rule.action in BOXES else both
