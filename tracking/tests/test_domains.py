import pytest
from django.core.exceptions import ValidationError

from tracking.domains import clean_domain, is_host, validate_domain


@pytest.mark.parametrize(
    ("pasted", "domain"),
    [
        ("example.com", "example.com"),
        ("  example.com\n", "example.com"),
        ("https://www.Example.com/x", "example.com"),
        ("HTTPS://EXAMPLE.COM", "example.com"),
        ("//example.com", "example.com"),
        ("example.com.", "example.com"),
        ("example.com/path//x", "example.com"),
        ("example.com?from=http://other.example", "example.com"),
        ("https://olive:secret@example.com:8080/a?b#c", "example.com"),
        ("www.example.co.uk", "example.co.uk"),
        ("www.com", "www.com"),
        ("www.www.example.com", "example.com"),
        ("my_shop.example", "my_shop.example"),
        ("localhost:3000", "localhost"),
        ("127.0.0.1:8000", "127.0.0.1"),
        ("http://[2001:DB8::0:1]:8000/", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("BÜCHER.example", "bücher.example"),
        ("xn--bcher-kva.example", "bücher.example"),
        ("www.xn--bcher-kva.example", "bücher.example"),
        ("faß.de", "faß.de"),
        ("http://例え。テスト/", "例え.テスト"),
    ],
)
def test_whatever_is_pasted_gives_the_domain(pasted: str, domain: str) -> None:
    assert clean_domain(pasted) == domain
    assert clean_domain(domain) == domain  # so that what is stored stays valid
    validate_domain(domain)


@pytest.mark.parametrize(
    "pasted",
    [
        "",
        "example",
        "exa mple.com",
        "-example.com",
        "example..com",
        "example.com,other.com",
        "1.2.3",
        "http://",
        "http://[",
        "javascript:alert(1)",
        "<script>.example",
        "xn--a.example",
        "http://[::1%<b>]/",
        "fe80::1%eth0",
        "example.com\0",
        "\u202eexample.com",
        f"{'x' * 64}.example",
        f"{'x.' * 126}xy",
    ],
)
def test_what_is_not_a_domain_is_refused_with_what_to_do(pasted: str) -> None:
    with pytest.raises(ValidationError) as refusal:
        clean_domain(pasted)

    assert refusal.value.messages == [
        f"“{pasted[:100]}” is not a domain. Give it as in example.com."
    ]


def test_a_domain_is_stored_only_as_we_would_write_it() -> None:
    with pytest.raises(ValidationError):
        validate_domain("WWW.example.com")


def test_hosts_are_names_of_domains_and_addresses() -> None:
    hosts = ["example.com", "localhost", "127.0.0.1", "::1"]

    assert [is_host(host) for host in hosts] == [True] * 4
    assert [is_host(text) for text in ("example", "a b.com", "1.2.3", "")] == [False] * 4
