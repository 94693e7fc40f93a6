"""Malformed annotation files are refused with file and row."""

from contextlib import suppress

import pandas as pd
import pytest

from qbench.api import DataError
from qbench.data.tables import read_csv, read_parquet, relative_path


def table(tmp_path, content):
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    return read_csv(path, ["a", "b"], how_to_get="Get it there.")


def test_columns_are_read_by_name_and_rows_keep_their_lines(tmp_path):
    found = table(tmp_path, b'\xef\xbb\xbfb,x,a\n1,"two\nlines",3\n\n4,5,NA\n')
    assert found.columns == {"a": ["3", "NA"], "b": ["1", "4"]}
    assert found.where(1) == f"{tmp_path / 't.csv'}:row 5"


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        ([{"bytes": b"\xff\xd8", "path": "1.jpg"}], "struct<bytes: binary, path: string>"),
        ([["a", "b"]], "list<"),
        ([b"1.jpg"], "binary"),
    ],
)
def test_a_parquet_column_of_structures_is_refused_by_name_and_type(tmp_path, cells, kind):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"a": ["x"], "b": cells}).to_parquet(path)
    with pytest.raises(DataError, match=rf"t\.parquet: the column 'b' is of the type {kind}"):
        read_parquet(path, ["a", "b"], how_to_get="")
    assert read_parquet(path, ["a"], how_to_get="").columns == {"a": ["x"]}


def test_plain_columns_of_a_parquet_file_are_texts(tmp_path):
    path = tmp_path / "t.parquet"
    table = pd.DataFrame({"a": ["x", None], "b": [3.0, 2.5], "c": [True, False], "d": pd.Categorical(["u", "v"])})
    table.to_parquet(path)
    assert read_parquet(path, list("abcd"), how_to_get="").columns == {
        "a": ["x", ""],
        "b": ["3", "2.5"],
        "c": ["True", "False"],
        "d": ["u", "v"],
    }


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "t.csv: the file is empty\nGet it there."),
        (b"a,b\n", "t.csv: the file has a header but no rows"),
        (b"a,c\n1,2\n", "t.csv:row 1: the column b is missing; there are a, c"),
        (b"x,c\n1,2\n", "t.csv:row 1: the columns a, b are missing"),
        (b"a,b,a\n1,2,3\n", "t.csv:row 1: the column a occurs twice"),
        (b"a,b\n1,2\n1,2,3\n", "t.csv:row 3: the row has 3 fields, but the header has 2"),
        (b"a,b\n1\n", "t.csv:row 2: the row has 1 fields, but the header has 2"),
        (b"a,b\n1,\xff\n", "t.csv: byte 6 is not UTF-8"),
        (b'a,b\n1,"2\n', "t.csv:row 2: this is not valid CSV"),
    ],
)
def test_a_malformed_table_is_refused(tmp_path, content, said):
    with pytest.raises(DataError) as caught:
        table(tmp_path, content)
    assert said in str(caught.value)


def test_a_missing_file_says_how_to_get_it(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: the file does not exist\nGet it there\."):
        read_csv(tmp_path / "none.csv", ["a"], how_to_get="Get it there.")
    with pytest.raises(DataError, match="cannot be read"):
        read_csv(tmp_path, ["a"], how_to_get="")


def test_names_stay_below_the_folder():
    assert relative_path("imgs_1/a..b.jpg", "here").as_posix() == "imgs_1/a..b.jpg"
    for name in ("../a.jpg", "a/../../b.jpg", "/etc/passwd", "C:\\a.jpg", "..\\a.jpg", "\\\\host\\a.jpg"):
        with pytest.raises(DataError, match=r"here: the image .* lies outside"):
            relative_path(name, "here")
    for name in ("", " ", "a\0b"):
        with pytest.raises(DataError, match="no usable file name"):
            relative_path(name, "here")


@pytest.mark.parametrize("compression", ["snappy", None])
def test_a_parquet_file_with_any_byte_changed_is_read_or_refused(tmp_path, compression):
    path, refused = tmp_path / "t.parquet", 0
    pd.DataFrame({"a": ["x", "y"] * 3, "b": [1.0, 2.0] * 3}).to_parquet(path, compression=compression)
    whole = path.read_bytes()
    # The footer's text repeats the schema for pandas, which is not read here.
    for at in [*range(300), *range(len(whole) - 60, len(whole))]:
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x80]) + whole[at + 1 :])
        refused += 1
        with suppress(DataError):
            read_parquet(path, ["a", "b"], how_to_get="")
            refused -= 1
    assert refused > 100


def test_a_parquet_file_whose_texts_are_not_utf_8_is_named(tmp_path):
    path = tmp_path / "t.parquet"
    pd.DataFrame({"name": ["Anna", "Zo?"]}).to_parquet(path, compression=None)
    path.write_bytes(path.read_bytes().replace(b"Zo?", b"Zo\xeb"))  # as Latin-1 writes it
    with pytest.raises(DataError, match=r"t\.parquet: a text in it is not UTF-8 \(b'Zo\\xeb'\)"):
        read_parquet(path, ["name"], how_to_get="")
