"""Whom to trust, what counts as public, and what a certificate says."""

from __future__ import annotations

import ssl
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from rainbow_probe.demo.loopback import loopback
from rainbow_probe.model import Cause, Outcome, Phase
from rainbow_probe.net import certificates
from rainbow_probe.net.trust import Trust, TrustError
from tests.servers import CORPORATE, NAME, PUBLIC, a_flow, a_route, authority, broke, facts, mute, pem, probe, shows

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
NOW = datetime.now(UTC)


def named(organization: str) -> x509.Name:
    """Give a name with an organization and nothing else."""
    return x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, organization)])


def issued(subject: str, key: Key, issuer: str, by: Key, *names: str) -> x509.Certificate:
    """Let *issuer* sign for *subject*: an authority, unless host *names* are given."""
    builder = x509.CertificateBuilder(
        issuer_name=named(issuer),
        subject_name=named(subject),
        public_key=key.public_key(),
        serial_number=x509.random_serial_number(),
        not_valid_before=NOW - timedelta(days=1),
        not_valid_after=NOW + timedelta(days=30),
    ).add_extension(x509.BasicConstraints(ca=not names, path_length=None), critical=True)
    if names:
        alternative = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
        builder = builder.add_extension(alternative, critical=False)
    return builder.sign(by, hashes.SHA256())


def in_pem(*chain: x509.Certificate) -> bytes:
    """Give certificates in PEM."""
    return b"".join(certificate.public_bytes(Encoding.PEM) for certificate in chain)


def in_der(*chain: x509.Certificate) -> list[bytes]:
    """Give certificates in DER."""
    return [certificate.public_bytes(Encoding.DER) for certificate in chain]


class Crossed:
    """A public authority that an older one, known to this machine only, has signed too, as happens in the world."""

    def __init__(self, folder: Path) -> None:
        """Make the keys and the four certificates."""
        self.old_key, self.new_key, self.leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
        self.old = issued("Old Root", self.old_key, "Old Root", self.old_key)
        self.new = issued("New Root", self.new_key, "New Root", self.new_key)
        self.cross = issued("New Root", self.new_key, "Old Root", self.old_key)
        self.leaf = issued("Site", self.leaf_key, "New Root", self.new_key, NAME)
        self.public = folder / "public.pem"
        self.public.write_bytes(in_pem(self.new))

    def server(self, folder: Path) -> ssl.SSLContext:
        """Show the leaf and the cross-signed certificate, as such sites do."""
        key = self.leaf_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file = folder / "server.pem"
        file.write_bytes(key + in_pem(self.leaf, self.cross))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context


async def test_a_cross_signed_root_is_public_on_the_wire(tmp_path: Path) -> None:
    """The chain shown leads to a root of this machine, and yet nobody has stepped in."""
    crossed = Crossed(tmp_path)
    trust = Trust(public_ca=[str(crossed.public)], machine_roots=[in_pem(crossed.old)])
    async with loopback() as place:
        port = await place.tcp(mute, crossed.server(tmp_path))
        result = await probe(a_flow("push", port), replace(a_route(), trust=trust))
    assert result.verdict.outcome is Outcome.PASS
    assert facts(result, Phase.TLS)["public"] is True
    assert str(facts(result, Phase.TLS)["chain"]).endswith("O=Old Root")


def test_a_cross_signed_root_is_public_by_its_key(tmp_path: Path) -> None:
    """The same name and key count, whoever signed them; the same name alone does not."""
    crossed = Crossed(tmp_path)
    trust = Trust(public_ca=[str(crossed.public)])
    assert trust.is_public(in_der(crossed.leaf, crossed.cross, crossed.old))
    assert trust.is_public(in_der(crossed.new))
    other = ec.generate_private_key(ec.SECP256R1())
    pretender = issued("New Root", other, "Old Root", crossed.old_key)
    assert not trust.is_public(in_der(crossed.leaf, pretender, crossed.old))
    assert not trust.is_public(in_der(crossed.leaf, crossed.old))
    assert not trust.is_public([])


def test_a_leaf_is_no_authority() -> None:
    """A certificate does not become public by having a public one's name below it."""
    begin = "-----BEGIN CERTIFICATE-----"
    root = ssl.PEM_cert_to_DER_cert(begin + Path(certifi.where()).read_text("ascii").rpartition(begin)[2])
    assert a_route().trust.is_public([b"leaf", root])
    assert not a_route().trust.is_public([root, b"issuer"])


async def test_a_file_of_the_users_is_trusted_and_not_public(tmp_path: Path) -> None:
    """--ca-file adds to what this machine trusts; a chain to it is an inspection where a public one is due."""
    trust = Trust(ca_files=[pem(tmp_path, CORPORATE)])
    trust.prepare()
    async with loopback() as place:
        port = await place.tcp(mute, shows(CORPORATE))
        result = await probe(a_flow("push", port), replace(a_route(), trust=trust))
    assert broke(result) == (Phase.TLS, Cause.TLS_INTERCEPTED)


async def test_a_file_of_public_roots_counts_as_the_worlds(tmp_path: Path) -> None:
    """--public-ca satisfies every policy; more than one root may be in it, and words between them."""
    trust = Trust(public_ca=[annotated(Path(pem(tmp_path, CORPORATE, PUBLIC)))])
    async with loopback() as place:
        port = await place.tcp(mute, shows(CORPORATE))
        result = await probe(a_flow("push", port), replace(a_route(), trust=trust))
    assert facts(result, Phase.TLS)["public"] is True


def annotated(file: Path) -> str:
    """Put words before and behind what *file* holds, as people do."""
    file.write_text("# Our test cloud, café edition\n" + file.read_text("ascii") + "trailing words\n", "utf-8")
    return str(file)


KEY_ONLY = "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49AgEGCCqGSM49\n-----END PRIVATE KEY-----\n"
BROKEN = "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n"
HOLLOW = ["", "\x00\xff\n", KEY_ONLY, BROKEN.format("AAAA"), BROKEN.format("not base64!"), BROKEN.format("")[:30]]


@pytest.mark.parametrize("content", HOLLOW)
@pytest.mark.parametrize("kind", ["ca", "public"])
def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path, content: str, kind: str) -> None:
    """At once, by its name, and with what is wanted."""
    file = tmp_path / "roots.pem"
    file.write_bytes(content.encode("latin-1"))
    with pytest.raises(TrustError, match=r"roots\.pem: .*; a file of PEM certificates is wanted") as caught:
        Trust(ca_files=[str(file)]) if kind == "ca" else Trust(public_ca=[str(file)])
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Nor is a folder a file."""
    with pytest.raises(TrustError, match="No such file"):
        Trust(ca_files=[str(tmp_path / "none.pem")])
    with pytest.raises(TrustError, match="directory"):
        Trust(public_ca=[str(tmp_path)])


def test_a_root_of_the_machine_that_cannot_be_read_is_left_out() -> None:
    """One odd entry in a system's store must not end the run."""
    good = authority(CORPORATE).cert_pem.bytes()
    trust = Trust(machine_roots=[BROKEN.format("AAAA").encode(), good, b"\xff\xfe"])
    trust.prepare()
    assert any(CORPORATE in str(found["subject"]) for found in trust.strict.get_ca_certs())


# What a certificate says.


def test_what_is_no_certificate_says_so() -> None:
    """Bytes from the network may be anything."""
    assert certificates.describe([b"junk"])["certificate"] == "unreadable: ValueError"
    assert certificates.describe([]) == {"certificate": "unreadable: IndexError"}
    assert certificates.identity(b"junk") is None
    assert certificates.validity(b"junk") is None
    assert not certificates.from_apple([b"junk"])


@pytest.mark.parametrize("place", [0, 1, 2])
def test_one_that_cannot_be_read_hides_no_other(place: int) -> None:
    """The facts of the rest are the evidence: who issued the leaf, and who is above."""
    key = ec.generate_private_key(ec.SECP256R1())
    chain = [*in_der(issued("Someone", key, "Apple Sub", key)), *in_der(issued("Apple Sub", key, "Apple Inc.", key))]
    chain.insert(place, b"junk")
    told = certificates.describe(chain)
    links = ["O=Someone", "O=Apple Sub", "O=Apple Inc."]
    links[place : place + (place == 2)] = ["(unreadable: ValueError)"]
    assert told["chain"] == " < ".join(links)
    assert ("issuer" in told) is (place > 0)
    assert certificates.from_apple(chain)


def test_a_certificate_without_names_is_described() -> None:
    """The alternative names are optional (RFC 5280, section 4.2.1.6)."""
    key = ec.generate_private_key(ec.SECP256R1())
    told = certificates.describe(in_der(issued("Someone", key, "Somebody", key)))
    assert (told["subject"], told["issuer"], told["san"]) == ("O=Someone", "O=Somebody", "")
    assert told["chain"] == "O=Someone < O=Somebody"


def test_only_so_many_names_are_listed() -> None:
    """A certificate for a thousand names does not fill the report."""
    key = ec.generate_private_key(ec.SECP256R1())
    names = [f"host{n}.test" for n in range(100)]
    told = certificates.describe(in_der(issued("Many", key, "Many", key, *names)))
    assert str(told["san"]).split() == names[: certificates.MOST_NAMES]


@pytest.mark.parametrize(
    ("issuer", "apple"), [("Apple Inc.", True), ("Apple Computer", True), ("Pineapple", False), ("Corp", False)]
)
def test_apple_is_known_by_its_organization(issuer: str, apple: bool) -> None:
    """Of the issuer, not of the subject, which the holder chooses."""
    key = ec.generate_private_key(ec.SECP256R1())
    assert certificates.from_apple(in_der(issued("Apple Inc.", key, issuer, key))) is apple
