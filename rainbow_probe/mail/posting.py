"""Sends what waits, and says what could not be sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass

from rainbow_probe.history.keeping import Occasion
from rainbow_probe.history.store import Store
from rainbow_probe.mail.message import message_of
from rainbow_probe.mail.sending import Delivery, Unreachable, connected, deliver
from rainbow_probe.mail.settings import MailSettings
from rainbow_probe.mail.spool import OLDEST, Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """How the sending went."""

    troubles: tuple[str, ...] = ()
    """Whatever somebody was not told, one line each; nothing if all is sent."""


def post(store: Store, settings: MailSettings, series: str, occasion: Occasion | None) -> Posted:
    """Write down the mail of this *occasion*, if there is one, and send everything of *series* that waits."""
    spool = Spool(store)
    if occasion is not None:
        spool.put(series, settings.sender, settings.to, message_of(occasion, settings).as_bytes())
    stale = spool.drop_stale(series)
    lost = (
        [f"{stale} mails that waited are given up: older than {OLDEST / 86400:.0f} days, or too many"] if stale else []
    )
    return Posted(troubles=(*lost, *asyncio.run(_send(spool, settings, series))))


def post_at_once(settings: MailSettings, occasion: Occasion) -> Posted:
    """Send the mail of this *occasion* where nothing can be written down: now or never."""
    return send_at_once(settings, message_of(occasion, settings).as_bytes())


def send_at_once(settings: MailSettings, body: bytes) -> Posted:
    """Send a mail to everybody now or never."""

    async def send() -> list[str]:
        try:
            async with connected(settings) as client:
                delivery = await deliver(client, settings.sender, settings.to, body)
        except Unreachable as exc:
            delivery = Delivery(refused=dict.fromkeys(settings.to, str(exc)))
        return list(_told(Delivery(refused={**delivery.refused, **delivery.later})))

    return Posted(troubles=tuple(asyncio.run(send())))


async def _send(spool: Spool, settings: MailSettings, series: str) -> list[str]:
    if not spool.waiting(series):
        return []
    try:
        async with connected(settings) as client:
            last, troubles = 0, list[str]()
            while mail := spool.claim(series, last):
                last = mail.id
                delivery = await deliver(client, mail.sender, mail.to, mail.body)
                spool.settle(mail, delivery)
                troubles += _told(delivery)
    except Unreachable as exc:
        return [f"{spool.waiting(series)} mails wait for the next run: {exc}"]
    return troubles


def _told(delivery: Delivery) -> Iterator[str]:
    for who, why in delivery.refused.items():
        yield f"the mail to {who} is refused for good: {why}"
    for who, why in delivery.later.items():
        yield f"the mail to {who} waits for the next run: {why}"
