"""Get the text of a PAC file from where the settings say it is: bounded in size and time, and never through a proxy."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import SplitResult, unquote_to_bytes, urljoin, urlsplit

from rainbow_probe.evidence import Recorder, StepError
from rainbow_probe.model import Endpoint, Flow, Transport
from rainbow_probe.net.http import authority, fetch
from rainbow_probe.net.paths import HTTP1, Hop, open_stream, resolve
from rainbow_probe.net.route import Route
from rainbow_probe.protocols.http import Client, Exchange

LARGEST = 1 << 20  # bytes, as in Chromium
REDIRECTS = 5
MOVED = frozenset({301, 302, 303, 307, 308})
PORTS = {"http": 80, "https": 443}
SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # at least two letters: C: is a drive


class PacError(Exception):
    """The file cannot be had, or is none; the message says why and holds no secret."""


def place_of(url: str) -> Endpoint:
    """Return the host that *url* is fetched from; for what is on this machine, this machine."""
    parts = _split(url)
    if parts is None or parts.scheme not in PORTS:
        return Endpoint(host="localhost", port=0)
    return Endpoint(host=parts.hostname or "", port=parts.port or PORTS[parts.scheme])


def is_remote(url: str) -> bool:
    """Tell whether the network is needed to get at *url*."""
    return bool(re.match("https?:", url, re.IGNORECASE))


def local_text(url: str) -> str:
    """Return the text of a ``data:`` or ``file:`` URL, or of a path. Raises ``PacError``."""
    if url.lower().startswith("data:"):
        return decoded(_data(url), "")
    path = _named_by(url) if url.lower().startswith("file:") else url
    if SCHEME.match(path):
        raise PacError("its scheme is none of http, https, file and data")
    try:
        with Path(path).open("rb") as file:
            return decoded(file.read(LARGEST + 1), "")
    except (OSError, ValueError) as exc:
        raise PacError(getattr(exc, "strerror", None) or "not the name of a file") from exc


def _named_by(url: str) -> str:
    from urllib.request import url2pathname  # it brings all of HTTP along

    return url2pathname(urlsplit(url).path)


def _data(url: str) -> bytes:
    head, comma, body = url.partition(",")
    if not comma:
        raise PacError("a data: URL without a comma")
    text = unquote_to_bytes(body)
    try:
        return base64.b64decode(text) if head.lower().endswith(";base64") else text
    except binascii.Error as exc:
        raise PacError("a data: URL that is no base64") from exc


async def remote_text(url: str, flow: Flow, route: Route, rec: Recorder) -> str:
    """Fetch *url*, following redirects. Raises ``StepError`` where a step failed, ``PacError`` for a wrong answer."""
    answer = await _get(url, flow, route, rec)
    for _ in range(REDIRECTS):
        where = answer.headers.get("location", "")
        if answer.status not in MOVED or not where:
            break
        url = _onward(url, where)
        if not is_remote(url):
            raise PacError("a redirect to something that is not fetched by HTTP")
        answer = await _get(url, flow, route, rec)
    if answer.status != 200:
        raise PacError(f"{answer.status} {answer.reason}".rstrip())
    if answer.truncated:
        raise PacError(f"it is larger than {LARGEST >> 20} MiB")
    return decoded(answer.body, answer.headers.get("content-type", ""))


async def _get(url: str, flow: Flow, route: Route, rec: Recorder) -> Exchange:
    """Ask one address after the other, as a client that takes the first one that works."""
    parts = _split(url)
    if parts is None or not parts.hostname:
        raise PacError("not the address of a file")
    transport = Transport.TLS if parts.scheme == "https" else Transport.TCP
    here = replace(flow, target=place_of(url), transport=transport)
    last: StepError | None = None
    for address in await resolve(here.target, route, rec):
        rec.restart_budget()
        try:
            return await _ask(Hop(address=address, authority=here.target), _path(parts), here, route, rec)
        except StepError as exc:
            last = exc
    raise last or PacError("its host has no address")


async def _ask(hop: Hop, path: str, flow: Flow, route: Route, rec: Recorder) -> Exchange:
    async with open_stream(hop, flow, route, rec, alpn=HTTP1) as stream:
        client = Client(authority(flow.target), LARGEST)
        return await fetch(client, stream, path, rec, limit=route.limits.exchange)


def _onward(url: str, where: str) -> str:
    try:
        return urljoin(url, where)
    except ValueError as exc:
        raise PacError("a redirect to something that is no URL") from exc


def _path(parts: SplitResult) -> str:
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return "".join(c if "!" <= c <= "~" else f"%{ord(c):02X}" for c in path.encode().decode("latin-1"))


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url.strip())
        return parts if parts.port is None or parts.port else None
    except ValueError:
        return None


def decoded(data: bytes, content_type: str) -> str:
    """Return *data* as text: by its mark, by the charset of *content_type*, else as Latin-1, as Chromium does it.

    Raises ``PacError`` for more than ``LARGEST`` bytes.
    """
    if len(data) > LARGEST:
        raise PacError(f"it is larger than {LARGEST >> 20} MiB")
    marks = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
    marked = next((name for mark, name in marks if data.startswith(mark)), "")
    named = re.search(r"charset=\"?([\w.:-]+)", content_type, re.IGNORECASE)
    try:
        return data.decode(marked or (named[1] if named else "latin-1"), "replace")
    except (LookupError, UnicodeError):  # some codecs have no way to replace what they cannot read
        return data.decode("latin-1")
