"""Tables and texts in the encodings, separators and habits of the programs that write them."""

import os
import tracemalloc

import pytest

from isa_cli.triplets.lines import MOST_IN_A_LINE, lines_of
from isa_cli.triplets.sheets import NotText, decoded, read_text, rows_of

HEAD = ["reference", "modifier", "targets"]
WORDS = "größer, und älter"
BODY = ["a.jpg", WORDS, "b.jpg"]


def known(heading):
    return {name.lower() for name in heading} >= set(HEAD)


def rows(text, **given):
    return [cells for _, cells in rows_of(text, known, **given)]


def table(separator=",", end="\n"):
    quoted = [f'"{cell}"' if separator in cell else cell for cell in BODY]
    return separator.join(HEAD) + end + separator.join(quoted) + end


# --- encodings ---


@pytest.mark.parametrize(
    "encoding",
    ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"],
)
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_encoding_that_can_be_told_is_read(tmp_path, encoding, end):
    (tmp_path / "a.csv").write_bytes(table(end=end).encode(encoding))
    assert rows(read_text(tmp_path / "a.csv")) == [HEAD, BODY]


def test_big_endian_with_its_mark_is_read():
    assert decoded(b"\xfe\xff" + "aé".encode("utf-16-be")) == "aé"


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_another_encoding_is_refused_with_its_line_and_what_it_may_be(end):
    data = end.join([b"reference,modifier,targets", b"a.jpg,fine,b.jpg", b"c.jpg,caf\xe9 noir,d"])
    with pytest.raises(NotText) as caught:
        decoded(data)
    assert "line 3 is no text in UTF-8" in str(caught.value)
    assert "Windows-1252" in str(caught.value)
    assert "'c.jpg,café noir,d'" in str(caught.value)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a,b\nc,\0d\n", "line 2 holds a zero byte"),
        (b"\xff\xfea", "begins as UTF-16 does"),
        (b"\xff\xfe\x00\xd8", "begins as UTF-16 does"),
        (b"PK\3\4 and so on", "an Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1", "an Excel workbook"),
        (b"\x89PNG\r\n\x1a\n", "line 1 is no text"),
        (b"\xff" * 10**6, "line 1 is no text"),
    ],
)
def test_what_is_no_text_says_why(data, said):
    with pytest.raises(NotText, match=said) as caught:
        decoded(data)
    assert len(str(caught.value)) < 300


# --- separators and habits ---


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_told_by_the_columns(separator):
    assert rows(table(separator)) == [HEAD, BODY]


def test_a_heading_is_known_though_another_separator_is_more_frequent_in_it():
    text = "reference,modifier,targets,note;with;many;of;them\na,b,c,d\n"
    assert rows(text)[1] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    "first", ["sep=;\n", "SEP=;\r\n", '"sep=;"\n', "sep=;;;\n", "sep=;\r", "\ufeffsep=;\n"]
)
def test_excels_first_line_is_obeyed_and_counted(first):
    text = decoded((first + table(";")).encode())
    assert [line for line, _ in rows_of(text, known)] == [2, 3]
    assert rows(text) == [HEAD, BODY]


def test_sep_may_name_a_tab():
    assert rows("sep=\t\n" + table("\t")) == [HEAD, BODY]


@pytest.mark.parametrize(
    "text",
    [
        " Reference , MODIFIER,Targets \na,b,c\n",
        "\n\n  \nReference,MODIFIER,Targets\na,b,c",
        "Reference,MODIFIER,Targets,,,\na,b,c,,,\n,,,,,\n , ,,,,\n\n\n",
        "Reference, MODIFIER, Targets\n a,  b , c\n\n",
        "\xa0Reference\xa0,MODIFIER,Targets\na,\xa0b,c\n",
    ],
)
def test_blanks_capitals_and_what_is_empty_do_not_matter(text):
    heading, row = rows(text)
    assert [name for name in heading if name] == ["Reference", "MODIFIER", "Targets"]
    assert row[:3] == ["a", "b", "c"]


def test_a_quoted_cell_may_have_lines_and_quotes_of_its_own():
    text = 'reference,modifier,targets\n"a\r\nb","say ""no""",c\nd,e,f\n'
    assert rows_of(text, known)[1:] == [(3, ["a\r\nb", 'say "no"', "c"]), (4, ["d", "e", "f"])]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('reference,modifier,targets\na,"b,c\nd,e,f\n', "never closed"),
        ('reference,modifier,targets\na,"b"x,c\n', "line 2"),
        ("reference,modifier,targets\na," + "x" * 200_000 + ",c\n", "line 2: a cell has more than"),
        ("x" * 200_000, "line 1: a cell has more than"),
    ],
)
def test_a_broken_table_names_its_line(text, said):
    with pytest.raises(NotText, match=said) as caught:
        rows_of(text, known)
    assert len(str(caught.value)) < 200


def test_data_sets_have_quotes_anywhere_but_none_that_never_ends():
    text = 'reference|modifier|targets\na|"two" men|b\n'
    with pytest.raises(NotText):
        rows_of(text, known)
    assert rows(text, lenient=True)[1] == ["a", "two men", "b"]
    with pytest.raises(NotText, match="never closed"):
        rows_of('reference|modifier|targets\na|"two men|b\n', known, lenient=True)


def test_a_line_of_forty_megabytes_is_refused():
    with pytest.raises(NotText, match="a cell has more than"):
        rows_of("reference,modifier,targets\n" + "x" * 40_000_000, known)


# --- lines ---


def lines(tmp_path, data):
    (tmp_path / "a.jsonl").write_bytes(data)
    return list(lines_of(tmp_path / "a.jsonl"))


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
def test_lines_of_every_system_are_counted_alike(tmp_path, end):
    data = b"\xef\xbb\xbf" + end.join([b"one", b"", b" two ", b"three"])
    expected = [(1, b"one"), (3, b"two"), (4, b"three")]
    assert lines(tmp_path, data) == lines(tmp_path, data + end) == expected


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r"])
@pytest.mark.parametrize("width", [65_534, 65_535, 65_536, 3])
def test_an_end_that_is_cut_in_two_is_one_end(tmp_path, end, width):
    data = end.join([b"x" * width] * 5)
    assert lines(tmp_path, data) == [(number, b"x" * width) for number in range(1, 6)]


def test_a_windows_shells_utf16_is_read(tmp_path):
    expected = [(1, "ä".encode()), (2, b"b")]
    assert lines(tmp_path, "ä\r\nb\r\n".encode("utf-16")) == expected


def test_a_line_without_end_is_passed_over_and_costs_no_memory(tmp_path):
    data = b"one\n" + b"x" * (20 * MOST_IN_A_LINE) + b"\nthree\n" + b"y" * (MOST_IN_A_LINE + 1)
    (tmp_path / "a.jsonl").write_bytes(data)
    tracemalloc.start()
    found = list(lines_of(tmp_path / "a.jsonl"))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [(1, b"one"), (2, None), (3, b"three"), (4, None)]
    assert peak < 8 * MOST_IN_A_LINE


def test_a_pipe_is_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(OSError, match="a pipe"):
        list(lines_of(tmp_path / "a.jsonl"))
    with pytest.raises(OSError, match="a pipe"):
        read_text(tmp_path / "a.jsonl")
