"""What fuzzing begins with: sound messages, a few of each kind."""

from __future__ import annotations

from collections.abc import Mapping

from tests.fuzz.targets import QUERY

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n"
OPEN = b'<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" from="probe.test"/>'
FEATURES = b'<features xmlns="http://etherx.jabber.org/streams"><x/></features>'
ADDRESS = bytes.fromhex("c00c 0001 0001 0000003c 0004 c0000201")
CERTIFICATE = bytes.fromhex(
    "3081f830819fa003020102020107300a06082a8648ce3d040302300c310a3008060355040a0c0158301e170d3236303130313030303030305a"
    "170d3336303130313030303030305a300c310a3008060355040a0c01583059301306072a8648ce3d020106082a8648ce3d03010703420004"
)

SEEDS: Mapping[str, tuple[bytes, ...]] = {
    "stun": (bytes.fromhex("010100082112a442") + bytes(12) + bytes.fromhex("80220003612e3100"),),
    "stun-stream": (b"\x40\x00\x00\x03odd\0", b"\x00\x01\x00\x00\x21\x12\xa4\x42" + bytes(12), b"HTTP/1.1"),
    "turn": (b"\0\x00\x09\x00\x08\0\0\x04\x01abcd", b"\xff\x00\x16\x00\x08\0\x01\0\0\0\0\0\0"),
    "login": (b"realmnonce", b"obMatJos2" * 2),
    "http": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", CHUNKED, b"HTTP/1.1 100 Continue\r\n\r\n"),
    "connect": (
        b"HTTP/1.1 200 OK\r\n\r\nmore",
        b'HTTP/1.1 407 no\r\nProxy-Authenticate: Basic realm="x"\r\n\r\n',
        b"HTTP/1.0 403 no\r\nX-Squid-Error: ERR_DNS_FAIL 0\r\n\r\npage",
    ),
    "socks": (b"\x05\0\x05\0\0\x01abcd\0\0more", b"\x05\x02\x01\0\x05\0\0\x03\x01a\0\0", b"\0\x5a\0\0abcdmore"),
    "challenges": (b'Digest realm="a\\"b", nonce=n, qop="auth", Basic realm=x, NTLM TlRM=',),
    "xml": (b"<a xmlns='b' c='d'>e<f/>&amp;&#65;</a>", b"<!DOCTYPE a><a/>", b"<?xml version='1.0' encoding='x'?><a/>"),
    "xmpp": (OPEN + b"\n" + FEATURES, OPEN.replace(b"open", b"close")),
    "dtls": (
        bytes.fromhex("16fefd0000000000000000000c 03000000000000000000 0000 fefd00"),
        b"\x01" + bytes(11) + b"\xfe\xfd",
    ),
    "dns": (QUERY.to_wire()[2:], bytes.fromhex("0001 0001 0000 0000") + QUERY.to_wire()[12:] + ADDRESS),
    "certificate": (CERTIFICATE,),
    "words": (b"Mon, 01 Jan 2020 00:00:00 GMT", b"https://else.example/x", b"\x1b[31m\xe2\x80\xae"),
    "proxy-url": (b"http://u:p@proxy.example:3128/", b"socks5://[::1]:1080", b"https://%41:%42@x"),
    "settings": (
        b"org.gnome.system.proxy mode 'manual'\n",
        b"[Proxy Settings]\nProxyType=1\n",
        b"http=a:1;https=b:2",
        b"nameserver 192.0.2.1\n",
        b"*.example,10.0.0.0/8,<local>",
    ),
    "pac": (b"PROXY a:1; SOCKS5 [::1]:2; DIRECT", b"HTTPS x:443;;QUIC y:1"),
    "report": (b'{"schema": "rainbow-probe/report/1", "tool": {"version": "1"}}',),
}
"""By the name of the target."""
