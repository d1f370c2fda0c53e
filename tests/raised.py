"""Reads from the source which causes each module can give a failure, and knows in which phases it is at work."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from rainbow_probe.model import OUR_OWN, Cause, Phase

ROOT = Path(__file__).parent.parent / "rainbow_probe"
PARTS = ("checks", "net", "protocols", "wayout")
STUN = frozenset({Phase.STUN, Phase.TURN_ALLOCATE, Phase.TURN_PERMISSION, Phase.TURN_CHANNEL})
CALL = frozenset({Phase.ICE, Phase.DTLS, Phase.MEDIA})
ANY = frozenset(Phase)
WORKS_IN: Mapping[str, frozenset[Phase]] = {
    "evidence.py": ANY,
    "checks/download.py": frozenset({Phase.HTTP}),
    "net/download.py": frozenset({Phase.HTTP}),
    "checks/dns.py": frozenset({Phase.RESOLVE}),
    "checks/made_up.py": frozenset({Phase.RESOLVE}),
    "checks/https.py": frozenset({Phase.HTTP, Phase.ACCOUNT}),
    "checks/mtu.py": frozenset({Phase.STUN}),
    "checks/nat.py": frozenset({Phase.STUN}),
    "checks/pace.py": frozenset({Phase.STUN}),
    "checks/portal.py": frozenset({Phase.HTTP}),
    "checks/proxy.py": frozenset({Phase.PROXY}),
    "checks/proxy_capacity.py": frozenset({Phase.PROXY}),
    "checks/proxy_policy.py": frozenset({Phase.PROXY}),
    "checks/ntp.py": frozenset({Phase.NTP}),
    "checks/sweep_in.py": frozenset({Phase.STUN}),
    "checks/sweep.py": frozenset({Phase.STUN}),
    "checks/push_idle.py": frozenset({Phase.TLS}),
    "checks/relay_reach.py": frozenset({Phase.TURN_DATA}),
    "checks/udp_binding.py": frozenset({Phase.TURN_DATA}),
    "checks/udp_range.py": frozenset({Phase.TURN_DATA}),
    "checks/volume.py": frozenset({Phase.TURN_DATA, Phase.HTTP}),
    "checks/xmpp.py": frozenset({Phase.WEBSOCKET, Phase.XMPP}),
    "net/accounts.py": frozenset({Phase.PROXY}),
    "checks/bandwidth.py": frozenset({Phase.MEDIA}),
    "checks/quality.py": frozenset({Phase.MEDIA}),
    "protocols/grades.py": frozenset({Phase.MEDIA}),
    "net/bindings.py": frozenset({Phase.TURN_DATA}),
    "net/call.py": frozenset({Phase.TURN_DATA, *CALL}),
    "wayout/pac.py": frozenset({Phase.PROXY}),
    "net/dns.py": frozenset({Phase.RESOLVE}),
    "net/dtls.py": frozenset({Phase.DTLS}),
    "net/ice.py": frozenset({Phase.ICE}),
    "net/idle.py": frozenset({Phase.XMPP}),
    "net/names.py": frozenset({Phase.RESOLVE}),
    "net/ntp.py": frozenset({Phase.NTP}),
    "net/paths.py": frozenset({Phase.PROXY}),
    "net/proxy_auth.py": frozenset({Phase.PROXY}),
    "net/port_trial.py": frozenset({Phase.TURN_DATA}),
    "net/real_call.py": CALL,
    "net/spnego.py": frozenset({Phase.PROXY}),
    "net/survey.py": frozenset({Phase.TURN_DATA}),
    "net/tls.py": frozenset({Phase.TLS}),
    "net/websocket.py": frozenset({Phase.WEBSOCKET, Phase.XMPP}),
    "protocols/connect.py": frozenset({Phase.PROXY}),
    "protocols/http.py": frozenset({Phase.PROXY, Phase.HTTP, Phase.WEBSOCKET, Phase.ACCOUNT}),
    "protocols/login.py": STUN,
    "protocols/rainbow.py": frozenset({Phase.ACCOUNT}),
    "protocols/ntp.py": frozenset({Phase.NTP}),
    "protocols/sip.py": frozenset({Phase.SIP}),
    "protocols/ssh.py": frozenset({Phase.SSH}),
    "protocols/socks.py": frozenset({Phase.PROXY}),
    "protocols/transaction.py": STUN,
    "protocols/turn.py": STUN,
    "protocols/sasl.py": frozenset({Phase.ACCOUNT}),
    "protocols/xmpp.py": frozenset({Phase.XMPP, Phase.ACCOUNT}),
}
"""Each module that names causes, with the phases whose steps it runs in. A new one needs its line here."""

SOCKETS = frozenset({Phase.RESOLVE, Phase.CONNECT, *STUN, Phase.TURN_DATA, *CALL, Phase.SIP, Phase.NTP})
"""Phases in which a packet may be refused; a connection that stands can only be cut."""
HANDSHAKE = frozenset({Cause.TLS_UNTRUSTED, Cause.TLS_EXPIRED, Cause.TLS_NOT_YET_VALID, Cause.TLS_WRONG_NAME})
WITHOUT: Mapping[str, Mapping[Phase, frozenset[Cause]]] = {
    "evidence.py": {
        phase: frozenset()
        .union(HANDSHAKE if phase is not Phase.TLS else ())
        .union({Cause.NO_ANSWER} if phase is not Phase.RESOLVE else ())
        .union({Cause.REFUSED, Cause.PROHIBITED} if phase not in SOCKETS else ())
        .union({Cause.TLS_ALERT} if phase in {Phase.RESOLVE, Phase.CONNECT, Phase.NTP, Phase.SSH} else ())
        .union({Cause.CLOSED} if phase in {Phase.CONNECT, Phase.NTP} else ())
        for phase in Phase
    },
    # The end of a stream while the server says nothing is an EOFError, and the idle check's own cause comes later.
    "checks/xmpp.py": {
        Phase.WEBSOCKET: frozenset({Cause.CUT_AFTER_IDLE, Cause.CUT_AFTER_TIME, Cause.WENT_SILENT}),
        Phase.XMPP: frozenset({Cause.CAPTIVE_PORTAL}),
    },
    # An upgrade is judged in its own phase, before the stream opens.
    "net/websocket.py": {
        Phase.XMPP: frozenset({Cause.NOT_HTTP, Cause.UPGRADE_REFUSED, Cause.SUBPROTOCOL_MISSING, Cause.SERVER_ERROR}),
    },
    # 403 is about the peer where one was named, and about the client elsewhere.
    "protocols/turn.py": {
        Phase.STUN: frozenset({Cause.PERMISSION_DENIED}),
        Phase.TURN_ALLOCATE: frozenset({Cause.PERMISSION_DENIED}),
        Phase.TURN_PERMISSION: frozenset({Cause.FORBIDDEN}),
        Phase.TURN_CHANNEL: frozenset({Cause.FORBIDDEN}),
    },
    # A Binding is not signed.
    "protocols/transaction.py": {Phase.STUN: frozenset({Cause.BAD_INTEGRITY})},
    # Beside the steps, where the protocol has made sure of it already.
    "net/call.py": {
        Phase.TURN_DATA: frozenset({Cause.STUN_ERROR}),
        **dict.fromkeys(CALL, frozenset({Cause.STUN_ERROR, Cause.NO_DATA_BACK, Cause.LARGE_LOST})),
    },
    "net/real_call.py": {Phase.ICE: frozenset({Cause.TLS_ALERT})},
}
"""What a module cannot give in one of its phases, with the reason."""


def possible(phase: Phase) -> set[Cause]:
    """Return every cause of the network's that can end a step of *phase*."""
    found: set[Cause] = set()
    for module, phases in WORKS_IN.items():
        if phase in phases:
            found |= given(ROOT / module) - WITHOUT.get(module, {}).get(phase, frozenset())
    return found - OUR_OWN


def modules() -> set[str]:
    """Return the modules that give causes."""
    files = [ROOT / "evidence.py", *(file for part in PARTS for file in (ROOT / part).rglob("*.py"))]
    return {file.relative_to(ROOT).as_posix() for file in files if given(file)}


def given(file: Path) -> set[Cause]:
    """Return the causes that *file* can give, which are all that it names but does not merely compare with."""
    tree = ast.parse(file.read_text("utf-8"))
    return {Cause[node.attr] for node in _named(tree) if node.attr in Cause.__members__}


def _named(node: ast.AST) -> Iterator[ast.Attribute]:
    """Yield the members of ``Cause`` below *node*, but for those in comparisons and in sets."""
    if isinstance(node, ast.Compare | ast.Set):
        return
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "Cause":
        yield node
    for child in ast.iter_child_nodes(node):
        yield from _named(child)
