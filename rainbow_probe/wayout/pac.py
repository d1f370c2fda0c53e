"""One PAC file of the settings: got, asked, and told as a check of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import (
    Cause,
    Endpoint,
    Failure,
    Flow,
    Outcome,
    Pac,
    PeerError,
    Phase,
    Result,
    Transport,
    Verdict,
)
from rainbow_probe.net.paths import failed, passed
from rainbow_probe.net.route import Route
from rainbow_probe.wayout.evaluate import BUSY, WAITS, evaluate
from rainbow_probe.wayout.fetch import PacError, is_remote, local_text, place_of, remote_text

KIND = "pac"
NOT_FOUND = "automatic detection is on, and this network offers no PAC file: clients go on as if it were off"
UNTOLD = {BUSY: Cause.BUDGET, WAITS: Cause.CANNOT_TELL}
"""Ends that say nothing of the file itself."""
NO_ENGINE = "this machine has nothing that could run it (the package quickjs-ng)"


@dataclass
class Source:
    """A PAC file on its way from an address to answers; *verdict* is the last word on it."""

    pac: Pac
    url: str
    flow: Flow
    verdict: Verdict
    rec: Recorder
    text: str | None = None
    faults: dict[str, str] = field(default_factory=dict[str, str])
    hangs: set[str] = field(default_factory=set[str])
    """URLs for which it does not come to an end."""
    took: float = 0.0

    @property
    def result(self) -> Result:
        """What became of it, as a check."""
        return Result(flow=self.flow, verdict=self.verdict, steps=self.rec.steps, took=self.took)

    async def ask(self, urls: Mapping[str, Endpoint], route: Route, mine: Sequence[str]) -> dict[str, str]:
        """Return what it answers for each of *urls*; where it fails, or is no PAC file at all, there is no answer."""
        if self.text is None:
            return {}

        async def look_up(host: str) -> Sequence[str]:
            try:
                return (await route.names.find(host)).addresses
            except PeerError:
                return ()

        began = self.rec.elapsed
        found = await evaluate(self.text, {url: target.host for url, target in urls.items()}, mine, look_up)
        self.took += self.rec.elapsed - began
        self.faults |= found.faults
        self.hangs |= found.hangs
        if found.missing:
            self.text, self.verdict = None, Verdict(outcome=Outcome.SKIPPED, reason=NO_ENGINE)
        elif found.broken:
            self.text, self.verdict = None, _broken(found.broken, self.rec, self.pac)
        elif self.faults:
            self.verdict = self._faulty()
        return found.answers

    def _faulty(self) -> Verdict:
        first, fault = next(iter(self.faults.items()))
        several = f" (and for {len(self.faults) - 1} more)" if len(self.faults) > 1 else ""
        if fault in UNTOLD:
            return failed(Failure(phase=Phase.PROXY, cause=UNTOLD[fault], detail=fault))
        return _broken(f"for {first}{several}: {fault}", self.rec, self.pac, hangs=bool(self.hangs))


async def get(pac: Pac, url: str, route: Route) -> Source:
    """Get the text from *url*; empty means that detection found nothing."""
    place = place_of(url)
    identity = f"{KIND}/{place}/tcp/direct"
    flow = Flow(
        id=identity, spec=KIND, kind=KIND, target=place, transport=Transport.TCP, inspection_allowed=True,
        params={"where": pac.where, "pac": pac.shown},
    )  # fmt: skip
    rec = Recorder(budget=4 * route.limits.resolve)
    nothing = Verdict(outcome=Outcome.SKIPPED, reason=NOT_FOUND)
    source = Source(pac=pac, url=url, flow=flow, verdict=nothing, rec=rec)
    if not url:
        return source
    try:
        text = await remote_text(url, flow, replace(route, proxy=None), rec) if is_remote(url) else local_text(url)
    except StepError as exc:
        source.verdict = failed(exc.failure)
    except PacError as exc:
        source.verdict = _broken(f"it cannot be had: {exc}", rec, pac)
    else:
        source.text, source.verdict = text, passed(f"{len(text)} characters, and it answers for all that was asked")
    source.took = rec.elapsed
    return source


def _broken(why: str, rec: Recorder, pac: Pac, *, hangs: bool = False) -> Verdict:
    failure = Failure(phase=Phase.PROXY, cause=Cause.PAC_BROKEN, detail=why)
    rec.note(Phase.PROXY, pac.shown, failure, hangs=hangs)
    return failed(failure)
