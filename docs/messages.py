"""Gathers every message that is to be translated, and keeps the catalogues in step: ``make messages``."""  # noqa: INP001 - a script

from __future__ import annotations

import ast
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from string import Formatter

from jinja2 import Environment
from jinja2.ext import extract_from_ast

from rainbow_probe.catalogue import builtin, builtin_names, load
from rainbow_probe.checks import kinds
from rainbow_probe.explanations import FINDINGS, STAGES, Why
from rainbow_probe.explanations import OWN as OWN_CAUSES
from rainbow_probe.explanations.actors import ACTORS
from rainbow_probe.explanations.kinds import KINDS
from rainbow_probe.language.catalogue import catalogues, missing, read, written
from rainbow_probe.language.phrases import message
from rainbow_probe.mail.as_html import TEMPLATES as MAILS
from rainbow_probe.report import wording
from rainbow_probe.report.as_html import TEMPLATES
from rainbow_probe.serve.page import TEMPLATES as PAGES

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "rainbow_probe"
SAYING = frozenset({"say", "later"})
"""Functions whose first argument is one of our own words."""
SENTENCES = (
    *("judge", "checks", "followups", "report/layout.py", "report/wording.py", "plan.py", "capacity.py", "measures.py"),
    *(
        "net/survey.py",
        "net/sweep_pace.py",
        "net/call.py",
        "net/real_call.py",
        "net/idle.py",
        "net/ramp.py",
        "net/climb.py",
        "net/ntp.py",
        "net/sip.py",
        "net/unasked.py",
        "history/confirm.py",
    ),
    *("readiness.py", "runner.py", "evidence.py", "site/environment.py", "site/gnome.py", "site/kde.py"),
    *("site/macos.py", "site/settings.py", "site/windows.py", "wayout/doors.py", "wayout/evaluate.py"),
    *("wayout/fetch.py", "wayout/pac.py", "wayout/sandbox.py", "wayout/ways.py"),
)
"""Modules, and folders of them, whose sentences go into reports as they stand."""
COMPOSED = (
    *("{0} fails: {1}", "{0} cannot be told: {1}", "{0} was not tested: {1}"),
    *("{0} row", "{0} rows", "{0} note", "{0} notes", "{0} erratum", "{0} errata", "{0} check", "{0} checks"),
    *("{0} pass", "{0} fail", "{0} inconclusive", "{0} skipped", "{0} degraded", "{0} not tested"),
    *("all that was tested works ({0})", "all that was tested works ({0}; {1} not tested)", "works only by {0}"),
    *("TLS is decrypted on the way by {0}", "Nothing goes out directly: only the proxy gets through"),
    *(
        "No TCP goes out directly: only the proxy gets through",
        "one socket is seen from outside as {0}",
        "{0} more client kind cannot work fully either",
        "{0} more client kinds cannot work fully either",
        "{0}, both ways, through {1} in place of the conference servers",
        "{0} through the proxy",
    ),
    *("UDP/3478 and 49152-65535", "3478 and 49152-65535", ", and UDP/{0} to the conference servers"),
    *("{0} in {1} ms{2}", "{0} to {1} s", "{0} kbit/s pass each way", "at least {0} kbit/s pass each way"),
    *("{0} more client kind", "{0} more client kinds", "{0} kbit/s in ({1})", "{0} kbit/s out ({1})"),
    *("DNS gives no answer for {0}", "DNS answers with an error for {0}", "DNS says that {0} does not exist"),
    *(
        "DNS says that {0} do not exist",
        "The certificate of {0} has expired",
        "The certificate of {0} is not valid yet",
    ),
    *("{0} direct check", "{0} direct checks", "{0} direct check to {1}", "{0} direct checks to {1}"),
    *("{0} address of hosts that work does not answer", "{0} addresses of hosts that work do not answer"),
    *("{0} IPv6 address of hosts that work does not answer", "{0} IPv6 addresses of hosts that work do not answer"),
    *("{0} other address", "{0} other addresses", "{0} day", "{0} days", "{0} hour", "{0} hours", "{0} minute"),
    *(
        "{0} minutes",
        "{0} second",
        "{0} seconds",
        "{0} days later",
        "{0} days earlier",
        "{0} hours later",
        "{0} hours earlier",
        "{0} minutes later",
        "{0} minutes earlier",
        "{0} seconds later",
        "{0} seconds earlier",
        "{0} server",
        "{0} servers",
    ),
    *("The clock of this machine is {0} ahead of the servers' dates", "SIP is answered: {0}"),
    *("The clock of this machine is {0} behind the servers' dates", "TLS is decrypted on the way by {0}"),
    *("A firewall or router on the way cuts links to {0} that are idle", "The proxy cuts links to {0} that are idle"),
    *("Something on the way cuts links to {0} that are idle", "The server cuts links to {0} that are idle"),
    *("A firewall or router on the way cuts links to {0} after a time, traffic or not", "rejected by {0}"),
    *("The proxy cuts links to {0} after a time, traffic or not", "some rejected by {0}"),
    *("Something on the way cuts links to {0} after a time, traffic or not", "certificates: {0}"),
    *("The server cuts links to {0} after a time, traffic or not", "none answered", "{0} shows one for {1}"),
    *("The upgrade to WebSocket is refused on the way to {0}, though HTTPS works there", "does not work"),
    *("The upgrade to WebSocket is refused on the way to {0}, where {1} opens TLS, though HTTPS works there",),
    *(
        "{0} to {1} is closed: {2}",
        "{0} to {1} are closed: {2}",
        "Parts of {0} to {1} are closed: {2}",
        "{0} from {1} to this machine is closed: {2}",
        "{0} from {1} to this machine are closed: {2}",
        "Parts of {0} from {1} to this machine are closed: {2}",
        "{0} of {1} packets back through the relay in {2} ms; DTLS in {3} ms",
    ),
    *(
        "Only TCP/{0} goes out: TCP/{1} is closed to all ({2})",
        "Only TCP/{0} goes out: TCP/{1} are closed to all ({2})",
    ),
    *("Of TCP, only port {0} goes out: TCP/{1} is closed to all ({2})", "{0} of {1} addresses"),
    *("Of TCP, only port {0} goes out: TCP/{1} are closed to all ({2})", "{0} checks to {1}", "{0} check to {1}"),
    *("The PBX {0} ({1}): {2}", "The time server {0} ({1}): {2}", "The WebRTC gateway {0} ({1}): {2}"),
    *("a fault of the probe itself: {0}", "{0} of {1} ports open", "works only by {0}", "The cost: {0}"),
    *("certificate of {0}", "{0} hosts", "{0} host", "{0} name", "{0} names", "works at least by {0}"),
    *("{0} call for {1} s", "{0} calls for {1} s", "{0} ms one way", "jitter {0} ms"),
    "{0} % ({1} to {2}) of {3} packets lost",
    "{0} % ({1} to {2}) of {3} packets lost (up to {4} in a row)",
    *("{0} out of order", "{0} twice", "MOS {0} and {1}"),
    *("{0} of {1} rows that were tested: pass", "{0} of {1} rows that were tested: fail ({2})"),
    *("{0} of {1} rows that were tested: degraded ({2})", "{0} of {1} rows that were tested: inconclusive ({2})"),
    "certificate for {0} from {1}: the operator's own, or somebody else's in its place",
    "The resolver {0} says that names do not exist which {1} knows: {2}",
    (
        "Let answers of UDP/{0} in: make the rule a stateful one, which needs no rule for inbound traffic, or accept "
        "that conferences go through TURN instead"
    ),
    (
        "Open all of outbound UDP/{0} to the conference servers; where open and closed ports lie in no order, look for "
        "one of several lines or boxes side by side that drops what it gets, or accept that conferences go through "
        "TURN instead"
    ),
    *("at least {0} kbit/s pass, each way", "{0} kbit/s pass, and more do not, each way", "{0} kbit/s each way ({1})"),
    *("rejected", "blocked"),
    *("it offers {0}", "Outbound UDP/{0} is blocked ({1}), though UDP/{2} works", "the same servers answer on {0}"),
    "Outbound UDP/{0} is blocked ({1}), to {2} and not to {3}",
    *("other TCP gets out, for example {0}", "Open the flows below past the proxy"),
    *("{0} does not accept the TURN credentials", "{0} do not accept the TURN credentials"),
    *("{0} with the password in RAINBOW_PROBE_PROXY_PASSWORD", "DOMAIN\\NAME or NAME@REALM in a domain"),
    *("refused", "works", "not tested", "no answer at all", "rejected, {0}"),
)
"""What the judge and the renderers put together from single words."""
SCREEN = (
    *(
        "Not tested ({0})",
        "not applicable: {0}",
        "Way out",
        "none found",
        "Note",
        "Destination",
        "and {0} more checks",
        "Asked too",
    ),
    *("direct, no proxy", "proxy {0} (from {1})", "as the PAC file says: {0}", "{0}; direct to {1}", "to act: {0}"),
    "at least {0}",
    *("conference servers", "the addresses of {0}"),
    *("from", "to port", "to", "for", "this network", "this machine", "the site's proxy", "any source port"),
    *("this machine uses {0}", "source ports {0}", "or, where names cannot be used, to {0}"),
    *("not proven that the border stops it: the hosts may be down", "an address that is not known"),
    *("do not decrypt and do not inspect, for:", "these names must resolve:"),
    *("{0} blocking", "{0} degrading", "{0} advice", "To paste ({0}):"),
)
"""What only the terminal, the history and rules in words say."""
OWN = 5  # letters of a sentence that begins with a value; one with fewer is a joint that would fit anything
LETTERS = 3  # of its own; a message with fewer says nothing that could be translated


def messages() -> dict[str, str]:
    """Return every message, with the place where it stands."""
    found: dict[str, str] = {}
    for place, texts in _sources():
        for text in texts:
            if tells(text):
                found.setdefault(text, place)
    return found


def tells(text: str) -> bool:
    """Return whether *text* has words of its own, and its values can be found in a sentence."""
    own = "".join(literal for literal, *_ in Formatter().parse(text))
    values = any(name is not None for _, name, *_ in Formatter().parse(text))
    return sum(map(str.isalpha, own)) >= (LETTERS if values else 2) and (not values or message(text, "") is not None)


def _sources() -> Iterator[tuple[str, Iterable[str]]]:
    for template in sorted([*TEMPLATES.glob("*.j2"), *MAILS.glob("*.j2"), *PAGES.glob("*.j2")]):
        tree = Environment(autoescape=True).parse(template.read_text("utf-8"))
        yield template.name, [_first(told[2]) for told in extract_from_ast(tree, gettext_functions=("_",))]
    for module in sorted(PACKAGE.rglob("*.py")):
        yield str(module.relative_to(ROOT)), _said_in(ast.parse(module.read_text("utf-8")), SAYING)
    for name in ("VERDICTS", "SEVERITIES", "OUTCOMES", "NEEDS", "DIRECTIONS", "PORT_STATES", "CURVES"):
        yield "rainbow_probe/report/wording.py", getattr(wording, name).values()
    yield "rainbow_probe/explanations/actors.py", ACTORS.values()
    for name in builtin_names():
        yield f"probes/{name}", _guide(name)
    yield from _explanations()
    yield "put together", (*COMPOSED, *SCREEN)
    for module in (module for name in SENTENCES for module in _modules(PACKAGE / name)):
        told = _sentences(ast.parse(module.read_text("utf-8")))
        yield str(module.relative_to(ROOT)), (text for text in told if _is_prose(text))


def _explanations() -> Iterator[tuple[str, Iterable[str]]]:
    for finding, why in FINDINGS.items():
        yield f"finding {finding}", _explained([why])
    for kind, one in KINDS.items():
        yield f"check {kind}", [one.passes]
    for stage in STAGES.values():
        yield f"phase {stage.phase}", [stage.about, *_explained(stage.causes.values())]
    yield "causes of the probe itself", _explained(OWN_CAUSES.values())


def _explained(causes: Iterable[Why]) -> list[str]:
    return [text for why in causes for text in (why.means, why.usual, why.do)]


def _first(told: object) -> str:
    return str(told[0] if isinstance(told, tuple) else told)


def _guide(name: str) -> Iterator[str]:
    guide = load(builtin(name), kinds())
    yield guide.title
    yield from guide.clients.values()
    yield from guide.groups.values()
    yield from (group.purpose for group in guide.hosts.values() if group.place)
    yield from (row.demand.medium for row in guide.rows if row.demand)
    for row in guide.rows:
        yield from (row.title, row.protocol, row.source, row.destination, row.proxy, row.not_tested)
        yield from row.notes
        yield from row.errata
        yield from (text for way in row.ways for text in (way.name, way.cost))


def _said_in(tree: ast.AST, functions: Collection[str]) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and _name(node.func) in functions:
            yield from _texts(node.args[0])


def _modules(path: Path) -> Iterable[Path]:
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def _is_prose(text: str) -> bool:
    """Tell sentences from expressions, commands and rules, and from joints such as ``{0} for {1}``."""
    if set(text) & set("\n\\"):
        return False
    try:
        own = "".join(literal for literal, *_ in Formatter().parse(text))
    except ValueError:  # braces of a language that is not ours
        return False
    return not text.startswith("{") or sum(map(str.isalpha, own)) >= OWN


def _name(function: ast.expr) -> str:
    return (
        function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else ""
    )


def _texts(node: ast.expr) -> Iterator[str]:
    """Give what an expression may be: of a choice, both."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield template(node)
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def template(node: ast.JoinedStr) -> str:
    """Return an f-string with its values numbered."""
    parts: list[str] = []
    places = 0
    for value in node.values:
        if isinstance(value, ast.Constant):
            parts.append(str(value.value).replace("{", "{{").replace("}", "}}"))
        else:
            parts.append(f"{{{places}}}")
            places += 1
    return "".join(parts)


def _sentences(tree: ast.AST) -> Iterator[str]:
    """Give every text of more than one word, but for docstrings."""
    inside = {id(value) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for value in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            inside.add(id(node.value))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in inside:
            yield from (text for text in _texts(node) if " " in text.strip())


def main() -> int:
    """Bring every catalogue up to date; name what is left to be translated."""
    gathered = messages()
    left = 0
    for code, path in catalogues().items():
        known = read(path)
        path.write_text(written(code, gathered, known), "utf-8")
        for text in missing(gathered, known):
            print(f"{path.name}: {gathered[text]}: {text}")  # noqa: T201 - the answer
            left += 1
    return 1 if left else 0


if __name__ == "__main__":
    sys.exit(main())
