"""What each finding means and what proves it, by its id; ``PORT`` stands for a number."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from rainbow_probe.explanations.account import ACCOUNTS
from rainbow_probe.explanations.findings.advice import ADVICE
from rainbow_probe.explanations.findings.certificates import CERTIFICATES
from rainbow_probe.explanations.findings.names import NAMES
from rainbow_probe.explanations.findings.offline import OFFLINE
from rainbow_probe.explanations.findings.ports import PORTS
from rainbow_probe.explanations.findings.proxies import PROXIES
from rainbow_probe.explanations.findings.relays import RELAYS
from rainbow_probe.explanations.shapes import Why

FINDINGS: Mapping[str, Why] = MappingProxyType(
    OFFLINE | NAMES | PROXIES | CERTIFICATES | PORTS | RELAYS | ACCOUNTS | ADVICE
)
"""In the order in which they are told."""


def named(identity: str) -> str | None:
    """Return the entry of ``FINDINGS`` that the finding *identity* of a report is one of, or None."""
    return next((name for name in FINDINGS if _pattern(name).fullmatch(identity)), None)


def meaning(identity: str) -> str | None:
    """Return what the finding with *identity* means, or None if there is no such finding."""
    name = named(identity)
    return None if name is None else FINDINGS[name].means


def usual(identity: str) -> str | None:
    """Return what the finding with *identity* usually comes from, or None if there is no such finding."""
    name = named(identity)
    return None if name is None else FINDINGS[name].usual


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(name.replace("PORT", r"(?:\d+|PORT)").replace("PHASE-CAUSE-GROUP", ".+") + "(?:-more)*")
