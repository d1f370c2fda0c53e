"""The E-model against the Recommendations' own numbers."""

from __future__ import annotations

import itertools

import pytest

from rainbow_probe.protocols.emodel import (
    G711,
    G711_PLC,
    OPUS,
    Band,
    Impairment,
    absolute_delay,
    basic,
    effective,
    mos,
    noise,
    rating,
    score,
    simultaneous,
)


def test_the_default_values_give_the_rating_that_is_printed_for_them() -> None:
    """G.107 section 7.7: with every parameter at its default, R is 93.2; No and Ro are -61.2 dBm0p and 94.8."""
    assert rating(G711, delay_ms=0) == pytest.approx(93.2, abs=0.01)
    assert noise() == pytest.approx(-61.18, abs=0.01)
    assert basic() == pytest.approx(94.77, abs=0.01)
    assert simultaneous() == pytest.approx(1.41, abs=0.01)


@pytest.mark.parametrize(("r", "expected"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58)])
def test_a_rating_has_the_score_of_the_table(r: float, expected: float) -> None:
    """G.107 table B.1: the borders of what users call satisfied."""
    assert mos(r) == pytest.approx(expected, abs=0.01)
    assert mos(r * 1.48, Band.FULL) == pytest.approx(mos(r))


@pytest.mark.parametrize(("r", "expected"), [(-5, 1.0), (0, 1.0), (5, 1.0), (100, 4.5), (120, 4.5)])
def test_a_score_has_its_ends(r: float, expected: float) -> None:
    """G.107 annex B: 1 up to 0, 4.5 from 100 on; the formula itself falls below 1 just above 0."""
    assert mos(r) == expected


@pytest.mark.parametrize(
    ("loss", "bare", "concealed"),
    [(0, 0, 0), (1, 17.9, 3.6), (2, 30.2, 7.0), (3, 39.0, 10.1), (5, 51.1, 15.8), (10, 66.4, 27.1), (20, 78.2, 42.1)],
)
def test_loss_costs_what_g113_says(loss: float, bare: float, concealed: float) -> None:
    """Ie,eff of section 7.5 with the factors of G.113, appendix I: Ie 0, Bpl 4.3 without and 25.1 with concealment."""
    assert effective(G711, loss) == pytest.approx(bare, abs=0.05)
    assert effective(G711_PLC, loss) == pytest.approx(concealed, abs=0.05)


@pytest.mark.parametrize(("loss", "expected"), [(0, 0), (1, 5), (2, 7), (3, 10), (5, 15), (7, 20), (10, 25)])
def test_concealed_loss_is_near_what_g113_printed_before_it_had_a_formula(loss: float, expected: float) -> None:
    """G.113 (02/2001), table I.4, G.711 with concealment, random loss: steps of 5."""
    assert effective(G711_PLC, loss) == pytest.approx(expected, abs=2.5)


@pytest.mark.parametrize("bad", [-1, 101, float("nan")])
def test_loss_is_in_per_cent(bad: float) -> None:
    """What cannot be one is refused, and not rated."""
    with pytest.raises(ValueError, match="per cent"):
        effective(G711, bad)


def test_packets_lost_in_a_row_cost_more() -> None:
    """Of the same share; a ratio below 1 is chance."""
    assert effective(G711_PLC, 5, burst_ratio=2) > effective(G711_PLC, 5)
    assert effective(G711_PLC, 5, burst_ratio=0.5) == effective(G711_PLC, 5)


def test_delay_is_not_noticed_up_to_a_tenth_of_a_second() -> None:
    """Idd is 0 there (section 7.4), near 0.2 at 150 ms and steep beyond; echoes cost a little even before."""
    assert [absolute_delay(ms) for ms in (0, 50, 100)] == [0, 0, 0]
    assert absolute_delay(150) == pytest.approx(0.17, abs=0.1)
    assert absolute_delay(200) == pytest.approx(3.04, abs=0.01)
    assert absolute_delay(400) == pytest.approx(24.07, abs=0.01)


@pytest.mark.parametrize("codec", [G711, G711_PLC, OPUS], ids=lambda codec: codec.name)
def test_more_delay_and_more_loss_are_never_better(codec: Impairment) -> None:
    """On the whole range."""
    by_delay = [score(codec, delay_ms=ms) for ms in range(0, 1000, 10)]
    by_loss = [score(codec, delay_ms=50, loss_percent=loss / 2) for loss in range(201)]
    assert all(before >= after for curve in (by_delay, by_loss) for before, after in itertools.pairwise(curve))


def test_the_codecs_at_their_best() -> None:
    """4.41 for G.711, and about as much for Opus on its longer scale."""
    assert score(G711, delay_ms=0) == pytest.approx(4.41, abs=0.005)
    assert rating(OPUS, delay_ms=0) == pytest.approx(148 - 10.67)
    assert score(OPUS, delay_ms=0) == pytest.approx(4.40, abs=0.01)
    assert OPUS.source
