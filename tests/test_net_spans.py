"""Where open ports end and closed ones begin, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from rainbow_probe.measures import PortState
from rainbow_probe.net.spans import intervals, ordered, percent, runs

FIRST, LAST = 49152, 65535
OPEN, CLOSED, UNKNOWN = PortState.OPEN, PortState.CLOSED, PortState.UNKNOWN


@pytest.mark.parametrize(
    ("ports", "said"),
    [
        ({50000: True, 51000: True, 60000: False, 61000: False}, "open 50000-51000, closed 60000-61000"),
        ({60000: False, 50000: True}, "open 50000, closed 60000"),
        ({1: True, 2: False, 3: True, 4: False, 5: True}, "open and closed ones alternate; closed: 2 4"),
    ],
)
def test_spans_of_ports(ports: dict[int, bool], said: str) -> None:
    """A rule has a beginning and an end; loss has none."""
    assert runs(ports) == said
    assert ordered(ports) is ("alternate" not in said)


def every(step: int, first: int = FIRST, last: int = LAST) -> dict[int, bool]:
    """Sample a part of the range evenly; only its lower half is open."""
    return {port: port < 57344 for port in range(first, last + 1, step)}


@pytest.mark.parametrize(
    ("ports", "found"),
    [
        ({}, [(FIRST, LAST, UNKNOWN)]),
        (dict.fromkeys(range(50000, 65000, 200), True), [(FIRST, LAST, OPEN)]),
        (dict.fromkeys(range(50000, 65000, 200), False), [(FIRST, LAST, CLOSED)]),
        (every(256), [(FIRST, 57088, OPEN), (57089, 57343, UNKNOWN), (57344, LAST, CLOSED)]),
        # By chance, as many samples would not all miss the upper half, nor the lower end.
        (dict.fromkeys(range(53000, 55000, 20), True), [
            (FIRST, 52999, UNKNOWN), (53000, 54980, OPEN), (54981, LAST, UNKNOWN)
        ]),
        # Two of them may.
        ({53000: True, 54000: True}, [(FIRST, LAST, OPEN)]),
        ({49152: False, 49153: True, 65535: True}, [(49152, 49152, CLOSED), (49153, LAST, OPEN)]),
    ],
)  # fmt: skip
def test_what_samples_tell_of_a_range(ports: Mapping[int, bool], found: list[tuple[int, int, PortState]]) -> None:
    """The intervals cover all of it; between an open and a closed sample lies what nobody knows."""
    assert [(one.first, one.last, one.state) for one in intervals(ports, FIRST, LAST)] == found


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [
        # Clopper and Pearson, as in the usual tables; the first two lie to one side.
        (0, 64, 0.0, 4.57),
        (64, 64, 95.43, 100.0),
        (0, 16, 0.0, 17.08),
        (1, 16, 0.16, 30.23),
        (5, 10, 18.71, 81.29),
        (32, 64, 37.23, 62.77),
        (0, 0, 0.0, 100.0),
    ],
)
def test_shares_and_their_confidence(hits: int, of: int, low: float, high: float) -> None:
    """A share of samples is a share of the whole within an interval."""
    found = percent(hits, of)
    assert found.low == pytest.approx(low, abs=0.01)
    assert found.high == pytest.approx(high, abs=0.01)
    assert found.low <= found.value <= found.high
