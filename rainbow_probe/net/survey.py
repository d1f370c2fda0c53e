"""What sampled ports say of their range: open, closed, open in part, or open one way only, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rainbow_probe.evidence import SilenceError
from rainbow_probe.measures import Direction, PortInterval, PortState, PortSurvey
from rainbow_probe.model import Cause, PeerError, PortRange, Scalar, Transport
from rainbow_probe.net.relayed_ports import WAITS, Port
from rainbow_probe.net.spans import intervals, ordered, percent, runs

MOST_SHOWN = 160  # ports that stand in the facts one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """Ports that were tried, of the range *whole*."""

    ports: Sequence[Port]
    """The server's choice, by chance: they stand for all."""
    whole: PortRange
    server: str
    """The TURN server whose relay stood in for the conference servers."""
    chosen: Sequence[Port] = ()
    """More, of those that lie where open ports end: of shares they say nothing."""

    @property
    def open(self) -> list[Port]:
        """Ports where packets passed both ways."""
        return [port for port in self.ports if port.back]

    @property
    def out(self) -> list[Port]:
        """Ports where packets went out, whether or not any came back."""
        return [port for port in self.ports if port.out]

    @property
    def silent(self) -> list[Port]:
        """Ports where packets did not pass both ways."""
        return [port for port in self.ports if not port.back]

    @property
    def lossless(self) -> bool:
        """Whether whatever passed did so at once: then ten in a row that are lost are no chance."""
        return all(port.sent == 1 for port in self.open)

    def edges(self) -> tuple[PortInterval, ...]:
        """Return where open ports may end and closed ones begin; none where they lie in no order."""
        tried = self._tried()
        unknown = [one for one in self.measured().intervals if one.state is PortState.UNKNOWN]
        return tuple(unknown) if ordered(tried) and len(set(tried.values())) > 1 else ()

    @property
    def all(self) -> list[Port]:
        """Every port that was tried."""
        return [*self.ports, *self.chosen]

    def _tried(self) -> dict[int, bool]:
        return {port.at.port: port.back for port in self.all}

    def measured(self) -> PortSurvey:
        """Return all of it as the report has it."""
        return PortSurvey(
            first=self.whole.first,
            last=self.whole.last,
            transport=Transport.UDP,
            direction=self._direction(),
            tried=len(self.all),
            answered=sum(port.back for port in self.all),
            intervals=intervals(self._tried(), self.whole.first, self.whole.last),
            closed_percent=percent(len(self.silent), len(self.ports)),
            by=f"TURN relay {self._relay()} ({self.server})",
        )

    def _relay(self) -> str:
        return self.ports[0].at.host

    def _direction(self) -> Direction:
        """Return which way the closed ones are closed: of the way back nothing is known where nothing goes out."""
        if not self.out:
            return Direction.OUT
        return Direction.IN if len(self.out) == len(self.ports) and not self.open else Direction.ROUND_TRIP

    def facts(self) -> dict[str, Scalar]:
        """Return it as evidence: of each port whether a datagram went out, and one came back."""
        return {
            "tried": len(self.ports),
            "open": len(self.open),
            "out": len(self.out),
            "ports": " ".join(f"{port.at.port}:{port.out:d}{port.back:d}" for port in self.all[:MOST_SHOWN]),
            "second_socket": sum(1 for port in self.open if port.sockets > 1),
            "relay": self._relay(),
        }

    def sure(self) -> str:
        """Say how sure it is that the range is as its samples are."""
        closed = percent(len(self.silent), len(self.ports))
        if not closed.value:
            return f"less than {closed.high:.1f} % of the range is closed"
        if not self.open:
            return f"less than {100 - closed.low:.1f} % of the range is open"
        return f"{closed.low:.0f} to {closed.high:.0f} % of the range is closed"

    def passed(self) -> str:
        """Say that all are open."""
        count = f"{len(self.open)} of {len(self.ports)} sampled ports open"
        return f"{count}, both ways, through {self._relay()} in place of the conference servers: {self.sure()} (95 %)"

    def judge(self, doubt: str) -> None:
        """Raise ``PeerError`` for what the counts prove; *doubt* is why none coming out proves nothing, if so."""
        if not self.silent:
            return
        if self.open:
            raise SilenceError(Cause.PARTLY_OPEN, self._partly())
        if doubt:
            raise PeerError(Cause.CANNOT_TELL, doubt)
        if self.out:
            raise SilenceError(Cause.ONE_WAY, self._one_way())
        refusals = {port.refused for port in self.ports if port.refused}
        how = f"refused ({' '.join(sorted(refusals))})" if refusals else "lost"
        said = f"0 of {len(self.ports)} sampled ports open, {len(WAITS)} datagrams {how} at each: {self.sure()} (95 %)"
        raise (PeerError if refusals else SilenceError)(min(refusals, default=Cause.TIMEOUT), said)

    def _partly(self) -> str:
        out, count = len(self.out), len(self.ports)
        only_out = f" ({out} let packets out)" if out != len(self.open) else ""
        spans = runs(self._tried())
        return f"{len(self.open)} of {count} sampled ports open{only_out}: {spans}; {self.sure()} (95 %)"

    def _one_way(self) -> str:
        out, count = len(self.out), len(self.ports)
        spans = "" if out == count else f": {runs({port.at.port: port.out for port in self.ports})}"
        back = f"and at none of them the relay's answers come back, {len(WAITS)} at each"
        return f"packets go out at {out} of {count} sampled ports, {back}{spans}"
