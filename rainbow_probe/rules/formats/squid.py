"""Permissions and exemptions as lines of ``squid.conf``, to stand before the site's own."""

from __future__ import annotations

from collections.abc import Iterator

from rainbow_probe.rules.shapes import Act, By, Opening, RuleSet, Style
from rainbow_probe.rules.words import NO_ADDRESS, heading, networks, ports, reason

ACCESS = "Before the first http_access line. Add your own conditions to these lines, such as proxy_auth."
SPLICE = "Before the first ssl_bump line: nothing of this is decrypted."
NOTHING = "The proxy needs no change."


def render(rules: RuleSet, style: Style) -> str:
    """Write what squid is to permit and to leave alone."""
    permits, exempts = rules.of(Act.PERMIT), rules.of(Act.EXEMPT)
    lines = [f"# {line}" for line in heading(rules)]
    if permits:
        lines += [f"# {ACCESS}", "acl rainbow_connect method CONNECT", *_from(style)]
    lines += [line for number, one in enumerate(permits, 1) for line in _permit(one, number, style)]
    lines += [f"# {SPLICE}"] if exempts else []
    lines += [line for number, one in enumerate(exempts, 1) for line in _splice(one, number, style)]
    return "\n".join(lines if permits or exempts else [*lines, f"# {NOTHING}"]) + "\n"


def _from(style: Style) -> list[str]:
    return [f"acl rainbow_from src {style.source}"] if style.source else []


def _permit(one: Opening, number: int, style: Style) -> Iterator[str]:
    whom = " rainbow_from" if style.source else ""
    yield f"# {reason(one)}"
    if there := _there(one, style, "dstdomain"):
        yield f"acl rainbow_to_{number} {there}"
        yield f"acl rainbow_port_{number} port {ports(one, ' ')}"
        yield f"http_access allow rainbow_connect{whom} rainbow_to_{number} rainbow_port_{number}"
    else:
        yield f"# {NO_ADDRESS}"


def _splice(one: Opening, number: int, style: Style) -> Iterator[str]:
    yield f"# {reason(one)}"
    if there := _there(one, style, "ssl::server_name"):
        yield f"acl rainbow_untouched_{number} {there}"
        yield f"acl rainbow_untouched_port_{number} port {ports(one, ' ')}"
        yield f"ssl_bump splice rainbow_untouched_{number} rainbow_untouched_port_{number}"
    else:
        yield f"# {NO_ADDRESS}"


def _there(one: Opening, style: Style, named: str) -> str:
    by = style.by or By.NAME
    if by is By.NAME and one.names:
        return f"{named} {' '.join(one.names)}"
    known = networks(one, by)
    return f"dst {' '.join(known)}" if known else ""
