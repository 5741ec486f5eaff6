import pytest

from tracking.content_policy import Policy, forbidden

PAGE = "https://example.com/a"
NEEDS = {
    "script-src-elem": "https://stats.example.org/t/1.js",
    "connect-src": "https://stats.example.org/t/1",
    "img-src": "https://stats.example.org/t/1.gif",
}
ALL = dict.fromkeys(NEEDS, False)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("", {}),
        ("default-src *", {}),
        ("default-src https:", {}),
        ("default-src https://stats.example.org", {}),
        ("default-src stats.example.org", {}),
        ("default-src http://stats.example.org", {}),
        ("default-src *.example.org", {}),
        ("default-src https://stats.example.org:443", {}),
        ("default-src https://stats.example.org:*", {}),
        ("default-src https://stats.example.org/t/", {}),
        ("DEFAULT-SRC HTTPS://STATS.EXAMPLE.ORG", {}),
        ("frame-ancestors 'none'", {}),
        ("default-src 'none'", ALL),
        ("default-src", ALL),
        ("default-src 'self'", ALL),
        ("default-src data:", ALL),
        ("default-src https://example.org", ALL),
        ("default-src *.stats.example.org", ALL),
        ("default-src https://stats.example.org:8443", ALL),
        ("default-src https://stats.example.org/other/", ALL),
        ("script-src 'self'", {"script-src-elem": False}),
        ("script-src 'self'; script-src-elem *", {}),
        ("script-src 'self' 'nonce-abc'", {"script-src-elem": True}),
        ("script-src 'strict-dynamic'", {"script-src-elem": True}),
        ("default-src *; connect-src 'self'", {"connect-src": False}),
        ("img-src 'self' data:; img-src *", {"img-src": False}),
    ],
)
def test_what_a_policy_forbids(text: str, refused: dict[str, bool]) -> None:
    assert forbidden([Policy.read(PAGE, text)], NEEDS) == refused


def test_each_of_several_policies_must_allow_it() -> None:
    policies = [Policy.read(PAGE, text) for text in ("default-src *", "img-src 'self'")]
    assert forbidden(policies, NEEDS) == {"img-src": False}


def test_self_is_the_page() -> None:
    policy = Policy.read("https://stats.example.org/page", "default-src 'self'")
    assert forbidden([policy], NEEDS) == {}
