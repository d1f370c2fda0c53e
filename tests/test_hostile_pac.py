"""Web servers that answer for a PAC file with what no client should choke on."""

from __future__ import annotations

import pytest

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Cause, Outcome, Pac
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


async def test_a_file_of_escapes() -> None:
    """Its words cannot act."""
    assert (await got(status="200 OK", body=TERMINAL.encode())).text
