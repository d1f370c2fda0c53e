"""How much one address may ask for: so many datagrams a second, with a second's worth at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable

MOST_ADDRESSES = 1024  # remembered at a time; a flood of made-up ones must not fill the memory


class Quota:
    """Token buckets by address; the one that was heard least recently is forgotten first."""

    def __init__(self, rate: int, clock: Callable[[], float]) -> None:
        """Allow each address *rate* questions a second, by *clock*."""
        self._rate = float(rate)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self.asked: dict[str, int] = {}
        """How often those asked that were heard first."""

    def __len__(self) -> int:
        """Count the addresses that are remembered."""
        return len(self._left)

    def allows(self, address: str) -> bool:
        """Take one question of *address* from what it has left; False if it has none."""
        now = self._clock()
        left, then = self._left.pop(address, (self._rate, now))
        left = min(self._rate, left + (now - then) * self._rate)
        allowed = left >= 1.0
        self._left[address] = (left - 1.0 if allowed else left, now)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)
        if address in self.asked or len(self.asked) < MOST_ADDRESSES:
            self.asked[address] = self.asked.get(address, 0) + 1
        return allowed
