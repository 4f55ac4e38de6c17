"""The files of a prompt pack: the shipped ones, and a user's in their place.

Reads text and nothing else; what the templates mean is checked in `agentarch.meta.checking`.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from agentarch.content import content_folder
from agentarch.errors import UsageError, unknown_name
from agentarch.meta.draft import FORMS, Form

REQUIRED = ("system.jinja", "reflect.jinja", "repair.jinja")
OPERATORS = "operators"
SHARED = "shared"
"""Folder of templates that every kind's pack has, unless it has its own of that name."""

MOST_FILE_BYTES = 200_000
MOST_PARENTS = 2


@dataclass(frozen=True)
class Operator:
    """One way of asking for a design.

    Attributes:
        name: the file's name without its ending.
        answer: the form of answer that is asked for.
        parents: how many designs it builds upon.
        about: what it asks for, one line.
    """

    name: str
    answer: Form
    parents: int
    about: str

    @property
    def template(self) -> str:
        """The template's name in its pack."""
        return f"{OPERATORS}/{self.name}.jinja"


@dataclass(frozen=True)
class PackFiles:
    """Every template of a pack.

    Attributes:
        texts: by name, e.g. `operators/refine.jinja`.
        paths: where each was read.
        own: names of those that came from the user's folder.
    """

    texts: Mapping[str, str]
    paths: Mapping[str, Path]
    own: frozenset[str]

    @property
    def hash(self) -> str:
        """Twelve hexadecimal digits that change with any name or text."""
        told = hashlib.sha256()
        for name, text in sorted(self.texts.items()):
            told.update(f"{len(name)}\0{name}\0{len(text)}\0{text}".encode())
        return told.hexdigest()[:12]


def read_files(folder: Path | None, kind: str) -> PackFiles:
    """Read the templates of a pack.

    Args:
        folder: a user's; its files take the place of the shipped ones of the same name, and an operator whose file is
            empty is left out. A folder of packs, with one folder a kind, may be given too. None for the shipped pack.
        kind: of designs.

    Raises:
        UsageError: the folder or a file cannot be read, or there is none.
    """
    shipped = content_folder("prompts") / kind
    paths = {**_templates_in(content_folder("prompts") / SHARED), **_templates_in(shipped)}
    own: dict[str, Path] = {}
    if folder is not None:
        if not folder.is_dir():
            raise UsageError(
                f"the prompt pack {str(folder)!r} is not a folder. Give a folder laid out like {shipped}"
            )
        within = folder / kind if (folder / kind).is_dir() else folder
        own = _templates_in(within)
        if not own:
            raise UsageError(
                f"the prompt pack {str(within)!r} holds no template: expected at least one file that ends in .jinja, "
                f"such as system.jinja or {OPERATORS}/refine.jinja"
            )
    paths |= own
    missing = [name for name in REQUIRED if name not in paths]
    if missing:
        raise UsageError(f"the prompt pack for {kind!r} designs lacks {', '.join(missing)}; write it")
    texts = {name: _text(path) for name, path in sorted(paths.items())}
    texts = {
        name: text for name, text in texts.items() if not name.startswith(f"{OPERATORS}/") or text.strip()
    }
    return PackFiles(texts, {name: paths[name] for name in texts}, frozenset(own) & texts.keys())


def read_operators(files: PackFiles) -> dict[str, Operator]:
    """Read what each operator says of itself at the head of its file.

    Raises:
        UsageError: there is none, or what one says makes no sense.
    """
    operators = {}
    for name, text in files.texts.items():
        if name.startswith(f"{OPERATORS}/"):
            operator = _operator(name, text, files.paths[name])
            operators[operator.name] = operator
    if not operators:
        raise UsageError(
            f"the prompt pack has no operator: expected at least one file {OPERATORS}/NAME.jinja that is not empty"
        )
    return operators


def _templates_in(folder: Path) -> dict[str, Path]:
    found = [*folder.glob("*.jinja"), *(folder / OPERATORS).glob("*.jinja")]
    return {path.relative_to(folder).as_posix(): path for path in sorted(found) if path.is_file()}


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            read = file.read(MOST_FILE_BYTES + 1)
        text = read.decode()
    except OSError as error:
        raise UsageError(f"the template {path} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        line = read[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}, line {line}: is not UTF-8 text; save it as UTF-8") from None
    if len(read) > MOST_FILE_BYTES:
        raise UsageError(f"{path}: has more than {MOST_FILE_BYTES:,} bytes; no prompt can be that long")
    return text.replace("\r\n", "\n")


def _operator(name: str, text: str, path: Path) -> Operator:
    comment, lead = _first_comment(text)
    if comment is None:
        raise UsageError(
            f'{path}, line 1: expected a comment that says what is asked for, such as {{# answer = "edits"'
            f'\\nparents = 1\\nabout = "..." #}}'
        )
    try:
        head = tomllib.loads(comment)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}, line {lead}: the comment at the head is not TOML: {error}") from None
    for key in head:
        if key not in ("answer", "parents", "about"):
            raise _at(path, text, key, str(unknown_name("key", key, ("answer", "parents", "about"))))
    answer, parents, about = head.get("answer"), head.get("parents"), head.get("about", "")
    if answer not in FORMS:
        raise _at(path, text, "answer", str(unknown_name("answer", str(answer), FORMS)))
    if type(parents) is not int or not 0 <= parents <= MOST_PARENTS:
        raise _at(path, text, "parents", f"expected parents = 0, 1 or {MOST_PARENTS}, got {parents!r}")
    if answer == "edits" and parents == 0:
        raise _at(path, text, "parents", "edits need a parent to edit: expected parents = 1 or 2, got 0")
    if not isinstance(about, str):
        raise _at(path, text, "about", f"expected text, got {about!r}")
    stem = name.removeprefix(f"{OPERATORS}/").removesuffix(".jinja")
    if not stem.replace("-", "").replace("_", "").isalnum() or not stem.isascii():
        raise UsageError(f"{path}: an operator's name has letters, digits, hyphens and underscores only")
    return Operator(stem, answer, parents, " ".join(about.split()))


def _first_comment(text: str) -> tuple[str | None, int]:
    """Return what is in the comment that a template begins with, and its line."""
    stripped = text.lstrip()
    line = text[: len(text) - len(stripped)].count("\n") + 1
    if not stripped.startswith("{#") or "#}" not in stripped:
        return None, line
    return stripped[2 : stripped.index("#}")].strip("-+ \t"), line


def _at(path: Path, text: str, word: str, message: str) -> UsageError:
    lines = text.split("\n")
    line = next((number for number, one in enumerate(lines, 1) if one.lstrip(" {#").startswith(word)), 1)
    return UsageError(f"{path}, line {line}: {message}")
