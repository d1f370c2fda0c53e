"""Findings on closed ports, and on boxes that take TURN for something else."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, why

INSPECTED = "HTTP inspection, or an application filter that knows only HTTP and TLS."
EXEMPT = "Exempt the TURN servers from it on that port: `rainbow-probe rules --format exemptions`."

PORTS: dict[str, Why] = {
    "direct-blocked": why(
        "Nothing, or no TCP, gets out past the proxy, while the same hosts answer through it.",
        "A firewall that lets only the proxy out.",
        "Open what never uses a proxy, media and push: `rainbow-probe rules`.",
    ),
    "lan-ports-closed": why(
        "A range of ports between two places of the site is closed, though the responder there has them open.",
        "A firewall or access list between two networks of the site, Wi-Fi that keeps stations apart, a host firewall.",
        "Open the range there: the finding's rule has it.",
    ),
    "lan-ports-partly": why(
        "Of a range of ports between two places of the site some answer and others do not, though all are open there.",
        "A rule with a smaller range than the guide's, written for another product or an older edition.",
        "Widen the rule to the whole range: the finding names what is closed.",
    ),
    "lan-sip-fails": why(
        "The PBX does not answer SIP from here, or something else does.",
        "A firewall between two networks of the site; another address; a PBX that answers its own gateway only.",
        "Look at the address, at the PBX's own access list, and then at the firewall.",
    ),
    "lan-sips-fails": why(
        "The PBX does not answer SIP over TLS from here, or something else does.",
        "SIP over TLS is not switched on there; a firewall between two networks of the site; a PBX that wants its "
        "clients' certificates.",
        "Look whether it listens on that port and what its log says, and then at the firewall.",
    ),
    "lan-sips-certificate": why(
        "The PBX answers SIP over TLS, and shows a certificate that this machine does not take.",
        "A certificate of the company's own, or one that the PBX made itself; one that has expired or is for another "
        "name.",
        "See that the gateway trusts whoever issued it; make a new one if it has expired.",
    ),
    "sip-rewritten": why(
        "What reaches the PBX is not the SIP that this machine has sent: the PBX's answer, or a responder's, shows it.",
        'A "SIP ALG" of a firewall or router between the two.',
        "Switch it off: it is meant for phones behind a router, and leads calls astray between a gateway and its PBX.",
    ),
    "lan-ntp-fails": why(
        "The time server does not answer from here, or has no time to give.",
        "A firewall inside the site; a server that reaches no source of time itself.",
        "Open UDP/123 to it, or give the gateway another one.",
    ),
    "lan-ssh-fails": why(
        "The WebRTC gateway does not answer SSH from here.",
        "SSH is switched off there, as it is unless the administrator wants it; a firewall inside the site.",
        "Switch it on if it is wanted; open TCP/22 from the administrators' network only.",
    ),
    "ntp-wrong": why(
        "The time server's time is not that of web servers, which agree with each other.",
        "A server that nobody watches, or that serves its own clock; a wrong time zone set as time.",
        "Set it right: with a wrong clock the gateway takes every certificate for expired.",
    ),
    "ntp-differs": why(
        "The time server and this machine differ by seconds or more; whose time is right is not proven.",
        "Either clock.",
        "Compare both with a third one.",
    ),
    "name-filtered": why(
        "TLS that names these hosts is stopped, and the same addresses complete it without the name.",
        "A web filter or firewall that reads the server name in TLS (SNI).",
        "Allow the names there: `rainbow-probe rules`.",
    ),
    "mtu-black-hole": why(
        "Connections open and fall silent with the first large packets, and work with small ones.",
        "A tunnel or a line with a smaller MTU, and a firewall that drops the ICMP which would say so.",
        'Let ICMP "fragmentation needed" and ICMPv6 "packet too big" pass, or lower the TCP MSS.',
    ),
    "udp-size-filtered": why(
        "UDP packets are dropped above a size that every link carries: no MTU is so small.",
        "A rule on the length of UDP packets, protection against floods, or an inspection of DNS on all of UDP.",
        "Exempt the TURN servers from it: `rainbow-probe rules`.",
    ),
    "proxy-idle-cut": why(
        "Links through the proxy are cut while they are idle, or after a time; past it they live.",
        "A short time-out for idle tunnels, or for tunnels at all, at the proxy.",
        "Let tunnels to the service live for two minutes or more without traffic.",
    ),
    "firewall-idle-cut": why(
        "Idle links go dead without a word while one with traffic lives, or through the proxy they live.",
        "A firewall, or a router with NAT, that forgets connections too soon.",
        "Raise its time-out for idle TCP connections to two minutes or more.",
    ),
    "server-idle-cut": why(
        "The server itself ends links that are idle for less time than clients leave them so.",
        "A time-out of the service's.",
        "Tell the provider.",
    ),
    "idle-cut": why(
        "Links are cut while they are idle, or after a time; who does it is not proven.",
        "A time-out of the proxy's, of a firewall, or of the service's.",
        "Compare with another way out; raise the time-out to two minutes or more.",
    ),
    "server-mute": why(
        "Connections are taken on every host of a port, and nothing ever answers.",
        "A box that takes connections for others, or servers that hang.",
        "Look for a transparent proxy on that port; compare from another network.",
    ),
    "http-inspection-PORT": why(
        "HTTP (or other bytes) answers in place of TURN, which the same server speaks elsewhere.",
        INSPECTED,
        EXEMPT,
    ),
    "tcp-PORT-cut": why(
        "The connection is closed at the first STUN message, while the same server speaks TURN elsewhere.",
        INSPECTED,
        EXEMPT,
    ),
    "tcp-PORT-silent": why(
        "STUN over TCP gets no answer, while the same server speaks TURN elsewhere.",
        "A transparent proxy that waits for the end of an HTTP request.",
        EXEMPT,
    ),
    "tls-PORT-cut": why(
        "The connection is closed at the first STUN message inside TLS; elsewhere the server speaks TURN.",
        INSPECTED,
        EXEMPT,
    ),
    "tls-PORT-silent": why(
        "STUN inside TLS gets no answer, while the same server speaks TURN elsewhere.",
        INSPECTED,
        EXEMPT,
    ),
    "udp-blocked": why(
        "No TURN server answers over UDP, and at least one of them is up, as TCP or TLS shows.",
        "A firewall without a rule for UDP/3478.",
        "Open UDP/3478, outbound, to the TURN servers: `rainbow-probe rules`.",
    ),
    "udp-source-blocked": why(
        "UDP passes from some source ports only: the same server answers to others.",
        "A rule that names source ports.",
        "Let the rule hold for the source ports of the guide, or for any.",
    ),
    "udp-rate-limited": why(
        "Datagrams pass when sent slowly, and many are lost when the same are sent fast.",
        "Flood protection, or a policer that counts packets.",
        "Exempt the TURN servers from it.",
    ),
    "packet-loss": why(
        "Datagrams are lost, surely more than the 1 % each way that voice bears, whether sent slowly or fast; nothing "
        "is blocked.",
        "A bad line, radio, or a link that is full.",
        "Repair the line, or keep room for calls on it (QoS).",
    ),
    "high-latency": why(
        "Packets of calls take longer than the guide allows.",
        "A far relay, a satellite or mobile line, a VPN or a central exit that makes a detour, or full queues.",
        "Let media leave by a nearer way; keep queues short (QoS).",
    ),
    "high-jitter": why(
        "Packets of calls come more unevenly than the guide allows.",
        "Queues that fill and empty, radio, or TCP in place of UDP.",
        "Give voice precedence on the line (QoS); let media go out over UDP.",
    ),
    "bandwidth-short": why(
        "The way of calls carries less than rows of the guide need by the site's numbers; more was tried.",
        "A slow line, or a limit that a firewall, a VPN or a QoS rule sets.",
        "Get a faster line, lift the limit, or plan with fewer calls at the same time.",
    ),
    "long-queues": why(
        "Packets take much longer under a load that passes than without any.",
        "Long queues in a router or modem of the line (bufferbloat).",
        "Keep them short (fq_codel, CAKE), or give voice a queue of its own (QoS).",
    ),
    "udp-range-blocked": why(
        "Datagrams to the conference servers' range never arrive at the relay.",
        "A firewall without a rule for UDP/49152-65535.",
        "Open the range, outbound, to the service's addresses: `rainbow-probe rules`.",
    ),
    "udp-range-partly": why(
        "Some ports of the conference servers' range are open, others are not.",
        "A rule for a part of the range; without an order in them, one of several lines side by side that is dead.",
        "Open the whole range, outbound; the check says where open ports end, as far as samples tell.",
    ),
    "udp-range-one-way": why(
        "UDP gets out to the conference servers' range, and what comes back from there does not arrive.",
        "A packet filter without a memory, which has a rule for the one direction only.",
        "Make it a stateful rule: answers belong to the same flow, and no inbound rule is needed.",
    ),
    "udp-binding-short": why(
        "A UDP flow without traffic is forgotten sooner than clients send something; one with traffic lives on.",
        "A short time-out for UDP in a firewall or NAT, as against floods.",
        "Keep UDP flows for two minutes, as RFC 4787 asks, or at least for the half minute of two keep-alives.",
    ),
    "push-idle-cut": why(
        "Idle links to the push service go dead after a time, and a fresh one is answered; only with `--push-idle`.",
        "A firewall or NAT that forgets idle TCP connections after some minutes.",
        "Let idle connections on TCP/5228-5230 live for 30 minutes or more.",
    ),
    "tcp-PORT-blocked": why(
        "No host of the service takes connections on this port, while the same hosts answer by another door.",
        "A firewall without a rule for this port.",
        "Open the port, outbound: `rainbow-probe rules`.",
    ),
    "tcp-PORT-partly": why(
        "On this port hosts of the service answer, and others, which have nothing to do with each other, are closed.",
        "A firewall whose rule for this port lists hosts, and not all that are needed.",
        "Add the missing hosts to that rule: `rainbow-probe rules`.",
    ),
    "only-tcp-PORT": why(
        "TCP gets out on this port only, and is dropped (or rejected) alike on all others, to hosts of all kinds.",
        "A firewall that lets web traffic out and nothing else.",
        "Open what the guide asks for: `rainbow-probe rules`.",
    ),
    "ice-filtered": why(
        "TURN answers and plain data passes through the relay, and the connectivity checks of a call do not.",
        "Deep inspection that finds STUN inside TURN, and takes it for something that it does not want.",
        "Let STUN, DTLS and SRTP pass to the TURN servers.",
    ),
    "dtls-filtered": why(
        "TURN answers and plain data passes through the relay, and a call's DTLS handshake does not.",
        "Deep inspection that knows DTLS, and takes it for a VPN or for something unknown.",
        "Let DTLS and SRTP pass to the TURN servers; the control sends as much plain data by the same way.",
    ),
    "srtp-filtered": why(
        "A call connects through the relay and plain data passes, and its voice does not arrive both ways.",
        "Deep inspection that knows RTP, or takes what it cannot read for something unknown.",
        "Let DTLS and SRTP pass to the TURN servers.",
    ),
    "call-altered": why(
        "What the two ends of a call send each other through the relay is not what arrives.",
        "An application gateway that rewrites STUN, or a box that ends DTLS to listen in.",
        "Switch it off for the TURN servers.",
    ),
    "path-goes-silent": why(
        "The first packets pass through the relay, and then none do any more, whatever they are.",
        "An application filter that makes up its mind late, or a limit on packets of one flow.",
        "Exempt the TURN servers from it.",
    ),
    "connection-goes-silent": why(
        "Connections work for their first packets, and then nothing that this machine sends is acknowledged.",
        "Application control that makes up its mind late, a quota, or a firewall that forgets connections.",
        "Exempt these hosts from it. A server that hangs would still acknowledge what it gets.",
    ),
    "stream-goes-silent": why(
        "Links open and answer, and then fall silent, with traffic or without; who does it is not proven.",
        "Application control that makes up its mind late, or a quota; or the service hangs.",
        "Exempt these hosts from it, and compare with another network.",
    ),
    "push-ports-blocked": why(
        "No push host takes connections on these ports, while other TCP gets out.",
        "A firewall that knows only web ports.",
        "Open TCP/5228-5230, outbound, to Google's push hosts: `rainbow-probe rules`.",
    ),
}
