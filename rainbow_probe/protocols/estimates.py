"""Numbers from samples, with the interval that the true one lies in with 95 % confidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, median, stdev

from rainbow_probe.measures import Estimate

CONFIDENCE = 0.95
PARTS, FEWEST = 10, 3  # of what follows a line, to see how straight it is
Z = NormalDist().inv_cdf((1 + CONFIDENCE) / 2)  # 1.96
SURE = NormalDist().inv_cdf((1 + 0.995) / 2)  # 2.81: for what is held against somebody


def share(hits: int, tries: int, weight: float = 1.0, z: float = Z) -> Estimate:
    """Return the share of *hits* among *tries*, 0 to 1, with Wilson's interval.

    Where hits come in bunches, so many tries tell no more than ``tries / weight`` that have nothing to do with each
    other: *weight* is the design effect, 1 or more. Without tries nothing is known: the interval is all there is. Its
    confidence is that of *z* deviations.
    """
    if not tries:
        return Estimate(value=0.0, low=0.0, high=1.0)
    found, n = hits / tries, tries / max(1.0, weight)
    middle = (found + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z * math.sqrt(found * (1 - found) / n + z**2 / (4 * n**2)) / (1 + z**2 / n)
    low, high = middle - reach, middle + reach
    return Estimate(value=found, low=max(0.0, low) if hits else 0.0, high=min(1.0, high) if hits < tries else 1.0)


def average(batches: Sequence[float]) -> Estimate:
    """Return the mean of what neighbouring *batches* of a measurement have for means, with Student's interval.

    Single packets follow each other and are alike; means of batches that are long enough are not. The last batch may be
    shorter. Raises ``ValueError`` for less than two: of one, nothing can be said.
    """
    if len(batches) < 2:
        raise ValueError(f"{len(batches)} batches tell nothing of how sure their mean is")
    middle = fmean(batches)
    reach = student(len(batches) - 1) * stdev(batches) / math.sqrt(len(batches))
    return Estimate(value=middle, low=max(0.0, middle - reach), high=middle + reach)


def slope(points: Sequence[tuple[float, float]]) -> Estimate:
    """Return by how much the second of each of *points*, in order of the first, grows with it.

    Through the middle of each of ten neighbouring parts, as single ones may lie far off. Of less than three parts,
    nothing is known.
    """
    size = max(1, math.ceil(len(points) / PARTS))
    parts = [points[at : at + size] for at in range(0, len(points), size)]
    xs, ys = ([median(point[axis] for point in part) for part in parts] for axis in (0, 1))
    spread = sum((x - fmean(xs)) ** 2 for x in xs) if xs else 0.0
    if len(parts) < FEWEST or not spread:
        return Estimate(value=0.0, low=-math.inf, high=math.inf)
    found = sum((x - fmean(xs)) * (y - fmean(ys)) for x, y in zip(xs, ys, strict=True)) / spread
    missed = sum((y - fmean(ys) - found * (x - fmean(xs))) ** 2 for x, y in zip(xs, ys, strict=True))
    freedom = len(parts) - 2
    reach = student(freedom) * math.sqrt(missed / freedom / spread)
    return Estimate(value=found, low=found - reach, high=found + reach)


def student(freedom: int) -> float:
    """Return how many deviations of a mean hold 95 %, by degrees of *freedom* (Student's t, two-sided)."""
    if freedom in _SMALL:
        return _SMALL[freedom]
    # Cornish and Fisher's expansion, to a thousandth from four degrees on.
    first = (Z**3 + Z) / 4
    second = (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96
    third = (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384
    return Z + first / freedom + second / freedom**2 + third / freedom**3


_SMALL = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776}
