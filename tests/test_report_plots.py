"""What was measured, laid out to be drawn: nothing outside of its drawing, nothing too small to see."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rainbow_probe.language import ENGLISH
from rainbow_probe.measures import Direction, PortInterval, PortState, StoryStep
from rainbow_probe.model import Outcome
from rainbow_probe.report import plots
from rainbow_probe.report.plots import ceiling, curves, demand_bars, load_bars, port_bar, port_lists, title
from rainbow_probe.report.sequence import GAP, LEFT, MOST_STEPS, sequence
from tests import measured_samples as samples


@pytest.mark.parametrize(
    ("value", "top"),
    [(0, 1), (0.03, 0.03), (0.21, 0.3), (1.0, 1), (1.8, 2), (29, 30), (31, 40), (81, 100), (999, 1000), (1200, 1500)],
)
def test_an_axis_ends_with_a_round_number(value: float, top: float) -> None:
    """At or above what it has to show."""
    assert ceiling(value) == pytest.approx(top)


def test_curves_stay_in_their_drawing() -> None:
    """From the left edge to the right, and zero is at the bottom."""
    loss, jitter, delay = curves(samples.QUALITY)
    assert loss.points.startswith("0.0,100.0 ")
    assert loss.points.endswith("1000.0,10.0")
    assert (loss.top, jitter.top, delay.top) == ("2", "4", "30")
    for curve in (loss, jitter, delay):
        for point in curve.points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= plots.ACROSS
            assert 0 <= y <= plots.UP


def test_one_instant_is_no_curve() -> None:
    """There is nothing to join it to."""
    assert curves(replace(samples.QUALITY, series=samples.QUALITY.series[:1])) == ()


def test_ports_fill_their_bar_and_one_is_seen() -> None:
    """Open stretches first: a single closed port is drawn over them, wide enough."""
    one = PortInterval(first=50000, last=50000, state=PortState.CLOSED)
    rest = (
        PortInterval(first=49152, last=49999, state=PortState.OPEN),
        PortInterval(first=50001, last=65535, state=PortState.OPEN),
    )
    bar = port_bar(replace(samples.PORTS, intervals=(rest[0], one, rest[1])))
    assert [piece.look for piece in bar] == ["pass", "pass", "fail"]
    assert bar[0].left == 0
    assert bar[1].left + bar[1].width == pytest.approx(1000, abs=0.2)
    assert bar[2].width == 1.5
    assert port_lists(replace(samples.PORTS, intervals=(rest[0], one, rest[1]))) == (
        (PortState.OPEN, "pass", "49152-49999, 50001-65535"),
        (PortState.CLOSED, "fail", "50000"),
    )


def test_a_great_many_intervals_are_drawn_and_listed_within_bounds() -> None:
    """A survey of every second port."""
    every = tuple(
        PortInterval(first=port, last=port, state=PortState.OPEN if port % 2 else PortState.CLOSED)
        for port in range(49152, 65536)
    )
    survey = replace(samples.PORTS, intervals=every)
    assert len(port_bar(survey)) == plots.MOST_DRAWN
    assert all(listed.endswith(", +8152") for _, _, listed in port_lists(survey))


def test_bars_share_a_scale_where_they_share_a_unit() -> None:
    """All steps of a ramp; a need and its own capacity. What was not measured has no length."""
    assert [(offered, carried) for _, offered, carried in load_bars(samples.RAMP.steps)] == [(250, 250), (1000, 750)]
    assert [(need, capacity) for _, need, capacity in demand_bars(samples.DEMANDS)] == [(1000, 857.1), (1000, 0)]
    assert load_bars(()) == ()


def test_titles_tell_what_over_which_way() -> None:
    """The codec, the ports, the door; the direction in words."""
    assert [title(one, ENGLISH) for one in samples.ALL] == [
        "Ports UDP 49152-65535, outbound",
        "Call quality: G.711, 5 streams of 10 s, UDP direct, there and back",
        "Bandwidth, TLS proxy, there and back",
    ]
    assert title(replace(samples.RAMP, direction=Direction.IN), ENGLISH).endswith("inbound")


def test_a_call_is_drawn_from_the_top_down() -> None:
    """A lifeline for each who speaks or listens; arrows point to the listener; long words are cut to fit."""
    diagram = sequence(samples.STORY)
    assert diagram.lifelines == (("client 1", LEFT), ("proxy", LEFT + GAP), ("client 2", LEFT + 2 * GAP))
    first, second = diagram.arrows
    assert first.line == f"M{LEFT} 86 H{LEFT + GAP}"
    assert first.head.startswith(f"{LEFT + GAP},86 {LEFT + GAP - 7},")
    assert first.words == "1-2 CONNECT openrainbow.hea…"
    assert second.y > first.y
    assert second.words == "50-53 DTLS-SRTP"
    assert (diagram.width, diagram.height) == (2 * LEFT + 2 * GAP, 146)


def test_what_is_between_two_clients_stands_between_them() -> None:
    """In whatever order they first speak; a stranger comes last."""
    first = samples.STORY[0]
    told = (
        replace(first, sender="client 2", receiver="TURN"),
        replace(first, sender="x", receiver="client 1"),
        replace(first, sender="proxy", receiver="Rainbow"),
    )
    names = [name for name, _ in sequence(told).lifelines]
    assert names == ["client 1", "proxy", "Rainbow", "TURN", "client 2", "x"]


def test_an_answer_points_back_and_a_word_to_oneself_returns() -> None:
    """Right to left, and out and back."""
    back = replace(samples.STORY[0], sender="proxy", receiver="client 1")
    own = replace(samples.STORY[0], sender="proxy", receiver="proxy")
    diagram = sequence((samples.STORY[0], back, own))
    assert diagram.arrows[1].line == f"M{LEFT + GAP} 126 H{LEFT}"
    assert diagram.arrows[1].head.startswith(f"{LEFT},126 {LEFT + 7},")
    assert diagram.arrows[2].line == f"M{LEFT + GAP} 158 h34 v8 h-34"


def test_an_endless_story_is_cut() -> None:
    """A stored report may hold anything."""
    step = StoryStep(
        number="1", row="x", sender="a", receiver="b", what="c", at_ms=0, took_ms=0, outcome=Outcome.PASS, check=""
    )
    assert len(sequence((step,) * 1000).arrows) == MOST_STEPS
    assert sequence(()).arrows == ()
