"""Wrong guides: each fault is refused at load, with the file, the item, and what is allowed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from rainbow_probe.catalogue import CatalogueError, load
from tests.catalogue_samples import KINDS, Spot, at, clinic, put, remove, spots, write

GUIDE, ROWS = "guide.toml", "rows.toml"
FLOW = (GUIDE, "flow", 1)  # https-api
ROW = (ROWS, "row", 1)  # nurse/video
WAY = (*ROW, "way", 1)  # UDP/3478
NEED = (*WAY, "needs", 0)  # relay-udp


def complaint(folder: Path) -> str:
    """Give what the loader says of *folder*."""
    with pytest.raises(CatalogueError) as caught:
        load(folder, KINDS)
    return str(caught.value)


CHANGES: list[tuple[Spot, object, tuple[str, ...]]] = [
    # Unknown words: the message lists the known ones.
    (
        (*ROW, "colour"),
        "red",
        (ROWS, "row nurse/video", "unknown key 'colour'", "allowed: causes, demand, destination"),
    ),
    ((*WAY, "price"), "high", (ROWS, "row nurse/video", "way UDP/3478", "unknown key 'price'", "cost, name, needs")),
    ((*NEED, "most"), 3, (ROWS, "row nurse/video", "need relay-udp", "unknown key 'most'", "credentials, flow, least")),
    ((*FLOW, "prot"), 80, (GUIDE, "flow https-api", "unknown key 'prot'", "hosts, id, kind, params, port")),
    (
        (GUIDE, "hosts", "api", "cert"),
        "x",
        (GUIDE, "hosts.api", "unknown key 'cert'", "candidates, inspection_allowed"),
    ),
    (
        (GUIDE, "clients", "nurse", "name"),
        "x",
        (GUIDE, "clients.nurse", "unknown key 'name'", "same_as, section, title"),
    ),
    ((GUIDE, "groups", "site", "need"), "x", (GUIDE, "groups.site", "unknown key 'need'", "allowed: title")),
    ((GUIDE, "addresses", "range"), "x", (GUIDE, "addresses", "unknown key 'range'", "allowed: ranges")),
    ((GUIDE, "table"), [], (GUIDE, "unknown key 'table'", "clients, edition")),
    ((ROWS, "hosts"), {}, (ROWS, "unknown key 'hosts'", "allowed: flow, row")),
    (
        (*FLOW, "params", "expects"),
        "any",
        (GUIDE, "flow https-api: params", "unknown key 'expects'", "allowed: expect"),
    ),
    ((*FLOW, "kind"), "gopher", (GUIDE, "flow https-api", "kind: 'gopher'", "call, dns, download, https")),
    ((*FLOW, "hosts"), "apis", (GUIDE, "flow https-api", "hosts: 'apis'", "allowed: api, relay, wards")),
    ((*NEED, "flow"), "relay", (ROWS, "row nurse/video: way UDP/3478", "flow: 'relay'", "allowed: dns-api, https-api")),
    ((*ROW, "id"), "patient/video", (ROWS, "row patient/video", "id: 'patient'", "allowed: nurse, site")),
    ((*ROW, "id"), "doctor/video", (ROWS, "row doctor/video", "id: 'doctor'", "allowed: nurse, site")),
    ((ROWS, "row", 6, "sections"), ["A.9"], (ROWS, "row site/firewall", "sections: 'A.9'", "allowed: A.1, A.2, B")),
    ((ROWS, "row", 6, "sections"), ["C"], (ROWS, "row site/firewall", "sections: 'C'", "allowed: A.1, A.2, B")),
    ((GUIDE, "clients", "doctor", "same_as"), "porter", (GUIDE, "clients.doctor", "'porter'", "allowed: nurse")),
    ((GUIDE, "clients", "doctor", "same_as"), "doctor", (GUIDE, "clients.doctor", "'doctor'", "allowed: nurse")),
    # Closed enums.
    ((*ROW, "need"), "must", (ROWS, "row nurse/video", "need: 'must'", "allowed: mandatory, recommended, optional")),
    ((*FLOW, "transport"), "quic", (GUIDE, "flow https-api", "transport: 'quic'", "allowed: udp, tcp, tls")),
    ((*FLOW, "proxy"), "maybe", (GUIDE, "flow https-api", "proxy: 'maybe'", "allowed: yes, no, only")),
    ((*FLOW, "proxy"), True, (GUIDE, "flow https-api", "proxy: must be a string, not true or false")),
    ((*FLOW, "params", "expect"), "all", (GUIDE, "flow https-api: params", "'all'", "allowed: rainbow-api, any")),
    ((GUIDE, "hosts", "api", "issuer"), "me", (GUIDE, "hosts.api", "issuer: 'me'", "public, apple, operator")),
    (
        (ROWS, "row", 3, "causes"),
        ["tls-inspected"],
        (ROWS, "row site/inspection", "'tls-inspected'", "tls-intercepted"),
    ),
    # Twice.
    ((*ROW, "id"), "nurse/chat", (ROWS, "row nurse/chat", "id: is there already")),
    ((*FLOW, "id"), "dns-api", (GUIDE, "flow dns-api", "id: is there already")),
    ((*WAY, "name"), "UDP/50000-50999", (ROWS, "row nurse/video", "way: 'UDP/50000-50999' is there twice")),
    ((GUIDE, "addresses", "ranges"), ["192.0.2.0/24"] * 2, (GUIDE, "addresses", "'192.0.2.0/24' is there twice")),
    ((GUIDE, "groups", "nurse"), {"title": "x"}, (GUIDE, "groups: 'nurse' is a client already")),
    # Empty.
    ((*WAY, "needs"), [], (ROWS, "row nurse/video: way UDP/3478", "needs: an empty list")),
    ((*ROW, "way"), [], (ROWS, "row nurse/video", "way: an empty list")),
    ((*ROW, "notes"), [], (ROWS, "row nurse/video", "notes: an empty list")),
    ((*ROW, "title"), "  \n ", (ROWS, "row nurse/video", "title: an empty text")),
    ((*ROW, "title"), "\x1b[31mred", (ROWS, "row nurse/video", "title: a character that cannot be printed")),
    ((GUIDE, "groups", "rest"), {"title": "Rest"}, (GUIDE, "no row for rest")),
    # Bad numbers, ports, hosts, networks, words.
    ((*FLOW, "port"), 0, (GUIDE, "flow https-api", "port: 0 is not within 1 to 65535")),
    ((*FLOW, "port"), 65536, (GUIDE, "flow https-api", "port: 65536 is not within 1 to 65535")),
    ((*FLOW, "port"), True, (GUIDE, "flow https-api", "port: must be a whole number, not true or false")),
    ((*FLOW, "port"), "443", (GUIDE, "flow https-api", "port: must be a whole number, not a string")),
    ((*NEED, "least"), True, (ROWS, "need relay-udp", "least: must be a whole number, not true or false")),
    ((*NEED, "credentials"), 1, (ROWS, "need relay-udp", "credentials: must be true or false, not a whole number")),
    ((ROWS, "row", 0, "way", 0, "needs", 0, "least"), 3, (ROWS, "nurse/appointments", "least: 3 is not within 1 to 2")),
    ((GUIDE, "flow", 3, "source"), "40999-40000", (GUIDE, "flow relay-udp", "source: '40999-40000' is no port range")),
    ((GUIDE, "flow", 3, "source"), "0-9", (GUIDE, "flow relay-udp", "source: '0-9' is no port range", "1 to 65535")),
    ((GUIDE, "flow", 3, "source"), "٤-٩", (GUIDE, "flow relay-udp", "is no port range")),
    (
        (GUIDE, "flow", 5, "params", "last"),
        49999,
        (GUIDE, "flow relay-ports", "first = 50000 comes after last = 49999"),
    ),
    ((GUIDE, "flow", 2, "params", "path"), "chat", (GUIDE, "flow chat: params", "path: 'chat' is no path", "'/'")),
    ((GUIDE, "flow", 9, "params", "linux"), "all", (GUIDE, "flow own-ports: params", "linux: 'all' is no port range")),
    ((GUIDE, "flow", 8, "params", "expect_status"), 99, (GUIDE, "flow portal", "99 is not within 100 to 599")),
    ((GUIDE, "addresses", "ranges", 0), "198.51.100.1/25", (GUIDE, "addresses", "'198.51.100.1/25' is no network")),
    ((GUIDE, "addresses", "ranges", 0), "198.51.100.0", (GUIDE, "addresses", "is no network", "ADDRESS/LENGTH")),
    ((GUIDE, "hosts", "api", "names", 0), "*.clinic.example", (GUIDE, "hosts.api", "'*.clinic.example' is no host")),
    ((GUIDE, "hosts", "api", "names", 0), "api", (GUIDE, "hosts.api", "'api' is no host", "a whole name")),
    ((GUIDE, "hosts", "api", "names", 0), "10.0.0.256", (GUIDE, "hosts.api", "'10.0.0.256' is no host")),
    ((GUIDE, "hosts", "api", "names", 0), "https://a.example", (GUIDE, "hosts.api", "is no host")),
    ((GUIDE, "hosts", "Api"), {}, (GUIDE, "hosts: 'Api' is no id", "small letters and digits")),
    ((GUIDE, "id"), "../clinic", (GUIDE, "id: '../clinic' is no id")),
    ((*ROW, "id"), "nurse", (ROWS, "row nurse", "id: 'nurse' is no row id", "CLIENT/ROW")),
    ((*ROW, "id"), 7, (ROWS, "row number 2 (no id)", "id: must be a string, not a whole number")),
    ((GUIDE, "published"), "2024-02-29", (GUIDE, "published: must be a date (YYYY-MM-DD), not a string")),
    # Contradictions.
    ((GUIDE, "flow", 3, "proxy"), "yes", (GUIDE, "flow relay-udp", "proxy: UDP crosses no HTTP proxy; allowed: no")),
    ((GUIDE, "flow", 9, "port"), 80, (GUIDE, "flow own-ports", "port: a check of kind ports looks at this machine")),
    ((GUIDE, "flow", 9, "hosts"), "api", (GUIDE, "flow own-ports", "hosts: a check of kind ports looks at this")),
    ((GUIDE, "hosts", "relay", "turn"), False, (GUIDE, "hosts.relay", "names: missing", "turn = true")),
    ((GUIDE, "hosts", "api", "candidates"), ["a.example"], (GUIDE, "hosts.api", "candidates: only", "turn = true")),
    ((*ROW, "sections"), ["B"], (ROWS, "row nurse/video", "sections: a row is judged by way or by sections")),
    ((ROWS, "row", 5, "causes"), ["timeout"], (ROWS, "row site/beds", "causes: only a row that is judged by way")),
    ((*WAY, "needs", 1), {"flow": "relay-udp"}, (ROWS, "way UDP/3478", "needs: flow 'relay-udp' is there twice")),
    ((GUIDE, "clients", "nurse", "section"), "A.1", (GUIDE, "clients.nurse", "section: only a client with same_as")),
]


@pytest.mark.parametrize(("spot", "value", "words"), CHANGES)
def test_a_wrong_value_is_refused(tmp_path: Path, spot: Spot, value: object, words: tuple[str, ...]) -> None:
    """One wrong value in a good guide: the complaint has the file, the item, the key and what is allowed."""
    files = clinic()
    holder = at(files, spot[:-1])
    if isinstance(holder, list) and spot[-1] == len(holder):
        holder.append(None)
    put(files, spot, value)
    said = complaint(write(tmp_path, files))
    assert [word for word in (str(tmp_path), *words) if word not in said] == []


REQUIRED: list[tuple[Spot, tuple[str, ...]]] = [
    *(((GUIDE, key), (GUIDE, f"{key}: missing")) for key in ("id", "edition", "title", "published")),
    *(
        ((*FLOW, key), (GUIDE, "flow https-api", f"{key}: missing"))
        for key in ("kind", "hosts", "port", "transport", "proxy")
    ),
    *(((*ROW, key), (ROWS, "row nurse/video", f"{key}: missing")) for key in ("section", "title", "need")),
    ((*ROW, "id"), (ROWS, "row number 2 (no id)", "id: missing")),
    ((*FLOW, "id"), (GUIDE, "flow number 2 (no id)", "id: missing")),
    ((*WAY, "name"), (ROWS, "row nurse/video: way number 2 (no name)", "name: missing")),
    ((*WAY, "needs"), (ROWS, "row nurse/video: way UDP/3478", "needs: missing")),
    ((*WAY, "cost"), (ROWS, "row nurse/video: way UDP/3478", "cost: missing")),
    ((*NEED, "flow"), (ROWS, "way UDP/3478: need number 1 (no flow)", "flow: missing")),
    ((*FLOW, "params"), (GUIDE, "flow https-api: params", "expect: missing")),
    ((GUIDE, "flow", 2, "params", "path_known"), (GUIDE, "flow chat: params", "path_known: missing")),
    ((GUIDE, "hosts", "api", "purpose"), (GUIDE, "hosts.api", "purpose: missing")),
    ((GUIDE, "clients", "doctor", "title"), (GUIDE, "clients.doctor", "title: missing")),
    ((GUIDE, "clients", "doctor", "section"), (GUIDE, "clients.doctor", "section: missing")),
    ((ROWS, "row", 5, "not_tested"), (ROWS, "row site/beds", "judged by way or by sections, or says in not_tested")),
]


@pytest.mark.parametrize(("spot", "words"), REQUIRED)
def test_a_missing_value_is_refused(tmp_path: Path, spot: Spot, words: tuple[str, ...]) -> None:
    """What every item must have is asked for by name."""
    files = clinic()
    remove(files, spot)
    said = complaint(write(tmp_path, files))
    assert [word for word in words if word not in said] == []


WRONG: dict[type, tuple[object, ...]] = {
    str: (7, ["text"], " ", "\x00"),
    int: (True, "7", 1.5, -1, 70000),
    bool: (0, "true"),
    list: ("text", {}, [], [[]]),
    dict: ("text", []),
}
"""For each type a value may have, values that can never stand there."""


def _item(spot: Spot, files: dict[str, object]) -> str:
    """Give the id of the flow or row in which *spot* lies."""
    holder = at(files, spot[:3]) if spot[1:2] in {("flow",), ("row",)} and len(spot) > 2 else {}
    return str(holder.get("id", "")) if isinstance(holder, dict) and len(spot) > 3 and spot[3] != "id" else ""


@pytest.mark.parametrize(
    "spot", [spot for spot in spots(clinic()) if len(spot) > 1], ids=lambda spot: ".".join(map(str, spot))
)
def test_a_value_of_the_wrong_type_is_refused_everywhere(tmp_path: Path, spot: Spot) -> None:
    """At every single place of a good guide, and the complaint names the file and the flow or row."""
    right = type(at(clinic(), spot))
    for wrong in WRONG.get(right, ("2024-02-29", 7)):
        files = clinic()
        put(files, spot, wrong)
        said = complaint(write(tmp_path, files))
        assert re.search(rf"/({GUIDE}|{ROWS}): ", said), (wrong, said)
        assert _item(spot, files) in said, (wrong, said)


@pytest.mark.parametrize("spot", [spot for spot in spots(clinic()) if isinstance(at(clinic(), spot), dict)], ids=str)
def test_an_unknown_key_is_refused_everywhere(tmp_path: Path, spot: Spot) -> None:
    """In every table of a good guide."""
    files = clinic()
    put(files, (*spot, "zzz"), "x")
    said = complaint(write(tmp_path, files))
    assert "zzz" in said
    assert f"/{spot[0]}: " in said


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xff\xfe", "not UTF-8 at byte 0"),
        (b'title = "caf\xe9"', "not UTF-8 at byte 12"),
        (b"[[row]", "not TOML: "),
        (b"row = 1\nrow = 2", "not TOML: "),
        (b"n = " + b"1" * 5000, "not TOML: "),
        (b"n = " + b"[" * 5000, "not TOML: "),
        (b"d = 2021-02-30", "not TOML: "),
        (b"d = 10:00:00", "unknown key 'd'"),
        (b"row = [10:00:00]", "row number 1 (no id): must be a table, not a time"),
    ],
)
def test_a_file_that_is_no_toml_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    """Also where the TOML library itself trips."""
    said = complaint(write(tmp_path, clinic() | {"zoo.toml": content}))
    assert said.startswith(f"{tmp_path}/zoo.toml: ")
    assert words in said


def test_notepads_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    """One's own guide may have been written with Windows Notepad."""
    assert load(write(tmp_path, clinic() | {"zoo.toml": b"\xef\xbb\xbf# nothing"}), KINDS).id == "clinic-small"


def test_other_files_in_the_folder_are_left_alone(tmp_path: Path) -> None:
    """A guide may have a README beside it."""
    write(tmp_path, clinic())
    (tmp_path / "README.md").write_bytes(b"\xff")
    assert load(tmp_path, KINDS).id == "clinic-small"


@pytest.mark.parametrize("name", ["nowhere", "a\0b", "rows.toml", "rows.toml/x"])
def test_a_folder_that_is_none_is_refused(tmp_path: Path, name: str) -> None:
    """Missing, impossible, or a file."""
    write(tmp_path, clinic())
    assert "a guide is a folder with a guide.toml" in complaint(tmp_path / name)


def test_a_folder_without_a_guide_is_refused(tmp_path: Path) -> None:
    """The head of the guide is in one file, by name."""
    files = clinic()
    assert "there is none" in complaint(write(tmp_path, {"rows.toml": files["rows.toml"]}))


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """A folder called like a file, and a link to nowhere."""
    write(tmp_path, clinic())
    (tmp_path / "a.toml").mkdir()
    assert complaint(tmp_path).startswith(f"{tmp_path}/a.toml: cannot be read: ")
    (tmp_path / "a.toml").rmdir()
    (tmp_path / "a.toml").symlink_to(tmp_path / "gone")
    assert complaint(tmp_path).startswith(f"{tmp_path}/a.toml: cannot be read: ")


def test_a_guide_may_do_without_address_ranges(tmp_path: Path) -> None:
    """Not every vendor publishes addresses."""
    files = clinic()
    remove(files, (GUIDE, "addresses"))
    assert load(write(tmp_path, files), KINDS).ranges == ()


def test_a_guide_without_clients_is_refused(tmp_path: Path) -> None:
    """A guide that asks nothing of anybody is a mistake."""
    head = {"id": "x", "edition": "1", "title": "X", "published": at(clinic(), (GUIDE, "published"))}
    assert "clients: missing" in complaint(write(tmp_path, {GUIDE: head}))
