"""The lists of a site's exclusions: what may be typed, what it becomes, what it meets."""

import itertools
import random
import re
import time

import pytest
from django.core.exceptions import ValidationError
from django.utils import translation

from tracking.rules.countries import clean_country
from tracking.rules.hosts import Hosts, clean_host
from tracking.rules.lines import LinesFormField, entries
from tracking.rules.networks import Networks, clean_network
from tracking.rules.paths import Paths, clean_path, forms
from tracking.rules.wildcards import LONG, Steps


def said(error: pytest.ExceptionInfo[ValidationError]) -> list[str]:
    return error.value.messages


# Lists


def test_a_list_comes_back_tidy() -> None:
    field = LinesFormField(clean_entry=clean_network, required=False)
    typed = " 10.0.0.1/32 #  office \r\n\r\n# Home\n2001:DB8::/32\n10.0.0.1\n"
    assert field.clean(typed) == "10.0.0.1  # office\n# Home\n2001:db8::/32"


def test_a_list_names_the_lines_that_cannot_stay() -> None:
    field = LinesFormField(clean_entry=clean_network)
    with pytest.raises(ValidationError) as error:
        field.clean("10.0.0.1\n10.0.0.300 # typo\n\nlocalhost")
    assert said(error) == [
        f"Line {number}: “{text}” is neither an IP address, as in 203.0.113.7, nor a network, as "
        "in 203.0.113.0/24 or 2001:db8::/32."
        for number, text in ((2, "10.0.0.300"), (4, "localhost"))
    ]


def test_of_many_faults_a_few_are_told() -> None:
    field = LinesFormField(clean_entry=clean_path)
    with pytest.raises(ValidationError) as error:
        field.clean("\n".join("x" * 7))
    assert len(said(error)) == 6
    assert said(error)[-1] == "… and 2 more lines."


def test_a_list_has_an_end() -> None:
    field = LinesFormField(clean_entry=clean_path)
    with pytest.raises(ValidationError) as error:
        field.clean("\n".join(f"/{n}" for n in range(1001)))
    assert said(error) == ["There are 1001 entries; 1000 is the most."]


def test_entries_are_without_their_notes() -> None:
    assert list(entries("a  # b\n# c\n\n d ")) == ["a", "d"]


# Networks


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7/24", "203.0.113.0/24"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_networks_are_kept_in_their_usual_spelling(typed: str, kept: str) -> None:
    assert clean_network(typed) == kept


@pytest.mark.parametrize(
    "typed", ["1.2.3", "1.2.3.4/33", "a", "fe80::1%eth0", "1.2.3.4-9", "１.2.3.4"]
)
def test_what_is_no_network_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match="is neither an IP address"):
        clean_network(typed)


@pytest.mark.parametrize("typed", ["0.0.0.0/0", "::/0"])
def test_everybody_is_no_network(typed: str) -> None:
    with pytest.raises(ValidationError, match="means everybody"):
        clean_network(typed)


def test_an_address_is_found_in_its_network() -> None:
    networks = Networks(["1.2.3.4", "10.0.0.0/8", "2001:db8::/32", "::ffff:0:0/96"])
    assert [
        networks.find(ip)
        for ip in ("1.2.3.4", "1.2.3.5", "10.255.0.1", "2001:db8:ffff::1", "2001:db9::", "", "x")
    ] == ["1.2.3.4", None, "10.0.0.0/8", "2001:db8::/32", None, None, None]


# Paths


@pytest.mark.parametrize(
    ("path", "met", "not_met"),
    [
        ("/imprint", ["/imprint"], ["/imprint/", "/Imprint", "/", "/de/imprint"]),
        ("/blog/*", ["/blog/a", "/blog/"], ["/blog", "/blog/a/b"]),
        ("/blog/**", ["/blog", "/blog/", "/blog/a/b"], ["/blogs", "/a/blog/b"]),
        ("/blog**", ["/blog", "/blogs/a/b"], ["/blo"]),
        ("/*/edit", ["/a/edit"], ["/edit", "/a/b/edit", "/a/edit/"]),
        ("/**/edit", ["/a/edit", "/a/b/edit", "//edit"], ["/edit2", "/edit/a"]),
        ("**.pdf", ["/a/b.pdf"], ["/a/b.pdfs"]),
        ("/**", ["/", "/a/b"], []),
        ("/*/**", ["/a", "/a/b/c"], []),
        ("/a.b", ["/a.b"], ["/axb"]),
        ("/a(b", ["/a(b"], []),
        ("/caf%C3%A9", ["/café", "/caf%C3%A9"], []),
    ],
)
def test_wildcards(path: str, met: list[str], not_met: list[str]) -> None:
    paths = Paths([path])
    assert [page for page in [*met, *not_met] if paths.find(page)] == met


def test_the_first_path_that_is_met_is_found() -> None:
    paths = Paths(["/a", "/b/**", "/b/c"])
    assert [paths.find(page) for page in ("/b/c", "/c", "/a")] == ["/b/**", None, "/a"]
    assert Paths().find("/a") is None


def test_wildcards_mean_what_they_say() -> None:
    """Compared with the plain translation, which tries everything."""
    chance = random.Random(1)
    pages = ["".join(letters) for n in range(6) for letters in itertools.product("a/b", repeat=n)]
    for _ in range(300):
        path = "/" + "".join(chance.choices(["a", "b", "/", "*", "**"], k=chance.randint(1, 6)))
        is_folder = path.endswith("/**")
        plain = re.sub(
            r"\*+",
            lambda stars: "[^/]*" if stars[0] == "*" else ".*",
            path[:-3] if is_folder else path,
        )
        plain += "(?:/.*)?" if is_folder else ""
        met = {page for page in pages if Paths([path]).find(f"/{page}")}
        step_by_step = [Steps(form) for form in forms(path)]
        assert met == {page for page in pages if any(one.match(f"/{page}") for one in step_by_step)}
        assert met == {page for page in pages if re.fullmatch(plain, f"/{page}")}, path


@pytest.mark.parametrize(
    "path",
    [
        "/" + "*a" * 100 + "b",
        "/" + "**a" * 100 + "b",
        "/**a**b*c**d*e",
        "/**a*" + "a" * 30 + "b7",
        "/**a*" + "a" * 300 + "b7",
    ],
)
def test_no_path_stalls_the_worker(path: str) -> None:
    paths = Paths([path] * 100)
    paths.find("/" + "b" * 2000)  # makes what is tried on long pages
    began = time.perf_counter()
    for length in (LONG, 2000):
        assert paths.find("/" + "a" * (length - 1)) is None
    assert time.perf_counter() - began < 1


@pytest.mark.parametrize("typed", ["imprint", "https://example.com/a", "example.com/a"])
def test_what_is_no_path_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match="is no path: it begins with a slash"):
        clean_path(typed)


# Hosts


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://www.Example.com/x", "example.com"),
        ("*.Example.com", "*.example.com"),
        ("xn--bcher-kva.example", "bücher.example"),
    ],
)
def test_hosts_are_kept_as_people_read_them(typed: str, kept: str) -> None:
    assert clean_host(typed) == kept


@pytest.mark.parametrize("typed", ["*", "*.*.com", "a b.com", "com"])
def test_what_is_no_host_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match="is not a domain"):
        clean_host(typed)


def test_a_host_is_found_by_its_entry() -> None:
    hosts = Hosts(["example.com", "*.shop.example", "bücher.example"])
    assert [
        hosts.find(host)
        for host in (
            "example.com", "www.example.com", "a.example.com", "shop.example", "a.shop.example",
            "a.b.shop.example", "xn--bcher-kva.example", "",
        )
    ] == [
        "example.com", "example.com", None, None, "*.shop.example",
        "*.shop.example", "bücher.example", None,
    ]  # fmt: skip


# Countries


@pytest.mark.parametrize("typed", ["de", "DE", "Germany", "germany"])
def test_countries_are_kept_by_code(typed: str) -> None:
    assert clean_country(typed) == "DE"


def test_countries_are_understood_in_the_language_of_who_types() -> None:
    with translation.override("de"):
        assert clean_country("Österreich") == "AT"


@pytest.mark.parametrize("typed", ["Atlantis", "D", "001", "EUR"])
def test_what_is_no_country_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError, match="is no country"):
        clean_country(typed)
