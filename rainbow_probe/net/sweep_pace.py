"""How fast the next repetition of a sweep is sent, and what was lost of the last ones. Pure; no clock, no socket."""

from __future__ import annotations

import math

HURRIED = 0.02  # share of the silent that one more round finds: then it was sent too fast, or much is lost
TOLD_BELOW = 2000  # answers a second: with fewer, media of some calls would be held back too
REST = 300  # seconds that a run has in all, unless told otherwise
ALIKE = 0.6  # share of what the round before has found: random losses of less than a third each way leave fewer
FEW = 16  # ports found in one round, of which nothing can be told
MORE = 1.5  # times the share that was found before, where a limit was met and is no more
BELOW, STEP = 0.9, 8  # share of what gets through at which to go on, and how many times slower at once at the most


class Pace:
    """The rate of questions: half of it where much was missed, and below the limit where there is one."""

    def __init__(self, rate: int) -> None:
        """Begin at *rate* a second; 0 is as fast as it goes."""
        self.rate = rate
        self.limit = 0
        """How many answers a second came, where as many came in each round and a slower one found more."""
        self._before = self._rounds = 0
        self._tried: tuple[int, float] | None = None
        self._in_vain = False

    def slower(self, found: int, asked: int, seconds: float) -> bool:
        """Tell whether to go on more slowly: *found* of the *asked* ports answered, which were asked in *seconds*.

        Losses by chance leave less to be found with each round, and a limit as much in each. Where losses are so high
        that the two look alike, slower questions tell: chance loses as many of them.
        """
        self._rounds += 1
        before, self._before = self._before, found
        if self._tried is not None:
            self._judge(found / asked)
        if self._rounds < 2 or not seconds:
            return False
        now, through = asked / seconds, found / seconds
        slower = max(BELOW * through, now / STEP)
        if found >= max(FEW, ALIKE * before) and slower < now / 2 and not self._in_vain:
            self._tried = self.rate, found / asked
            self.rate, self.limit = max(1, math.ceil(slower)), max(1, round(through))
            self._before = asked  # the next round has more time, and is compared with the one after it only
            return True
        if self.rate and not (self.limit or self._in_vain) and found > asked * HURRIED:
            self.rate = max(1, self.rate // 2)
        return False

    def _judge(self, share: float) -> None:
        """Compare the *share* that a slower round has found; take the limit back where it is no larger."""
        rate, before = self._tried or (self.rate, 0.0)
        self._tried = None
        if share < MORE * before:
            self.rate, self.limit, self._in_vain = rate, 0, True


def slowly(limit: int) -> str:
    """Say that something lets only *limit* a second through, where this is less than a site's media need."""
    if not 0 < limit < TOLD_BELOW:
        return ""
    return f"; no more than about {limit} answers a second came, however fast was asked"


def in_time(limit: int, ports: int) -> str:
    """Say at which rate all *ports* can be asked below *limit*, and how long that takes."""
    rate = max(1, round(BELOW * limit))
    seconds = 2 * ports // rate + 1
    if seconds > REST / 2:
        return f"with --sweep-rate {rate} and --deadline {seconds + REST} all are asked within {seconds} s"
    return f"with --sweep-rate {rate} all are asked within {seconds} s"


class Losses:
    """How much is lost by chance, by how often those ports were asked that answered."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._asks = self._answers = self._ports = self._void = 0

    def forget(self, rounds: int) -> None:
        """Count nothing of the *rounds* so far: they lost what a limit held back."""
        self._asks = self._answers = self._ports = 0
        self._void = rounds

    def rounds(self, rounds: int) -> int:
        """Return how many of *rounds* count."""
        return rounds - self._void

    def answered(self, rounds: int) -> None:
        """Count a port that has answered in the last of *rounds*."""
        self._asks += self.rounds(rounds)
        self._answers += 1
        self._ports += 1

    def control(self, *, asked: int = 0, answered: int = 0) -> None:
        """Count questions beside those to the ports, and what answered them."""
        self._asks += asked
        self._answers += answered

    def doubt(self, silent: int, rounds: int) -> float:
        """Estimate how many of *silent* ports are open and lost every question or answer in *rounds*.

        By how few are left of so many that answered: where one is, it is more likely one of these than a closed one.
        And no fewer than if each of the *silent* were open.
        """
        if not (counted := self.rounds(rounds)):
            return float(silent)
        asks = max(self._asks, self._answers)  # some answers come twice
        each = ((asks - self._answers + 1) / (asks + 2)) ** counted
        return max(silent * each, (self._ports + 1) * each / (1 - each))
