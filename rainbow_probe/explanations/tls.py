"""Failures of the TLS handshake, and of the certificate shown in it."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import stage, why
from rainbow_probe.terms import Cause, Phase

TLS = stage(
    Phase.TLS,
    "The handshake, and the judging of the certificate. The chain shown is kept even if it is refused: `subject`, "
    "`issuer`, `chain`.",
    {
        Cause.TLS_UNTRUSTED: why(
            "The chain does not lead to an authority that this machine or the public trusts.",
            "TLS inspection whose authority is not installed here; a missing intermediate certificate.",
            "Exempt the host from inspection; if the issuer is your own CA, have this machine trust it.",
        ),
        Cause.TLS_INTERCEPTED: why(
            "The chain is trusted by this machine, but by no public authority: somebody in between opens the TLS. "
            "The issuer is named.",
            "Corporate TLS inspection. For TURN the guide does not allow it; elsewhere it is named.",
            "Exempt the host from decryption, by name: `rainbow-probe rules --format exemptions` lists them.",
        ),
        Cause.TLS_EXPIRED: why(
            "The certificate's time is over.",
            "The server's fault, or this machine's clock: see the finding on the clock.",
            "Check this machine's date; if it is right, tell whoever issued the certificate.",
        ),
        Cause.TLS_NOT_YET_VALID: why(
            "The certificate's time has not begun.",
            "Nearly always this machine's clock.",
            "Set this machine's date.",
        ),
        Cause.TLS_WRONG_NAME: why(
            "The certificate is for another name.",
            "A block page or captive portal with TLS; DNS that leads elsewhere.",
            "Look at whose certificate it is, and at where the name leads.",
        ),
        Cause.TLS_ALERT: why(
            "The peer refused the handshake.",
            "No common version or cipher; an inspecting box that could not reach the origin; SNI filtered.",
            "Exempt the host from inspection; if there is none, compare from another network.",
        ),
        Cause.NOT_TLS: why(
            "The answer is not TLS; its first bytes are in `first_text`.",
            "A plain HTTP block page on a TLS port; a protocol filter.",
            "Find by the first bytes who answers, and exempt the host there.",
        ),
        Cause.TIMEOUT: why(
            "The connection stands, and nothing answers to the ClientHello.",
            "Filtering by server name that drops silently; an inspection that waits for something else.",
            "Exempt the host, by name, from the filter that reads TLS.",
        ),
        Cause.CUT_AFTER_IDLE: why(
            "The link stood and was idle; when it was woken nothing came, and a fresh one was answered.",
            "A firewall or NAT that forgets idle TCP connections.",
            "Let idle connections to the push hosts live for 30 minutes or more.",
        ),
        Cause.RESET: why(
            "The connection was cut after the ClientHello.",
            "Filtering by server name (SNI).",
            "Exempt the host, by name, from the filter that reads TLS.",
        ),
        Cause.CLOSED: why(
            "The connection was closed in the handshake.",
            "As `reset`; or the server wants no such client.",
            "Exempt the host, by name, from the filter that reads TLS.",
        ),
        Cause.UNREACHABLE: why(
            "The way broke in the handshake.",
            "An unsteady link.",
            "Run again; then look at the link.",
        ),
    },
)
