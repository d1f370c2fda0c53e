"""This user's Kerberos ticket, by the system's own GSSAPI library, as browsers on Linux use it (RFC 2744, RFC 4559).

The library is loaded when a proxy asks for Negotiate, never before, and nothing has to be installed with the probe.
"""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from rainbow_probe.net.mechanism import UnableError

LIBRARIES = ("libgssapi_krb5.so.2", "libgssapi.so.3")  # MIT's, then Heimdal's
HOST_BASED_SERVICE = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x01\x04"  # 1.2.840.113554.1.2.1.4, RFC 2744 section 4
KERBEROS = b"\x2a\x86\x48\x86\xf7\x12\x01\x02\x02"  # 1.2.840.113554.1.2.2, RFC 4121
SPNEGO = b"\x2b\x06\x01\x05\x05\x02"  # 1.3.6.1.5.5.2, RFC 4178
FAILED = 0xFFFF0000  # routine and calling errors of a major status, RFC 2744 section 3.9.1
GSS_CODE, MECH_CODE = 1, 2
MOST_MESSAGES = 4


class _Buffer(ctypes.Structure):
    _fields_ = (("length", ctypes.c_size_t), ("value", ctypes.c_void_p))


class _Oid(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint32), ("elements", ctypes.c_void_p))


class Context:
    """One exchange with the service *name* (``HTTP@proxy.example``), in the name of whoever runs this."""

    def __init__(self, name: str, mechanism: bytes = SPNEGO) -> None:
        """Find the library. Raises ``UnableError`` if there is none."""
        self._service = name
        self._context = ctypes.c_void_p()
        self._name = ctypes.c_void_p()
        self._library = _library()
        self._keep: list[object] = []
        self._mechanism = self._oid(mechanism)
        self._negotiates = mechanism == SPNEGO
        minor = ctypes.c_uint32()
        major = self._library.gss_import_name(
            ctypes.byref(minor),
            ctypes.byref(self._buffer(name.encode())),
            ctypes.byref(self._oid(HOST_BASED_SERVICE)),
            ctypes.byref(self._name),
        )
        self._check(major, minor.value)

    def step(self, token: bytes) -> bytes:
        """Return what to send next, after *token* (empty at the start). It may ask the Kerberos server: it blocks."""
        minor, given = ctypes.c_uint32(), _Buffer()
        major = self._library.gss_init_sec_context(
            ctypes.byref(minor), None, ctypes.byref(self._context), self._name, ctypes.byref(self._mechanism),
            ctypes.c_uint32(0), ctypes.c_uint32(0), None, ctypes.byref(self._buffer(token)) if token else None,
            None, ctypes.byref(given), None, None,
        )  # fmt: skip
        answer = self._taken(given)
        if major & FAILED and self._negotiates and not token:
            Context(self._service, KERBEROS).step(b"")  # its reason says more than "no mechanism"
        self._check(major, minor.value)
        return answer

    def __del__(self) -> None:
        minor = ctypes.c_uint32()
        if self._context.value:
            self._library.gss_delete_sec_context(ctypes.byref(minor), ctypes.byref(self._context), None)
        if self._name.value:
            self._library.gss_release_name(ctypes.byref(minor), ctypes.byref(self._name))

    def _buffer(self, data: bytes) -> _Buffer:
        text = ctypes.create_string_buffer(data, len(data))
        self._keep.append(text)  # the library reads it as long as this lives
        return _Buffer(length=len(data), value=ctypes.addressof(text))

    def _oid(self, elements: bytes) -> _Oid:
        text = ctypes.create_string_buffer(elements, len(elements))
        self._keep.append(text)
        return _Oid(length=len(elements), elements=ctypes.addressof(text))

    def _taken(self, buffer: _Buffer) -> bytes:
        data = ctypes.string_at(buffer.value, buffer.length) if buffer.value else b""
        self._library.gss_release_buffer(ctypes.byref(ctypes.c_uint32()), ctypes.byref(buffer))
        return data

    def _check(self, major: int, minor: int) -> None:
        if major & FAILED:
            told = self._messages(minor, MECH_CODE) or self._messages(major, GSS_CODE)
            raise UnableError(told or f"GSSAPI status {major:#x}, {minor}")

    def _messages(self, status: int, kind: int) -> str:
        found: list[str] = []
        more, minor = ctypes.c_uint32(1), ctypes.c_uint32()
        after = ctypes.c_uint32(0)
        while more.value and len(found) < MOST_MESSAGES:
            text = _Buffer()
            major = self._library.gss_display_status(
                ctypes.byref(minor), ctypes.c_uint32(status), ctypes.c_int(kind), ctypes.byref(self._mechanism),
                ctypes.byref(after), ctypes.byref(text),
            )  # fmt: skip
            found.append(self._taken(text).decode("utf-8", "replace"))
            more = after if not major & FAILED else ctypes.c_uint32(0)
        return ", ".join(dict.fromkeys(filter(None, (text.rstrip("\0") for text in found))))


def _library() -> Any:  # noqa: ANN401 - ctypes knows no types of a library's functions
    if sys.platform != "linux":  # elsewhere the structures are laid out in other ways
        raise UnableError("this system's own Kerberos is not used: install rainbow-probe[kerberos]")
    for name in LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        for function in ("import_name", "init_sec_context", "delete_sec_context", "display_status"):
            getattr(library, f"gss_{function}").restype = ctypes.c_uint32
        return library
    raise UnableError("no Kerberos library is installed (libgssapi-krb5-2)")
