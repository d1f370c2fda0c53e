"""The closed vocabulary: everything a check, a row or a finding can be called. No I/O."""

from __future__ import annotations

from enum import StrEnum


class Transport(StrEnum):
    """What carries the protocol under test."""

    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class Via(StrEnum):
    """The two ways out of a site."""

    DIRECT = "direct"
    PROXY = "proxy"


class Phase(StrEnum):
    """Where a flow stands; the first failed phase is the diagnosis."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    PROXY = "proxy"
    TLS = "tls"
    HTTP = "http"
    WEBSOCKET = "websocket"
    XMPP = "xmpp"
    ACCOUNT = "account"
    STUN = "stun"
    TURN_ALLOCATE = "turn-allocate"
    TURN_PERMISSION = "turn-permission"
    TURN_CHANNEL = "turn-channel"
    TURN_DATA = "turn-data"
    ICE = "ice"
    DTLS = "dtls"
    MEDIA = "media"
    SIP = "sip"
    NTP = "ntp"
    SSH = "ssh"


class Cause(StrEnum):
    """Why a step failed. Closed: reports, tests and ``docs/failures.md`` match on it."""

    NXDOMAIN = "nxdomain"
    NO_ANSWER = "no-answer"
    REFUSED_BY_RESOLVER = "refused-by-resolver"
    WRONG_ADDRESS = "wrong-address"
    TIMEOUT = "timeout"
    REFUSED = "refused"
    RESET = "reset"
    CLOSED = "closed"
    UNREACHABLE = "unreachable"
    PROHIBITED = "prohibited"
    PROXY_AUTH = "proxy-auth"
    PROXY_AUTH_UNTRIED = "proxy-auth-untried"
    PROXY_DENIED = "proxy-denied"
    PROXY_UNREACHABLE = "proxy-unreachable"
    PROXY_RESOLVE_FAILED = "proxy-resolve-failed"
    PROXY_TARGET_FAILED = "proxy-target-failed"
    PROXY_HTTP10 = "proxy-http10"
    PROXY_CAPACITY = "proxy-capacity"
    PAC_BROKEN = "pac-broken"
    TLS_UNTRUSTED = "tls-untrusted"
    TLS_INTERCEPTED = "tls-intercepted"
    TLS_EXPIRED = "tls-expired"
    TLS_NOT_YET_VALID = "tls-not-yet-valid"
    TLS_WRONG_NAME = "tls-wrong-name"
    TLS_ALERT = "tls-alert"
    NOT_TLS = "not-tls"
    CAPTIVE_PORTAL = "captive-portal"
    BLOCK_PAGE = "block-page"
    NOT_HTTP = "not-http"
    NOT_SOCKS = "not-socks"
    SERVER_ERROR = "server-error"
    UNEXPECTED_REPLY = "unexpected-reply"
    UPGRADE_REFUSED = "upgrade-refused"
    SUBPROTOCOL_MISSING = "subprotocol-missing"
    WRONG_DOMAIN = "wrong-domain"
    STREAM_ERROR = "stream-error"
    NOT_XMPP = "not-xmpp"
    CUT_AFTER_IDLE = "cut-after-idle"
    CUT_AFTER_TIME = "cut-after-time"
    CUT_AFTER_BYTES = "cut-after-bytes"
    ACCOUNT_WRONG = "account-wrong"
    ACCOUNT_LOCKED = "account-locked"
    ACCOUNT_INACTIVE = "account-inactive"
    ACCOUNT_REFUSED = "account-refused"
    NOT_SIP = "not-sip"
    NOT_NTP = "not-ntp"
    NOT_SSH = "not-ssh"
    NOT_STUN = "not-stun"
    HTTP_INSTEAD_OF_STUN = "http-instead-of-stun"
    BAD_CREDENTIALS = "bad-credentials"
    FORBIDDEN = "forbidden"
    QUOTA = "quota"
    CAPACITY = "capacity"
    ALLOCATION_MISMATCH = "allocation-mismatch"
    UNSUPPORTED_TRANSPORT = "unsupported-transport"
    STALE_NONCE_LOOP = "stale-nonce-loop"
    TRY_ALTERNATE = "try-alternate"
    BAD_INTEGRITY = "bad-integrity"
    STUN_ERROR = "stun-error"
    PERMISSION_DENIED = "permission-denied"
    NO_DATA_BACK = "no-data-back"
    LARGE_LOST = "large-lost"
    WENT_SILENT = "went-silent"
    ALTERED = "altered"
    RATE_LIMITED = "rate-limited"
    LOSS = "loss"
    LATENCY = "latency"
    JITTER = "jitter"
    PARTLY_OPEN = "partly-open"
    ONE_WAY = "one-way"
    CANNOT_TELL = "cannot-tell"
    BUDGET = "budget"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"


OUR_OWN = frozenset({Cause.CANNOT_TELL, Cause.BUDGET, Cause.INTERRUPTED, Cause.UNKNOWN})
"""Causes that say nothing of the network: such a check is inconclusive, never failed."""
OF_THE_ACCOUNT = frozenset({
    Cause.ACCOUNT_WRONG,
    Cause.ACCOUNT_LOCKED,
    Cause.ACCOUNT_INACTIVE,
    Cause.ACCOUNT_REFUSED,
})
"""What the service itself says of the account that it was given: the way there is fine."""
UNPROVEN = OUR_OWN | OF_THE_ACCOUNT | {Cause.PROXY_AUTH_UNTRIED}
"""With them, causes that say something, and nothing of what the real clients meet: inconclusive too."""


class Outcome(StrEnum):
    """How a check ends."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"


class RowVerdict(StrEnum):
    """How a row of the guide, a client or the whole run ends."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    DEGRADED = "degraded"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTED = "not-tested"
    NOT_APPLICABLE = "not-applicable"


class Need(StrEnum):
    """How bad it is when a row fails."""

    MANDATORY = "mandatory"
    RECOMMENDED = "recommended"
    OPTIONAL = "optional"


class IssuerPolicy(StrEnum):
    """Whose certificate a host class is expected to show."""

    PUBLIC = "public"
    APPLE = "apple"
    OPERATOR = "operator"


class NatMapping(StrEnum):
    """Whether a NAT gives one local UDP port another outside port for another destination, RFC 4787 section 4.1."""

    NONE = "none"
    """Seen from outside with this machine's own address."""
    ENDPOINT_INDEPENDENT = "endpoint-independent"
    ADDRESS_DEPENDENT = "address-dependent"
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"
    """What is called a symmetric NAT."""
    DESTINATION_DEPENDENT = "destination-dependent"
    """One of the two before: no server was heard on two ports."""


class NatFiltering(StrEnum):
    """Who gets in through a port that a NAT has opened, RFC 4787 section 5."""

    ENDPOINT_INDEPENDENT = "endpoint-independent"
    ADDRESS_DEPENDENT = "address-dependent"
    ADDRESS_AND_PORT_DEPENDENT = "address-and-port-dependent"
    PORT_INDEPENDENT = "port-independent"
    """One of the first two: no server could answer from another address."""


class Severity(StrEnum):
    """What a finding does to the site."""

    BLOCKING = "blocking"
    DEGRADING = "degrading"
    ADVICE = "advice"


class Who(StrEnum):
    """Who must change something."""

    FIREWALL = "firewall"
    PROXY = "proxy"
    DNS = "dns"
    TLS_INSPECTION = "tls-inspection"
    ENDPOINT = "endpoint"
    PROVIDER = "provider"
