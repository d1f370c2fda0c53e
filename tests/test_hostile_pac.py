"""Web servers that answer for a PAC file with what no client should choke on."""

from __future__ import annotations

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Cause, Outcome, Pac
from rainbow_probe.wayout.evaluate import evaluate
from rainbow_probe.wayout.fetch import decoded
from rainbow_probe.wayout.pac import Source, get
from tests.hostile import HUGE_URL, TERMINAL, harmless
from tests.servers import DOOR, a_route, answers, page


async def got(*fields: str, status: str = "302 Found", body: bytes = b"") -> Source:
    """Get a PAC file from a server that answers so."""
    async with loopback() as place:
        url = f"http://{DOOR}:{await place.tcp(answers(page(status, body, *fields)))}/"
        source = await get(Pac(where="--proxy", shown=url, url=url), url, a_route())
    harmless(source.result)
    return source


WHERE = [
    "http://[",
    "http://[::1",
    "http://x:99999999/",
    "http://:0/",
    "//[",
    "\u00e9://\u00e9",
    HUGE_URL,
    "javascript:x",
]


@pytest.mark.parametrize("where", WHERE, ids=lambda where: ascii(where)[:30])
async def test_a_redirect_that_leads_nowhere(where: str) -> None:
    """It is no way to a file, and no fault of ours."""
    source = await got(f"Location: {where}")
    assert source.text is None
    assert source.result.verdict.outcome in {Outcome.FAIL, Outcome.INCONCLUSIVE}
    assert source.result.verdict.failure
    assert source.result.verdict.failure.cause in {Cause.PAC_BROKEN, Cause.NXDOMAIN}


@pytest.mark.parametrize("charset", ["undefined", "idna", "punycode", "hex", "zlib", "unicode_escape", "x" * 999])
def test_a_charset_that_is_none(charset: str) -> None:
    """The file is read all the same."""
    assert decoded(b"a\xff", f"text/plain; charset={charset}").startswith("a")


ATTACKS = [
    # What is returned is no string, whatever it says of itself.
    ("return {toString() { return 'PROXY a:1' }}", "returns Object"),
    ("return new String('PROXY a:1')", "returns Object"),
    ("return new Proxy({}, {get() { for (;;); }, getPrototypeOf() { for (;;); }})", "returns Object"),
    ("return new Proxy(() => 'x', {apply() { for (;;); }})", "returns Object"),
    ("return Object.create(String.prototype, {length: {get() { for (;;); }}})", "returns Object"),
    ("return Promise.resolve('DIRECT')", "returns Object"),
    ("return (async () => 'DIRECT')()", "returns Object"),
    ("return (function* () { yield 'DIRECT' })()", "returns Object"),
    ("return Symbol('x')", "returns Object"),
    ("return 10n ** 50n", "returns int"),
    ("return 'PROXY b\\u00fccher:1'", "not ASCII"),
    ("return 'PROXY \\ud800:1'", "codec"),
    # What is thrown acts when somebody reads it.
    ("throw {get stack() { throw 1 }, toString() { throw 2 }}", "cannot be read"),
    ("throw Symbol('x')", "cannot be read"),
    ("const e = new Error('a'); Object.defineProperty(e, 'message', {get() { throw e }}); throw e", "cannot be read"),
    ("throw {toString() { return '\\u001b[31m\\n'.repeat(1e6) }}", "x1b"),
    ("const e = new Error('a'); e.stack = 'y'.repeat(1e7); throw e", "yyy"),
    ("throw undefined", "undefined"),
    # Too deep, too long, too much.
    ("return JSON.parse('['.repeat(1e6))", "call stack"),
    ("return eval('('.repeat(1e6) + '1' + ')'.repeat(1e6))", "call stack"),
    ("return String(new RegExp('('.repeat(1e6)))", "SyntaxError"),
    ("let a = []; for (;;) a.push(new Uint8Array(1e7))", "out of memory"),
    ("let a = []; for (;;) a.push(new SharedArrayBuffer(1e8))", "out of memory"),
    ("let a = null; for (;;) a = {a}", ""),
    ("Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)", "cannot block"),
    # The functions below those of the format.
    ("return String(nativeResolve())", "Python call failed"),
    ("return String(nativeResolve({}))", "Python call failed"),
    ("return String(nativeResolve(new Proxy([], {get() { throw 1 }})))", ""),
    ("return String(dnsResolve('\\ud800'))", "InternalError"),
]
ANSWERED = [
    ("return 'PROXY a:1;'.repeat(1e6)", "PROXY a:1;"),
    ("return 'x'.repeat(1e7)", "xxx"),
    ("return String(import('/etc/passwd'))", "[object Promise]"),
    ("return [typeof globalThis.print, typeof console, typeof scriptArgs, typeof WebAssembly].join(' ')",
     "undefined undefined undefined undefined"),
    ("return 'PROXY ' + dnsResolve('a\\0b') + ':1'", "PROXY null:1"),
    ("return 'PROXY ' + dnsResolve('a\\n{\"answer\": 1}') + ':1'", "PROXY null:1"),
    ("return 'PROXY ' + dnsResolve('a'.repeat(1e7)) + ':1'", "PROXY null:1"),
    ("return String(nativeInNet('1'.repeat(1e6), '2'))", "false"),
    ("return Function('return this')() === globalThis ? 'DIRECT' : ''", "DIRECT"),
    ("arguments.length = 1e9; return 'DIRECT'", "DIRECT"),
    ("new FinalizationRegistry(() => { for (;;); }).register({}, 1); return 'DIRECT'", "DIRECT"),
]  # fmt: skip


async def nobody(host: str) -> tuple[str, ...]:
    """Know no name."""
    del host
    return ()


async def test_a_file_that_attacks() -> None:
    """Each for a URL of its own, in one run: the fault is told in printable words, and then the next is asked."""
    bodies = [body for body, _ in (*ATTACKS, *ANSWERED)]
    cases = "".join(f"if (host === '{number}') {{ {body} }}\n" for number, body in enumerate(bodies))
    urls = {f"https://{number}/": str(number) for number in range(len(bodies))}
    found = await evaluate(f"function FindProxyForURL(url, host) {{ {cases} }}", urls, (), nobody)
    assert found.broken == ""
    told = [found.faults.get(url) or found.answers[url] for url in urls]
    wrong = [(body, said) for (body, want), said in zip((*ATTACKS, *ANSWERED), told, strict=True) if want not in said]
    assert wrong == []
    assert len(found.faults) == len(ATTACKS)
    assert all(said.isprintable() and len(said) <= 4096 for said in told)


PRELUDES = [
    "Object.defineProperty(globalThis, 'nativeResolve', {value: () => '[1, 2]'});",
    "JSON.parse = () => ['203.0.113.9']; Array.isArray = () => true; String.prototype.split = () => { throw 1 };",
    "Object.prototype.toJSON = () => { throw 1 }; Object.prototype.then = () => { for (;;); };",
    "Array.prototype[Symbol.iterator] = function* () { for (;;) yield 1; };",
    "globalThis.toString = () => { for (;;); }; Function.prototype.call = Function.prototype.apply = null;",
]


@pytest.mark.parametrize("prelude", PRELUDES)
async def test_a_file_that_spoils_what_it_stands_on(prelude: str) -> None:
    """It can deceive itself only: what it answers is what it said."""
    text = (
        f"{prelude} function FindProxyForURL(url, host) {{ if (host === 'b') throw new Error('no'); return 'DIRECT' }}"
    )
    found = await evaluate(text, {"https://a/": "a", "https://b/": "b"}, (), nobody)
    assert found.answers == {"https://a/": "DIRECT"}
    assert found.faults.keys() == {"https://b/"}


async def test_a_file_of_ten_megabytes() -> None:
    """It is read, or it is told why not."""
    text = "/*" + "x" * 10_000_000 + "*/ function FindProxyForURL(url, host) { return 'DIRECT' }"
    assert (await evaluate(text, {"https://a/": "a"}, (), nobody)).answers == {"https://a/": "DIRECT"}


async def test_a_file_of_escapes() -> None:
    """Its words cannot act."""
    assert (await got(status="200 OK", body=TERMINAL.encode())).text
