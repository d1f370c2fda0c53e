"""Findings on DNS."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, why

NAMES: dict[str, Why] = {
    "dns-nxdomain": why(
        "The resolver says that these names do not exist.",
        "An internal DNS that does not forward names of the Internet, or a DNS filter.",
        "Have the resolver forward the names of section 5 of the guide.",
    ),
    "dns-filtered": why(
        "The resolver denies names and says itself that it filters them (extended DNS errors, RFC 8914).",
        "A DNS filter by category, or against trackers.",
        "Put the names on the filter's list of allowed ones.",
    ),
    "dns-rewrites": why(
        "Names that nobody has made get an address, in unrelated domains, and names of the service get the same one.",
        "A resolver that leads to a search page where a name does not exist, and that cannot resolve the service's.",
        "Switch that off, and have it resolve the names of section 5 of the guide.",
    ),
    "dns-search-domain": why(
        "Names lead where made-up names lead, unless a dot at their end keeps domains from being added.",
        "A search list with ndots above 1, or a wildcard in the company's domain.",
        "Take the wildcard out, or the domain off the search list.",
    ),
    "dns-refused": why(
        "The resolver answers with an error (REFUSED, SERVFAIL).",
        "It does not serve this network, or cannot reach its own upstream.",
        "Let it serve this network, or configure one that does.",
    ),
    "dns-no-answer": why(
        "No resolver gave a usable answer for these names.",
        "The resolvers are down, or UDP and TCP/53 to them are filtered.",
        "Check the resolvers that the report lists, and open UDP and TCP/53 to them.",
    ),
    "dns-hijack": why(
        "Names of unrelated domains lead to one address, whose server shows that it is none of them.",
        "A DNS filter that leads to its block page, or a captive portal.",
        "Take the service's names out of the filter.",
    ),
    "dns-alias": why(
        "Names are an alias (CNAME) of a host of another domain, whose server shows that it serves none of them.",
        "A DNS filter that leads to its block page by name, as cloud filters and response policy zones do.",
        "Take the service's names out of the filter; if the alias is the provider's own, tell the provider.",
    ),
    "dns-sinkhole": why(
        "Names lead where nothing can be, such as 0.0.0.0, or where made-up names lead as well and nothing of the "
        "service is.",
        "A DNS filter against trackers or categories.",
        "Put the names on the filter's list of allowed ones.",
    ),
    "udp-53-blocked": why(
        "Resolvers answer over TCP and never over UDP.",
        "A firewall rule for TCP/53 only.",
        "Open UDP/53 to the resolvers too.",
    ),
    "resolvers-disagree": why(
        "One resolver says that names do not exist which another of this machine's resolvers knows.",
        "An internal resolver without a way to the Internet's DNS, beside one that has it; or a VPN's.",
        "Give the machine resolvers that know the same names: a client takes the word of the first.",
    ),
    "tcp-53-blocked": why(
        "Resolvers answer over UDP and never over TCP: large answers would fail.",
        "A firewall rule for UDP/53 only, or a small router whose resolver knows no TCP.",
        "Open TCP/53 to the resolvers too (RFC 7766).",
    ),
    "dns-drops-aaaa": why(
        "Resolvers answer for IPv4 addresses and never for IPv6 ones; look-ups wait for both.",
        "A load balancer, a filter or an old resolver that drops the type of question it does not know.",
        "Have it answer with no address, as RFC 4074 asks: programs wait for the answer before they connect.",
    ),
    "dns-slow": why(
        "Resolvers answer, and take a second or more for it: asked directly, and by the system.",
        "An overloaded resolver, or one whose own way to the Internet's DNS is partly blocked.",
        "Look at its load and at its forwarders: each new name costs a client that long.",
    ),
    "dns-intercepted": why(
        "Questions are answered at an address where no resolver is: somebody on the way answers them all.",
        "A firewall or router that redirects port 53 to a DNS filter of its own.",
        "Mend the names there, or exempt this machine; another resolver in its settings changes nothing.",
    ),
    "dns-split-horizon": why(
        "One resolver of this machine gives an address inside the site for a name, another one a public address.",
        "A resolver of the company beside one of the provider's, or of a VPN.",
        "Have all resolvers of a machine answer alike.",
    ),
    "dns-private": why(
        "The system's resolver gives addresses inside the site for public names.",
        "Split DNS, or a proxy that answers under the service's names.",
        "Take the names out of the internal zone, unless that is meant.",
    ),
    "resolver-dead": why(
        "One configured resolver never answers, over UDP or TCP, while another does.",
        "A resolver that has stopped, or of another network.",
        "Start it, or take it out of the settings: every look-up may wait for it.",
    ),
    "addresses-moved": why(
        "Names lead outside the address ranges that the edition lists; they may simply have changed.",
        "The provider has moved; the guide says that addresses may change.",
        "Filter by name; whoever filters by address must ask for the current list.",
    ),
}
