"""Record every step of a flow: the one place that times, limits and classifies."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import time
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import cast

from rainbow_probe.model import Cause, Failure, PeerError, Phase, Scalar, Step, Verdict

FACT_SIZE = 2048  # characters; evidence from the network is hostile, so bounded
DETAIL_SIZE = 300
MOST_STEPS = 2000
BOUND = frozenset({Phase.HTTP, Phase.WEBSOCKET, Phase.XMPP, Phase.ACCOUNT})
"""Phases whose subject does not say to which address they went."""
ENOUGH = 0.75  # a step that had this share of its limit and heard nothing has proven silence

_BY_ERRNO = {
    errno.ECONNREFUSED: Cause.REFUSED,
    errno.ECONNRESET: Cause.RESET,
    errno.EPIPE: Cause.RESET,
    errno.ECONNABORTED: Cause.RESET,
    errno.ETIMEDOUT: Cause.TIMEOUT,
    errno.EACCES: Cause.PROHIBITED,  # ICMP(v6) "administratively prohibited"
    errno.EPERM: Cause.PROHIBITED,  # a packet filter on this machine
    errno.EHOSTUNREACH: Cause.UNREACHABLE,
    errno.ENETUNREACH: Cause.UNREACHABLE,
    errno.EADDRNOTAVAIL: Cause.UNREACHABLE,
    errno.EMFILE: Cause.UNKNOWN,  # this process has too many sockets open: nothing of the network's
    errno.ENFILE: Cause.UNKNOWN,
    errno.ENOBUFS: Cause.UNKNOWN,
    errno.ENOMEM: Cause.UNKNOWN,
}
_BY_WINSOCK = {
    10013: Cause.PROHIBITED,
    10051: Cause.UNREACHABLE,
    10052: Cause.RESET,
    10053: Cause.RESET,
    10054: Cause.RESET,
    10060: Cause.TIMEOUT,
    10061: Cause.REFUSED,
    10065: Cause.UNREACHABLE,
    1225: Cause.REFUSED,  # ERROR_CONNECTION_REFUSED, from the proactor loop
    1231: Cause.UNREACHABLE,
    1232: Cause.UNREACHABLE,
}
# X.509 verification codes, OpenSSL x509_vfy.h.
_BY_VERIFY_CODE = {
    9: Cause.TLS_NOT_YET_VALID,
    10: Cause.TLS_EXPIRED,
    62: Cause.TLS_WRONG_NAME,
    64: Cause.TLS_WRONG_NAME,
}
_BY_TYPE: tuple[tuple[type[BaseException], Cause], ...] = (
    (TimeoutError, Cause.TIMEOUT),
    (ssl.SSLEOFError, Cause.CLOSED),
    (ssl.SSLError, Cause.TLS_ALERT),
    (socket.gaierror, Cause.NO_ANSWER),
    (EOFError, Cause.CLOSED),
    (OSError, Cause.UNREACHABLE),
)

_address: ContextVar[str] = ContextVar("address", default="")
"""Over which address this task goes: each address of a flow is a task of its own."""


class Facts(dict[str, Scalar]):
    """What a running step comes to know; whoever fills it in may learn that it needs more time."""

    def __init__(self, known: Mapping[str, Scalar], clock: asyncio.Timeout, limit: float) -> None:
        """Begin with what is *known*, in a step that *clock* ends after *limit* seconds."""
        super().__init__(known)
        self.limit = limit
        self.complaint: Callable[[], PeerError | None] = lambda: None
        """What to say of what came, where the limit ends the step before its body does: a busy machine may be late."""
        self._clock = clock

    def extend(self, seconds: float) -> None:
        """Give the step *seconds* more than its limit."""
        self.limit += seconds
        self._clock.reschedule((self._clock.when() or 0.0) + seconds)


class SilenceError(PeerError):
    """Nothing came in all that time, which means *cause*; only said of the network if this process could listen."""


class StepError(Exception):
    """A recorded failure on its way up to whoever judges the attempt."""

    def __init__(self, failure: Failure) -> None:
        """Carry *failure*, which is in the recorder already."""
        super().__init__(str(failure))
        self.failure = failure


class Recorder:
    """Collects the steps of one flow on one clock, within one budget of seconds."""

    def __init__(self, budget: float = 60.0, stalled: Callable[[], float] = float) -> None:
        """Start the clock; steps may take *budget* seconds in all.

        *stalled* tells for how many seconds in all this process has not come to its turn: what was not read in that
        time is not the network's silence.
        """
        self._stalled = stalled
        self._zero = time.monotonic()
        self._budget = budget
        self._deadline = self._zero + budget
        self._steps: list[Step] = []
        self.so_far: Verdict | None = None
        """What to say if the check is stopped now, where that is more than nothing."""
        self.on_more: Callable[[float], None] = lambda _: None
        """Told how many seconds more than its budget the flow takes: who would stop it must wait as much longer."""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps so far, in the order in which they began."""
        return tuple(sorted(self._steps, key=lambda step: step.at))

    @property
    def elapsed(self) -> float:
        """Seconds since the flow began."""
        return time.monotonic() - self._zero

    def aside(self, extra: float = 0.0) -> Recorder:
        """Return a recorder for work beside this flow, *extra* seconds richer: what it records is not kept here."""
        return Recorder(self._budget + extra, self._stalled)

    def adopt(self, beside: Recorder) -> None:
        """Keep what *beside* recorded, as if it had been recorded here."""
        for step in beside.steps:
            self._keep(replace(step, at=step.at + beside._zero - self._zero))

    def restart_budget(self, extra: float = 0.0) -> None:
        """Give the flow its whole budget again: waiting for a shared look-up was not its work."""
        self._deadline = time.monotonic() + self._budget + extra
        if extra:
            self.on_more(extra)

    @contextmanager
    def going_to(self, address: str) -> Generator[None]:
        """Note with each step in this block that it went to *address*, where the step itself does not say."""
        before = _address.set(address)
        try:
            yield
        finally:
            _address.reset(before)

    @asynccontextmanager
    async def step(self, phase: Phase, subject: object, *, limit: float) -> AsyncGenerator[Facts]:
        """Time the body, give it *limit* seconds, and record how it ended.

        Yields the step's facts, to be filled in as they become known. Raises ``StepError`` when
        the network failed the step. A time-out is the network's only if the step had all of its
        limit; if our own budget cut it short, the cause is ``budget``.
        """
        at, stalled = self.elapsed, self._stalled()
        clock = asyncio.timeout(max(0.0, min(limit, self._deadline - time.monotonic())))
        facts = Facts({"address": _address.get()} if phase in BOUND and _address.get() else {}, clock, limit)
        failure: Failure | None = None
        try:
            async with clock:
                yield facts
        except asyncio.CancelledError:
            failure = Failure(phase=phase, cause=Cause.INTERRUPTED, detail="stopped before its end")
            raise
        except (OSError, EOFError, PeerError, StepError, ExceptionGroup) as exc:
            listened = self.elapsed - at - (self._stalled() - stalled)
            failure = _failure(phase, leaf(exc), facts, listened, self.elapsed - at)
            if failure.cause is Cause.UNKNOWN:
                raise
            raise StepError(failure) from exc
        except Exception as exc:
            failure = Failure(phase=phase, cause=Cause.UNKNOWN, detail=f"a fault of the probe: {type(exc).__name__}")
            raise
        finally:
            took = self.elapsed - at
            self._keep(
                Step(
                    phase=phase,
                    subject=printable(str(subject), DETAIL_SIZE),
                    at=at,
                    took=took,
                    failure=failure,
                    facts=_bounded(facts),
                )
            )

    def note(self, phase: Phase, subject: object, failure: Failure | None = None, **facts: Scalar) -> None:
        """Record something known at once, without a duration."""
        self._keep(
            Step(
                phase=phase,
                subject=printable(str(subject), DETAIL_SIZE),
                at=self.elapsed,
                took=0.0,
                failure=failure,
                facts=_bounded(facts),
            )
        )

    def _keep(self, step: Step) -> None:
        if len(self._steps) < MOST_STEPS:
            self._steps.append(step)


def leaf(exc: BaseException) -> BaseException:
    """Return the first error in a group of tasks that failed together, or *exc* itself."""
    if not isinstance(exc, BaseExceptionGroup):
        return exc
    group = cast("BaseExceptionGroup[BaseException]", exc)
    return leaf(group.exceptions[0])


def cause_of(exc: BaseException) -> Cause:
    """Translate an exception into a cause, from its type and its codes, never from its text."""
    if isinstance(exc, PeerError):
        return exc.cause
    if isinstance(exc, StepError):
        return exc.failure.cause
    if isinstance(exc, ssl.SSLCertVerificationError):
        return _BY_VERIFY_CODE.get(exc.verify_code, Cause.TLS_UNTRUSTED)
    if isinstance(exc, OSError) and not isinstance(exc, ssl.SSLError | socket.gaierror):
        code = getattr(exc, "winerror", None) or exc.errno
        found = _BY_WINSOCK.get(code or 0) or _BY_ERRNO.get(code or 0)
        if found:
            return found
    return next((cause for kind, cause in _BY_TYPE if isinstance(exc, kind)), Cause.UNKNOWN)


def _failure(phase: Phase, exc: BaseException, facts: Facts, listened: float, took: float) -> Failure:
    if isinstance(exc, SilenceError) and listened < took * ENOUGH:
        return _slept(phase, listened, took)
    if not isinstance(exc, TimeoutError) or exc.errno is not None:
        return _said(phase, exc)
    if listened < facts.limit * ENOUGH:
        return _slept(phase, listened, facts.limit)
    if complaint := facts.complaint():
        return _said(phase, complaint)
    silence = Cause.NO_ANSWER if phase is Phase.RESOLVE else Cause.TIMEOUT
    return Failure(phase=phase, cause=silence, detail=str(exc) or f"no answer in {facts.limit:g} s")


def _said(phase: Phase, exc: BaseException) -> Failure:
    return Failure(phase=phase, cause=cause_of(exc), detail=printable(str(exc) or type(exc).__name__, DETAIL_SIZE))


def _slept(phase: Phase, listened: float, needed: float) -> Failure:
    return Failure(phase=phase, cause=Cause.BUDGET, detail=slept(listened, needed))


def slept(listened: float, needed: float) -> str:
    """Say that silence proves nothing, as this process *listened* for some of the *needed* seconds only."""
    return f"this machine could listen for {max(0.0, listened):.1f} of {needed:.3g} s only"


def printable(text: str, size: int = FACT_SIZE) -> str:
    """Make *text* from the network safe to show: no control characters, *size* at most."""
    clean = "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in text[:size])
    return clean[:size]


def _bounded(facts: dict[str, Scalar]) -> dict[str, Scalar]:
    return {key: printable(value) if isinstance(value, str) else value for key, value in facts.items()}
