"""Gives mails to a server: who has it, who is refused for good, and who may have it later."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import aiosmtplib

from rainbow_probe.mail.settings import MailSettings, Security
from rainbow_probe.net.trust import Trust
from rainbow_probe.report.wording import clip
from rainbow_probe.site import machine_roots

ANSWER = 30.0  # seconds for one answer of the server; RFC 5321 would wait five minutes, and so would the user
ALTOGETHER = 120.0  # seconds for one mail
_SAID = 200  # characters of a server's words
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.\d{1,3}")  # RFC 3463
_ADDRESS_STATUS = "1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What became of one mail: every recipient is in one of the three."""

    taken: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict[str, str])
    """Recipients that do not exist, with the server's words: no use to try again."""
    later: dict[str, str] = field(default_factory=dict[str, str])
    """Recipients to be tried again, with the reason."""


class Unreachable(Exception):  # noqa: N818 - what became of the server, as its reader says it
    """The server takes nothing now; the message says why, without any secret."""


@asynccontextmanager
async def connected(settings: MailSettings) -> AsyncGenerator[aiosmtplib.SMTP]:
    """Give a connection that is secured and logged in as the settings say; raises ``Unreachable``."""
    context = Trust(ca_files=settings.ca_files, machine_roots=machine_roots()).strict  # as a mail program here would
    client = aiosmtplib.SMTP(
        hostname=settings.host,
        port=settings.port,
        timeout=ANSWER,
        use_tls=settings.security is Security.TLS,
        start_tls=False,
        tls_context=context,
    )
    try:
        await _open(client, settings, context)
        yield client
    finally:
        await _part(client)


async def _open(client: aiosmtplib.SMTP, settings: MailSettings, context: ssl.SSLContext) -> None:
    try:
        await client.connect()
        if settings.security is Security.STARTTLS:
            await client.starttls(tls_context=context)
        if settings.user:
            await client.login(settings.user, settings.password)
    except (aiosmtplib.SMTPException, OSError) as exc:
        raise Unreachable(f"{settings.server}: {_reason(exc)}") from exc


async def deliver(client: aiosmtplib.SMTP, sender: str, to: Sequence[str], mail: bytes) -> Delivery:
    """Give one mail to the server for all of *to*; what is not clear counts as not taken."""
    try:
        async with asyncio.timeout(ALTOGETHER):
            refusals, _ = await client.sendmail(sender, to, mail)
    except aiosmtplib.SMTPRecipientsRefused as exc:
        return _sorted(to, {one.recipient: (one.code, one.message) for one in exc.recipients})
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
        return Delivery(later=dict.fromkeys(to, _reason(exc)))
    return _sorted(to, {who: (answer.code, answer.message) for who, answer in refusals.items()})


def _sorted(to: Sequence[str], refusals: dict[str, tuple[int, str]]) -> Delivery:
    said = {who: clip(f"{code} {words}", _SAID) for who, (code, words) in refusals.items()}
    gone = {who for who, (code, words) in refusals.items() if is_final(code, words)}
    return Delivery(
        taken=tuple(who for who in to if who not in refusals),
        refused={who: words for who, words in said.items() if who in gone},
        later={who: words for who, words in said.items() if who not in gone},
    )


def is_final(code: int, words: str) -> bool:
    """Tell whether a refusal is of the address itself: a policy or a missing log-in may be put right."""
    enhanced = _ENHANCED.match(words.strip())
    return code >= 500 and (enhanced is None or enhanced[2] == _ADDRESS_STATUS)


async def _part(client: aiosmtplib.SMTP) -> None:
    """Say good-bye, and let go whatever the answer is: a server that is slow to close holds up no exit."""
    transport = client.transport
    try:
        if client.is_connected:
            await client.quit()
    except (aiosmtplib.SMTPException, OSError):
        client.close()
    if isinstance(transport, asyncio.WriteTransport):
        transport.abort()
    await asyncio.sleep(0)  # the loop closes what was let go


def _reason(exc: BaseException) -> str:
    """Say why in few words; of a server's answer its words, which never hold what was sent to it."""
    if isinstance(exc, aiosmtplib.SMTPResponseException):
        return clip(f"{exc.code} {exc.message}", _SAID)
    cause = exc.__cause__ if isinstance(exc.__cause__, OSError) else exc
    if isinstance(cause, ssl.SSLCertVerificationError):
        return clip(f"its certificate is not trusted: {cause.verify_message}", _SAID)
    words = getattr(cause, "strerror", None) or str(cause)
    return clip(words, _SAID) or type(cause).__name__
