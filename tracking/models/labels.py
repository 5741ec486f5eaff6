"""Texts are stored once: rows of visits and events hold numbers in their place.

A site has some thousand different pages, sources and cities, and millions of events. Numbers
make the rows a quarter as big, and reports count numbers faster than texts.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any, TypeVar

from django.db import models
from django.db.models.lookups import In, IsNull

from tracking.models.fields import any_of

T = TypeVar("T")
M = TypeVar("M", bound=models.Model, covariant=True)

# SQLite takes 32,766 parameters in a query.
AT_ONCE = 30_000
REMEMBERED_BYTES = 16 << 20
NONE = 0  # where ClickHouse has no label; others have NULL
NOBODYS = -1
OVERHEAD = 150  # of two dictionary entries, a text and a number


def slices(values: Sequence[T], length: int = AT_ONCE) -> Iterator[Sequence[T]]:
    return (values[start : start + length] for start in range(0, len(values), length))


def digest(text: str) -> int:
    """64 bits that stand for a text in the index."""
    encoded = text.encode(errors="replace")
    return int.from_bytes(blake2b(encoded, digest_size=8).digest(), "big", signed=True)


class Remembered:
    """Texts and their numbers, both ways; about the least recently used half is forgotten
    whenever `max_bytes` are full. May be used by several threads."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self.forget()

    def forget(self) -> None:
        self._new: tuple[dict[str, int], dict[int, str]] = ({}, {})
        self._old: tuple[dict[str, int], dict[int, str]] = ({}, {})
        self._bytes = 0

    def number(self, text: str) -> int | None:
        number = self._new[0].get(text)
        if number is None and (number := self._old[0].get(text)) is not None:
            self.add(text, number)
        return number

    def text(self, number: int) -> str | None:
        text = self._new[1].get(number)
        if text is None and (text := self._old[1].get(number)) is not None:
            self.add(text, number)
        return text

    def add(self, text: str, number: int) -> None:
        if self._bytes >= self.max_bytes // 2:
            self._old, self._new, self._bytes = self._new, ({}, {}), 0
        self._new[0][text] = number
        self._new[1][number] = text
        self._bytes += len(text) + OVERHEAD


remembered = Remembered(REMEMBERED_BYTES)


class LabelManager(models.Manager["Label"]):
    def ids(self, texts: Iterable[str]) -> dict[str, int | None]:
        """The number of each text, stored if it is new; None of the empty one.

        Not inside a transaction that may be rolled back: the numbers are remembered.
        """
        ids, unknown = self.known(texts)
        if unknown:
            ids |= self._found(unknown)
            if missing := [text for text in unknown if text not in ids]:
                ids |= self._added(missing)
        return ids

    def find(self, texts: Iterable[str]) -> dict[str, int | None]:
        """The number of each text that has one; nothing is stored."""
        ids, unknown = self.known(texts)
        return ids | self._found(unknown)

    def known(self, texts: Iterable[str]) -> tuple[dict[str, int | None], list[str]]:
        """Those that need no query, and the others."""
        ids: dict[str, int | None] = {"": None}
        unknown = []
        for text in set(texts):
            if text:
                if (number := remembered.number(text)) is None:
                    unknown.append(text)
                else:
                    ids[text] = number
        return ids, unknown

    def texts(self, ids: Iterable[int | None]) -> dict[int | None, str]:
        """The text of each number; a number that nobody knows has an empty one."""
        texts: dict[int | None, str] = {None: "", 0: ""}
        unknown = []
        for number in ids:
            if number and number not in texts:
                if (text := remembered.text(number)) is None:
                    unknown.append(number)
                    texts[number] = ""
                else:
                    texts[number] = text
        for some in slices(unknown, AT_ONCE):
            for number, text in self.filter(pk__in=some).values_list("pk", "text"):
                texts[number] = text
                remembered.add(text, number)
        return texts

    def _found(self, texts: Collection[str]) -> dict[str, int | None]:
        wanted = {digest(text): text for text in texts}
        found: dict[str, int | None] = {}
        for some in slices(list(wanted), AT_ONCE):
            for number, key in self.filter(digest__in=some).values_list("pk", "digest"):
                found[wanted[key]] = number
                remembered.add(wanted[key], number)
        return found

    def _added(self, texts: Collection[str]) -> dict[str, int | None]:
        """In order, so that two workers that add the same ones never wait for each other in a
        circle; what another one has added meanwhile is only read."""
        rows = sorted((digest(text), text) for text in texts)
        for some in slices(rows, AT_ONCE):
            self.bulk_create(
                (Label(digest=key, text=str(text)) for key, text in some), ignore_conflicts=True
            )
        return self._found(texts)


class Label(models.Model):
    """A text that visits or events have: a page, a source, a city, a browser …

    Found by its digest: pages are longer than an index may hold.
    """

    id = models.AutoField(primary_key=True)
    digest = models.BigIntegerField(unique=True)
    text = models.TextField()

    objects = LabelManager()

    def __str__(self) -> str:
        return self.text


def none_where_zero(value: Any, expression: Any, connection: Any) -> Any:
    return None if value == NONE else value


class LabelText:
    """Attribute of an instance: the text behind the number."""

    def __init__(self, field: "LabelField") -> None:
        self.field = field

    def __get__(self, instance: models.Model | None, owner: type[models.Model]) -> Any:
        if instance is None:
            return self
        number = getattr(instance, self.field.attname)
        return Label.objects.texts([number])[number]

    def __set__(self, instance: models.Model, text: str) -> None:
        setattr(instance, self.field.attname, Label.objects.ids([text])[text])


class LabelField(models.Field):  # type: ignore[type-arg]
    """The number of a `Label`; empty texts are NULL.

    As with a foreign key the attribute `<name>_id` holds the number and `<name>` the text; in
    filters both may stand. There is no join: the rows may live in another database.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "null": True, "blank": True, "editable": False})

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        for fixed in ("null", "blank", "editable"):
            kwargs.pop(fixed, None)
        return name, path, args, kwargs

    def get_internal_type(self) -> str:
        return "IntegerField"

    def get_attname(self) -> str:
        return f"{self.name}_id"

    def contribute_to_class(
        self, cls: type[models.Model], name: str, private_only: bool = False
    ) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, LabelText(self))

    def get_prep_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            return super().get_prep_value(value)
        # A text that nothing has is no row's.
        return Label.objects.find([value]).get(value, NOBODYS)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        value = super().get_db_prep_value(value, connection, prepared)
        return NONE if value is None and connection.vendor == "clickhouse" else value

    def get_db_converters(self, connection: Any) -> list[Any]:
        return [none_where_zero] if connection.vendor == "clickhouse" else []


@LabelField.register_lookup
class HasNoLabel(IsNull):
    def as_clickhouse(self, compiler: Any, connection: Any) -> Any:
        label, params = self.process_lhs(compiler, connection)
        return f"{label} {'=' if self.rhs else '<>'} {NONE}", params


class LabelLookup(In):
    """Compares the texts; which numbers those are is asked of the table of labels."""

    compares: str

    def get_prep_lookup(self) -> Any:
        self.labels = Label.objects.filter(**{f"text__{self.compares}": self.rhs})
        self.rhs = self.labels.values("pk").query
        return super().get_prep_lookup()

    def as_clickhouse(self, compiler: Any, connection: Any) -> Any:
        """The table of labels is in the other database."""
        label, params = self.process_lhs(compiler, connection)
        return any_of(label, params, self.labels.values_list("pk", flat=True))


for name in (
    "contains",
    "icontains",
    "startswith",
    "istartswith",
    "endswith",
    "iexact",
    "regex",
    "iregex",
):
    LabelField.register_lookup(type(f"Label_{name}", (LabelLookup,), {"compares": name}), name)


def with_texts(rows: Collection[models.Model]) -> None:
    """Read all texts of these rows by one query, where each would ask for its own."""
    Label.objects.texts(
        {
            row.__dict__.get(field.attname)
            for row in rows
            for field in row._meta.concrete_fields
            if isinstance(field, LabelField)
        }
    )


class LabelledQuerySet(models.QuerySet[M]):
    """Reads the texts of all its rows at once."""

    def _fetch_all(self) -> None:
        fresh = self._result_cache is None
        super()._fetch_all()
        if fresh and self._result_cache and isinstance(self._result_cache[0], models.Model):
            with_texts(self._result_cache)
