"""Lists as files: their rows, which CSV streams one by one, and a temporary file for Excel.

openpyxl's write-only mode keeps neither rows nor cells: both need the same little memory for
ten rows and for as many as there are.
"""

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
from tracking.spreadsheets import harmless

MAX_EXCEL_ROWS = 100_000
AT_ONCE = 2_000


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
            yield [plain(getattr(row, column)) for column in columns]


def plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(timespec="milliseconds")
    if isinstance(value, dict):
        return json.dumps(value, ensure_ascii=False)
    if value is None or isinstance(value, int | float):
        return value
    return str(value)


def excel(value: Any) -> Any:
    """Numbers beyond fifteen digits, as ids have, would lose the last ones."""
    if isinstance(value, str):
        return harmless(ILLEGAL_CHARACTERS_RE.sub("", value))
    return str(value) if isinstance(value, int) and abs(value) >= 10**15 else value
