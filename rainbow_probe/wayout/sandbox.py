"""A program of its own: runs a PAC file's JavaScript, which may only answer; killed if it takes too long.

It is started by its path, imports nothing of this package, opens no socket and no file. On standard input comes one
line of JSON (``text``, ``library``, ``mine``, ``mineAll``, ``urls``: pairs of URL and host); what a name resolves to
it asks of its parent in one line, ``{"resolve": NAME}``, and gets a list back. Each URL gives one line when known.
"""

from __future__ import annotations

import contextlib
import importlib
import ipaddress
import json
import sys
from typing import Any

MEMORY = 64 << 20  # bytes of JavaScript's own
SPACE = 1 << 30  # bytes of the whole process, the interpreter's libraries among them
STACK = 512 << 10  # bytes
SECONDS = 20  # of processor time; the parent is less patient
LONGEST = 4096  # characters of an answer or of an error
MOST_NAMES = 1000  # look-ups
UNREADABLE = "Failed obtaining QuickJS error string"  # the library's words where what is thrown throws itself


def main() -> int:
    """Answer for each URL; return the exit status."""
    _confine()
    asked: dict[str, Any] = json.loads(sys.stdin.readline())
    try:
        engine = _engine(asked)
    except ImportError as exc:
        _say(missing=str(exc))
        return 0
    try:
        engine.eval(asked["text"])
        find = engine.get("FindProxyForURL")
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is the file's fault and told as such
        _say(fault=_shown(exc))
        return 0
    if type(find).__name__ != "Object":
        _say(fault="the file defines no function FindProxyForURL")
        return 0
    for url, host in asked["urls"]:
        _answer(find, url, host)
    _say(done=True)
    return 0


def _confine() -> None:
    """Take from this process what it does not need, where the system can."""
    with contextlib.suppress(ImportError):
        import resource

        for kind, most in (
            (resource.RLIMIT_CPU, SECONDS),
            (resource.RLIMIT_AS, SPACE),
            (resource.RLIMIT_CORE, 0),
        ):
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(kind, (most, most))


def _engine(asked: dict[str, Any]) -> Any:  # noqa: ANN401 - the library has no types
    engine = importlib.import_module("quickjs").Context()
    engine.set_memory_limit(MEMORY)
    engine.set_max_stack_size(STACK)
    engine.add_callable("nativeResolve", _resolver())
    engine.add_callable("nativeInNet", _in_net)
    for name in ("mine", "mineAll"):
        engine.set(name, asked[name])
    engine.eval(asked["library"])
    return engine


def _answer(find: Any, url: str, host: str) -> None:  # noqa: ANN401 - the library has no types
    try:
        found = find(url, host)
    except Exception as exc:  # noqa: BLE001 - whatever it is, it is the file's fault and told as such
        _say(url=url, fault=_shown(exc))
        return
    if isinstance(found, str) and not found.isascii():
        _say(url=url, fault="it returns a text that is not ASCII, which browsers do not take")
    elif isinstance(found, str):
        _say(url=url, answer=found[:LONGEST])
    else:
        _say(url=url, fault=f"it returns {'nothing' if found is None else type(found).__name__}, and no text")


def _resolver() -> Any:  # noqa: ANN401 - what the engine calls
    known: dict[str, str] = {}

    def resolve(host: str) -> str:
        if host not in known:
            if len(known) >= MOST_NAMES:
                return "[]"
            _say(resolve=host[:LONGEST])
            known[host] = sys.stdin.readline() or "[]"
        return known[host]

    return resolve


def _in_net(address: str, prefix: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(prefix, strict=False)
    except (ValueError, TypeError):
        return False


def _shown(exc: Exception) -> str:
    """Return the first line of what JavaScript says, and where; what was called to get there does not help."""
    text = str(exc)[:LONGEST]
    if UNREADABLE in text:
        return "it throws something that cannot be read as text"
    lines = [line.strip() for line in text.splitlines() if line.strip()] or [type(exc).__name__]
    return " ".join(lines[:2])


def _say(**what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
