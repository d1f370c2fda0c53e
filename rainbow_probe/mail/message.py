"""A mail of several parts (RFC 2046): text, the same as HTML, and the report attached."""

from __future__ import annotations

import gzip
import hashlib
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid

from rainbow_probe import __version__
from rainbow_probe.history.keeping import Occasion
from rainbow_probe.mail.as_html import html_of
from rainbow_probe.mail.as_text import text_of
from rainbow_probe.mail.content import content_of
from rainbow_probe.mail.settings import MailSettings
from rainbow_probe.report import as_html, as_json
from rainbow_probe.report.wording import clip

LONGEST = 120  # characters of a subject
LARGE = 2 * 2**20  # bytes; beyond it an attachment is compressed, as many servers refuse mails above 10 MB


def message_of(occasion: Occasion, settings: MailSettings) -> EmailMessage:
    """Return the mail, ready to be sent; its identity stays the same however often that is tried."""
    language = settings.language
    content = content_of(occasion, language)
    mail = _headed(content.subject, occasion.site, settings)
    mail.set_content(text_of(content, language))
    mail.add_alternative(html_of(content, language), subtype="html")
    _attach(mail, as_html.dumps(occasion.report, language, past=occasion.past), "text", "html", "report.html")
    _attach(mail, as_json.dumps(occasion.report), "application", "json", "report.json")
    mail["Content-Language"] = language.code  # after the content, which takes away what was said of another
    return mail


def trial(site: str, settings: MailSettings) -> EmailMessage:
    """Return a mail that only shows that mails of *site* arrive."""
    say = settings.language.say
    mail = _headed(clip(say("Test: Rainbow at {site}", site=site), LONGEST), site, settings)
    told = (
        say("This is a test of the mail settings of {site}: mails of Rainbow Probe arrive.", site=clip(site, LONGEST)),
        say("Sent by {sender} over {server}.", sender=settings.sender, server=settings.server),
    )
    mail.set_content("\n".join(told) + "\n")
    mail["Content-Language"] = settings.language.code
    return mail


def _headed(subject: str, site: str, settings: MailSettings) -> EmailMessage:
    domain = settings.sender.rpartition("@")[2]
    mail = EmailMessage(policy=SMTP)
    mail["Subject"] = subject
    mail["From"] = f"Rainbow Probe <{settings.sender}>"
    mail["To"] = ", ".join(settings.to)
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = make_msgid(domain=domain)
    mail["References"] = f"<{_thread(site)}@{domain}>"  # mail programs show the mails of a site together
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no answer from an absent recipient's robot
    mail["User-Agent"] = f"rainbow-probe/{__version__}"
    return mail


def _thread(site: str) -> str:
    return f"site-{hashlib.sha256(site.encode('utf-8', 'replace')).hexdigest()[:16]}"


def _attach(mail: EmailMessage, text: str, main: str, sub: str, name: str) -> None:
    data = text.encode("utf-8", "replace")
    if len(data) > LARGE:
        data, main, sub, name = gzip.compress(data), "application", "gzip", f"{name}.gz"
    mail.add_attachment(data, maintype=main, subtype=sub, filename=name)
