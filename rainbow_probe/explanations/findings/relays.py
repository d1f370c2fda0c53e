"""Findings on what the TURN servers themselves say."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, why

PROVIDER = "The service, or its settings for this user."
ASK = "Ask the provider, with the detail of the report."

RELAYS: dict[str, Why] = {
    "turn-bad-credentials": why(
        "The TURN server answers, and does not accept the credentials.",
        "A wrong or expired user or password.",
        "Get new ones: they are valid for a limited time.",
    ),
    "turn-forbidden": why("The TURN server forbids the allocation (403).", PROVIDER, ASK),
    "turn-permission-denied": why("The TURN server refuses to relay to the peer.", PROVIDER, ASK),
    "turn-quota": why(
        "The quota of this TURN user is used up (486).",
        "Another test or call with the same user.",
        "Wait and repeat.",
    ),
    "turn-capacity": why("The TURN server has no relay address to spare (508).", "The service.", ASK),
    "turn-allocation-mismatch": why(
        "The TURN server mixes up allocations (437).",
        "A NAT that gives the port of an earlier client at once.",
        "Let the NAT keep a port for a minute after its use.",
    ),
    "turn-unsupported-transport": why("The TURN server does not relay UDP (442).", PROVIDER, ASK),
    "turn-stale-nonce-loop": why(
        "The TURN server rejects every nonce that it gives (438).",
        "Several servers behind one address, or a NAT that changes our address.",
        ASK,
    ),
    "turn-try-alternate": why(
        "The TURN server points to another one (300), and no client goes there.",
        "Servers that send clients in a circle, or to an address of the other family: a mistake of the provider's.",
        ASK,
    ),
    "turn-alternate-unreached": why(
        "The TURN server sends its clients on to another one (300), which cannot be reached from here.",
        "A rule that lets the named servers through and not the ones that share their load.",
        "Open the way to the address that the title names, for TURN as for the others.",
    ),
    "turn-stun-error": why("The TURN server answers with an error.", PROVIDER, ASK),
    "turn-data-stopped": why(
        "TURN answers by one door and its data does not pass there, though the same server relays it by another.",
        "An application filter that knows TURN's requests, and takes its data for something that it does not want.",
        "Exempt the TURN servers from that inspection.",
    ),
    "turn-no-data-back": why("The TURN server relays nothing back.", PROVIDER, ASK),
    "turn-bad-integrity": why(
        "Answers do not verify under the TURN password.",
        "Somebody rewrites packets on the way, or the server has another password.",
        "Switch off what rewrites STUN on the way (an application gateway); check the password.",
    ),
    "turn-server-down": why(
        "A TURN server rejects what comes, by its own word or where others take it on the same ports: nothing listens.",
        "The service is stopped there, or the name is of another machine.",
        "Check the name given with `--turn`; if it is right, tell the provider. No firewall here need change.",
    ),
    "turn-not-there": why(
        "DNS leads a TURN server's name where none is seen, and nothing shows that the address is the service's.",
        "A resolver that was told, or makes up, another address; or a server of the service that is down.",
        "Look the name up from another network. Does it lead elsewhere, mend the DNS here; else tell the provider.",
    ),
    "turn-door-blocked": why(
        "A port of TURN servers is closed, while they answer on others, and other servers or hosts do on that one.",
        "A rule that names some addresses, or web hosts, and not these; else a packet filter of the provider's.",
        "Let the rule hold for all addresses of the service: `rainbow-probe rules`.",
    ),
    "turn-server-silent": why(
        "One TURN server answers nowhere, while others do on the same ports.",
        "The server is down, its address is missing in the firewall's rules, or DNS here gives another address.",
        "Compare from another network: the address first, then whether it answers. If so, allow it here; else tell the "
        "provider.",
    ),
    "turn-unreachable": why(
        "No TURN server answered on any transport; whose fault it is, is not proven.",
        "A firewall without any of the three rules, or a wrong name.",
        "Check the names given with `--turn`; then open the guide's ports to them: `rainbow-probe rules`.",
    ),
}
