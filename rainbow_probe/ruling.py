"""The command rules: what a stored report needs, in one product's words."""

from __future__ import annotations

import argparse
import ipaddress
import re

from rainbow_probe.catalogue import Guide, builtin_names
from rainbow_probe.model import Report
from rainbow_probe.options import Options, UsageError
from rainbow_probe.report.from_json import read
from rainbow_probe.rules import FORMATS, By, Style, least, render, whole
from rainbow_probe.session import read_guide

WHICH = "rules: of which report? Give the file that 'rainbow-probe run --json FILE' wrote, or --all for the whole guide"
_CHAINS = {
    "nftables": (re.compile(r"(?:inet|ip|ip6) [A-Za-z_][A-Za-z0-9_.-]{0,63} [A-Za-z_][A-Za-z0-9_.-]{0,63}"),
                 "FAMILY TABLE CHAIN, as in 'inet filter forward'"),
    "iptables": (re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,27}"), "the name of a chain, as in FORWARD"),
}  # fmt: skip
_CHAINS["ip6tables"] = _CHAINS["iptables"]


def rule(arguments: argparse.Namespace) -> str:
    """Return the rules that were asked for; raises ``UsageError``."""
    name, style = format_of(arguments.format, "--format"), _style(arguments)
    if arguments.report is None and not arguments.all:
        raise UsageError(WHICH)
    report = read(arguments.report) if arguments.report is not None else None
    guide = _guide(arguments, report)
    clients = tuple(arguments.client)
    if arguments.all or report is None:
        return render(whole(guide, report, clients=clients), name, style)
    return render(least(report, guide, clients=clients, degraded=arguments.degraded), name, style)


def format_of(name: str, option: str) -> str:
    """Return *name* if it is a format; raises ``UsageError`` that begins with the *option*."""
    if name not in FORMATS:
        known = "\n".join(f"  {key:11} {what}" for key, what in FORMATS.items())
        raise UsageError(f"{option} {name}: no such format; known are\n{known}")
    return name


def _guide(arguments: argparse.Namespace, report: Report | None) -> Guide:
    return guide_of(arguments, report, tuple(arguments.client))


def guide_of(arguments: argparse.Namespace, report: Report | None, clients: tuple[str, ...] = ()) -> Guide:
    """Return the guide that the arguments name, or else the *report*'s; raises ``UsageError`` where it is not there."""
    if arguments.guide or report is None:
        return fitting(read_guide(arguments.guide or Options().guide, clients), report)
    if report.guide_id not in builtin_names():
        raise UsageError(f"{arguments.report}: made by the guide {report.guide_id!a}; give its folder with --guide")
    return fitting(read_guide(report.guide_id, clients), report)


def fitting(guide: Guide, report: Report | None) -> Guide:
    """Return *guide* if the *report* was made by it; raises ``UsageError`` for a report of another one."""
    if report and report.guide_id != guide.id:
        raise UsageError(f"the report was made by the guide {report.guide_id!a}, not by {guide.id}")
    return guide


def _style(arguments: argparse.Namespace) -> Style:
    by = By(arguments.by) if arguments.by else None
    return Style(by=by, source=_network(arguments.source or ""), chain=_chain(arguments))


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text)) if text else ""
    except ValueError as exc:
        raise UsageError(f"--source {text!a}: not a network; wanted is ADDRESS/LENGTH, as in 10.1.0.0/16") from exc


def _chain(arguments: argparse.Namespace) -> str:
    chain = str(arguments.chain or "")
    if not chain:
        return ""
    if arguments.format not in _CHAINS:
        raise UsageError(f"--chain is for {', '.join(_CHAINS)} only")
    pattern, wanted = _CHAINS[arguments.format]
    if not pattern.fullmatch(chain):
        raise UsageError(f"--chain {chain!a}: wanted is {wanted}")
    return chain
