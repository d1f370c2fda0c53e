"""What a page has its browser fetch besides from the same host: scripts, styles and images. Bytes in, paths out."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import quote, urljoin, urlsplit

MOST = 8  # of one page; a hostile one must not choose how often we ask
LONGEST = 1024  # characters of a path
FETCHED = {"script": "src", "img": "src", "link": "href"}
"""By element, the attribute that says from where."""
UNRESERVED = "/%:@!$&'()*+,;=~?"  # what may stand in a request's target as it is, RFC 3986 sections 3.3 and 3.4


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if (value := dict(attrs).get(FETCHED.get(tag, ""))) and len(self.found) < LONGEST:
            self.found.append(value)


def assets(page: bytes, host: str, path: str = "/") -> list[str]:
    """Return the targets of what *page*, at *path* of *host*, has fetched from there; each once, a few at most."""
    reader = _Reader()
    reader.feed(page.decode("utf-8", "replace"))
    base = f"https://{host}{path}"
    found = (_target(base, value, host) for value in reader.found if len(value) < LONGEST)
    return list(dict.fromkeys(filter(None, found)))[:MOST]


def _target(base: str, value: str, host: str) -> str:
    try:
        parts = urlsplit(urljoin(base, value))
    except ValueError:  # an address that is none
        return ""
    query = f"?{quote(parts.query, UNRESERVED)}" if parts.query else ""
    here = parts.scheme == "https" and parts.netloc == host
    return f"{quote(parts.path or '/', UNRESERVED)}{query}" if here else ""
