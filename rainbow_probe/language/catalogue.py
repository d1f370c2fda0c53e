"""Catalogues of messages as translators keep them: gettext's PO files, read as they are.

The form is that of "The Format of PO Files" in gettext's manual; of it comments, ``msgid`` and ``msgstr`` are used.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

HERE = Path(__file__).parent
HEADER = """\
msgid ""
msgstr ""
"Language: {code}\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"""


def catalogues() -> dict[str, Path]:
    """Return the catalogues that ship with the probe, by the code of their language."""
    return {path.stem: path for path in sorted(HERE.glob("*.po"))}


def read(path: Path) -> dict[str, str]:
    """Return the messages of *path* that are translated, English to translation."""
    entries: list[dict[str, str]] = []
    key = ""
    for line in path.read_text("utf-8").splitlines():
        word, _, rest = line.partition('"')
        if word == "msgid ":
            entries.append({})
        if word in {"msgid ", "msgstr "}:
            key = word.strip()
        if word in {"msgid ", "msgstr ", ""} and rest:
            entries[-1][key] = entries[-1].get(key, "") + str(ast.literal_eval(f'"{rest}'))
    return {entry["msgid"]: entry["msgstr"] for entry in entries if entry["msgid"] and entry["msgstr"]}


def written(code: str, messages: Mapping[str, str], known: Mapping[str, str]) -> str:
    """Return the catalogue of *messages*, each with its place, with the translations that are *known*."""
    entries = [
        f'#: {place}\nmsgid "{_quoted(text)}"\nmsgstr "{_quoted(known.get(text, ""))}"\n'
        for text, place in messages.items()
    ]
    return "\n".join([HEADER.format(code=code), *entries])


def missing(messages: Iterable[str], known: Mapping[str, str]) -> list[str]:
    """Return the *messages* that have no translation."""
    return [text for text in messages if text not in known]


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
