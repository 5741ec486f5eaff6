"""Rows as CSV that spreadsheets read, one line after the other."""

import csv
from collections.abc import Iterable, Iterator

# A spreadsheet takes what begins with one of these for a formula, and would run it: pages and
# sources are what strangers send.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


class Echo:
    """A file that gives back what is written to it."""

    def write(self, line: str) -> str:
        return line


def csv_lines(names: Iterable[object], rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """Names first, as people call the columns; None leaves a cell empty."""
    # Texts in quotes: some spreadsheets part the cells at semicolons.
    writer = csv.writer(Echo(), quoting=csv.QUOTE_NONNUMERIC)
    # Without the mark Excel takes UTF-8 for something else.
    yield "\N{BYTE ORDER MARK}" + writer.writerow([harmless(str(name)) for name in names])
    for row in rows:
        yield writer.writerow([harmless(cell) for cell in row])


def harmless(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell
