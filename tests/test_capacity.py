"""How many ports a site's numbers need of its proxy (guide, section 8.2)."""

from __future__ import annotations

import pytest

from rainbow_probe.capacity import Load, interpolated, most_wanted, needed
from rainbow_probe.catalogue import Guide
from rainbow_probe.measures import Direction
from tests.judge_samples import guide


@pytest.mark.parametrize(
    ("load", "least", "busy"),
    [
        (Load(), 0, 0),
        (Load(users=100), 100, 300),
        (Load(users=100, calls=20, video=5, sharing=2), 127, 327),
        (Load(gateway_calls=400), 400, 400),
    ],
)
def test_ports_are_added_up(load: Load, least: int, busy: int) -> None:
    """A permanent WebSocket and parallel HTTPS a client, one port a medium a call, one a call of a gateway."""
    assert (load.least, load.busy) == (least, busy)
    assert load.known is (busy > 0)
    assert f"= {busy} ports, {least} of them" in load.formula()


def test_the_formula_shows_every_number() -> None:
    """So that whoever doubts it can put in others."""
    load = Load(users=11, calls=12, video=13, sharing=14, gateway_calls=15)
    assert load.formula() == (
        "11 clients x (1 WebSocket + 2 parallel HTTPS) + 12 calls x 1 audio + 13 with video + 14 with sharing "
        "+ 15 calls of gateways x 1 audio = 87 ports, 65 of them permanent or media"
    )


@pytest.fixture
def hds() -> Guide:
    """Return the guide as it ships."""
    return guide()


POINTS = ((20.0, 26.0), (100.0, 80.0), (500.0, 304.0))


@pytest.mark.parametrize(
    ("number", "rate"), [(1, 26), (20, 26), (60, 53), (100, 80), (300, 192), (500, 304), (600, 360), (1500, 864)]
)
def test_a_table_is_read_on_straight_lines(number: float, rate: float) -> None:
    """Between its points; below the first it is the first's, and beyond the last the last line goes on."""
    assert interpolated(POINTS, number) == pytest.approx(rate)


def test_the_guides_own_points_are_met(hds: Guide) -> None:
    """Section 6.3, in kilobytes; what is added up are agents."""
    demand = {row.id: row.demand for row in hds.rows if row.demand}
    connect, events = demand["bandwidth/pbx-agent-connect"], demand["bandwidth/pbx-agent-events"]
    assert interpolated(connect.points, 10_000) == 3294
    assert interpolated(events.points, 8) == pytest.approx(14.4)
    load = Load(subscribers=(750.0, 20.0), calls_per_second=(3.0,))
    out, back = needed(connect, load)
    assert (out.direction, back.direction) == (Direction.OUT, Direction.IN)
    assert (out.rate, out.unit, out.kbit_s) == (433.0, "kB/s", 433.0 * 8)
    assert out.formula == "407 kB/s for 750 subscribers + 26 kB/s for 20 subscribers"
    assert needed(events, load)[0].rate == pytest.approx(3.5 + 5.5 / 3)
    assert needed(events, Load()) == ()


def test_what_each_call_takes_is_multiplied(hds: Guide) -> None:
    """With the formula shown; of what nobody counted there is one."""
    demand = {row.id: row.demand for row in hds.rows if row.demand}
    out, back = needed(demand["bandwidth/softphone"], Load(gateway_calls=20))
    assert (out.rate, back.rate, out.formula) == (1750.0, 1750.0, "20 x 87.5 kbit/s (G.711)")
    (down,) = needed(demand["bandwidth/conference-down"], Load())
    assert (down.rate, down.direction, down.kbit_s) == (1300.0, Direction.IN, 1300.0)


def test_no_more_is_tried_than_is_needed(hds: Guide) -> None:
    """What one client takes, or with numbers what all take together, and a little room."""
    rows = [row for row in hds.rows if row.client == "bandwidth"]
    assert most_wanted(rows, Load()) == pytest.approx(1650)
    assert most_wanted(rows, Load(calls=100)) == pytest.approx(1.1 * (10_000 + 1500 + 800 + 1300 + 87.5))
    assert most_wanted([], Load()) == pytest.approx(1650)
