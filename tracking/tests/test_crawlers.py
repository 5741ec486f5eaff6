import json
from importlib.resources import files

import pytest

from tracking.processing.crawlers import Crawler, crawler
from tracking.tests.test_user_agent import REAL_USER_AGENTS

BOTS = [
    "",
    " ",
    "-",
    "test",
    "Mozilla/5.0",
    "curl/8.5.0",
    "Wget/1.21.4",
    "python-requests/2.34.2",
    "Python/3.11 aiohttp/3.14",
    "Go-http-client/1.1",
    "okhttp/4.12.0",
    "Java/17.0.2",
    "Ruby",
    "GuzzleHttp/7",
    "PostmanRuntime/7.37.3",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "HeadlessChrome/153.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
    "+https://openai.com/gptbot)",
    "Mozilla/5.0 (compatible; SomeUnheardOfBot/0.1)",
    "Mozilla/5.0 (compatible; site-crawler 3)",
    "Acme Link Checker/1.0 (https://acme.example/about)",
    "\0\ud800 /\x7f" + "x" * 100_000 + "://",
]
CUBOT = (
    "Mozilla/5.0 (Linux; Android 10; CUBOT X19) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize("user_agent", [*REAL_USER_AGENTS, CUBOT])
def test_people_are_counted(user_agent: str) -> None:
    assert crawler(user_agent) is None


@pytest.mark.parametrize("user_agent", BOTS[:-1])
def test_bots_are_not(user_agent: str) -> None:
    assert crawler(user_agent) is not None


def test_every_crawler_of_the_list_is_recognised() -> None:
    crawlers = json.loads((files("crawleruseragents") / "crawler-user-agents.json").read_text())
    user_agents = [text for crawler in crawlers for text in crawler["instances"]]
    assert len(user_agents) > 2000
    assert [text for text in user_agents if not crawler(text)] == []


def test_garbage_is_looked_at_without_a_fault() -> None:
    assert crawler(BOTS[-1]) is None  # what is beyond 1,000 characters is not read


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "Googlebot"),
        ("Mozilla/5.0 (compatible; SomeUnheardOfBot/0.1)", "SomeUnheardOfBot"),
        ("Mozilla/5.0 (compatible; site-crawler 3)", "site-crawler"),
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "AhrefsBot"),
        ("Acme Link Checker/1.0 (https://acme.example/about)", "Acme Link Checker"),
        ("curl/8.5.0", "curl"),
        ("GuzzleHttp/7", "GuzzleHttp"),
        ("Mozilla/5.0", ""),
        ("-", ""),
        ("", ""),
    ],
)
def test_bots_are_called_by_their_names(user_agent: str, expected: str) -> None:
    assert crawler(user_agent) == Crawler(expected, is_ai=False)


@pytest.mark.parametrize(
    ("user_agent", "expected"),
    [
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.2; "
         "+https://openai.com/gptbot)", "GPTBot"),
        ("claudebot", "ClaudeBot"),
        ("Mozilla/5.0 (compatible; ClaudeBot/1.0; +claudebot@anthropic.com)", "ClaudeBot"),
        ("Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; PerplexityBot/1.0; "
         "+https://perplexity.ai/perplexitybot)", "PerplexityBot"),
        ("CCBot/2.0 (http://commoncrawl.org/faq/)", "CCBot"),
    ],
)  # fmt: skip
def test_ai_crawlers_are_told_apart(user_agent: str, expected: str) -> None:
    assert crawler(user_agent) == Crawler(expected, is_ai=True)


def test_every_ai_crawler_of_the_list_is_one() -> None:
    crawlers = json.loads((files("crawleruseragents") / "crawler-user-agents.json").read_text())
    user_agents = [
        text for one in crawlers if "ai-crawler" in one["tags"] for text in one["instances"]
    ]
    assert len(user_agents) > 70
    assert [text for text in user_agents if not (crawler(text) or Crawler("")).is_ai] == []
