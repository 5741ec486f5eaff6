import random
from dataclasses import asdict

import pytest

from tracking.processing.acquisition import Acquisition, Channel, acquisition


def origin(url: str, referrer: str = "", site_domain: str = "example.com") -> tuple[str, str]:
    found = acquisition(url, referrer, site_domain)
    return found.channel.value, found.source


REFERRERS = [
    ("", "Direct", ""),
    # Search
    ("https://www.google.com/", "Organic Search", "Google"),
    ("https://www.google.co.uk/search?q=secret", "Organic Search", "Google"),
    ("https://google.de", "Organic Search", "Google"),
    ("android-app://com.google.android.googlequicksearchbox/", "Organic Search", "Google"),
    ("https://www.bing.com/", "Organic Search", "Bing"),
    ("https://www.bing.com/images/search?q=x", "Organic Search", "Bing Images"),
    ("https://duckduckgo.com/", "Organic Search", "DuckDuckGo"),
    ("https://de.search.yahoo.com/", "Organic Search", "Yahoo!"),
    ("https://yandex.com.tr/", "Organic Search", "Yandex"),
    ("https://search.brave.com/", "Organic Search", "Brave"),
    ("https://www.ecosia.org/", "Organic Search", "Ecosia"),
    # Social
    ("https://l.facebook.com/l.php?u=x", "Organic Social", "Facebook"),
    ("https://t.co/abc", "Organic Social", "X (Twitter)"),
    ("https://x.com/", "Organic Social", "X (Twitter)"),
    ("https://news.ycombinator.com/item?id=1", "Organic Social", "Hacker News"),
    ("https://old.reddit.com/r/django/", "Organic Social", "Reddit"),
    ("https://www.linkedin.com/", "Organic Social", "LinkedIn"),
    ("android-app://com.linkedin.android/", "Organic Social", "LinkedIn"),
    ("https://github.com/", "Organic Social", "GitHub"),
    ("https://fosstodon.org/@django", "Organic Social", "Mastodon"),
    # AI assistants
    ("https://chatgpt.com/", "AI Assistants", "ChatGPT"),
    ("https://www.perplexity.ai/", "AI Assistants", "Perplexity"),
    ("https://claude.ai/", "AI Assistants", "Claude"),
    ("https://gemini.google.com/app", "AI Assistants", "Gemini"),
    ("https://copilot.microsoft.com/", "AI Assistants", "Microsoft Copilot"),
    ("https://x.com/i/grok?conversation=1", "AI Assistants", "Grok"),
    # Others that are known
    ("https://www.youtube.com/", "Organic Video", "YouTube"),
    ("https://m.youtube.com/watch?v=1", "Organic Video", "YouTube"),
    ("https://vimeo.com/1", "Organic Video", "Vimeo"),
    ("https://www.amazon.co.jp/dp/1", "Organic Shopping", "Amazon"),
    ("https://mail.google.com/", "Email", "Gmail"),
    ("android-app://com.google.android.gm/", "Email", "Gmail"),
    # Any other page
    ("https://www.djangoproject.com/start/", "Referral", "djangoproject.com"),
    ("http://blog.example.org:8080/", "Referral", "blog.example.org"),
    ("https://docs.google.com/document/d/1", "Referral", "docs.google.com"),
    ("https://aws.amazon.com/", "Referral", "aws.amazon.com"),
    ("https://notgoogle.com/", "Referral", "notgoogle.com"),
    ("https://google.com.evil.example/", "Referral", "google.com.evil.example"),
    ("https://xn--bcher-kva.example/", "Referral", "bücher.example"),
    ("https://bücher.example/", "Referral", "bücher.example"),
    ("HTTPS://WWW.Example.ORG./", "Referral", "example.org"),
    ("http://[2001:db8::1]:8080/x", "Referral", "2001:db8::1"),
    ("http://user:password@example.org/", "Referral", "example.org"),
    ("http://example.org:99999999/", "Referral", "example.org"),
    # The site itself
    ("https://example.com/previous", "Direct", ""),
    ("https://www.example.com:8443/previous", "Direct", ""),
    ("https://shop.example.com/", "Direct", ""),
    ("https://notexample.com/", "Referral", "notexample.com"),
    # Nothing that one could have come from
    ("about:blank", "Direct", ""),
    ("javascript:alert(1)", "Direct", ""),
    ("data:text/html,x", "Direct", ""),
    ("file:///etc/passwd", "Direct", ""),
    ("ftp://example.org/", "Direct", ""),
    ("/some/url", "Direct", ""),
    ("example.org/page", "Direct", ""),
    ("//example.org/page", "Direct", ""),
    ("https://", "Direct", ""),
    ("https://[::1/", "Direct", ""),
    ("https://exa mple.org/", "Direct", ""),
    ("https://<script>.example/", "Direct", ""),
    ("https://1234/", "Direct", ""),
    ("https://xn--/", "Direct", ""),
]


@pytest.mark.parametrize(("referrer", "channel", "source"), REFERRERS)
def test_referrers(referrer: str, channel: str, source: str) -> None:
    assert origin("https://example.com/page", referrer) == (channel, source)


TAGS = [
    # Sources by name, host or nickname
    ("utm_source=google&utm_medium=organic", "Organic Search", "Google"),
    ("utm_source=chatgpt.com", "AI Assistants", "ChatGPT"),
    ("utm_source=news.ycombinator.com", "Organic Social", "Hacker News"),
    ("utm_source=www.Example.org", "Other Campaigns", "Example.org"),
    ("utm_source=FB", "Organic Social", "Facebook"),
    ("utm_source=Reddit", "Organic Social", "Reddit"),
    ("ref=producthunt", "Organic Social", "Product Hunt"),
    ("ref=weekly.example", "Referral", "weekly.example"),
    ("source=partner", "Referral", "partner"),
    ("utm_source=a&ref=b&source=c", "Other Campaigns", "a"),
    ("ref=b&source=c", "Referral", "b"),
    # Media
    ("utm_source=google&utm_medium=cpc", "Paid Search", "Google"),
    ("utm_source=google&utm_medium=CPC&utm_campaign=eshop", "Paid Shopping", "Google"),
    ("utm_source=google&utm_medium=cpm", "Paid Search", "Google"),
    ("utm_source=facebook&utm_medium=paid-social", "Paid Social", "Facebook"),
    ("utm_source=youtube&utm_medium=social", "Organic Video", "YouTube"),
    ("utm_source=youtube&utm_medium=cpv", "Paid Video", "YouTube"),
    ("utm_source=amazon.com&utm_medium=ppc", "Paid Shopping", "Amazon"),
    ("utm_source=adnet&utm_medium=ppc", "Paid Other", "adnet"),
    ("utm_source=chatgpt&utm_medium=cpc", "Paid Other", "ChatGPT"),
    ("utm_source=adnet&utm_medium=cpm", "Display", "adnet"),
    ("utm_source=adnet&utm_medium=banner", "Display", "adnet"),
    ("utm_source=spring&utm_medium=email", "Email", "spring"),
    ("utm_source=newsletter", "Email", "newsletter"),
    ("utm_source=jane&utm_medium=affiliate", "Affiliates", "jane"),
    ("utm_source=show&utm_medium=audio", "Audio", "show"),
    ("utm_source=shop&utm_medium=sms", "SMS", "Shop"),
    ("utm_source=app&utm_medium=push", "Push Notifications", "app"),
    ("utm_source=x1&utm_medium=social", "Organic Social", "x1"),
    ("utm_source=x1&utm_medium=video", "Organic Video", "x1"),
    ("utm_source=x1&utm_medium=referral", "Referral", "x1"),
    ("utm_source=flyer&utm_medium=print", "Other Campaigns", "flyer"),
    ("utm_campaign=spring", "Other Campaigns", ""),
    # Click ids
    ("gclid=Cj0K", "Paid Search", "Google"),
    ("wbraid=1", "Paid Search", "Google"),
    ("dclid=1", "Display", "Google"),
    ("msclkid=1", "Paid Search", "Bing"),
    ("ttclid=1", "Paid Social", "TikTok"),
    ("twclid=1", "Paid Social", "X (Twitter)"),
    ("li_fat_id=1", "Paid Social", "LinkedIn"),
    ("ScCid=1", "Paid Social", "Snapchat"),
    ("fbclid=1", "Organic Social", "Facebook"),
    ("igsh=1", "Organic Social", "Instagram"),
    ("mc_cid=1", "Email", "Mailchimp"),
    ("fbclid=1&utm_source=ig&utm_medium=paid", "Paid Social", "Instagram"),
    ("gclid=1&utm_source=google&utm_medium=search", "Paid Search", "Google"),
    # Nothing
    ("utm_source=&utm_medium=%20&ref=", "Direct", ""),
    ("gclid=", "Direct", ""),
    ("q=utm_source%3Dgoogle&page=2", "Direct", ""),
]


@pytest.mark.parametrize(("query", "channel", "source"), TAGS)
def test_tags(query: str, channel: str, source: str) -> None:
    for page in ("https://example.com/page", "/page", ""):
        assert origin(f"{page}?{query}#utm_source=elsewhere") == (channel, source)


@pytest.mark.parametrize(
    ("query", "referrer", "channel", "source"),
    [
        ("utm_source=newsletter", "https://mail.google.com/", "Email", "newsletter"),
        ("utm_medium=email", "https://outlook.live.com/", "Email", "Outlook"),
        ("utm_campaign=spring", "https://www.google.com/", "Organic Search", "Google"),
        ("utm_campaign=spring", "https://example.org/", "Other Campaigns", "example.org"),
        ("gclid=1", "https://www.youtube.com/", "Paid Video", "YouTube"),
        ("gclid=1", "https://news.example.org/", "Paid Search", "Google"),
        ("fbclid=1", "https://l.instagram.com/", "Organic Social", "Instagram"),
        ("fbclid=1", "https://example.com/previous", "Organic Social", "Facebook"),
        ("q=shoes", "https://example.org/", "Referral", "example.org"),
    ],
)
def test_tags_and_referrer_together(query: str, referrer: str, channel: str, source: str) -> None:
    assert origin(f"https://example.com/?{query}", referrer) == (channel, source)


def test_the_tags_are_kept_as_they_are() -> None:
    url = (
        "https://example.com/?utm_source=Google&utm_medium=CPC&utm_campaign=Fr%C3%BChling+2026"
        "&utm_term=a%26b&utm_content=%3Cb%3E&utm_source=second&gclid=1"
    )
    assert acquisition(url, "https://www.google.com/aclk?sa=l", "example.com") == Acquisition(
        channel=Channel.PAID_SEARCH,
        source="Google",
        referrer="www.google.com/aclk",
        utm_source="Google",
        utm_medium="CPC",
        utm_campaign="Frühling 2026",
        utm_term="a&b",
        utm_content="<b>",
    )


@pytest.mark.parametrize(
    ("referrer", "kept"),
    [
        ("https://example.org", "example.org"),
        ("https://example.org/", "example.org"),
        ("https://www.example.org/page/?token=secret#part", "www.example.org/page/"),
        ("https://user:password@example.org:8080/page", "example.org/page"),
        ("https://xn--bcher-kva.example/p", "bücher.example/p"),
        ("android-app://com.example.app/http/x", "com.example.app/http/x"),
        ("https://example.com/previous", ""),
        ("mailto:me@example.org", ""),
    ],
)
def test_a_referrer_is_kept_without_its_query(referrer: str, kept: str) -> None:
    assert acquisition("/", referrer, "example.com").referrer == kept


@pytest.mark.parametrize(
    ("url", "referrer", "site_domain"),
    [
        ("/", "https://xn--bcher-kva.example/x", "xn--bcher-kva.example"),
        ("/", "https://bücher.example/x", "xn--bcher-kva.example"),
        ("https://other.example/", "https://www.other.example/x", "example.com"),
        ("http://localhost:8000/", "http://localhost:8000/x", "localhost"),
    ],
)
def test_links_within_a_site_are_no_referrals(url: str, referrer: str, site_domain: str) -> None:
    assert acquisition(url, referrer, site_domain) == Acquisition()


def hostile_texts() -> list[str]:
    chance = random.Random(1)
    pieces = [
        "http://", "https://", "android-app://", "javascript:", "//", "[", "]", "[::1]", "@", ":",
        ":99999999", "?", "#", "&", "=", "utm_source=", "ref=", "%00", "\0", "%", "%ff", "\ud800",
        "\n", " ", "xn--", "xn--\xe4", "..", "www.", "google.", "co.uk", "ü", "。", "‮", "/", "\\",
        "x" * 300, "a." * 200, "gclid=1", "utm_medium=cpc", "１２７.0.0.1", "\u2100", "<script>",
    ]  # fmt: skip
    mixed = ["".join(chance.choices(pieces, k=chance.randrange(1, 15))) for _ in range(3000)]
    noise = [chance.randbytes(80).decode("latin-1") for _ in range(1000)]
    huge = ["x" * 1_000_000, "https://" + "a." * 100_000, "/?" + "utm_source=x&" * 100_000]
    return [*mixed, *noise, *huge]


LONGEST = {"source": 253, "referrer": 2000}


def test_nothing_hostile_raises_or_makes_endless_texts() -> None:
    texts = hostile_texts()
    for text, other in zip(texts, reversed(texts), strict=True):
        for url, referrer in ((text, other), (f"/?utm_source={text}&utm_term={text}", text)):
            found = acquisition(url, referrer, "example.com")
            for name, value in asdict(found).items():
                assert len(value) <= LONGEST.get(name, 255)
                assert value.isprintable()
                value.encode()
