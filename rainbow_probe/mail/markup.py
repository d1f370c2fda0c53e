"""HTML elements out of text that is escaped unless it is an element itself: nothing foreign can become markup."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape

from rainbow_probe.report.wording import plain

_VOID = frozenset({"meta"})  # elements that have no end (HTML, section 13.1.2)


@dataclass(frozen=True, slots=True)
class Html:
    """Text that is HTML already; made by ``element`` and by constants of ours only."""

    text: str


def element(name: str, /, *children: Html | str, **attributes: str) -> Html:
    """Return ``<name>`` around *children*; an underscore at an attribute's end is left out, so ``class_`` works."""
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{escape(plain(value))}"' for key, value in attributes.items() if value
    )
    if name in _VOID:
        return Html(f"<{name}{written}>")
    return Html(f"<{name}{written}>{join(children).text}</{name}>")


def join(children: tuple[Html | str, ...] | list[Html]) -> Html:
    """Return *children* one after the other, strings among them escaped."""
    return Html("".join(child.text if isinstance(child, Html) else escape(plain(child)) for child in children))
