"""Read the parameters of a flow: each kind of check has its own, and a misspelt one would silently do nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from rainbow_probe.catalogue.fields import Table
from rainbow_probe.catalogue.values import HIGHEST_PORT, host, port_range
from rainbow_probe.model import Scalar

Reader = Callable[[Table, str], Scalar]


def _one_of(*allowed: str) -> Reader:
    return lambda table, key: table.choice(key, allowed)


def _number(lowest: int, highest: int) -> Reader:
    return lambda table, key: table.number(key, lowest, highest)


def _path(table: Table, key: str) -> str:
    text = table.text(key)
    if not text.startswith("/") or " " in text:
        raise table.wrong(key, f"{text!r} is no path; allowed: one that begins with '/', without spaces")
    return text


def _ports(table: Table, key: str) -> str:
    return str(table.one(key, port_range))


REQUIRED: Mapping[str, Mapping[str, Reader]] = {
    "https": {"expect": _one_of("rainbow-api", "any")},
    "xmpp": {
        "path": _path,
        "domain": lambda table, key: table.one(key, host),
        "path_known": lambda table, key: table.take(key, bool),
    },
    "udp-range": {"first": _number(1, HIGHEST_PORT), "last": _number(1, HIGHEST_PORT)},
    "sweep": {"first": _number(1, HIGHEST_PORT), "last": _number(1, HIGHEST_PORT)},
    "sweep-in": {"first": _number(1, HIGHEST_PORT), "last": _number(1, HIGHEST_PORT)},
    "proxy-capacity": {"control": lambda table, key: table.one(key, host)},
    "quality": {"loss_percent": _number(0, 100), "jitter_ms": _number(1, 10_000), "latency_ms": _number(1, 10_000)},
    "download": {"path": _path},
    "portal": {"path": _path, "expect_status": _number(100, 599)},
}
"""By kind, the parameters that every flow of it has."""

OPTIONAL: Mapping[str, Mapping[str, Reader]] = {
    "dns": {"over": _one_of("udp")},
    "sweep": dict.fromkeys(("opposite", "assumed", "outside"), lambda table, key: table.flag(key)),
    "sip": {},
    "ntp": {},
    "ssh": {},
    "sips": {},
    "turn": {"by": _one_of("address")},
    "udp-range": {"ports": _number(2, 256)},
    "call": {},
    "push": {"alpn": lambda table, key: table.text(key), "idle": lambda table, key: table.take(key, bool)},
    "proxy": {},
    "ports": dict.fromkeys(("windows", "macos", "ios", "android", "linux"), _ports),
}
"""By kind, the parameters that a flow of it may have."""


def read_params(flow: Table, kind: str) -> dict[str, Scalar]:
    """Read the parameters of *flow*; a kind that is not listed here may have any, as long as they are scalars."""
    where = f"{flow.where}: params"
    data = flow.take("params", dict[str, object]) if "params" in flow else {}
    if kind not in REQUIRED and kind not in OPTIONAL:
        return Table(data, where, data).scalars()
    required, optional = REQUIRED.get(kind, {}), OPTIONAL.get(kind, {})
    table = Table(data, where, [*required, *optional])
    found = {key: read(table, key) for key, read in required.items()}
    return found | {key: read(table, key) for key, read in optional.items() if key in table}
