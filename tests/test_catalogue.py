"""The guides that ship, and one of another vendor: complete, consistent, and data alone."""

from __future__ import annotations

import ast
import ipaddress
import subprocess
import sys
from collections.abc import Mapping
from datetime import date
from pathlib import Path

import pytest

from rainbow_probe import catalogue
from rainbow_probe.catalogue import CatalogueError, FlowSpec, Guide, Proxying, Requirement, RowSpec, builtin, load
from rainbow_probe.catalogue.flows import FLOW_KEYS, HOST_KEYS
from rainbow_probe.catalogue.rows import ROW_KEYS
from rainbow_probe.model import Cause, IssuerPolicy, Need, PortRange, Transport
from tests.catalogue_samples import CLINIC, DATA, KINDS, at, clinic, spots

CONTROLS = {"portal", "download", "outside"}
"""Flows that no row stands on: they make other verdicts safe."""


@pytest.fixture(name="hds", scope="module")
def _hds() -> Guide:
    return load(builtin("hds-ed21"), KINDS)


@pytest.fixture(name="rows", scope="module")
def _rows(hds: Guide) -> Mapping[str, RowSpec]:
    return {row.id: row for row in hds.rows}


def needs(row: RowSpec) -> list[Requirement]:
    """Give all that any way of *row* needs."""
    return [need for way in row.ways for need in way.needs]


def ways(row: RowSpec) -> list[tuple[str, ...]]:
    """Give the flows of each way of *row*, in order of preference."""
    return [tuple(need.flow for need in way.needs) for way in row.ways]


def test_every_row_of_the_guide_is_there_in_its_order(hds: Guide) -> None:
    """The catalogue has the rows of the published list: none is missing, none added, none renamed."""
    assert [row.id for row in hds.rows] == (DATA / "rows.txt").read_text("utf-8").split()


def test_the_head_says_which_edition_it_is(hds: Guide) -> None:
    """Reports name the edition and its date."""
    assert (hds.id, hds.edition, date.fromisoformat(hds.published)) == ("hds-ed21", "21", date(2021, 11, 3))


def test_the_folder_is_called_as_the_guide_is() -> None:
    """``--guide ID`` finds the folder by the id that reports show."""
    assert {name: load(builtin(name), KINDS).id for name in catalogue.builtin_names()} == {"hds-ed21": "hds-ed21"}


def test_the_address_ranges_are_those_of_section_5(hds: Guide) -> None:
    """The ranges are compared with what names resolve to."""
    assert hds.ranges == ("51.83.83.128/27", "135.125.46.128/27")
    assert sum(ipaddress.ip_network(each).num_addresses for each in hds.ranges) == 64


def test_every_flow_is_used_or_is_a_control(hds: Guide) -> None:
    """A flow that no row stands on would be tried for nothing."""
    unused = set(hds.flows) - {need.flow for row in hds.rows for need in needs(row)}
    assert unused == CONTROLS | {"sips", "xmpp-account"}  # which are run for whoever asks for them


def test_every_kind_of_check_is_used(hds: Guide) -> None:
    """The catalogue gives work to each kind there is."""
    assert {flow.kind for flow in hds.flows.values()} == set(KINDS)


def test_every_group_of_hosts_is_used(hds: Guide) -> None:
    """A group that no flow reaches would be dead data."""
    assert {flow.hosts for flow in hds.flows.values()} - {""} == set(hds.hosts)


def test_no_two_flows_are_the_same(hds: Guide) -> None:
    """Each thing to try is written down once."""

    def essence(flow: FlowSpec) -> str:
        return repr((flow.kind, flow.hosts, flow.port, flow.transport, flow.proxy, flow.source, flow.params))

    assert len({essence(flow) for flow in hds.flows.values()}) == len(hds.flows)


def test_every_client_and_group_has_a_title_of_its_own(hds: Guide) -> None:
    """The report has one line a client kind."""
    titles = [*hds.clients.values(), *hds.groups.values()]
    assert list(hds.clients) == ["desktop", "mobile", "connectors", "room", "pbx-agent", "webrtc-gateway"]
    assert len(set(titles)) == len(titles)


def test_an_untested_row_says_what_it_needs(hds: Guide) -> None:
    """Whoever reads ``not-tested`` learns what would change that."""
    untested = [row for row in hds.rows if not row.ways and not row.sections]
    assert untested  # others may have become testable since; these say so
    assert [row.id for row in untested if not row.not_tested.startswith("needs ")] == []


def test_a_fallback_says_what_it_costs(hds: Guide) -> None:
    """A degraded row is explained by the cost of the way that worked."""
    assert [row.id for row in hds.rows for way in row.ways[1:] if not way.cost] == []
    assert [row.id for row in hds.rows if row.ways and row.ways[0].cost] == []


@pytest.mark.parametrize("row", ["https", "wss"])
@pytest.mark.parametrize("client", ["desktop", "mobile", "connectors", "room", "webrtc-gateway"])
def test_signalling_is_mandatory(rows: Mapping[str, RowSpec], client: str, row: str) -> None:
    """No client works at all without HTTPS and WebSocket."""
    assert rows[f"{client}/{row}"].need is Need.MANDATORY


def test_what_else_is_mandatory(hds: Guide) -> None:
    """Only what a client cannot do without is mandatory; the rest weighs less."""
    signalling = ("/https", "/wss")
    assert [row.id for row in hds.rows if row.need is Need.MANDATORY and not row.id.endswith(signalling)] == [
        "pbx-agent/dns",
        "webrtc-gateway/ice-turn",
        "webrtc-gateway/dns",
        "domains/rest",
        "domains/xmpp",
    ]


TURN3 = [("turn-udp",), ("turn-tls",), ("turn-tcp",)]
TURN2 = [("turn-udp",), ("turn-tls-direct",)]
CALL2 = [("turn-udp",), ("turn-tls-direct", "call-tls-direct"), ("turn-tcp-direct", "call-tcp-direct")]
RANGE = [("udp-range",)]
GATEWAY = [
    ("turn-udp-gateway",),
    ("turn-tcp-proxied", "proxy-http11-turn-tcp"),
    ("turn-tls-proxied", "proxy-http11-turn-tls"),
]
FCM = [("fcm-5228", "fcm-5229", "fcm-5230"), ("fcm-5228",), ("fcm-5229",), ("fcm-5230",)]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("desktop/https", [("https-rest", "https-resources")]),
        ("desktop/wss", [("xmpp",)]),
        ("desktop/p2p-internet", TURN3),
        ("desktop/conference", RANGE + TURN3),
        ("connectors/conference", RANGE + TURN3),
        ("connectors/softphone-internet", TURN3),
        ("mobile/apns", [("apns",)]),
        ("mobile/fcm", FCM),
        ("mobile/p2p-internet", TURN2),
        ("mobile/conference", RANGE + TURN2),
        ("room/fcm", FCM),
        ("room/p2p-internet", TURN2),
        ("room/conference", RANGE + TURN2),
        ("pbx-agent/wss", [("xmpp-agent",)]),
        ("pbx-agent/dns", [("dns-agent", "dns-agent-udp"), ("dns-agent",)]),
        ("webrtc-gateway/ice-turn", GATEWAY),
        ("webrtc-gateway/p2p-internet", GATEWAY),
        ("domains/mail", [("dns-mail",)]),
        ("border/connect-80", [("turn-tcp-proxied",)]),
        ("border/tls-inspection", [("turn-tls",)]),
        ("call/signalling-proxied", [("https-proxied", "xmpp-proxied")]),
        ("call/allocate-direct", CALL2),
    ],
)
def test_the_ways_are_in_the_guides_order(
    rows: Mapping[str, RowSpec], row: str, expected: list[tuple[str, ...]]
) -> None:
    """The first way is what the guide wants; later ones are its fallbacks."""
    assert ways(rows[row]) == expected


@pytest.mark.parametrize(
    ("flow", "kind", "port", "transport", "proxy"),
    [
        ("turn-udp", "turn", 3478, Transport.UDP, Proxying.NO),
        ("turn-tls", "turn", 443, Transport.TLS, Proxying.YES),
        ("turn-tcp", "turn", 80, Transport.TCP, Proxying.YES),
        ("turn-tls-direct", "turn", 443, Transport.TLS, Proxying.NO),
        ("turn-tcp-proxied", "turn", 80, Transport.TCP, Proxying.ONLY),
        ("udp-range", "udp-range", 49152, Transport.UDP, Proxying.NO),
        ("https-rest", "https", 443, Transport.TLS, Proxying.YES),
        ("xmpp", "xmpp", 443, Transport.TLS, Proxying.YES),
        ("fcm-5229", "push", 5229, Transport.TLS, Proxying.NO),
        ("apns", "push", 443, Transport.TLS, Proxying.NO),
        ("dns-rest", "dns", 53, Transport.UDP, Proxying.NO),
        ("proxy-http11", "proxy", 443, Transport.TCP, Proxying.ONLY),
        ("os-ports", "ports", 0, Transport.UDP, Proxying.NO),
    ],
)
def test_flows_are_as_the_guide_prints_them(
    hds: Guide, flow: str, kind: str, port: int, transport: Transport, proxy: Proxying
) -> None:
    """Port, transport and use of the proxy of each kind of flow are the guide's."""
    found = hds.flows[flow]
    assert (found.kind, found.port, found.transport, found.proxy) == (kind, port, transport, proxy)


def test_the_gateway_sends_from_its_own_ports(hds: Guide) -> None:
    """Rules for the gateway may name its source ports."""
    assert hds.flows["turn-udp-gateway"].source == PortRange(first=20000, last=29999)


def test_the_parameters_of_flows(hds: Guide) -> None:
    """What a check needs beside its target is in the catalogue, not in the check."""
    assert hds.flows["xmpp"].params == {"path": "/websocket", "domain": "openrainbow.health", "path_known": True}
    assert hds.flows["udp-range"].params == {"first": 49152, "last": 65535}
    assert hds.flows["turn-tls-by-address"].params == {"by": "address"}
    assert hds.flows["os-ports"].params["linux"] == "49512-65535"


def test_whose_certificates_are_expected(hds: Guide) -> None:
    """An unknown issuer is no interception where the guide's host has a CA of its own."""
    odd = {name: group.issuer for name, group in hds.hosts.items() if group.issuer is not IssuerPolicy.PUBLIC}
    assert odd == {"agent": IssuerPolicy.OPERATOR, "apns": IssuerPolicy.APPLE}


def test_where_decryption_is_allowed(hds: Guide) -> None:
    """Web hosts may be decrypted; TURN, push and the agent may not."""
    assert {name for name, group in hds.hosts.items() if group.inspection_allowed} == {
        *("rest", "resources", "cdn", "files")
    }


def test_turn_servers_are_never_a_fact_of_the_catalogue(hds: Guide) -> None:
    """No list of TURN servers is published: there are candidates, and nothing else."""
    turn = [group for group in hds.hosts.values() if group.turn]
    assert [(group.id, group.names) for group in turn] == [("turn", ())]
    assert "turn-sbg1.openrainbow.health" in turn[0].candidates


def test_local_dns_is_needed_behind_a_proxy_only_where_the_client_looks_up_itself(hds: Guide) -> None:
    """Behind a proxy a client's names are the proxy's business; the PBX agent's and the gateway's are not."""
    own = {
        row.id for row in hds.rows for need in needs(row) if need.flow.startswith("dns-") and not need.unless_proxied
    }
    assert own == {"pbx-agent/dns", "webrtc-gateway/dns"}


@pytest.mark.parametrize("row", ["call/signalling-direct", "call/allocate-direct"])
def test_the_home_client_of_the_example_is_not_judged_behind_a_proxy(rows: Mapping[str, RowSpec], row: str) -> None:
    """A site with a proxy is client 1 of the example, not client 2."""
    assert all(need.unless_proxied for need in needs(rows[row]))


def test_an_allocation_needs_credentials(rows: Mapping[str, RowSpec]) -> None:
    """A refused Allocate proves a path, not an allocation."""
    for row in ("call/allocate-proxied", "call/allocate-direct", "call/channel"):
        assert all(need.credentials for need in needs(rows[row]) if need.flow.startswith("turn-"))


def test_rows_about_one_fault_fail_by_it_alone(hds: Guide) -> None:
    """A closed port is no inspection, and a refused tunnel says nothing of the HTTP version."""
    assert {row.id: set(row.causes) for row in hds.rows if row.causes} == {
        "border/http-1.1": {Cause.PROXY_HTTP10},
        "border/tls-inspection": {Cause.TLS_INTERCEPTED, Cause.TLS_UNTRUSTED},
        "border/http-inspection": {Cause.HTTP_INSTEAD_OF_STUN, Cause.NOT_STUN},
        "border/proxy-capacity": {Cause.PROXY_CAPACITY},
    }


def test_the_firewall_row_sums_up_section_4(rows: Mapping[str, RowSpec]) -> None:
    """What section 7 asks of the firewall is what section 4 lists."""
    assert rows["border/firewall"].sections == ("4.1", "4.2", "4.3", "4.4", "4.5", "4.6")


def test_the_connectors_have_the_rows_of_the_desktop(rows: Mapping[str, RowSpec]) -> None:
    """Section 4.3 says nothing but that."""
    desktop, connectors = rows["desktop/conference"], rows["connectors/conference"]
    assert (connectors.section, connectors.ways, connectors.notes) == ("4.3", desktop.ways, desktop.notes)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("domains/rest", "*.openrainbow.com"),
        ("border/tls-inspection", "*.openrainbow.com"),
        ("os/dynamic-ports", "49152"),
        ("desktop/https", "5.3.5"),
        ("mobile/https", "5.3.5"),
        ("desktop/p2p-internet", "5.2.2"),
        ("border/tls-inspection", "5.3.1"),
        ("border/dns", "same title"),
        ("bandwidth/softphone", "80 kbit/s"),
        ("webrtc-gateway/ice-turn", "UDP itself never crosses an HTTP proxy"),
    ],
)
def test_each_erratum_stands_beside_its_row(rows: Mapping[str, RowSpec], row: str, words: str) -> None:
    """The guide is quoted as printed, and what is wrong with it is said beside it."""
    assert words in " ".join(rows[row].errata)


@pytest.mark.parametrize(
    ("row", "figures"),
    [
        ("bandwidth/audio", "100 40 15"),
        ("bandwidth/voice-quality", "150 30 1"),
        ("bandwidth/softphone", "87.5"),
        ("bandwidth/pbx-agent-connect", "20 100 500 1000 2000 5000 7500 10000 26 80 304 510 850 1818 2696 3294 kB/s"),
        ("bandwidth/pbx-agent-events", "2 5 8 10 12 7200 18000 28800 36000 43200 3.5 9 14.4 18 21.7 kB/s"),
    ],
)
def test_the_figures_of_section_6(rows: Mapping[str, RowSpec], row: str, figures: str) -> None:
    """The figures are there to be read, also while nothing measures them."""
    words = rows[row].destination.replace(",", " ").replace(":", " ").replace(")", " ").split()
    assert [figure for figure in figures.split() if figure not in words] == []


def test_another_vendors_guide_is_a_folder_and_no_code() -> None:
    """The same loader reads a guide with other clients, hosts, sections and rows."""
    guide = load(CLINIC, KINDS)
    assert (guide.id, guide.published, list(guide.clients), list(guide.groups)) == (
        "clinic-small",
        "2024-02-29",
        ["nurse", "doctor"],
        ["site"],
    )
    assert [row.id for row in guide.rows if row.client == "doctor"] == [
        "doctor/appointments",
        "doctor/video",
        "doctor/chat",
    ]
    assert guide.hosts["wards"].names == ("192.0.2.7", "2001:db8::7")
    assert guide.rows[0].ways[0].needs[0] == Requirement(flow="dns-api", least=2, unless_proxied=True)


def test_the_small_guide_uses_every_key() -> None:
    """The tests that break it at every place rely on that."""
    files = clinic()
    used = {spot[-1] for spot in spots(files)}
    assert used >= {*HOST_KEYS, *FLOW_KEYS, *ROW_KEYS}
    assert at(files, ("guide.toml", "clients", "doctor")) == {
        "title": "Doctor's tablet",
        "same_as": "nurse",
        "section": "A.2",
    }


def test_a_new_kind_of_check_needs_no_change_of_the_loader() -> None:
    """The caller says which kinds there are."""
    with pytest.raises(
        CatalogueError, match=r"kind: 'ports' is not allowed; allowed: account, bandwidth, call, dns, download, https"
    ):
        load(CLINIC, set(KINDS) - {"ports"})


def test_an_unknown_guide_names_the_known_ones() -> None:
    """A misspelt ``--guide`` is answered with what there is."""
    with pytest.raises(CatalogueError, match="no guide 'hds-ed12' ships with the probe; known: hds-ed21"):
        builtin("hds-ed12")


@pytest.mark.parametrize("name", ["", ".", "..", "../probes/hds-ed21", "/", "hds-ed21/", "\0"])
def test_a_guides_name_is_no_path(name: str) -> None:
    """Only names of guides that ship are names."""
    with pytest.raises(CatalogueError, match="known: hds-ed21"):
        builtin(name)


def test_the_wheels_place_comes_before_the_checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed, the probe reads the guides it was installed with."""
    homes = (tmp_path / "package", tmp_path / "checkout")
    for home in homes:
        (home / "one").mkdir(parents=True)
        (home / "one" / "guide.toml").touch()
    (homes[1] / "notes").mkdir()
    monkeypatch.setattr(catalogue.places, "_HOMES", homes)
    assert (builtin("one"), catalogue.builtin_names()) == (homes[0] / "one", ("one",))


def test_loading_a_guide_opens_no_network_library() -> None:
    """``rainbow-probe list`` reads the catalogue; it must start at once."""
    heavy = {"asyncio", "ssl", "socket", "h11", "rich"}
    code = f"import sys, rainbow_probe.catalogue; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(  # noqa: S603 - a command of our own
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert ast.literal_eval(done.stdout) == []
