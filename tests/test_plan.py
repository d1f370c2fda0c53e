"""From the catalogue and the site to the flows to run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from rainbow_probe.catalogue import builtin, load
from rainbow_probe.checks import kinds
from rainbow_probe.model import Endpoint, IssuerPolicy, PortRange, Proxy, Transport, Via
from rainbow_probe.options import TurnServer
from rainbow_probe.plan import BY_ADDRESS_ONLY, NO_HTTP_PROXY, NO_PROXY_HERE, NO_TURN, Plan, make_plan, select_rows
from tests.catalogue_samples import CLINIC, KINDS

GUIDE = load(CLINIC, KINDS)
PROXY = Proxy(endpoint=Endpoint(host="proxy.example", port=3128))
TURN = (TurnServer(host="turn.example"),)
ProxyFor = Callable[[Endpoint], Proxy | None]


def direct(_target: Endpoint) -> Proxy | None:
    """Use no proxy."""
    return None


def proxied(_target: Endpoint) -> Proxy | None:
    """Use the proxy for everything."""
    return PROXY


def planned(proxy_for: ProxyFor = direct, servers: Sequence[TurnServer] = TURN, clients: Sequence[str] = ()) -> Plan:
    """Plan the small guide."""
    return make_plan(GUIDE, select_rows(GUIDE, clients), servers, proxy_for)


def ids(plan: Plan) -> list[str]:
    """List the ids of all flows."""
    return [flow.id for flow in plan.flows]


def test_a_site_without_a_proxy() -> None:
    """Every flow the client would open, one a host, directly; the control is there although no row needs it."""
    assert ids(planned()) == [
        "dns/api.clinic.example:53/udp/direct",
        "dns/files.clinic.example:53/udp/direct",
        "https/api.clinic.example:8443/tls/direct",
        "https/files.clinic.example:8443/tls/direct",
        "turn/turn.example:3478/udp/direct/from-40000-40999",
        "udp-range/turn.example:50000/udp/direct",
        "push/192.0.2.7:5223/tls/direct",
        "push/[2001:db8::7]:5223/tls/direct",
        "portal/api.clinic.example:80/tcp/direct",
        "portal/files.clinic.example:80/tcp/direct",
        "ports/localhost:0/udp/direct",
    ]


def test_a_site_with_a_proxy() -> None:
    """Flows that may go through it do, those that must not do not, and those for it alone appear."""
    plan = planned(proxied)
    assert [identity for identity in ids(plan) if identity.split("/")[3] == "proxy"] == [
        "https/api.clinic.example:8443/tls/proxy",
        "https/files.clinic.example:8443/tls/proxy",
        "xmpp/192.0.2.7:443/tls/proxy",
        "xmpp/[2001:db8::7]:443/tls/proxy",
        "turn/turn.example:443/tls/proxy/by-address",
        "proxy/api.clinic.example:443/tcp/proxy",
        "proxy/files.clinic.example:443/tcp/proxy",
    ]
    assert set(plan.proxies) == {flow.id for flow in plan.flows if flow.via is Via.PROXY}
    assert set(plan.proxies.values()) == {PROXY}


def test_a_proxy_for_some_hosts_only() -> None:
    """Each host goes its own way; a flow for the proxy alone is planned where there is one."""
    plan = planned(lambda target: PROXY if target.host == "files.clinic.example" else None)
    assert "https/api.clinic.example:8443/tls/direct" in ids(plan)
    assert "https/files.clinic.example:8443/tls/proxy" in ids(plan)
    assert plan.assignments["tunnel"].flows == ("proxy/files.clinic.example:443/tcp/proxy",)
    assert plan.assignments["chat"].not_applicable == NO_PROXY_HERE


def test_what_a_flow_carries() -> None:
    """The expected issuer, what may be decrypted, source ports and parameters come from the catalogue."""
    flows = {flow.spec: flow for flow in planned(proxied).flows}
    assert flows["https-api"].policy is IssuerPolicy.PUBLIC
    assert flows["https-api"].inspection_allowed
    assert flows["https-api"].params == {"expect": "any"}
    assert flows["alarm"].policy is IssuerPolicy.OPERATOR
    assert not flows["alarm"].inspection_allowed
    assert flows["relay-udp"].source == PortRange(first=40000, last=40999)
    assert flows["own-ports"].policy is IssuerPolicy.PUBLIC


def test_assignments_say_what_became_of_each_flow() -> None:
    """Planned, meaningless here, or untestable as long as something is missing."""
    plan = planned(servers=())
    assert plan.assignments["https-api"].flows == (
        "https/api.clinic.example:8443/tls/direct",
        "https/files.clinic.example:8443/tls/direct",
    )
    assert (plan.assignments["chat"].flows, plan.assignments["chat"].not_applicable) == ((), NO_PROXY_HERE)
    for spec in ("relay-udp", "relay-tls", "relay-ports"):
        assert (plan.assignments[spec].flows, plan.assignments[spec].not_tested) == ((), NO_TURN)
    assert all(way in NO_TURN for way in ("--turn", "site file", "--discover"))


def test_only_what_was_asked_for() -> None:
    """One client's rows need its flows, and the control."""
    rows = select_rows(GUIDE, ["site"])
    assert {row.client for row in rows} == {"site"}
    kinds = Counter(identity.split("/")[0] for identity in ids(planned(proxied, clients=["site"])))
    assert kinds == {"turn": 1, "ports": 1, "proxy": 2, "portal": 2}
    assert select_rows(GUIDE, ()) == GUIDE.rows


@pytest.mark.parametrize(
    ("server", "udp", "tls"),
    [
        (TurnServer(host="turn.example"), 3478, 443),
        (TurnServer(host="turn.example", ports={Transport.UDP: 3479}), 3479, 443),
        (TurnServer(host="turn.example", ports={Transport.TLS: 5349, Transport.UDP: 1}), 1, 5349),
        (TurnServer(host="192.0.2.9", ports={Transport.TCP: 80}), 3478, 443),
        (TurnServer(host="2001:db8::9"), 3478, 443),
    ],
)
def test_the_servers_ports_replace_the_guides(server: TurnServer, udp: int, tls: int) -> None:
    """By transport, for TURN itself and for the check that needs an allocation; the sampled range stays."""
    flows = {flow.spec: flow for flow in planned(proxied, [server]).flows}
    assert flows["relay-udp"].target == Endpoint(host=server.host, port=udp)
    assert flows["relay-tls"].target.port == tls
    ranged = flows["relay-ports"]
    assert ranged.target.port == 50000
    assert (ranged.params["udp_port"], ranged.params["tls_port"]) == (udp, tls)
    assert ranged.params.get("tcp_port") == server.ports.get(Transport.TCP)
    assert (ranged.params["first"], ranged.params["last"]) == (50000, 50999)


def test_the_proxy_is_asked_for_the_port_at_which_turn_is_spoken() -> None:
    """A server that listens elsewhere moves the question for a tunnel to it, too."""
    server = TurnServer(host="turn.example", ports={Transport.TLS: 5349})
    plan = make_plan(RAINBOW, RAINBOW.rows, [server], proxied)
    asked = {flow.spec: flow.target.port for flow in plan.flows if flow.kind == "proxy"}
    assert asked == {"proxy-http11": 443, "proxy-http11-turn-tls": 5349, "proxy-http11-turn-tcp": 80}


def test_several_servers_are_all_tried() -> None:
    """Each with its own ports."""
    servers = (TurnServer(host="a.example"), TurnServer(host="b.example", ports={Transport.UDP: 5000}))
    assert planned(servers=servers).assignments["relay-udp"].flows == (
        "turn/a.example:3478/udp/direct/from-40000-40999",
        "turn/b.example:5000/udp/direct/from-40000-40999",
    )


# The guide that ships with the probe.

RAINBOW = load(builtin("hds-ed21"), KINDS)


def rainbow(proxy_for: ProxyFor, *hosts: str) -> Plan:
    """Plan the real guide."""
    return make_plan(RAINBOW, RAINBOW.rows, [TurnServer(host=host) for host in hosts], proxy_for)


@pytest.mark.parametrize("proxy_for", [direct, proxied])
def test_each_flow_is_run_once(proxy_for: ProxyFor) -> None:
    """However many rows use it; and every flow a row needs has an assignment that says something."""
    plan = rainbow(proxy_for, "turn.example")
    assert max(Counter(ids(plan)).values()) == 1
    assert {identity for a in plan.assignments.values() for identity in a.flows} == set(ids(plan))
    for assignment in plan.assignments.values():
        assert assignment.flows or assignment.not_applicable or assignment.not_tested
    needed = {need.flow for row in plan.rows for way in row.ways for need in way.needs}
    assert needed <= set(plan.assignments)


def test_a_server_given_by_address_has_no_name_to_look_up() -> None:
    """DNS flows of the TURN group mean nothing then; with a name among the servers they do."""
    specs = [s for s, flow in RAINBOW.flows.items() if flow.kind == "dns" and RAINBOW.hosts[flow.hosts].turn]
    assert specs
    by_address = rainbow(direct, "192.0.2.9", "2001:db8::9")
    mixed = rainbow(direct, "192.0.2.9", "turn.example")
    for spec in specs:
        assert by_address.assignments[spec].not_applicable == BY_ADDRESS_ONLY
        assert mixed.assignments[spec].flows == ("dns/turn.example:53/udp/direct",)


def test_flows_that_share_an_id_ask_the_same() -> None:
    """Two flows of the catalogue that are one on the wire must want the same answer, or one would go untried."""
    for proxy_for in (direct, proxied):
        plan = rainbow(proxy_for, "turn.example")
        flows = {flow.id: flow for flow in plan.flows}
        for spec_id, assignment in plan.assignments.items():
            spec = RAINBOW.flows[spec_id]
            for identity in assignment.flows:
                assert spec.params.items() <= flows[identity].params.items(), (spec_id, identity)
                assert RAINBOW.hosts[spec.hosts].issuer is flows[identity].policy if spec.hosts else True


def test_a_socks_proxy_has_no_http_of_its_own() -> None:
    """What goes through it is planned; what asks for its HTTP means nothing there."""
    guide = load(builtin("hds-ed21"), kinds())
    rows = select_rows(guide, ())
    socks = make_plan(guide, rows, TURN, lambda _: replace(PROXY, socks=5))
    http = make_plan(guide, rows, TURN, proxied)
    assert {flow.kind for flow in http.flows} - {flow.kind for flow in socks.flows} == {"proxy"}
    assert socks.assignments["proxy-http11"].not_applicable == NO_HTTP_PROXY
