from tracking.spreadsheets import csv_lines


def test_rows_as_lines_with_names_first() -> None:
    lines = csv_lines(["Page", "Visitors", "Time"], [["/a, b", 3, None], ['say "hi"', 0.25, 1]])
    assert list(lines) == [
        '\ufeff"Page","Visitors","Time"\r\n',
        '"/a, b",3,""\r\n',
        '"say ""hi""",0.25,1\r\n',
    ]


def test_what_strangers_send_is_no_formula() -> None:
    texts = ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "a=1"]
    [names, *lines] = csv_lines(["=1+1"], ([text] for text in texts))
    assert names == '\ufeff"\'=1+1"\r\n'
    assert lines == [*(f'"\'{text}"\r\n' for text in texts[:-1]), '"a=1"\r\n']


def test_where_cells_are_parted_at_semicolons_a_text_stays_one() -> None:
    [_, line] = csv_lines(["Page"], [["/b;=1+1;"]])
    assert line == '"/b;=1+1;"\r\n'


def test_numbers_stay_numbers() -> None:
    [_, line] = csv_lines(["Change"], [[-5]])
    assert line == "-5\r\n"
