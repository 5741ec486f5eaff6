"""Texts are stored once, and read back as if they stood in the rows."""

from collections.abc import Iterator

import pytest
from pytest_django import DjangoAssertNumQueries

from tracking.models import Label, Visit
from tracking.models.labels import Remembered, digest, remembered
from tracking.tests.factories import VisitFactory

pytestmark = pytest.mark.django_db


def test_a_text_has_one_number_and_the_empty_text_none() -> None:
    first = Label.objects.ids(["/a", "/b", "/a", ""])
    assert first.keys() == {"/a", "/b", ""}
    assert first[""] is None
    assert first["/a"] != first["/b"]
    remembered.forget()
    assert Label.objects.ids(["/b", "/c"])["/b"] == first["/b"]
    assert sorted(map(str, Label.objects.all())) == ["/a", "/b", "/c"]


def test_what_another_process_has_added_meanwhile_is_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    label = Label.objects.create(digest=digest("/a"), text="/a")
    found = type(Label.objects)._found
    answers: Iterator[dict[str, int]] = iter([{}])
    monkeypatch.setattr(
        type(Label.objects),
        "_found",
        lambda manager, texts: next(answers, None) or found(manager, texts),
    )
    assert Label.objects.ids(["/a"])["/a"] == label.pk


def test_finding_stores_nothing() -> None:
    assert Label.objects.find(["/a", ""]) == {"": None}
    assert not Label.objects.exists()


def test_known_texts_cost_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    ids = Label.objects.ids(["/a", "/b"])
    with django_assert_num_queries(0):
        assert Label.objects.ids(["/b", "/a", ""]) == ids
        assert Label.objects.texts(ids.values()) == {
            number: text for text, number in ids.items()
        } | {0: ""}


def test_a_number_that_nobody_knows_has_no_text() -> None:
    assert Label.objects.texts([17]) == {None: "", 0: "", 17: ""}


def test_a_row_takes_and_gives_texts() -> None:
    visit = VisitFactory(entry_page="/start", city="Köln", source="")
    stored = Visit.objects.get()
    assert (stored.entry_page, stored.city, stored.source) == ("/start", "Köln", "")
    assert stored.source_id is None
    assert stored.entry_page_id == visit.entry_page_id == Label.objects.get(text="/start").pk


def test_rows_are_found_by_texts() -> None:
    start, other = VisitFactory(entry_page="/Start"), VisitFactory(entry_page="/other", source="x")

    def found(**lookups: object) -> list[int]:
        return list(Visit.objects.filter(**lookups).order_by("pk").values_list("pk", flat=True))

    assert found(entry_page="/Start") == [start.pk]
    assert found(entry_page="/start") == []
    assert found(entry_page="/nowhere") == []
    assert found(entry_page__in=["/Start", "/other", "/nowhere"]) == [start.pk, other.pk]
    assert found(source="") == [start.pk]
    assert found(entry_page__icontains="STA") == [start.pk]
    assert found(entry_page__startswith="/o") == [other.pk]


@pytest.mark.not_on_clickhouse
@pytest.mark.parametrize("rows", [1, 3])
def test_all_texts_of_all_rows_are_read_at_once(
    rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(rows):
        VisitFactory(entry_page=f"/{number}", city=f"City {number}")
    remembered.forget()
    with django_assert_num_queries(2):
        visits = list(Visit.objects.order_by("pk"))
        assert [visit.city for visit in visits] == [f"City {number}" for number in range(rows)]
        assert visits[0].entry_page == "/0"


class TestRemembered:
    def test_both_ways(self) -> None:
        memory = Remembered(1 << 20)
        memory.add("/a", 7)
        assert (memory.number("/a"), memory.text(7)) == (7, "/a")
        assert (memory.number("/b"), memory.text(8)) == (None, None)

    def test_what_is_used_stays_when_the_rest_is_forgotten(self) -> None:
        memory = Remembered(20_000)
        memory.add("/used", 0)
        for number in range(1, 1000):
            memory.add(f"/{number}", number)
            assert memory.number("/used") == 0
        assert memory.number("/1") is None
        assert memory.number("/999") == 999
        assert len(memory._new[0]) + len(memory._old[0]) < 20_000 / 100
