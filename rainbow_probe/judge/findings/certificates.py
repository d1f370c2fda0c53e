"""Certificates out of date or for another name, and the clock that makes good ones look bad."""

from __future__ import annotations

from collections.abc import Iterable
from statistics import median

from rainbow_probe.judge.findings.proxy import with_cause
from rainbow_probe.judge.scene import Found, Scene
from rainbow_probe.judge.traces import domain, facts, interceptor, issuer, passes, shown
from rainbow_probe.judge.words import common_name, count, hosts, named
from rainbow_probe.model import Cause, Phase, Result, Who

DAY = 86400  # seconds
KERBEROS = 300  # seconds by which clocks may differ, RFC 4120 section 8.2
HALF_AN_HOUR = 1800  # seconds; time zones differ by multiples of it
AGREE = 90  # seconds between servers' own clocks, and a page's way through a cache
OUT_OF_DATE = (Cause.TLS_EXPIRED, Cause.TLS_NOT_YET_VALID)
FEWEST_HOSTS = 2  # whose own clocks would have to be wrong alike; one, with a certificate that agrees
FEWEST_DOMAINS = 2  # unrelated sites do not let their certificates expire on one day


def clock(scene: Scene) -> list[Found]:
    """Blame this machine's clock if servers' dates disagree with it, or unrelated certificates are out of date."""
    dated = _dated(scene)
    wrong = [(result, skew) for result, skew in dated if abs(skew) > DAY]
    stale = with_cause(scene, *OUT_OF_DATE)
    acquitted = len(wrong) < len(dated)  # by one server that agrees with the clock
    wrong += [(result, skew) for result, skew in _time_servers(scene) if abs(skew) > DAY]
    accused = len({result.flow.target.host for result, _ in wrong}) >= FEWEST_HOSTS or (wrong and stale)
    if acquitted or not (accused or _unrelated(stale)):
        return []
    return [
        Found(
            id="clock-wrong",
            title=f"The clock of this machine is wrong{_by(wrong)}",
            who=Who.ENDPOINT,
            fix="Set the clock (NTP, UDP/123) and the time zone, and run again: certificates are judged by it.",
            claims=tuple(stale),
            shows=tuple(result for result, _ in wrong),
            detail=f"here it is {scene.site.clock or 'unknown'}; {_dates(stale)}",
        )
    ]


def off(scene: Scene) -> list[Found]:
    """Say that the clock is minutes or hours away, if unrelated servers agree that it is: nothing fails by it yet."""
    dated = _dated(scene)
    skews = {result.flow.target.host: skew for result, skew in dated}
    middle = median(skews.values()) if skews else 0.0
    alike = all(abs(skew - middle) <= AGREE for _, skew in dated)
    if len(skews) < FEWEST_HOSTS or not alike or not KERBEROS < abs(middle) <= DAY:
        return []
    hours = abs(middle) >= HALF_AN_HOUR - AGREE and abs(middle - HALF_AN_HOUR * round(middle / HALF_AN_HOUR)) <= AGREE
    return [
        Found(
            id="clock-off",
            title=f"The clock of this machine is {_time(middle)} {_side(middle)}",
            who=Who.ENDPOINT,
            fix="Set it by NTP (UDP/123 to the site's time server)"
            + (", and look at the time zone: whole hours are its usual mark. " if hours else ". ")
            + "Kerberos, as proxies use it, refuses more than 5 minutes, and tokens that end now are misjudged.",
            shows=tuple(result for result, _ in dated),
            detail=f"here it is {scene.site.clock or 'unknown'}; by the dates of {named(skews)}",
        )
    ]


def _time(skew: float) -> str:
    minutes = round(abs(skew) / 60)
    hours = round(abs(skew) / 3600, 1)
    return count(minutes, "minute") if minutes < 60 else f"{hours:g} {'hour' if hours == 1 else 'hours'}"


def _side(skew: float) -> str:
    return "ahead of the servers' dates" if skew > 0 else "behind the servers' dates"


def _dated(scene: Scene) -> list[tuple[Result, float]]:
    """Return the servers that told a date, controls too, with the seconds by which this machine is ahead."""
    return [(result, skew) for result in (*scene.tried(), *scene.controls) for skew in skews_of(result)]


def _time_servers(scene: Scene) -> list[tuple[Result, float]]:
    """Return the site's time servers likewise, where no certificate that is taken speaks for this machine's clock.

    One may be wrong itself: it acquits nobody, and accuses together with what else is out of date.
    """
    offsets = ((result, value) for result in scene.lan for value in facts(result, "offset_s", Phase.NTP))
    known = [(result, -value) for result, value in offsets if isinstance(value, int | float)]
    return [] if _in_date(scene) else known


def skews_of(result: Result) -> Iterable[float]:
    """Return by how many seconds this machine is ahead of the dates that *result* was told."""
    return (value for value in facts(result, "clock_skew_s", Phase.HTTP) if isinstance(value, int | float))


def _unrelated(stale: Iterable[Result]) -> bool:
    """Return whether certificates that have nothing to do with each other are out of date in the same way."""
    by_cause = {cause: {domain(r.flow.target.host) for r in stale if _why(r) is cause} for cause in OUT_OF_DATE}
    return any(len(domains) >= FEWEST_DOMAINS for domains in by_cause.values())


def _why(result: Result) -> Cause | None:
    return result.verdict.failure.cause if result.verdict.failure else None


def _by(wrong: list[tuple[Result, float]]) -> str:
    if not wrong:
        return ": certificates of unrelated servers are out of date"
    skew = wrong[0][1]
    return f": {count(round(abs(skew) / DAY), 'day')} {_side(skew)}"


def _dates(stale: Iterable[Result]) -> str:
    told = (f"{r.flow.target.host}: {shown(r, 'not_before')} to {shown(r, 'not_after')}" for r in stale)
    return "certificates: " + (named(dict.fromkeys(told)) or "none out of date")


def out_of_date(scene: Scene) -> list[Found]:
    """Say which certificates have expired, or are not valid yet, by a clock that nothing disproves."""
    old, young = with_cause(scene, Cause.TLS_EXPIRED), with_cause(scene, Cause.TLS_NOT_YET_VALID)
    return [
        *_stale("certificate-expired", "has expired", old, scene),
        *_stale("certificate-not-yet-valid", "is not valid yet", young, scene),
    ]


def _stale(identity: str, state: str, stale: list[Result], scene: Scene) -> list[Found]:
    if not stale:
        return []
    confirmed = any(abs(skew) <= DAY for _, skew in _dated(scene)) or _in_date(scene)
    doubt = "" if confirmed else ", if the clock of this machine is right"
    return [
        Found(
            id=identity,
            title=f"The certificate of {hosts(stale)} {state}{doubt}",
            who=_whose(stale, scene),
            fix="Renew the certificate; if it is not the provider's own (see the issuer), whoever put it there must.",
            claims=tuple(stale),
            shows=tuple(_in_date(scene)),
            detail=f"{_dates(stale)}; issuer: {_issuers(stale)}; this machine's clock: {scene.site.clock or 'unknown'}",
        )
    ]


def _in_date(scene: Scene) -> list[Result]:
    """Return controls for the clock: other hosts whose certificates it takes."""
    return [r for r in scene.tried() if passes(r) and shown(r, "not_after")][:3]


def _whose(results: Iterable[Result], scene: Scene) -> Who:
    boxes = {interceptor(result) for result in scene.results} - {""}
    return Who.TLS_INSPECTION if boxes & {issuer(result) for result in results} else Who.PROVIDER


def _issuers(results: Iterable[Result]) -> str:
    return named(dict.fromkeys(common_name(issuer(result)) or "unknown" for result in results))


def wrong_name(scene: Scene) -> list[Found]:
    """Say which hosts show a certificate for other names, and which ones."""
    wrong = with_cause(scene, Cause.TLS_WRONG_NAME)
    if not wrong:
        return []
    told = (f"{r.flow.target.host} shows one for {shown(r, 'san') or shown(r, 'subject') or 'unknown'}" for r in wrong)
    return [
        Found(
            id="certificate-wrong-name",
            title=f"Somebody else's certificate answers for {hosts(wrong)}",
            who=_whose(wrong, scene),
            fix="Find out whose server answers at these addresses: a DNS entry, a portal or a block page may lead "
            "there.",
            claims=tuple(wrong),
            detail=f"{named(dict.fromkeys(told))}; issuer: {_issuers(wrong)}; addresses: {_where(wrong, scene)}",
        )
    ]


def _where(results: Iterable[Result], scene: Scene) -> str:
    return named(dict.fromkeys(a for r in results for a in scene.addresses_of(r.flow.target.host))) or "unknown"
