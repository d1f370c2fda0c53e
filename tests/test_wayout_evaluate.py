"""PAC files, run for real: what they answer, what they may call, and that none of them can hurt the run."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from rainbow_probe.wayout import evaluate as sandboxed
from rainbow_probe.wayout.evaluate import BUSY, ENDLESS, WAITS, Evaluated, evaluate

URL, HOST = "https://openrainbow.health/", "openrainbow.health"
MINE = ("2001:db8::5", "10.0.0.5")


async def known(host: str) -> Sequence[str]:
    """Resolve one name."""
    return ("2001:db8::7", "192.0.2.7") if host == "inside.example" else ()


async def ask(body: str, urls: dict[str, str] | None = None) -> Evaluated:
    """Ask a PAC file whose function has this *body*."""
    return await evaluate(f"function FindProxyForURL(url, host) {{ {body} }}", urls or {URL: HOST}, MINE, known)


async def test_each_url_has_its_answer() -> None:
    """In one go; modern JavaScript is understood, as in browsers."""
    body = "const go = (h) => h.endsWith('.health') ? `PROXY ${h}:3128` : 'DIRECT'; return go(host);"
    urls = {URL: HOST, "wss://openrainbow.health/": HOST, "https://a.example:8443/": "a.example"}
    found = await ask(body, urls)
    assert found.answers == {
        URL: "PROXY openrainbow.health:3128",
        "wss://openrainbow.health/": "PROXY openrainbow.health:3128",
        "https://a.example:8443/": "DIRECT",
    }
    assert (found.faults, found.broken) == ({}, "")


CALLS = [
    ("dnsResolve('inside.example')", "192.0.2.7"),
    ("String(dnsResolve('no.example'))", "null"),
    ("dnsResolveEx('inside.example')", "2001:db8::7;192.0.2.7"),
    ("dnsResolveEx('no.example')", ""),
    ("[isResolvable('inside.example'), isResolvable('no.example'), isResolvableEx('no.example')]", "true,false,false"),
    ("myIpAddress()", "10.0.0.5"),
    ("myIpAddressEx()", "2001:db8::5;10.0.0.5"),
    ("[isPlainHostName('a'), isPlainHostName('a.b'), isPlainHostName('::1')]", "true,false,false"),
    ("[dnsDomainIs('a.b.c', '.b.c'), dnsDomainIs('b.c', '.b.c'), dnsDomainIs('c', '.b.c')]", "true,false,false"),
    ("[localHostOrDomainIs('a', 'a.b'), localHostOrDomainIs('a.b', 'a.b'), localHostOrDomainIs('a.c', 'a.b')]",
     "true,true,false"),
    ("[dnsDomainLevels('a'), dnsDomainLevels('a.b.c')]", "0,2"),
    ("[isInNet('10.1.2.3', '10.0.0.0', '255.0.0.0'), isInNet('11.1.2.3', '10.0.0.0', '255.0.0.0')]", "true,false"),
    ("[isInNet('inside.example', '192.0.2.0', '255.255.255.0'), isInNet('no.example', '0.0.0.0', '0.0.0.0')]",
     "true,false"),
    ("isInNet('300.1.1.1', '0.0.0.0', '0.0.0.0')", "false"),
    ("[isInNetEx('2001:db8::9', '2001:db8::/32'), isInNetEx('10.1.1.1', '10.0.0.0/8'), isInNetEx('x', 'y')]",
     "true,true,false"),
    ("sortIpAddressList('10.0.0.2; ::2;10.0.0.1;::1')", "::1;::2;10.0.0.1;10.0.0.2"),
    ("[shExpMatch('a.b.c', '*.b.c'), shExpMatch('axbxc', '*.b.c'), shExpMatch('ab', 'a?'), shExpMatch('abc', 'a?')]",
     "true,false,true,false"),
    ("[weekdayRange('SUN', 'SAT'), weekdayRange('MON', 'SUN', 'GMT'), weekdayRange('XXX')]", "true,true,false"),
    ("[dateRange(1, 31), dateRange('JAN', 'DEC'), dateRange(2001, 2002), dateRange(1, 'JAN', 2001, 1, 'JAN', 2100)]",
     "true,true,false,true"),
    ("[dateRange(1, 'FEB', 31, 'JAN', 'GMT'), dateRange(), dateRange('XXX')]", "true,false,false"),
    ("[timeRange(0, 23), timeRange(0, 0, 23, 59), timeRange(0, 0, 0, 23, 59, 59, 'GMT'), timeRange(25)]",
     "true,true,true,false"),
    ("String(alert('hello'))", "undefined"),
    ("[typeof std, typeof os, typeof require, typeof process, typeof fetch]",
     "undefined,undefined,undefined,undefined,undefined"),
]  # fmt: skip


async def test_what_a_pac_file_may_call() -> None:
    """The functions of the format and Microsoft's additions, and nothing that leads out of it."""
    switch = "".join(f"if (host === '{number}') return String({call});\n" for number, (call, _) in enumerate(CALLS))
    found = await ask(switch, {f"https://{number}/": str(number) for number in range(len(CALLS))})
    assert found.faults == {}
    assert list(found.answers.values()) == [answer for _, answer in CALLS]


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("return null", "returns nothing"),
        ("", "returns nothing"),
        ("return 5", "returns int"),
        ("return ['PROXY a:1']", "and no text"),
        ("throw new Error('no luck\\n\\u001b[31m')", "no luck"),
        ("return nobody.knows", "ReferenceError"),
        ("return '\\ud800'", "codec"),
        ("return FindProxyForURL(url, host)", "call stack"),
        ("let a = []; for (;;) a.push(new Array(1e5).fill(1))", "out of memory"),
        ("return 'x'.repeat(1e9)", "out of memory"),
    ],
)
async def test_what_goes_wrong_for_one_url(body: str, fault: str) -> None:
    """It is told in a line that is safe to print, and the next URL is asked all the same."""
    found = await ask(f"if (host === 'b') return 'DIRECT'; {body}", {URL: HOST, "https://b/": "b"})
    assert found.answers == {"https://b/": "DIRECT"}
    assert fault in found.faults[URL]
    assert found.faults[URL].isprintable()
    assert len(found.faults[URL]) <= 300


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("function FindProxyForURL(url, host) { return 'DIRECT' ", "SyntaxError"),
        ("<html>404</html>", "SyntaxError"),
        ("", "no function FindProxyForURL"),
        ("var FindProxyForURL = 'PROXY a:1'", "no function FindProxyForURL"),
        ("throw 'no'", "no"),
        ("\x00\x01\x02", "null character"),
    ],
)
async def test_a_file_that_is_none(text: str, fault: str) -> None:
    """Browsers go on without a word as if there were no PAC file: here it is told, with the place."""
    found = await evaluate(text, {URL: HOST}, MINE, known)
    assert fault in found.broken
    assert found.faults == {URL: found.broken}


@pytest.mark.parametrize(
    "text", ["for (;;);", "function FindProxyForURL(u, h) { for (;;); }", "/(a+)+$/.test('a'.repeat(99) + 'b')"]
)
async def test_an_endless_one_is_killed(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is ours, and the process does not outlive it."""
    monkeypatch.setattr(sandboxed, "LIMIT", 2.0)
    monkeypatch.setattr(sandboxed, "WORKED", 0.05)  # this machine may be busy; one that waits works less still
    began = time.monotonic()
    found = await evaluate(text, {URL: HOST}, MINE, known)
    assert found.faults == {URL: ENDLESS}
    assert time.monotonic() - began < 30


async def test_a_busy_machine_calls_nothing_endless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the process hardly came to its turn, nobody can tell whether it would have ended."""
    monkeypatch.setattr(sandboxed, "LIMIT", 1.0)
    monkeypatch.setattr(sandboxed, "WORKED", 1e6)
    found = await evaluate("for (;;);", {URL: HOST}, MINE, known)
    assert found.faults == {URL: BUSY}
    assert found.hangs == frozenset()


async def test_names_that_nobody_answers_are_no_busy_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file waits for them, and so would a browser: that says nothing of the file."""
    monkeypatch.setattr(sandboxed, "LIMIT", 2.0)
    monkeypatch.setattr(sandboxed, "MOSTLY", 0.01)  # however long this machine took to start it
    monkeypatch.setattr(sandboxed, "WORKED", 1e6)

    async def nobody(host: str) -> Sequence[str]:
        await asyncio.Event().wait()
        return (host,)

    text = "function FindProxyForURL(u, h) { dnsResolve('x'); return 'DIRECT' }"
    found = await evaluate(text, {URL: HOST}, (), nobody)
    assert found.faults == {URL: WAITS}
    assert found.hangs == frozenset()


async def test_what_was_answered_before_the_end_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that hangs for one host has said where the others go."""
    monkeypatch.setattr(sandboxed, "LIMIT", 2.0)
    monkeypatch.setattr(sandboxed, "WORKED", 0.05)
    found = await ask("if (host !== 'b') return 'PROXY a:1'; for (;;);", {URL: HOST, "https://b/": "b"})
    assert found.answers == {URL: "PROXY a:1"}
    assert found.faults == {"https://b/": ENDLESS}
    assert found.hangs == {"https://b/"}


async def test_a_name_is_looked_up_once() -> None:
    """However often the file asks for it."""
    asked: list[str] = []

    async def look_up(host: str) -> Sequence[str]:
        asked.append(host)
        return ()

    text = "function FindProxyForURL(u, h) { for (let i = 0; i < 99; i++) dnsResolve('x'); return 'DIRECT' }"
    assert (await evaluate(text, {URL: HOST}, (), look_up)).answers == {URL: "DIRECT"}
    assert asked == ["x"]
