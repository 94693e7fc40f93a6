"""Seeded mutations of text files: hostile values in place of good ones, and damaged bytes."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

DEEP = 5000
VALUES = (
    *("true", "-1", "0", "5", "1.0", "nan", "-inf", "1e300", "-1e300", "1e400", "9223372036854775808", "1" + "0" * 300),
    *("9" * 5000, "-" + "9" * 5000, '""', '"5"', '"x"', "[]", "{}", "[[]]", "[{}]", "{ a = 1 }", '["", ""]', "[1, 1]"),
    *('"\\u0000"', '"a\\u0000b"', '"\\u001b[2J"', '"\\u202e"', '"' + "x" * 5000 + '"', '"x/' * 2 + "y" * 300 + '"'),
    *('"~nouser"', '"~nouser/x"', '"/"', '"."', '".."', '"../.."', '"/dev/null"', '"/proc/self/mem"', '"C:\\\\x"'),
    *('"{}"', '"{} {}"', '"{0.__class__}"', '"%s"', '"=1+1"', '"é"', '"e\\u0301"', '"null"', "1979-05-27", "07:32:00"),
    *(
        "[" * DEEP + "]" * DEEP,
        "{ a = " * DEEP + "1" + " }" * DEEP,
        "[" * 90 + "]" * 90,
        "{ a = " * 40 + "1" + " }" * 40,
    ),
)
"""TOML values that are wrong in most places, and not TOML at all in a few cases."""
CELLS = (
    *(
        "",
        " ",
        "nan",
        "-1",
        "1e300",
        "9" * 5000,
        "1.5",
        "x" * 200_000,
        "\0",
        "\x1b[2J",
        "\u202e",
        "~nouser",
        "../a.jpg",
    ),
    *(
        "/dev/null",
        "a\\b.jpg",
        "C:\\a.jpg",
        '"',
        '"a\nb"',
        "a,b",
        "[[1]]",
        "[" * DEEP,
        "{'x': 1}",
        "=1+1",
        "é",
        "e\u0301",
    ),
    *("\ufeff", "NULL", "1.23E+15", "2020-01-01", "y" * 300 + ".jpg"),
)
"""Cells of a CSV file that are wrong in most columns."""
VALUE = re.compile(r"(?<== )[^\n]+|(?<=: )(?:\"[^\"]*\"|[\w.]+)|(?<=[\[, ])(?:\"[^\"\n]*\"|-?\d[\d.]*)(?=[\], ])")


def _bytes(data: bytes, rng: random.Random) -> bytes:
    at = rng.randrange(len(data))
    return rng.choice(
        (
            data[:at],
            data[:at] + data[at + 1 :],
            data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :],
            data[:at]
            + rng.choice((b"\0", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b'"', b"[", b"=", b"\x1b"))
            + data[at:],
            b"\xef\xbb\xbf" + data,
            data.decode().encode("utf-16"),
            b"",
        )
    )


def _lines(data: bytes, rng: random.Random) -> bytes:
    lines = data.splitlines(keepends=True)
    a, b = rng.randrange(len(lines)), rng.randrange(len(lines))
    changed = lines[:]
    changed[a], changed[b] = lines[b], lines[a]
    return b"".join(rng.choice((changed, lines[:a] + lines[a + 1 :], [*lines, lines[a]], lines[:a] + lines[a:b])))


def _value(data: bytes, rng: random.Random) -> bytes:
    text = data.decode()
    found = rng.choice(list(VALUE.finditer(text)))
    return (text[: found.start()] + rng.choice(VALUES) + text[found.end() :]).encode()


def _key(data: bytes, rng: random.Random) -> bytes:
    text = data.decode()
    found = rng.choice(list(re.finditer(r"^[\w\"]+(?= = )", text, re.MULTILINE)))
    key = rng.choice(("x", '""', "a.b", '"\\u0000"', '"\\u001b"', "name", "format", "options", "x" * 3000, "é"))
    return (text[: found.start()] + key + text[found.end() :]).encode()


def _cell(data: bytes, rng: random.Random) -> bytes:
    rows = [line.split(",") for line in data.decode().splitlines()]
    row = rng.choice(rows)
    row[rng.randrange(len(row))] = rng.choice(CELLS)
    return "\n".join(",".join(row) for row in rows).encode("utf-8", "surrogateescape")


TOML: tuple[Callable[[bytes, random.Random], bytes], ...] = (_value, _value, _value, _key, _lines, _bytes)
CSV: tuple[Callable[[bytes, random.Random], bytes], ...] = (_cell, _cell, _cell, _lines, _bytes)


def _nested(data: bytes, rng: random.Random) -> bytes:
    return rng.choice(
        (b"[" * 100_000, b'{"a":' * 100_000, b"[" * 500 + b"]" * 500, b"9" * 5000, b"NaN", b"1e999", b"[]")
    )


JSON: tuple[Callable[[bytes, random.Random], bytes], ...] = (_value, _value, _value, _lines, _bytes, _nested)


def mutated(data: bytes, ways: tuple[Callable[[bytes, random.Random], bytes], ...], seed: int) -> bytes:
    """The file with one mutation; the same seed gives the same one."""
    rng = random.Random(seed)
    return rng.choice(ways)(data, rng)
