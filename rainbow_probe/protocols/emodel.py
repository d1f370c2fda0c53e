"""The E-model, ITU-T G.107 (06/2015) and its fullband relative G.107.2 (06/2019): from delay and loss to a MOS.

Everything that a network does not change has the Recommendation's default value (table 2). Loss is in **per cent**, as
there, and delay in milliseconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

SLR, RLR = 8.0, 2.0  # dB, loudness of sending and receiving
STMR, LSTR, TELR, WEPL = 15.0, 18.0, 65.0, 110.0  # dB, side tones and echoes
CIRCUIT_NOISE, NOISE_FLOOR, ROOM = -70.0, -64.0, 35.0  # Nc in dBm0p, Nfor in dBmp, Ps and Pr in dB(A)
DS = 3.0  # D-value of the telephone at the sending side
QUANTISING_UNITS = 1.0
UNNOTICED = 100.0  # mT, ms: shorter delays bother nobody
FULLBAND_STRETCH = 1.48  # how much longer the fullband scale is, G.107.2 annex A
FULLBAND_BEST = 148.0  # Ro,FB of the default values, G.107.2 section 7.2
NARROWBAND_REACH, FULLBAND_REACH = 95.0, 132.0  # what loss can take at most, section 7.5 of G.107 and of G.107.2


class Band(StrEnum):
    """The scale that a codec's impairments are given on."""

    NARROW = "narrowband"
    FULL = "fullband"


@dataclass(frozen=True, slots=True, kw_only=True)
class Impairment:
    """What a codec costs by itself, and how it bears loss."""

    name: str
    ie: float
    """Equipment impairment factor."""
    bpl: float
    """Packet-loss robustness factor: the higher, the better."""
    source: str
    band: Band = Band.NARROW


G711 = Impairment(name="G.711 without concealment", ie=0.0, bpl=4.3, source="G.113 (11/2007), appendix I")
G711_PLC = Impairment(name="G.711", ie=0.0, bpl=25.1, source="G.113 (11/2007), appendix I, with concealment")
OPUS = Impairment(
    name="Opus",
    ie=10.67,
    bpl=9.79,
    source="G.113 has none for Opus; Alahmadi, Pocta and Melvin, ACM TOMM 17(4), 2021: 40 kbit/s, random loss",
    band=Band.FULL,
)


def score(codec: Impairment, *, delay_ms: float, loss_percent: float = 0.0, burst_ratio: float = 1.0) -> float:
    """Return the MOS of a call with *codec*; arguments as those of ``rating``."""
    found = rating(codec, delay_ms=delay_ms, loss_percent=loss_percent, burst_ratio=burst_ratio)
    return mos(found, codec.band)


def rating(codec: Impairment, *, delay_ms: float, loss_percent: float = 0.0, burst_ratio: float = 1.0) -> float:
    """Return the transmission rating R on the codec's own scale: at most 93.2 (narrowband) or 148 (fullband).

    *delay_ms* is one way, from mouth to ear; *loss_percent* is 0 to 100; *burst_ratio* is 1 where packets are lost by
    chance, and more where they are lost in a row (section 7.5). Raises ``ValueError``.
    """
    ie = effective(codec, loss_percent, burst_ratio)
    if codec.band is Band.FULL:
        return FULLBAND_BEST - FULLBAND_STRETCH * absolute_delay(delay_ms) - ie
    return basic() - simultaneous() - delayed(delay_ms) - ie


def effective(codec: Impairment, loss_percent: float, burst_ratio: float = 1.0) -> float:
    """Return Ie,eff: what codec and loss cost together (section 7.5). Raises ``ValueError``."""
    if not 0 <= loss_percent <= 100:
        raise ValueError(f"loss is given in per cent, 0 to 100, and not as {loss_percent}")
    if not loss_percent:
        return codec.ie
    reach = FULLBAND_REACH if codec.band is Band.FULL else NARROWBAND_REACH
    return codec.ie + (reach - codec.ie) * loss_percent / (loss_percent / max(1.0, burst_ratio) + codec.bpl)


def mos(rating: float, band: Band = Band.NARROW) -> float:
    """Return the mean opinion score, 1 to 4.5, that belongs to *rating* (annex B; G.107.2 annex A)."""
    r = rating / FULLBAND_STRETCH if band is Band.FULL else rating
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6) if r > 0 else 1.0


def noise() -> float:
    """Return No, all noise in dBm0p (section 7.2)."""
    heard = ROOM + 10 * math.log10(1 + 10 ** ((10 - LSTR) / 10))
    sender = ROOM - SLR - DS - 100 + 0.004 * (ROOM - (SLR + RLR) - DS - 14) ** 2
    receiver = RLR - 121 + heard + 0.008 * (heard - 35) ** 2
    levels = (CIRCUIT_NOISE, sender, receiver, NOISE_FLOOR + RLR)
    return 10 * math.log10(sum(10 ** (level / 10) for level in levels))


def basic() -> float:
    """Return Ro, the signal against the noise (section 7.2)."""
    return 15 - 1.5 * (SLR + noise())


def simultaneous() -> float:
    """Return Is: what is wrong with loudness, side tone and quantising (section 7.3)."""
    loud = SLR + RLR + 0.2 * (64 + noise() - RLR)
    loudness = 20 * (_blend(loud / 8, 8) - loud / 8)
    side = -10 * math.log10(10 ** (-STMR / 10) + 10 ** (-TELR / 10))
    tone = 12 * _blend((side - 13) / 6, 8) - 28 * _blend((side + 1) / 19.4, 35) - 13 * _blend((side - 3) / 33, 13) + 29
    q = 37 - 15 * math.log10(QUANTISING_UNITS)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y, z = (basic() - 100) / 15 + 46 / 8.4 - g / 9, 46 / 30 - g / 40
    return loudness + tone + 15 * math.log10(1 + 10**y + 10**z)


def delayed(delay_ms: float) -> float:
    """Return Id: echoes and delay, for a delay that is the same there and back (section 7.4)."""
    return _talker_echo(delay_ms) + _listener_echo(2 * delay_ms) + absolute_delay(delay_ms)


def absolute_delay(delay_ms: float) -> float:
    """Return Idd: the delay itself, whatever echoes there are (section 7.4)."""
    if delay_ms <= UNNOTICED:
        return 0.0
    x = math.log2(delay_ms / UNNOTICED)
    return 25 * (_blend(x, 6) - 3 * _blend(x / 3, 6) + 2)


def _talker_echo(delay_ms: float) -> float:
    if delay_ms < 1:
        return 0.0
    tired = 40 * math.log10((1 + delay_ms / 10) / (1 + delay_ms / 150))
    heard = TELR - tired + 6 * math.exp(-0.3 * delay_ms * delay_ms)
    gap = (-1.5 * (noise() - RLR) - (80 + 2.5 * (heard - 14))) / 2
    return (gap + math.hypot(gap, 10) - 1) * (1 - math.exp(-delay_ms))


def _listener_echo(round_trip_ms: float) -> float:
    gap = (basic() - 10.5 * (WEPL + 7) * math.pow(round_trip_ms + 1, -0.25)) / 2
    return gap + math.hypot(gap, 13)


def _blend(x: float, power: int) -> float:
    """Return 1 where *x* is small and *x* where it is large; odd powers of what is negative do not occur."""
    return math.pow(1 + math.pow(x, power), 1 / power)
