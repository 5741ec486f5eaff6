import csv
from pathlib import Path

import pytest

from tracking.processing.user_agent import UserAgent, parse

with Path(__file__).with_name("user_agents.tsv").open() as table:
    # User-Agent → what is to be found in it
    REAL_USER_AGENTS = {row[-1]: row[:-1] for row in csv.reader(table, delimiter="\t")}
    REAL_USER_AGENTS.pop("User-Agent")

GARBAGE = ["", " ", "\0", "\ud800", "ü" * 50, "x" * 1_000_000, "((((", "Mozilla/5.0 (" * 10_000]


@pytest.mark.parametrize(("text", "expected"), REAL_USER_AGENTS.items())
def test_real_user_agents(text: str, expected: list[str]) -> None:
    assert parse(text) == UserAgent(*expected)


@pytest.mark.parametrize("text", GARBAGE, ids=range(len(GARBAGE)))
def test_nothing_is_known_of_garbage(text: str) -> None:
    assert parse(text) == UserAgent("", "", "", "", "")


def test_absurd_names_and_versions_are_cut_to_their_columns() -> None:
    agent = parse(f"Mozilla/5.0 (Windows NT 10.0) Chrome/{'9' * 500}.{'9' * 400}")
    assert (agent.browser, agent.browser_version) == ("Chrome", "9" * 20)
