"""Renders the templates of a pack, in Jinja's sandbox, and says where one fails in words its author can act on."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Mapping
from typing import Any

import jinja2
from jinja2 import StrictUndefined, meta, nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from agentarch.errors import UsageError, unknown_name
from agentarch.meta.packfiles import PackFiles
from agentarch.text import one_line
from agentarch.wording import number_text


class Renderer:
    """The templates of a pack, ready to be rendered.

    Args:
        files: of the pack.
    """

    def __init__(self, files: PackFiles) -> None:
        self._files = files
        self._environment = ImmutableSandboxedEnvironment(
            loader=jinja2.FunctionLoader(self._load),
            undefined=_Unknown,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # a prompt is no markup
            cache_size=-1,
            auto_reload=False,
        )
        self._environment.filters["signed"] = signed
        self._environment.filters["number"] = number_text

    def render(self, name: str, variables: Mapping[str, Any]) -> str:
        """Return a template's text, without blank lines at its ends.

        Raises:
            UsageError: the template fails; the message names the file and the line.
        """
        try:
            text = self._environment.get_template(name).render(variables)
        except Exception as error:  # whatever a template does is its author's to mend
            raise self._fault(name, error) from None
        return text.strip()

    def check(self, name: str, known: tuple[str, ...]) -> None:
        """Check a template without rendering it.

        Args:
            name: of the template.
            known: the variables that it may use.

        Raises:
            UsageError: it does not parse, names a variable that it is not given, or a template that does not exist.
        """
        try:
            tree = self._environment.parse(self._files.texts[name])
            self._environment.get_template(name)  # finds unknown filters and tests
        except Exception as error:
            raise self._fault(name, error) from None
        for variable in sorted(meta.find_undeclared_variables(tree) - {*known}):
            line = next((one.lineno for one in tree.find_all(nodes.Name) if one.name == variable), 1)
            raise UsageError(f"{self._place(name, line)}: {unknown_name('variable', variable, known)}")
        for other in self.referred(name):
            if other not in self._files.texts:
                line = _line_of_reference(tree, other)
                raise UsageError(
                    f"{self._place(name, line)}: {unknown_name('template', other, self._files.texts)}"
                )

    def referred(self, name: str) -> Iterator[str]:
        """Yield the names of templates that a template includes, imports or extends."""
        tree = self._environment.parse(self._files.texts[name])
        yield from (other for other in meta.find_referenced_templates(tree) if other)

    def _load(self, name: str) -> tuple[str, str, None] | None:
        if name not in self._files.texts:
            return None
        return self._files.texts[name], str(self._files.paths[name]), None

    def _place(self, name: str, line: int | None) -> str:
        path = self._files.paths.get(name, name)
        return f"{path}, line {line}" if line else str(path)

    def _fault(self, name: str, error: Exception) -> UsageError:
        if isinstance(error, jinja2.TemplateSyntaxError):
            return UsageError(f"{self._place(error.name or name, error.lineno)}: {error.message}")
        line = None
        by_path = {str(path): one for one, path in self._files.paths.items()}
        for frame in traceback.extract_tb(error.__traceback__):
            if frame.filename in by_path:  # Jinja points its frames at the template's own lines
                name, line = by_path[frame.filename], frame.lineno
        what = "" if isinstance(error, jinja2.TemplateError) else f"{type(error).__name__}: "
        return UsageError(f"{self._place(name, line)}: {what}{one_line(str(error)) or type(error).__name__}")


def _line_of_reference(tree: nodes.Template, name: str) -> int:
    kinds: tuple[type[nodes.Node], ...] = (nodes.Import, nodes.FromImport, nodes.Include, nodes.Extends)
    for kind in kinds:
        for one in tree.find_all(kind):
            named = getattr(one, "template", None)
            if isinstance(named, nodes.Const) and named.value == name:
                return one.lineno
    return 1


class _Unknown(StrictUndefined):
    """A variable or field that does not exist; whoever uses it is told the nearest one."""

    @property
    def _undefined_message(self) -> str:
        if self._undefined_hint:
            return self._undefined_hint
        if self._undefined_obj is jinja2.utils.missing:
            return f"unknown variable {self._undefined_name!r}"
        fields = [field for field in dir(self._undefined_obj) if not field.startswith("_")]
        if isinstance(self._undefined_obj, Mapping):
            fields = [str(key) for key in self._undefined_obj]
        return str(unknown_name("field", str(self._undefined_name), fields))


def signed(value: float | None, digits: int = 3) -> str:
    """Return a change with its sign, e.g. `+0.031`; a question mark for None."""
    return "?" if value is None else f"{value:+.{digits}f}"
