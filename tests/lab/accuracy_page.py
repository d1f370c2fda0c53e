"""The figures of ``tests.lab.accuracy`` as the page ``docs/accuracy.md``, and as a list of what was wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from rainbow_probe import __version__
from tests.lab import agreement
from tests.lab.figures import Figures, Verdicts

GOAL = 2.0  # per cent of the checks that may be inconclusive where the site file expects a verdict
PAGE = Path(__file__).parent / "accuracy_page.md"


def page(found: Figures) -> str:
    """Return the page."""
    limits, ours = (
        [
            f"- {', '.join(one.sites)}: `{' '.join(one.items)}`. {one.reason}"
            for one in agreement.limits()
            if one.ours is wrong
        ]
        for wrong in (False, True)
    )
    return PAGE.read_text(encoding="utf-8").format(
        version=__version__,
        runs=found.runs,
        starved=_places(found.starved) or "none",
        sites=found.sites,
        noisy=found.noisy,
        verdicts=sum(one.total for one in found.checks.values()),
        rows=sum(one.total for one in found.rows.values()),
        goals="\n".join(_goals(found)),
        checks=_table(found.checks),
        row_table=_table(found.rows),
        causes=_causes(found),
        invented=_invented(found),
        flips=_flips(found),
        agreed=found.agreed,
        differences=len(found.differences) or "none",
        limits="\n".join(limits) or "none.",
        ours="\n".join(ours) or "none.",
    )


def _goals(found: Figures) -> Iterable[str]:
    checks = together(found.checks.values())
    rows = together(found.rows.values())
    named, missed = (sum(numbers) for numbers in zip(*_named(found), strict=True))
    everything = checks.untold + checks.untold_as_expected
    of_checks, of_rows = f"of {checks.total} checks", f"of {rows.total} rows"
    yield f"| no false pass | {checks.false_passes} {of_checks}, {rows.false_passes} {of_rows} |"
    yield f"| no false fail | {checks.false_fails} {of_checks}, {rows.false_fails} {of_rows} |"
    yield (
        f"| under {GOAL:g} % of the checks inconclusive | {share(checks.untold, checks.total)} of what could be told; "
        f"with what nobody could tell there, {share(everything, checks.total)} |"
    )
    yield f"| every planted cause is named | {named} of {named + missed} |"
    yield f"| no cause is named that was not planted | {sum(map(len, found.invented.values()))} in {found.runs} runs |"
    yield f"| the same site again gives the same verdicts | differences at {len(found.flips)} of {found.sites} sites |"


def _named(found: Figures) -> list[tuple[int, int]]:
    return [(cause.named, len(cause.missed)) for cause in found.causes.values()] or [(0, 0)]


def together(counts: Iterable[Verdicts]) -> Verdicts:
    """Return the sum of all *counts*."""
    total = Verdicts()
    for one in counts:
        total.true_passes += one.true_passes
        total.false_passes += one.false_passes
        total.true_fails += one.true_fails
        total.false_fails += one.false_fails
        total.either += one.either
        total.untold_as_expected += one.untold_as_expected
        total.untold += one.untold
    return total


def share(part: int, whole: int) -> str:
    """Return *part* in per cent of *whole*."""
    return f"{100 * part / whole:.2f} %" if whole else "0 %"


def _table(counts: Mapping[str, Verdicts]) -> str:
    lines = [_line(f"`{name}`", one) for name, one in counts.items() if one.total]
    return "\n".join([*lines, _line("all", together(counts.values()))])


def _line(name: str, one: Verdicts) -> str:
    numbers = [one.true_passes, one.false_passes, one.true_fails, one.false_fails, one.either]
    numbers += [one.untold_as_expected, one.untold]
    return f"| {name} | {' | '.join(map(str, numbers))} |"


def _causes(found: Figures) -> str:
    return "\n".join(
        f"| `{pattern.replace('|', ' &#124; ')}` | {len(one.sites)} | {one.named} | {_places(one.missed) or 'none'} |"
        for pattern, one in found.causes.items()
    )


def _invented(found: Figures) -> str:
    return "; ".join(f"`{finding}` {_places(sites)}" for finding, sites in found.invented.items()) or "none"


def _places(sites: Sequence[str]) -> str:
    """Return the sites, and how often at each."""
    return ", ".join(f"{site} ({times} x)" for site, times in sorted(Counter(sites).items()))


def _flips(found: Figures) -> str:
    if not found.flips:
        return "Every check, row and finding came out the same in every run at a site."
    lines = [f"- {site}: {'; '.join(what)}" for site, what in found.flips.items()]
    return "\n".join(["What came out differently in another run:", "", *lines])


def wrong(found: Figures) -> str:
    """Return everything that was wrong, a line each."""
    lines = [line for one in (*found.checks.values(), *found.rows.values()) for line in one.wrong]
    lines += [f"{site}: {pattern} is not named" for pattern, cause in found.causes.items() for site in cause.missed]
    lines += [f"{site}: {finding} was not planted" for finding, sites in found.invented.items() for site in sites]
    return "".join(f"{line} ({times} x)\n" for line, times in Counter([*lines, *found.differences]).items())
