"""Reads a user's data file: text, JSON Lines, JSON or a table, gzipped or not.

Guarantees that whatever is wrong with a file is said as `UsageError`, with its name, the line or record, and what to
do.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from agentarch.errors import UsageError
from agentarch.text import one_line

MOST_BYTES = 1 << 30
GZIP_MAGIC = b"\x1f\x8b"
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Record:
    """One record of a data file.

    Attributes:
        path: of the file.
        place: where the record stands in it, e.g. `line 12`.
        fields: what it holds.
    """

    path: Path
    place: str
    fields: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a field that is a text and not blank.

        Raises:
            UsageError: it is missing, blank or something else.
        """
        value = self.field(name)
        if not isinstance(value, str):
            raise self.fault(f"its {name!r} is {_kind_of(value)}, expected a text")
        if not value.strip():
            raise self.fault(f"its {name!r} is blank; fill it in, or take the record out")
        _refuse_lone_surrogates(self, name, value)
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a field that is a text, a number, true or false, or a list of such that is not empty, as texts."""
        value = self.field(name)
        given = value if isinstance(value, list) else [value]
        if not given:
            raise self.fault(f"its {name!r} is an empty list; fill it in, or take the record out")
        for one in given:
            if not isinstance(one, str | int | float):
                raise self.fault(f"its {name!r} is {_kind_of(one)}, expected a text or a number")
        found = tuple(one if isinstance(one, str) else json.dumps(one) for one in given)
        if not all(one.strip() for one in found):
            raise self.fault(f"its {name!r} is blank; fill it in, or take the record out")
        for one in found:
            _refuse_lone_surrogates(self, name, one)
        return found

    def field(self, name: str) -> Any:
        """Return a field, whatever it is."""
        if name not in self.fields:
            listed = ", ".join(repr(one_line(str(one), 40)) for one in list(self.fields)[:12])
            raise self.fault(f"it has no field {name!r}, but {listed or 'none at all'}")
        return self.fields[name]

    def fault(self, what: str) -> UsageError:
        """Return the error for a record that will not do."""
        return fault(self.path, self.place, what)


def fault(path: Path, place: str, what: str) -> UsageError:
    """Return the error for a place in a file."""
    return UsageError(f"{str(path)!r}, {place}: {what}")


def read_bytes(path: Path) -> bytes:
    """Return what a file holds, decompressed if it is gzipped.

    Raises:
        UsageError: it cannot be read, is cut off or is far too large.
    """
    try:
        with path.open("rb") as raw:
            is_gzipped = raw.read(2) == GZIP_MAGIC
        with gzip.open(path) if is_gzipped else path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise UsageError(
            f"{str(path)!r} is cut off or damaged: it does not decompress; get it again"
        ) from None
    except OSError as error:
        raise UsageError(
            f"cannot read the data file {str(path)!r}: {error.strerror}; give the path of a file"
        ) from None
    if len(data) > MOST_BYTES:
        raise UsageError(f"{str(path)!r} holds more than {MOST_BYTES:,} bytes; give a part of it")
    return data


def read_text(path: Path) -> str:
    """Return what a file holds as text.

    Raises:
        UsageError: it cannot be read, is empty or is not UTF-8.
    """
    data = read_bytes(path)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise fault(path, f"line {line}", "it is not UTF-8 text; save the file as UTF-8") from None
    if not text.strip():
        raise UsageError(f"{str(path)!r} is empty; give a file with questions")
    return text


def json_lines(path: Path) -> Iterator[Record]:
    """Yield the records of a file with one JSON object a line; blank lines are passed over."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            yield _record(path, f"line {number}", _parsed(path, line, f"line {number}"))


def json_document(path: Path) -> Any:
    """Return what a JSON file holds."""
    return _parsed(path, read_text(path), "")


def json_array(path: Path) -> Iterator[Record]:
    """Yield the records of a file that is one JSON list of objects."""
    document = json_document(path)
    if not isinstance(document, list) or not document:
        raise UsageError(f"{str(path)!r} holds {_kind_of(document)}, expected a JSON list of records")
    for number, value in enumerate(document, start=1):
        yield _record(path, f"record {number}", value)


def json_members(path: Path) -> Iterator[tuple[str, Record]]:
    """Yield names and records of a file that is one JSON object of objects."""
    document = json_document(path)
    if not isinstance(document, dict) or not document:
        raise UsageError(f"{str(path)!r} holds {_kind_of(document)}, expected a JSON object of records")
    for number, (name, value) in enumerate(document.items(), start=1):
        yield name, _record(path, f"record {number}", value)


def tab_lines(path: Path, names: tuple[str, ...]) -> Iterator[Record]:
    """Yield the records of a file with one a line, its fields in this order and parted by tabs; it has no header."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if not line.strip():
            continue
        values = line.rstrip("\r").split("\t")
        if len(values) != len(names):
            expected = " and ".join(names)
            raise fault(
                path, f"line {number}", f"it has {len(values)} fields parted by tabs, expected {expected}"
            )
        yield Record(path, f"line {number}", dict(zip(names, values, strict=True)))


def parsed_bytes(path: Path, data: bytes, place: str) -> Record:
    """Return a record from the bytes of one JSON object, e.g. of a file in an archive."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise fault(path, place, "it is not UTF-8 text") from None
    return _record(path, place, _parsed(path, text, place))


def _parsed(path: Path, text: str, place: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once_each)
    except RecursionError:
        raise fault(path, place or "line 1", "it is nested too deeply to be read") from None
    except json.JSONDecodeError as error:
        where = place or f"line {error.lineno}"
        raise fault(path, where, f"it is not JSON ({error.msg}); mend it, or get the file again") from None
    except ValueError as error:
        raise fault(path, place or "some line", f"it is not JSON ({error}); mend it") from None


def _record(path: Path, place: str, value: Any) -> Record:
    if not isinstance(value, dict):
        raise fault(path, place, f"it is {_kind_of(value)}, expected an object with named fields")
    return Record(path, place, value)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise ValueError(f"the field {one_line(twice, 40)!r} stands in it twice")
    return fields


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


def _refuse_lone_surrogates(record: Record, name: str, value: str) -> None:
    if not value.isascii() and _LONE_SURROGATE.search(value):
        raise record.fault(f"its {name!r} holds half a character (a lone surrogate); mend it")


def _kind_of(value: Any) -> str:
    """Return what a JSON value is, in words."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, list):
        return "a list" if value else "an empty list"
    return "an object" if isinstance(value, dict) else "a text"
