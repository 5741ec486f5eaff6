import json
from datetime import UTC, datetime
from importlib.resources import files

import pytest

from tracking.collector.hit import Hit
from tracking.processing.exclusions import Reason, reason_to_exclude
from tracking.tests.test_user_agent import REAL_USER_AGENTS

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/153.0.0.0 Safari/537.36"
)
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


def hit(user_agent: str, prefetch: bool = False) -> Hit:
    moment = datetime(2026, 11, 22, tzinfo=UTC)
    return Hit(1, moment, "1.2.3.4", user_agent, "https://example.com/", prefetch=prefetch)


@pytest.mark.parametrize("user_agent", [*REAL_USER_AGENTS, CUBOT])
def test_people_are_counted(user_agent: str) -> None:
    assert reason_to_exclude(hit(user_agent)) is None


@pytest.mark.parametrize("user_agent", BOTS[:-1])
def test_bots_are_not(user_agent: str) -> None:
    assert reason_to_exclude(hit(user_agent)) is Reason.BOT


def test_every_crawler_of_the_list_is_recognised() -> None:
    crawlers = json.loads((files("crawleruseragents") / "crawler-user-agents.json").read_text())
    user_agents = [text for crawler in crawlers for text in crawler["instances"]]
    assert len(user_agents) > 2000
    assert [text for text in user_agents if not reason_to_exclude(hit(text))] == []


def test_garbage_is_looked_at_without_a_fault() -> None:
    assert reason_to_exclude(hit(BOTS[-1])) is None  # what is beyond 1,000 characters is not read


def test_what_is_loaded_in_advance_is_not_counted() -> None:
    assert reason_to_exclude(hit(CHROME, prefetch=True)) is Reason.PREFETCH
