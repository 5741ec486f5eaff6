"""Lists as files: CSV is streamed row by row, Excel is written to a temporary file.

openpyxl's write-only mode keeps neither rows nor cells: both need the same little memory for
ten rows and for as many as there are.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from tempfile import TemporaryFile
from typing import IO, Any

from django.db.models import QuerySet
from django.utils import timezone
from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from tracking.models.labels import with_texts

MAX_EXCEL_ROWS = 100_000
AT_ONCE = 2_000
# What a spreadsheet would take for a formula: pages and sources are what strangers send.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Echo:
    """A file that hands back what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(rows: QuerySet[Any], columns: Sequence[str]) -> Iterator[str]:
    writer = csv.writer(Echo())
    yield "\ufeff"  # without it Excel takes UTF-8 for something else
    yield writer.writerow(columns)
    for cells in rows_of_cells(rows, columns):
        yield writer.writerow([plain(cell) for cell in cells])


def excel_file(rows: QuerySet[Any], columns: Sequence[str]) -> IO[bytes]:
    book = Workbook(write_only=True)
    sheet = book.create_sheet(str(rows.model._meta.verbose_name_plural).capitalize())
    sheet.append(columns)
    for cells in rows_of_cells(rows, columns):
        sheet.append([excel(cell) for cell in cells])
    file = TemporaryFile()  # noqa: SIM115 (the answer closes it)
    book.save(file)
    file.seek(0)
    return file


def rows_of_cells(rows: QuerySet[Any], columns: Sequence[str]) -> Iterator[list[Any]]:
    found = iter(rows.iterator(chunk_size=AT_ONCE))
    while some := list(islice(found, AT_ONCE)):
        with_texts(some)
        for row in some:
            yield [getattr(row, column) for column in columns]


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="milliseconds")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, int | float):
        return value
    text = str(value)
    return f"'{text}" if text.startswith(FORMULA) else text


def excel(value: Any) -> Any:
    """Numbers beyond fifteen digits, as ids have, would lose the last ones."""
    value = plain(value)
    if isinstance(value, int) and abs(value) >= 10**15:
        return str(value)
    return ILLEGAL_CHARACTERS_RE.sub("", value) if isinstance(value, str) else value
