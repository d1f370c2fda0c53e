"""Each format says the same openings in its own words, and nothing that a parser could take for more."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

import pytest

from rainbow_probe.arguments import FORMATS as TOLD
from rainbow_probe.rules import FORMATS, By, RuleSet, Style, render
from tests.rule_samples import (
    EVERYTHING,
    EXEMPT,
    FOR_THE_PROXY,
    HIGH_RANGE,
    MANY_PORTS,
    NOTHING,
    OPEN,
    PERMIT,
    PERMIT_ADDRESS,
    UDP_OPENING,
    UNKNOWN,
    host,
)

COMMENTS = {"cisco-asa": "!"}
GATEWAY = "udp sport 20000-29999 udp dport { 3478 }"
ZONES = "from trust to untrust source any destination"
PALO_OPEN = (
    f"set rulebase security rules rainbow-udp-3478-from-20000-29999 {ZONES} [ rainbow-host-1 rainbow-host-2 ] "
    "application any service rainbow-udp-3478-from-20000-29999 action allow"
)
PALO_UNTOUCHED = (
    f"set rulebase decryption rules rainbow-untouched-1 {ZONES} [ rainbow-host-1 ] "
    "service rainbow-tcp-80-443 category any action no-decrypt type ssl-forward-proxy"
)
WINDOWS = (
    "New-NetFirewallRule -DisplayName 'Rainbow udp-3478-from-20000-29999' -Direction Outbound -Action Allow "
    "-Protocol UDP -RemotePort 3478 -LocalPort 20000-29999 -RemoteAddress 192.0.2.1,2001:db8:1::1,192.0.2.2"
)


def rules_in(name: str, *openings: object, style: Style | None = None) -> list[str]:
    """Write *openings* in the format *name*, without comments."""
    wanted = RuleSet(title="A guide", openings=tuple(one for one in EVERYTHING.openings if one in openings))
    comment = COMMENTS.get(name, "#")
    return [line for line in render(wanted, name, style).splitlines() if line and not line.startswith(comment)]


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("style", [Style(), *(Style(by=by) for by in By), Style(source="10.1.0.0/16")], ids=str)
def test_every_format_writes_everything(name: str, style: Style) -> None:
    """In ASCII, line by line, and never anything inbound."""
    text = render(EVERYTHING, name, style)
    assert text.isascii()
    assert text.endswith("\n")
    assert not re.search(r"(?i)direction inbound|\bINPUT\b|hook input", text)
    assert not set(text) & set("$`|&<>\\")
    assert "\n; with" not in text


@pytest.mark.parametrize("name", FORMATS)
def test_where_nothing_is_needed_nothing_is_opened(name: str) -> None:
    """An empty set is a file all the same."""
    text = render(NOTHING, name)
    assert text.strip()
    assert "accept" not in text.lower().replace("-j accept", "accept")


@pytest.mark.parametrize(
    ("name", "opening", "lines"),
    [
        (
            "nftables",
            UDP_OPENING,
            [
                "add table inet filter",
                "add chain inet filter rainbow",
                "flush chain inet filter rainbow",
                f"add rule inet filter rainbow ip daddr {{ 192.0.2.1, 192.0.2.2 }} {GATEWAY} accept",
                f"add rule inet filter rainbow ip6 daddr {{ 2001:db8:1::1 }} {GATEWAY} accept",
            ],
        ),
        (
            "iptables",
            MANY_PORTS,
            [
                "*filter",
                ":RAINBOW - [0:0]",
                "-A RAINBOW -d 198.51.100.7 -p tcp -m tcp --dport 443 -j ACCEPT",
                "-A RAINBOW -d 198.51.100.7 -p tcp -m tcp --dport 5228:5230 -j ACCEPT",
                "COMMIT",
            ],
        ),
        (
            "ip6tables",
            UDP_OPENING,
            [
                "*filter",
                ":RAINBOW - [0:0]",
                "-A RAINBOW -d 2001:db8:1::1 -p udp -m udp --sport 20000:29999 --dport 3478 -j ACCEPT",
                "COMMIT",
            ],
        ),
        ("iptables", UNKNOWN, ["*filter", ":RAINBOW - [0:0]", "COMMIT"]),
        (
            "squid",
            PERMIT,
            [
                "acl rainbow_connect method CONNECT",
                "acl rainbow_to_1 dstdomain turn-a.example.org",
                "acl rainbow_port_1 port 80",
                "http_access allow rainbow_connect rainbow_to_1 rainbow_port_1",
            ],
        ),
        (
            "squid",
            PERMIT_ADDRESS,
            [
                "acl rainbow_connect method CONNECT",
                "acl rainbow_to_1 dst 192.0.2.1 2001:db8:1::1",
                "acl rainbow_port_1 port 80",
                "http_access allow rainbow_connect rainbow_to_1 rainbow_port_1",
            ],
        ),
        (
            "squid",
            EXEMPT,
            [
                "acl rainbow_untouched_1 ssl::server_name turn-a.example.org",
                "acl rainbow_untouched_port_1 port 80 443",
                "ssl_bump splice rainbow_untouched_1 rainbow_untouched_port_1",
            ],
        ),
        ("squid", UDP_OPENING, []),
        ("exemptions", EXEMPT, ["turn-a.example.org tcp/80", "turn-a.example.org tcp/443"]),
        ("exemptions", UDP_OPENING, []),
        (
            "fortinet",
            MANY_PORTS,
            [
                "config firewall address",
                '    edit "rainbow-host-1"',
                "        set type fqdn",
                '        set fqdn "push.example.com"',
                "    next",
                "end",
                "config firewall service custom",
                '    edit "rainbow-tcp-443-5228to5230"',
                "        set protocol TCP/UDP/SCTP",
                "        set tcp-portrange 443 5228-5230",
                "    next",
                "end",
                "config firewall policy",
                "    # for a/one, a/two, b/one, b/two and 1 more",
                "    edit 0",
                '        set name "rainbow-tcp-443-5228to5230"',
                '        set srcintf "lan"',
                '        set dstintf "wan"',
                '        set srcaddr "all"',
                '        set dstaddr "rainbow-host-1"',
                '        set service "rainbow-tcp-443-5228to5230"',
                '        set schedule "always"',
                "        set action accept",
                "        set nat enable",
                "    next",
                "end",
            ],
        ),
        (
            "paloalto",
            UDP_OPENING,
            [
                "set address rainbow-host-1 fqdn turn-a.example.org",
                "set address rainbow-host-2 fqdn turn-b.example.org",
                "set service rainbow-udp-3478-from-20000-29999 protocol udp port 3478 source-port 20000-29999",
                PALO_OPEN,
            ],
        ),
        (
            "paloalto",
            EXEMPT,
            [
                "set address rainbow-host-1 fqdn turn-a.example.org",
                "set service rainbow-tcp-80-443 protocol tcp port 80,443",
                PALO_UNTOUCHED,
            ],
        ),
        (
            "cisco-asa",
            HIGH_RANGE,
            [
                "object network rainbow-net-1",
                " subnet 192.0.2.0 255.255.255.224",
                "object network rainbow-net-2",
                " subnet 2001:db8:1::/64",
                "object-group network rainbow-to-1",
                " network-object object rainbow-net-1",
                " network-object object rainbow-net-2",
                "access-list RAINBOW remark for a/conference",
                "access-list RAINBOW extended permit udp any object-group rainbow-to-1 range 49152 65535",
            ],
        ),
        (
            "windows",
            UDP_OPENING,
            [
                WINDOWS,
            ],
        ),
        ("windows", FOR_THE_PROXY, []),
    ],
)  # fmt: skip
def test_an_opening_in_the_words_of_a_product(name: str, opening: object, lines: list[str]) -> None:
    """As its manual has them."""
    assert rules_in(name, opening) == lines


def test_by_range_the_guides_networks_are_written() -> None:
    """Where the destination is the service's; a stranger's addresses stay what they are."""
    text = "\n".join(rules_in("nftables", UDP_OPENING, MANY_PORTS, style=Style(by=By.RANGE)))
    assert "ip daddr { 192.0.2.0/27 } udp" in text
    assert "ip daddr { 198.51.100.7 } tcp" in text


def test_only_the_clients_network_may_send() -> None:
    """The proxy is not in it."""
    wanted = Style(source="10.1.0.0/16")
    rules = rules_in("nftables", MANY_PORTS, UDP_OPENING, style=wanted)[3:]
    assert all("ip saddr { 10.1.0.0/16 } ip daddr" in line for line in rules)  # and none for IPv6
    assert not any("10.1.0.0" in line for line in rules_in("nftables", FOR_THE_PROXY, style=wanted))
    assert "-s 10.1.0.0/16" in "\n".join(rules_in("iptables", MANY_PORTS, style=wanted))
    assert "acl rainbow_from src 10.1.0.0/16" in rules_in("squid", PERMIT, style=wanted)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("nftables", "ip saddr { 10.0.0.3 } ip daddr { 192.0.2.1 } tcp dport { 80 } accept"),
        ("iptables", "-A RAINBOW -s 10.0.0.3 -d 192.0.2.1 -p tcp -m tcp --dport 80 -j ACCEPT"),
        ("fortinet", 'set srcaddr "rainbow-from-10.0.0.3"'),
        ("paloalto", "from trust to untrust source [ 10.0.0.3 ] destination"),
        ("cisco-asa", "permit tcp 10.0.0.3 255.255.255.255 object-group rainbow-to-1 eq 80"),
        ("text", "from      the site's proxy, any source port"),
    ],
)
def test_what_only_the_proxy_needs_is_opened_to_it_alone(name: str, line: str) -> None:
    """And to nobody, where its address is not known."""
    one = RuleSet(title="A guide", openings=(FOR_THE_PROXY,), proxy=("10.0.0.3",))
    assert line in render(one, name)
    unknown = render(replace(one, proxy=()), name)
    assert name == "text" or "only the proxy needs it, and its address is not known" in unknown
    assert not re.search(r"accept$|-j ACCEPT|action accept|action allow|extended permit", unknown, re.MULTILINE)


def test_the_sites_own_chain_is_told_to_look_there() -> None:
    """Only if it was named: nobody's chains are guessed."""
    named = rules_in("nftables", MANY_PORTS, style=Style(chain="inet border out"))
    assert named[0] == "add table inet border"
    assert named[-1] == "insert rule inet border out jump rainbow"
    assert "# insert rule inet filter forward jump rainbow" in render(EVERYTHING, "nftables")
    assert "-I OUT -j RAINBOW" in rules_in("iptables", MANY_PORTS, style=Style(chain="OUT"))


def test_a_chain_of_one_family_has_no_rules_of_the_other() -> None:
    """Nft refuses them."""
    assert not any("ip6 " in line for line in rules_in("nftables", UDP_OPENING, style=Style(chain="ip filter forward")))


def test_a_table_for_a_spreadsheet() -> None:
    """One line an opening, under a heading; no cell begins like a formula."""
    rows = list(csv.reader(io.StringIO(render(EVERYTHING, "csv"))))
    assert len(rows) == 1 + len(EVERYTHING.openings)
    assert len({len(row) for row in rows}) == 1
    assert not any(cell[:1] in "=+-@\t" for row in rows for cell in row if cell)
    assert rows[1][:7] == [
        "open",
        "outbound",
        "udp",
        "3478",
        "any",
        "20000-29999",
        "turn-a.example.org turn-b.example.org",
    ]


def test_words_for_a_ticket() -> None:
    """Who, from where, to where, why; and what no rule mends."""
    text = render(EVERYTHING, "text")
    for part in (
        "from      this network (this machine: 10.0.0.5), source ports 20000-29999",
        "from      the site's proxy, any source port",
        "to        turn-a.example.org (now 192.0.2.1, 2001:db8:1::1)",
        "to        conference servers: 192.0.2.0/27, 2001:db8:1::/64",
        "permit CONNECT turn-a.example.org:80",
        "permit CONNECT [2001:db8:1::1]:80",
        "turn-a.example.org port 80, 443",
        "a/six: no rule mends it",
    ):
        assert part in text
    assert "No rule is needed." in render(NOTHING, "text")
    assert len(OPEN) == text.count("allow outbound")


def test_the_help_names_every_format() -> None:
    """The grammar does not import the renderers for that."""
    assert TOLD.split(", ") == list(FORMATS)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("fortinet", r'edit "(rainbow-[^"]*)"\n +set (?:type|subnet)'),
        ("fortinet", r'set name "(.*)"'),
        ("fortinet", r"set name (.*)"),
        ("paloalto", r"set address (\S+)"),
        ("paloalto", r"set rulebase security rules (\S+)"),
    ],
)
def test_no_name_stands_for_two_things(name: str, named: str) -> None:
    """A second object of one name would replace the first, and the rule would open another host."""
    elsewhere = replace(UDP_OPENING, to=(host("turn-c.example.org", "192.0.2.9"),), by_proxy=False)
    beside = replace(EXEMPT, to=(host("others.example.org", "192.0.2.10"), *EXEMPT.to))
    wanted = RuleSet(title="A guide", openings=(UDP_OPENING, elsewhere, beside))
    found = re.findall(named, render(wanted, name))
    assert len(found) == len(set(found)) > 1
    assert all(len(one) <= 63 and one.count('"') in {0, 2} for one in found)
