"""Passwords by reference: the file says where one is kept, and never what it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rainbow_probe.options import UsageError, read_secret

KINDS = ("env", "file", "keyring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """Where a secret is kept: exactly one of a variable, a file or a service of the keyring."""

    where: str
    """What names it in messages: the site file and the key."""
    env: str = ""
    file: str = ""
    """A path; what is relative is meant from the site file's folder."""
    keyring: str = ""
    user: str = ""
    """Whose secret of the *keyring*."""

    def __str__(self) -> str:
        if self.keyring:
            return f"keyring {self.keyring}, user {self.user}"
        return f"variable {self.env}" if self.env else f"file {self.file}"


def reference(value: object, where: str, folder: Path) -> Reference | None:
    """Read a reference as TOML has it; None if it is none. It never repeats *value*, which may be a password."""
    if not isinstance(value, dict):
        return None
    table = {str(key): text for key, text in value.items() if isinstance(text, str) and text}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - checked here
    kinds = [kind for kind in KINDS if kind in table]
    allowed = {*kinds, "user"} if kinds == ["keyring"] else {*kinds}
    if len(kinds) != 1 or {str(key) for key in value} != allowed:  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] - only compared
        return None
    file = str(folder / table["file"]) if "file" in table else ""
    names = {name: table.get(name, "") for name in ("env", "keyring", "user")}
    return Reference(where=where, file=file, **names)


def looked_up(kept: Reference, environ: Mapping[str, str]) -> str | None:
    """Return the secret; None where a variable is not set or the keyring has none.

    Raises ``UsageError`` where a file cannot be read, or no keyring can be asked.
    """
    if kept.file:
        return read_secret(kept.file, kept.where)
    if kept.env:
        return environ.get(kept.env) or None
    return _from_keyring(kept)


def resolved(kept: Reference, environ: Mapping[str, str]) -> str:
    """Return the secret. Raises ``UsageError`` where there is none."""
    if found := looked_up(kept, environ):
        return found
    raise UsageError(f"{kept.where}: nothing is kept there: {kept}")


def _from_keyring(kept: Reference) -> str | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError as exc:
        raise UsageError(f"{kept.where}: the keyring needs the extra: pip install 'rainbow-probe[keyring]'") from exc
    try:
        return keyring.get_password(kept.keyring, kept.user)
    except KeyringError as exc:  # its words may name what it asked for, and never the secret
        raise UsageError(f"{kept.where}: the keyring cannot be asked ({type(exc).__name__})") from exc
