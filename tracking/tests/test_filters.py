import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tracking.reporting.filters import (
    MOST_FILTERS,
    MOST_WILDCARDS,
    AnyOf,
    Did,
    Filter,
    Operator,
    parse,
)
from tracking.rules.wildcards import LONG, Steps, Wildcards

IN_NEPAL = Filter("country", Operator.IS, ("NP",))
SIGNED_UP = Filter("event", Operator.IS, ("Sign-up",))


@pytest.mark.parametrize(
    ("text", "condition"),
    [
        ("country,is,NP", IN_NEPAL),
        ("country,is_not,NP,IN", Filter("country", Operator.IS_NOT, ("NP", "IN"))),
        ("source,is,", Filter("source", Operator.IS, ("",))),
        ("page,matches,/blog/**", Filter("page", Operator.MATCHES, ("/blog/**",))),
        (r"title,contains,a\,b\;c\\", Filter("title", Operator.CONTAINS, ("a,b;c\\",))),
        ("prop:plan,is,Pro", Filter("prop:plan", Operator.IS, ("Pro",))),
        ("did.event,is,Sign-up", Did(SIGNED_UP)),
        ("did_not.event,is,Sign-up", Did(SIGNED_UP, done=False)),
        ("country,is,NP;did.event,is,Sign-up", AnyOf((IN_NEPAL, Did(SIGNED_UP)))),
    ],
)
def test_filters_stand_in_an_address(text: str, condition: Filter) -> None:
    assert parse([text]) == (condition,)
    assert str(condition) == text


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_any_value_comes_back(values: list[str]) -> None:
    condition = Filter("page", Operator.CONTAINS, tuple(values))
    assert parse([str(condition), str(AnyOf((condition, IN_NEPAL)))]) == (
        condition,
        AnyOf((condition, IN_NEPAL)),
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "“” is not a filter: it needs a dimension, an operator and a value."),
        ("country", "“country” is not a filter: it needs a dimension, an operator and a value."),
        ("country,is,NP;", "“” is not a filter: it needs a dimension, an operator and a value."),
        ("country,was,NP", "There is no operator “was”."),
        ("mood,is,good", "There is no dimension “mood”."),
        ("prop:,is,good", "There is no dimension “prop:”."),
        ("might.event,is,Sign-up", "There is no dimension “might.event”."),
        ("time,is,12", "“Time” cannot be filtered by."),
    ],
)
def test_what_is_wrong_is_told(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        parse([text])


def test_a_filter_needs_a_value() -> None:
    with pytest.raises(ValueError, match="Give a value for the filter by “Country”"):
        Filter("country", Operator.IS, ())


@pytest.mark.parametrize(
    ("operator", "values", "accepted"),
    [
        (Operator.IS, ("/Blog", "/"), ["/Blog"]),
        (Operator.IS_NOT, ("/Blog",), ["/blog/2026", "/blog/2026/may", "", "/shop/blog"]),
        (Operator.CONTAINS, ("BLOG/", "shop"), ["/blog/2026", "/blog/2026/may", "/shop/blog"]),
        (Operator.CONTAINS_NOT, ("blog/", "shop"), ["/Blog", ""]),
        (Operator.STARTS_WITH, ("/BLOG",), ["/Blog", "/blog/2026", "/blog/2026/may"]),
        (Operator.MATCHES, ("/blog/*",), ["/blog/2026"]),
        (Operator.MATCHES, ("/blog/**",), ["/blog/2026", "/blog/2026/may"]),
        (Operator.MATCHES, ("**/BLOG", "*"), ["/Blog", "", "/shop/blog"]),
    ],
)
def test_operators(operator: Operator, values: tuple[str, ...], accepted: list[str]) -> None:
    texts = ["/Blog", "/blog/2026", "/blog/2026/may", "", "/shop/blog"]
    condition = Filter("page", operator, values)
    assert [text for text in texts if condition.accepts(text)] == accepted


@given(st.text("ab/*", max_size=9), st.text("ab/", max_size=12))
@example("**a*b", "a/ab")
@example("a*b**b*/a", "abab/bab/a")
def test_wildcards_find_what_a_thorough_search_finds(pattern: str, text: str) -> None:
    thorough = pattern.replace("**", "\0").replace("*", "[^/]*").replace("\0", ".*")
    found = bool(re.fullmatch(thorough, text))
    assert Wildcards(pattern).match(text) is found
    assert Steps(pattern).match(text) is found


def test_there_is_an_end_to_filters() -> None:
    """Each is repeated in each link of a page, and texts are looked for on each page there is."""
    assert len(parse(["page,is,/"] * MOST_FILTERS)) == MOST_FILTERS
    with pytest.raises(ValueError, match="20 filters at most"):
        parse([";".join(["page,is,/"] * (MOST_FILTERS + 1))])
    assert parse(["page,is," + ",".join(map(str, range(1000)))])
    assert parse(["page,matches," + ",".join(["**a*b"] * MOST_WILDCARDS)])
    with pytest.raises(ValueError, match="20 texts to look for at most"):
        parse(["page,contains," + ",".join(["x"] * MOST_WILDCARDS), "page,contains,y"])


def test_long_texts_are_matched_as_short_ones_are() -> None:
    for length in (50, LONG, LONG + 1, 2000):
        matches = Filter("page", Operator.MATCHES, ("/A*B**C",))
        assert matches.accepts("/aab" + "/" * length + "c")
        assert not matches.accepts("/a/b" + "x" * length + "c")


def test_no_pattern_takes_ages() -> None:
    assert not Wildcards("*a" * 20 + "b").match("a" * 2000)
    assert not Wildcards("**a" * 20 + "b").match("a" * 2000)
