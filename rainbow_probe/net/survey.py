"""What sampled ports say of their range: open, closed, open in part, or open one way only, and how sure that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rainbow_probe.evidence import SilenceError
from rainbow_probe.measures import Direction, PortInterval, PortState, PortSurvey
from rainbow_probe.model import Cause, PeerError, PortRange, Scalar, Transport
from rainbow_probe.net.port_trial import WAITS
from rainbow_probe.net.relayed_ports import Port
from rainbow_probe.net.spans import intervals, ordered, percent, runs

MOST_SHOWN = 160  # ports that stand in the facts one by one
PER_CENT = 100
MOST_UNSURE = 26.0  # per cent that may be closed though all samples are open: it takes ten ports for a pass
MOST_UNTOLD = 0.25  # of the ports: those of which nothing can be told may be closed ones
LOSSY = "packets between the TURN server and this machine are lost too often to tell it from a closed range"


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
    def all(self) -> list[Port]:
        """Every port that was tried."""
        return [*self.ports, *self.chosen]

    @property
    def open(self) -> list[Port]:
        """Ports of the samples where packets passed both ways."""
        return [port for port in self.ports if port.back]

    @property
    def shut(self) -> list[Port]:
        """Ports of the samples where they certainly do not; of any others nothing can be told."""
        return [port for port in self.ports if port.shut]

    @property
    def out(self) -> list[Port]:
        """Ports of the samples where packets went out, whether or not any came back."""
        return [port for port in self.ports if port.out]

    @property
    def silent(self) -> list[Port]:
        """Ports that were tried and where packets did not pass both ways."""
        return [port for port in self.all if not port.back]

    @property
    def relays(self) -> bool:
        """Whether the server was seen to relay at all."""
        return any(port.out or port.handed or port.taken for port in self.ports)

    @property
    def sure(self) -> bool:
        """Whether so many ports are open that it is a pass, if none is shut."""
        return percent(0, len(self.open)).high <= MOST_UNSURE

    @property
    def lossless(self) -> bool:
        """Whether whatever passed did so at once: then ten in a row that are lost are no chance."""
        return all(port.sent == 1 for port in self.open)

    def edges(self) -> tuple[PortInterval, ...]:
        """Return where open ports may end and closed ones begin; none where they lie in no order."""
        told = self._told()
        unknown = [one for one in self.measured().intervals if one.state is PortState.UNKNOWN]
        return tuple(unknown) if ordered(told) and len(set(told.values())) > 1 else ()

    def _told(self) -> dict[int, bool]:
        return {port.at.port: port.back for port in self.all if port.back or port.shut}

    def measured(self) -> PortSurvey:
        """Return all of it as the report has it."""
        told = self._told()
        return PortSurvey(
            first=self.whole.first,
            last=self.whole.last,
            transport=Transport.UDP,
            direction=self._direction(),
            tried=len(self.all),
            answered=sum(told.values()),
            intervals=intervals(told, self.whole.first, self.whole.last),
            closed_percent=percent(len(self.shut), len(self.shut) + len(self.open)),
            by=f"TURN relay {self._relay()} ({self.server})",
        )

    def _relay(self) -> str:
        return self.ports[0].at.host

    def _direction(self) -> Direction:
        """Return which way the closed ones are closed: of the way back nothing is known where nothing goes out."""
        if not self.out:
            return Direction.OUT
        return Direction.IN if not self.open and all(port.out for port in self.shut) else Direction.ROUND_TRIP

    def facts(self) -> dict[str, Scalar]:
        """Return it as evidence: of each port whether a datagram went out, and one came back."""
        return {
            "tried": len(self.ports),
            "open": len(self.open),
            "closed": len(self.shut),
            "out": len(self.out),
            "ports": " ".join(f"{port.at.port}:{port.out:d}{port.back:d}" for port in self.all[:MOST_SHOWN]),
            "second_socket": sum(1 for port in self.open if port.sockets > 1),
            "ordered": ordered(self._told()),
            "relay": self._relay(),
            "control": self.relays,
        }

    def passed(self) -> str:
        """Say that all are open of which it could be told."""
        through = f"both ways, through {self._relay()} in place of the conference servers"
        return f"{self._counted(len(self.open))}, {through}: {self._sure()}"

    def _counted(self, opened: int) -> str:
        told = len(self.open) + len(self.shut)
        untold = len(self.ports) - told
        return f"{opened} of {told} sampled ports open" + (f" ({untold} more could not be told)" if untold else "")

    def _sure(self) -> str:
        """Say how sure it is that the range is as its samples are."""
        closed = percent(len(self.shut), len(self.shut) + len(self.open))
        if not self.shut:
            return f"less than {closed.high:.1f} % of the range is closed (95 %)"
        if not self.open:
            return f"less than {PER_CENT - closed.low:.1f} % of the range is open (95 %)"
        return f"{closed.low:.0f} to {closed.high:.0f} % of the range is closed (95 %)"

    def judge(self, doubt: str) -> None:
        """Raise ``PeerError`` for what the counts prove; *doubt* is why nothing coming through proves nothing.

        Of what is shut, the controls have shown that this machine could listen.
        """
        if self.open:
            if self.shut:
                raise PeerError(Cause.PARTLY_OPEN, self._partly())
            if len(self.ports) - len(self.open) > MOST_UNTOLD * len(self.ports):
                raise SilenceError(Cause.CANNOT_TELL, f"{self._counted(len(self.open))}: {LOSSY}")
            if not self.sure:
                raise PeerError(Cause.CANNOT_TELL, f"{self._counted(len(self.open))}, and no more: {self._sure()}")
            return
        if doubt or not self.shut:
            raise (PeerError if doubt else SilenceError)(Cause.CANNOT_TELL, doubt or LOSSY)
        if any(port.out for port in self.shut):
            raise PeerError(Cause.ONE_WAY, self._one_way())
        refusals = {port.refused for port in self.shut if port.refused}
        how = f"refused ({' '.join(sorted(refusals))})" if refusals else "lost"
        said = f"{self._counted(0)}, {len(WAITS)} datagrams {how} at each: {self._sure()}"
        raise PeerError(min(refusals, default=Cause.TIMEOUT), said)

    def _partly(self) -> str:
        only_out = len([port for port in self.shut if port.out])
        one_way = f" ({only_out} more let packets out, and none back)" if only_out else ""
        return f"{self._counted(len(self.open))}{one_way}: {runs(self._told())}; {self._sure()}"

    def _one_way(self) -> str:
        out = [port for port in self.shut if port.out]
        spans = "" if len(out) == len(self.shut) else f": {runs({port.at.port: port.out for port in self.shut})}"
        back = f"and at none of them the relay's answers come back, {len(WAITS)} at each"
        return f"packets go out at {len(out)} of {len(self.shut)} sampled ports, {back}{spans}"
