"""Failures of signing in with an account."""

from __future__ import annotations

from rainbow_probe.explanations.shapes import Why, stage, why
from rainbow_probe.explanations.web import HTTP, XMPP
from rainbow_probe.terms import Cause, Phase

WRONG = why(
    "The service does not accept the login with this password.",
    "A typing error, or a password that was changed. It was sent once: five wrong ones lock an account for an hour.",
    "Correct the login and its password before the next run.",
)
LOCKED = why(
    "The account is locked after too many wrong passwords.",
    "Several runs, or devices, with an old password.",
    "Wait an hour, or have the company's administrator unlock it; then give the right password.",
)
INACTIVE = why(
    "The user or the company is not active.",
    "An account that was never activated, or that has ended.",
    "Have the company's administrator activate it, or take another account.",
)
REFUSED = why(
    "The service does not let this account or this application in, for a reason that the detail quotes.",
    "A wrong id or secret of the application; an account that may not do this.",
    "Check the application's id and secret, and what the account may do.",
)
_AS_HTTP = (
    Cause.CAPTIVE_PORTAL,
    Cause.BLOCK_PAGE,
    Cause.NOT_HTTP,
    Cause.SERVER_ERROR,
    Cause.UNEXPECTED_REPLY,
    Cause.TIMEOUT,
    Cause.RESET,
    Cause.CLOSED,
    Cause.UNREACHABLE,
    Cause.TLS_ALERT,
)

ACCOUNT = stage(
    Phase.ACCOUNT,
    "Signing in at the REST API with an account, once a run, the list of TURN servers, and signing out; with "
    "`--account-xmpp` also at XMPP, by SCRAM.",
    {
        Cause.ACCOUNT_WRONG: WRONG,
        Cause.ACCOUNT_LOCKED: LOCKED,
        Cause.ACCOUNT_INACTIVE: INACTIVE,
        Cause.ACCOUNT_REFUSED: REFUSED,
        Cause.BAD_INTEGRITY: why(
            "At XMPP, what answers could not prove that it knows the account's password, as the service can.",
            "A box that decrypts TLS and answers itself; a service that lost its data.",
            "Exempt the host from inspection; look in the report whose certificate it shows.",
        ),
        **{cause: HTTP.causes[cause] for cause in _AS_HTTP if cause in HTTP.causes},
        **{cause: XMPP.causes[cause] for cause in (Cause.NOT_XMPP, Cause.STREAM_ERROR, Cause.WRONG_DOMAIN)},
    },
)

ACCOUNTS: dict[str, Why] = {
    "account-wrong": WRONG,
    "account-locked": LOCKED,
    "account-inactive": INACTIVE,
    "account-refused": REFUSED,
}
"""The findings: what the service says of the account; the network let it pass."""
