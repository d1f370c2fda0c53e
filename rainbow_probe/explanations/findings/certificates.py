"""Findings on certificates, clocks and who decrypts TLS."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, why

CERTIFICATES: dict[str, Why] = {
    "clock-wrong": why(
        "Servers' dates are days away from this machine's, or unrelated certificates are out of date.",
        "This machine's clock: an empty battery, or no time server.",
        "Set the date, and give the machine a time server.",
    ),
    "clock-off": why(
        "Unrelated servers agree that this machine's clock is minutes or hours away.",
        "No time server, or a clock set by hand under a wrong time zone: then it is off by whole hours.",
        "Have it set by NTP, and look at the time zone: Kerberos refuses more than five minutes.",
    ),
    "tls-intercepted": why(
        "The certificates' issuer is trusted by this machine only, or shows on unrelated domains.",
        "Corporate TLS inspection.",
        "Exempt TURN always, and what else fails: `rainbow-probe rules --format exemptions`.",
    ),
    "tls-untrusted": why(
        "Certificates come from an issuer that is not trusted; whose it is, is not proven.",
        "TLS inspection whose authority is not installed here, or the operator's own authority.",
        "If the issuer is your own, exempt the hosts or install it; else ask the provider.",
    ),
    "certificate-expired": why(
        "Certificates have expired, by a clock that nothing disproves.",
        "The server's fault, or that of a box in its place.",
        "Tell whoever issued it: the detail has the names.",
    ),
    "certificate-not-yet-valid": why(
        "Certificates are not valid yet, by a clock that nothing disproves.",
        "This machine's clock, or the server's fault.",
        "Check the date here; then tell whoever issued the certificate.",
    ),
    "certificate-wrong-name": why(
        "The certificate shown lists other names than the one asked for.",
        "DNS that leads elsewhere, a block page with TLS, or a server that is set up wrongly.",
        "Look at whose certificate it is, and at where the name leads.",
    ),
    "block-page": why(
        "A box that decrypts TLS answers with a page of its own.",
        "A web filter with a category block.",
        "Put the hosts on the filter's list of allowed sites.",
    ),
}
