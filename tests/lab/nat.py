"""How the border translates addresses: the kinds of NAT in the words of RFC 4787, as nftables lines."""

from __future__ import annotations

from tests.lab.names import PROXY, SITE
from tests.lab.netns import LabError

FILTERS = {
    "": "",
    # Linux by itself: a port is kept where it can be, whoever is spoken to; only who was spoken to gets in.
    "symmetric": "",
    "address-restricted": 'iifname "wan" ip daddr {exit} ip saddr @spoken_to meta l4proto udp dnat to {inside}',
    "full-cone": 'iifname "wan" ip daddr {exit} meta l4proto udp dnat to {inside}',
}
"""Kinds of NAT, with the line that lets in more than answers."""
TABLE = """\
table ip turned {{
  set spoken_to {{ type ipv4_addr; flags dynamic; timeout 5m; }}
  chain arriving {{
    type nat hook prerouting priority dstnat; policy accept;
    {turned}
    {filtering}
  }}
  chain passing {{
    type filter hook forward priority filter + 10; policy accept;
    oifname "wan" meta l4proto udp update @spoken_to {{ ip daddr }}
  }}
  chain leaving {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" ip saddr {proxy} snat to {proxy_exit}
    {other_exit}
    oifname "wan" ip saddr 198.19.0.0/16 snat to {site_exit} {mapping}
  }}
}}
"""
CARRIER = """\
table ip turned {{
  chain leaving {{
    type nat hook postrouting priority srcnat; policy accept;
    oifname "wan" ip saddr {inside[1]} snat to {outside[1]}
    oifname "wan" snat to {outside[0]}
  }}
}}
"""


def table(kind: str, turned: str, exits: tuple[str, str], other_exit: str = "") -> str:
    """Return the table of a border whose NAT is of this *kind*; *exits* are the addresses of the site and its proxy.

    *turned* are lines for connections that go elsewhere than they want to, *other_exit* matches those of the site that
    leave by its proxy's address.
    """
    if kind not in FILTERS:
        raise LabError(f"no NAT {kind}; there are: {', '.join(filter(None, FILTERS))}")
    return TABLE.format(
        turned=turned,
        filtering=FILTERS[kind].format(exit=exits[0], inside=SITE),
        other_exit=f'oifname "wan" {other_exit} counter snat to {exits[1]} comment "other exit"' if other_exit else "",
        mapping="fully-random" if kind == "symmetric" else "",
        proxy=PROXY,
        proxy_exit=exits[1],
        site_exit=exits[0],
    )


def carrier(inside: tuple[str, str], outside: tuple[str, str]) -> str:
    """Return the rules of a second NAT behind the border: *inside* its addresses there, *outside* those beyond."""
    return CARRIER.format(inside=inside, outside=outside)
