"""How fast a sweep goes on, on lines that are made of numbers: limits, losses by chance, closed ports."""

from __future__ import annotations

import pytest

from rainbow_probe.net.sweep_pace import FEW, Losses, Pace, in_time, slowly

RATE = 20_000


def line(pace: Pace, ports: int, *, closed: int = 0, limit: float = 1e9, kept: float = 1.0, rounds: int = 10) -> int:
    """Send rounds over a line that lets *limit* a second through, or a share; return how many stay silent."""
    silent = ports - closed
    for _ in range(rounds):
        asked = silent + closed
        if not asked:
            break
        seconds = asked / (pace.rate or 50_000)
        found = int(min(silent, limit * seconds * silent / asked, silent * kept))
        silent -= found
        if not found and not silent:
            break
        pace.slower(found, asked, seconds)
    return silent


@pytest.mark.parametrize("limit", [300, 500, 1000])
@pytest.mark.parametrize("closed", [0, 2000, 5000])
def test_a_limit_is_met_and_kept_to(limit: int, closed: int) -> None:
    """It is told as it is, as far as open ports show it, and all of them are found."""
    pace = Pace(RATE)
    assert line(pace, 10_000, closed=closed, limit=limit, rounds=12) <= 1
    assert 0.3 * limit <= pace.limit <= 1.01 * limit
    assert pace.rate <= RATE / 8


@pytest.mark.parametrize("kept", [0.05, 0.1, 0.25, 0.5, 0.81, 0.98])
@pytest.mark.parametrize("closed", [0, 5000, 9900])
def test_losses_by_chance_are_no_limit(kept: float, closed: int) -> None:
    """Not even where they are so high that as many ports answer in each round: slower questions do not help."""
    pace = Pace(RATE)
    line(pace, 10_000, closed=closed, kept=kept)
    assert pace.limit == 0


def test_what_is_closed_is_asked_no_more_slowly() -> None:
    """Nothing was missed."""
    pace = Pace(RATE)
    assert not pace.slower(5000, 10_000, 0.5)
    assert not pace.slower(0, 5000, 0.25)
    assert (pace.rate, pace.limit) == (RATE, 0)


def test_a_few_tell_nothing() -> None:
    """As many in each round may be chance."""
    pace = Pace(RATE)
    assert not pace.slower(FEW - 1, 10_000, 0.5)
    assert not pace.slower(FEW - 1, 10_000, 0.5)
    assert pace.slower(FEW, 10_000, 0.5)
    assert not Pace(0).slower(50, 50, 0.0)


def test_what_a_limit_held_back_was_not_lost() -> None:
    """The estimate of losses begins again when the pace changes."""
    losses = Losses()
    for _ in range(100):
        losses.answered(3)
    assert losses.doubt(1000, 3) > 100
    losses.forget(3)
    assert losses.doubt(1000, 3) == 1000
    for _ in range(100):
        losses.answered(4)
    assert losses.rounds(5) == 2
    assert losses.doubt(1000, 5) < 0.1


def test_of_many_open_ports_one_may_lose_every_answer() -> None:
    """However few are silent: of 16,384 at 10 % lost each way, one in seven sweeps has one after seven rounds."""
    losses, left = Losses(), 16_384
    for number in range(1, 7):
        for _ in range(found := round(0.81 * left)):
            losses.answered(number)
        left -= found
    assert left == 1
    assert 0.1 < losses.doubt(1, 7) < 0.2
    assert losses.doubt(1, 8) > 0.02
    assert losses.doubt(1, 10) < 0.01
    assert losses.doubt(4000, 7) == pytest.approx(losses.doubt(1, 7))


def test_how_to_ask_below_a_limit_is_told_with_the_time_that_it_takes() -> None:
    """A run that would end before it is given more; what does not bother media is not told."""
    assert in_time(500, 10_000) == "with --sweep-rate 450 all are asked within 45 s"
    assert in_time(50, 10_000) == "with --sweep-rate 45 and --deadline 745 all are asked within 445 s"
    assert "about 500 answers a second" in slowly(500)
    assert slowly(0) == slowly(5000) == ""
