"""Which way each destination goes at this site: what a client is told, and what it comes to use."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rainbow_probe.ends import HTTPS, asked
from rainbow_probe.evidence import printable
from rainbow_probe.model import Destination, Endpoint, Outcome, Proxy, Result, Site
from rainbow_probe.net.route import Route
from rainbow_probe.site import proxy_for
from rainbow_probe.wayout.answers import DIRECT, Answer, Entry, read_answer
from rainbow_probe.wayout.doors import MOST_TARGETS, knock
from rainbow_probe.wayout.pac import Source, get
from rainbow_probe.wayout.wpad import NAME, detected


@dataclass
class Ways:
    """The ways of one run. ``settle`` asks for destinations once; the rest answers from what is settled."""

    site: Site
    environ: Mapping[str, str]
    inside: set[str] = field(default_factory=set[str])
    """Names of this site's own, which may lead to addresses at which no service on the Internet can be."""

    def __post_init__(self) -> None:
        """Nothing is asked yet."""
        self.inside |= {self.site.proxy.endpoint.host} if self.site.proxy else set()
        self._settled: dict[str, Destination] = {}
        self._sources: list[Source] = []
        self._doors: dict[str, Result] = {}
        self._lock = asyncio.Lock()

    @property
    def results(self) -> list[Result]:
        """What was tried to find the ways: PAC files, and proxies that have others after them."""
        return [*(source.result for source in self._sources), *self._doors.values()]

    async def settle(self, wanted: Mapping[str, Endpoint], route: Route) -> None:
        """Find the ways of *wanted*, URL to target."""
        async with self._lock:
            new = {url: target for url, target in wanted.items() if url not in self._settled}
            answers = await self._answers(new, route) if new else {}
            await self._try(answers, new, route)
            for url, (answer, source) in answers.items():
                self._settled[url] = self._chosen(url, new[url], answer, source)

    def proxy_for(self, target: Endpoint) -> Proxy | None:
        """Return the proxy for HTTPS and TURN to *target*; None for direct."""
        return self._towards(asked(target), target)

    def websocket_proxy_for(self, target: Endpoint) -> Proxy | None:
        """Return the proxy for WebSockets to *target*: a PAC file may tell them apart."""
        return self._towards(asked(target, "wss"), target)

    def _towards(self, url: str, target: Endpoint) -> Proxy | None:
        return (
            self._settled[url].used
            if url in self._settled
            else None
            if self.site.pacs
            else proxy_for(self.site, target)
        )

    def proxy_of(self, host: str) -> Proxy | None:
        """Return the proxy that clients of *host* use for any of it; None if they use none."""
        ways = [way.used for way in self._settled.values() if way.target.host == host]
        if not ways and not self.site.pacs:
            return proxy_for(self.site, Endpoint(host=host, port=HTTPS))
        return next((proxy for proxy in ways if proxy), None)

    def hangs(self, target: Endpoint, scheme: str = "https") -> bool:
        """Tell whether clients wait for ever to be told the way to *target*."""
        return any(asked(target, scheme) in source.hangs for source in self._sources)

    def told(self) -> Site:
        """Return the site with its destinations; its proxy is then the one that most of them use."""
        found = tuple(self._settled.values())
        if not self.site.pacs:
            return replace(self.site, destinations=found)
        uses = Counter((way.used, way.source) for way in found if way.used)
        proxy, source = uses.most_common(1)[0][0] if uses else (None, "none")
        return replace(self.site, destinations=found, proxy=proxy, proxy_source=source, proxy_notes=self._notes())

    async def _answers(self, new: Mapping[str, Endpoint], route: Route) -> dict[str, tuple[Answer, str]]:
        """Ask the PAC files in order: the first that can be used has the last word, as in Chromium."""
        for pac in self.site.pacs[len(self._sources) :]:
            if self._source_in_use():
                break
            url = pac.url or await self._detect(route)
            source = await get(pac, url, route)
            self._sources.append(source)
            said = await source.ask(new, route, self.site.addresses)
            if source.text is not None:
                return self._read(source, said, new)
        if in_use := self._source_in_use():
            return self._read(in_use, await in_use.ask(new, route, self.site.addresses), new)
        return {url: self._fixed(target) for url, target in new.items()}

    async def _detect(self, route: Route) -> str:
        self.inside.add(NAME)
        return await detected(route.names, self.environ)

    def _source_in_use(self) -> Source | None:
        return next((source for source in self._sources if source.text is not None), None)

    def _read(
        self, source: Source, said: Mapping[str, str], new: Mapping[str, Endpoint]
    ) -> dict[str, tuple[Answer, str]]:
        """Read the answers; where the file failed, clients go direct without a word."""
        where = f"PAC file {source.pac}"
        answers = {url: read_answer(said.get(url, DIRECT), source.pac.credentials) for url in new}
        self.inside |= {entry.proxy.endpoint.host for a in answers.values() for entry in a.entries if entry.proxy}
        return {url: (answer, where) for url, answer in answers.items()}

    def _fixed(self, target: Endpoint) -> tuple[Answer, str]:
        proxy = proxy_for(self.site, target)
        if proxy:
            return Answer(entries=(Entry(written=str(proxy), proxy=proxy),)), self.site.proxy_source
        source = self.site.no_proxy_source if self.site.proxy else self.site.proxy_source
        return Answer(entries=(Entry(written=DIRECT, proxy=None),)), source

    async def _try(self, answers: Mapping[str, tuple[Answer, str]], new: Mapping[str, Endpoint], route: Route) -> None:
        """Knock at every proxy that has another way after it."""
        doors: dict[str, tuple[Proxy, list[Endpoint]]] = {}
        for url, (answer, _) in answers.items():
            for entry in answer.entries[:-1]:
                if entry.proxy and str(entry.proxy) not in self._doors:
                    doors.setdefault(str(entry.proxy), (entry.proxy, []))[1].append(new[url])
        async with asyncio.TaskGroup() as group:
            tasks = {key: group.create_task(knock(proxy, _few(to), route)) for key, (proxy, to) in doors.items()}
        self._doors |= {key: task.result() for key, task in tasks.items()}

    def _chosen(self, url: str, target: Endpoint, answer: Answer, source: str) -> Destination:
        dead = [entry for entry in answer.entries[:-1] if self._is_dead(entry)]
        used = next((entry for entry in answer.entries if entry not in dead), answer.entries[-1])
        before = answer.entries[: answer.entries.index(used)]
        return Destination(
            url=url,
            target=target,
            choices=tuple(entry.written for entry in answer.entries),
            used=used.proxy,
            source=source,
            passed_over=tuple(f"{e.written}: {self._doors[str(e.proxy)].verdict.reason}" for e in before),
        )

    def _is_dead(self, entry: Entry) -> bool:
        door = self._doors.get(str(entry.proxy)) if entry.proxy else None
        return door is not None and door.verdict.outcome is Outcome.FAIL

    def _notes(self) -> tuple[str, ...]:
        """Tell what of the settings was not used in the end."""
        unused = [f"{s.pac}: {s.verdict.reason}" for s in self._sources if s.text is None]
        return (*self.site.proxy_notes, *(printable(text) for text in unused))


def _few(targets: Sequence[Endpoint]) -> list[Endpoint]:
    """Choose targets of different hosts, the usual port first."""
    by_host: dict[str, Endpoint] = {}
    for target in sorted(targets, key=lambda target: target.port != HTTPS):
        by_host.setdefault(target.host, target)
    return list(by_host.values())[:MOST_TARGETS]
