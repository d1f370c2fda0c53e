"""A site file to begin with: every key, explained and commented out."""

from __future__ import annotations

from collections.abc import Iterator

from rainbow_probe.sitefile.schema import KEYS, SECTIONS, Key, Shape

HEAD = """\
# A site file for rainbow-probe: rainbow-probe run --site FILE.toml
# Take the # away in front of what you need; the command line wins over the file.
# Passwords never stand here. Write where they are kept instead:
#   { env = "VARIABLE" }, { file = "PATH" } (its first line; a relative path is meant from this file's folder), or
#   { keyring = "SERVICE", user = "NAME" } (the system's own store; needs: pip install 'rainbow-probe[keyring]')
# 'rainbow-probe site FILE.toml' tells whether the file is right.
"""


def example() -> str:
    """Return the example; it loads as it is, and with the keys uncommented (lines with # and no blank)."""
    return HEAD + "".join(f"\n{_section(section, about)}" for section, about in SECTIONS.items())


def _section(section: str, about: str) -> str:
    lines = [f"# {about}.", *([f"[{section}]"] if section else [])]
    return "\n".join([*lines, *(line for key in KEYS if key.section == section for line in _key(key))]) + "\n"


def _key(key: Key) -> Iterator[str]:
    yield f"# {key.about}"
    yield f"#{key.short} = {key.example}"


def table() -> str:
    """Return the keys as the tables of ``docs/site-file.md``."""
    return "\n".join(
        f"## {f'[{section}]' if section else 'At the top'}\n\n{about}.\n\n"
        "| key | value | what it is |\n|---|---|---|\n"
        + "".join(f"| `{key.short}` | {_value(key)} | {key.about} |\n" for key in KEYS if key.section == section)
        for section, about in SECTIONS.items()
    )


def _value(key: Key) -> str:
    words = "a reference" if key.shape is Shape.SECRET else str(key.shape)
    return f"{words}: `{key.example}`"
