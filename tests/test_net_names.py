"""Names to addresses: each asked once, as the clients do, and bad news confirmed."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Cause, Endpoint, PeerError, Phase
from rainbow_probe.net.names import (
    LookUp,
    Names,
    ask_system,
    confirmed,
    is_address,
    outside_only,
    resolver_endpoint,
)
from tests.demo_clients import run

ROOT = Path(__file__).parent.parent


class Book:
    """A look-up that counts how often it is asked, and answers once it may."""

    def __init__(self, *addresses: str, error: PeerError | None = None) -> None:
        """Know one answer to all questions."""
        self.asked: list[str] = []
        self.begun = asyncio.Event()
        self.may_answer = asyncio.Event()
        self._addresses = addresses
        self._error = error

    async def __call__(self, host: str) -> tuple[str, ...]:
        """Look *host* up."""
        self.asked.append(host)
        self.begun.set()
        await self.may_answer.wait()
        if self._error:
            raise self._error
        return self._addresses


async def test_a_name_is_asked_for_once() -> None:
    """However many flows want it, at once or later."""
    book = Book("192.0.2.1")
    names = Names(book, ipv6=True)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(names.find("a.test")) for _ in range(50)]
        book.may_answer.set()
    later = await names.find("a.test")
    assert {task.result().addresses for task in tasks} == {("192.0.2.1",)} == {later.addresses}
    assert (book.asked, later.source) == (["a.test"], "system")


async def _known(_host: str) -> bool:
    return True


async def _unknown(_host: str) -> bool:
    return False


async def test_a_late_answer_is_owed_if_anybody_else_knows_it() -> None:
    """Then it is worth waiting for; what nobody knows, or is there already, is not."""
    for knows, worth in ((_known, True), (_unknown, False), (None, False)):
        book = Book("192.0.2.1")
        names = Names(book, ipv6=True, knows=knows, late=0.0)
        assert not names.owed("a.test")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await names.find("a.test")
        assert names.owed("a.test") is worth
        book.may_answer.set()
        await names.find("a.test")
        assert not names.owed("a.test")
        names.close()


async def test_nobody_else_is_asked_about_what_comes_in_time() -> None:
    """A site where all works sees no question more."""
    other = Book()

    async def knows(host: str) -> bool:
        return bool(await other(host))

    book = Book("192.0.2.1")
    book.may_answer.set()
    names = Names(book, ipv6=True, knows=knows)
    await names.find("a.test")
    await asyncio.sleep(0)
    assert other.asked == []


async def test_one_impatient_flow_does_not_spoil_the_answer() -> None:
    """Who gives up does not take the look-up with him."""
    book = Book("192.0.2.1")
    names = Names(book, ipv6=True)
    with pytest.raises(StepError):
        async with Recorder().step(Phase.RESOLVE, "a.test", limit=0.01):
            await names.find("a.test")
    book.may_answer.set()
    assert (await names.find("a.test")).addresses == ("192.0.2.1",)
    assert book.asked == ["a.test"]


async def test_silence_that_we_slept_through_is_asked_about_again() -> None:
    """It is no resolver's, for nobody who waited; and the next who asks gets the answer."""
    stood = 0.0
    book = Book(error=PeerError(Cause.NO_ANSWER, "silence"))
    names = Names(book, ipv6=True, stalled=lambda: stood)
    waiting = [asyncio.ensure_future(names.find("a.test")) for _ in range(2)]
    await book.begun.wait()
    stood = 60.0
    book.may_answer.set()
    told = [error for error in await asyncio.gather(*waiting, return_exceptions=True) if isinstance(error, PeerError)]
    assert [error.cause for error in told] == [Cause.BUDGET] * 2
    with pytest.raises(PeerError, match="silence"):
        await names.find("a.test")
    assert book.asked == ["a.test"] * 2


async def test_bad_news_for_a_flow_that_is_gone_are_no_noise() -> None:
    """What nobody looks at any more, asyncio would print on the user's terminal in the middle of a run."""
    noise: list[dict[str, object]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, told: noise.append(told))
    book = Book(error=PeerError(Cause.NO_ANSWER, "silence"))
    names = Names(book, ipv6=True)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await names.find("a.test")
    book.may_answer.set()
    del names
    await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
    gc.collect()
    assert noise == []


async def test_bad_news_reach_everybody() -> None:
    """And are asked for once, too."""
    book = Book(error=PeerError(Cause.NXDOMAIN, "no"))
    book.may_answer.set()
    names = Names(book, ipv6=True)
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_cause(names, "a.test")) for _ in range(5)]
    assert {task.result() for task in tasks} == {Cause.NXDOMAIN}
    assert book.asked == ["a.test"]


async def _cause(names: Names, host: str) -> Cause:
    with pytest.raises(PeerError) as caught:
        await names.find(host)
    return caught.value.cause


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "fe80::1%lo"])
async def test_an_address_is_its_own_answer(host: str) -> None:
    """Nobody is asked for it, and an IPv6 address is tried even on a machine without IPv6."""
    book = Book()
    found = await Names(book, ipv6=False).find(host)
    assert (found.addresses, found.source, found.left_out, book.asked) == ((host,), "literal", (), [])


@pytest.mark.parametrize(
    ("addresses", "families", "kept", "left_out"),
    [
        (("192.0.2.1", "2001:db8::1"), "46", ("192.0.2.1", "2001:db8::1"), ()),
        (("2001:db8::1", "192.0.2.1"), "4", ("192.0.2.1",), ("2001:db8::1",)),
        (("2001:db8::1", "192.0.2.1"), "6", ("2001:db8::1",), ("192.0.2.1",)),
        (("2001:db8::1",), "4", ("2001:db8::1",), ()),
        (("192.0.2.1",), "6", ("192.0.2.1",), ()),
    ],
)
async def test_a_family_is_kept_where_it_can_be_used(
    addresses: Sequence[str], families: str, kept: Sequence[str], left_out: Sequence[str]
) -> None:
    """Or where there is nothing else, so that the failure is seen."""
    book = Book(*addresses)
    book.may_answer.set()
    found = await Names(book, ipv6="6" in families, ipv4="4" in families).find("a.test")
    assert (found.addresses, found.left_out) == (kept, left_out)


async def test_the_end_of_a_run_waits_for_no_answer() -> None:
    """What is still being asked is given up."""
    names = Names(Book(), ipv6=True)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(names.find("a.test"))
        await asyncio.sleep(0)
        names.close()
    assert waiting.cancelled()


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("192.0.2.53", "192.0.2.53", 53),
        ("192.0.2.53:5353", "192.0.2.53", 5353),
        ("2001:db8::53", "2001:db8::53", 53),
        ("::1", "::1", 53),
        ("[2001:db8::53]", "2001:db8::53", 53),
        ("[2001:db8::53]:5353", "2001:db8::53", 5353),
        ("fe80::1%eth0", "fe80::1%eth0", 53),
    ],
)
def test_a_resolver_may_have_a_port(text: str, host: str, port: int) -> None:
    """As operating systems and users write it."""
    assert resolver_endpoint(text) == Endpoint(host=host, port=port)


def test_an_address_is_told_from_a_name() -> None:
    """Digits and dots alone make no address."""
    assert is_address("::1")
    assert not is_address("1.2.3")
    assert not is_address("localhost")


# The system's own resolver.


async def test_the_system_knows_localhost() -> None:
    """From its own files, IPv4 before or behind IPv6, each address once."""
    found = await ask_system("localhost")
    assert "127.0.0.1" in found
    assert len(found) == len(set(found))


@pytest.mark.parametrize("host", ["a..test", "x" * 64 + ".test", ".test"])
async def test_a_name_that_dns_cannot_hold(host: str) -> None:
    """It exists nowhere, and asking for it is no fault of ours."""
    with pytest.raises(PeerError) as caught:
        await ask_system(host)
    assert caught.value.cause is Cause.NXDOMAIN


async def test_nobody_waits_for_a_late_answer() -> None:
    """A look-up that was given up ends in its own thread, without a word."""
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await ask_system("localhost")
    assert "127.0.0.1" in await ask_system("localhost")


WITHOUT_FILES = """
import asyncio, os, resource
from rainbow_probe.model import Endpoint, PeerError
from rainbow_probe.net.dns import ask_all
from rainbow_probe.net.names import ask_system, confirmed

async def direct(host):
    return await ask_all(resolvers, host)

async def main():
    "localhost".encode("idna")  # loaded when the first name is asked for
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    told = []
    for look_up in (ask_system, direct, confirmed(ask_system, direct)):
        try:
            told.append(str(await look_up("localhost")))
        except PeerError as exc:
            told.append(exc.cause)
    os.close(taken.pop())
    os.close(taken.pop())
    os.close(taken.pop())
    print(*told, "127.0.0.1" in await ask_system("localhost"))

resolvers = [Endpoint(host="127.0.0.1", port=9)]
asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform == "win32", reason="has no limit of open files")
async def test_without_a_file_left_to_open_nothing_is_known(tmp_path: Path) -> None:
    """The system then says that the name does not exist, and no resolver can be asked: neither is the network's."""
    (tmp_path / "script.py").write_text(WITHOUT_FILES)
    status, said = await run("env", f"PYTHONPATH={ROOT}", sys.executable, str(tmp_path / "script.py"))
    assert status == 0, said
    assert said.splitlines()[-1].split() == [*[str(Cause.UNKNOWN)] * 3, "True"]


SCRIPT = """
import asyncio, json, sys
from tests.servers import nothing, resolver, zone
from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import PeerError
from rainbow_probe.net.names import ask_system

async def main():
    answers = {"yes": zone("192.0.2.1", "2001:db8::1"), "no": zone(rcode="NXDOMAIN"), "empty": zone(),
               "failed": zone(rcode="SERVFAIL"), "refused": zone(rcode="REFUSED"), "silent": nothing}
    told = {}
    async with loopback() as place:
        await resolver(place, lambda query: answers[str(query.question[0].name).split(".")[0]](query), port=53)
        for name in answers:
            try:
                told[name] = sorted(await ask_system(name + ".example"))
            except PeerError as exc:
                told[name] = exc.cause
    print(json.dumps(told))

asyncio.run(main())
"""


def _can_make_namespaces() -> bool:
    return sys.platform == "linux" and os.geteuid() == 0 and shutil.which("unshare") is not None


@pytest.mark.skipif(not _can_make_namespaces(), reason="needs root on Linux: a network of its own, and unshare")
async def test_what_the_systems_resolver_says(tmp_path: Path) -> None:
    """In a network of its own, with a resolver that answers, denies, fails and stays silent."""
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.1\noptions timeout:1 attempts:1\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    (tmp_path / "script.py").write_text(SCRIPT)
    binds = "".join(f"mount --bind {tmp_path}/{name} /etc/{name} && " for name in ("resolv.conf", "nsswitch.conf"))
    inside = f"ip link set lo up && {binds} cd {ROOT} && exec env PYTHONPATH=. {sys.executable} {tmp_path}/script.py"
    status, said = await run("unshare", "--net", "--mount", "sh", "-ec", inside)
    assert status == 0, said
    told = json.loads(said.splitlines()[-1])
    assert told["yes"] == ["192.0.2.1", "2001:db8::1"]
    assert told["no"] == told["empty"] == Cause.NXDOMAIN
    assert {told[name] for name in ("failed", "refused", "silent")} <= {Cause.NO_ANSWER, Cause.REFUSED_BY_RESOLVER}


# Bad news confirmed.


def _says(*addresses: str, cause: Cause | None = None) -> LookUp:
    async def look_up(_host: str) -> tuple[str, ...]:
        if cause:
            raise PeerError(cause, "direct" if not addresses else addresses[0])
        return addresses

    return look_up


CONFIRMED = [
    (_says(cause=Cause.NO_ANSWER), _says(cause=Cause.NXDOMAIN), Cause.NXDOMAIN),
    (_says(cause=Cause.NXDOMAIN), _says(cause=Cause.REFUSED_BY_RESOLVER), Cause.REFUSED_BY_RESOLVER),
    (_says(cause=Cause.NXDOMAIN), _says(cause=Cause.NO_ANSWER), Cause.NXDOMAIN),
    (_says(cause=Cause.NO_ANSWER), _says(cause=Cause.NO_ANSWER), Cause.NO_ANSWER),
    (_says(cause=Cause.NO_ANSWER), _says("192.0.2.1"), Cause.NO_ANSWER),
]


@pytest.mark.parametrize(("system", "direct", "cause"), CONFIRMED)
async def test_the_resolvers_own_words_are_more_precise(system: LookUp, direct: LookUp, cause: Cause) -> None:
    """The system's error codes do not tell "no such name" from "nobody answered" everywhere."""
    with pytest.raises(PeerError) as caught:
        await confirmed(system, direct)("a.test")
    assert caught.value.cause is cause


async def test_good_news_need_no_confirmation() -> None:
    """And a resolver that knows better is quoted, not believed: the clients ask the system."""
    assert await confirmed(_says("192.0.2.1"), _says(cause=Cause.NXDOMAIN))("a.test") == ("192.0.2.1",)
    with pytest.raises(PeerError, match=r"though a resolver asked directly answers 192\.0\.2\.7"):
        await confirmed(_says(cause=Cause.NXDOMAIN), _says("192.0.2.7"))("a.test")


@pytest.mark.parametrize(
    ("addresses", "nowhere"),
    [
        (("0.0.0.0",), True),  # noqa: S104 - what a filter answers
        (("::", "127.0.0.1"), True),
        (("240.0.0.1",), True),
        (("224.0.0.1",), True),
        (("0.0.0.0", "198.18.0.1"), False),  # noqa: S104 - what a filter answers
        (("10.0.0.1",), False),
    ],
)
async def test_a_name_that_leads_nowhere(addresses: tuple[str, ...], nowhere: bool) -> None:
    """A filtering resolver sends names to addresses nobody can have; one good address is enough to go on."""

    async def look_up(host: str) -> tuple[str, ...]:
        assert host
        return addresses

    checked = outside_only(look_up, inside=["proxy.test"])
    assert await checked("proxy.test") == addresses
    assert await checked("localhost") == addresses
    if not nowhere:
        assert await checked("web.test") == addresses
        return
    with pytest.raises(PeerError) as caught:
        await checked("web.test")
    assert caught.value.cause is Cause.WRONG_ADDRESS
