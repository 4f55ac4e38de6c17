"""Writes a router out as one agent design: its pipelines, its numbers, and the lines that choose.

Each pipeline stands whole in a function of its own, so that nothing that two of them call alike can mix; the text of a
pipeline is moved to the right and otherwise left as it is. `agentarch.proposers.pipelines.composing.plug` would not do:
it merges two files into one namespace, and refuses what recombination cannot read.
"""

from __future__ import annotations

import ast
import inspect
import io
import textwrap
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from agentarch.design import Contract, Design, DesignError, Proposal, read_design
from agentarch.errors import AgentarchError
from agentarch.search.routing import choosing
from agentarch.search.routing.fitting import Policy
from agentarch.syntax import parse
from agentarch.text import one_line

LINE_LENGTH = 110
INDENT = "    "

_SOLVE = '''async def solve(question, model):
    """Answer by the pipeline that is worth its tokens for this question."""
    return await PIPELINES[choose(question, WORDS, RIGHT, TOKENS, PRICE)](question, model)
'''


class NotWritable(AgentarchError):
    """A pipeline cannot stand in one file with others; the message says why."""


def why_not_alone(design: Design, contract: Contract) -> str:
    """Return why a router cannot be written even over one pipeline alone; an empty text where it can."""
    weights = ((0.0,) * (1 + len(choosing.features("", ()))),)
    try:
        _read(Policy((design.id,), (), weights, weights, 0.0), [design], contract, "")
    except (NotWritable, DesignError) as error:
        return str(error)
    return ""


def write_router(policy: Policy, designs: Mapping[str, Design], contract: Contract, sentence: str) -> Design:
    """Return a router as a design.

    Args:
        policy: chooses among designs.
        designs: by id.
        contract: of agents.
        sentence: what it is worth, for its docstring.

    Raises:
        NotWritable: a pipeline cannot be put beside others, or all together are too long.
    """
    chosen = [designs[one] for one in policy.designs]
    try:
        return _read(policy, chosen, contract, sentence)
    except DesignError as error:
        raise NotWritable(
            f"the router over {', '.join(clean_label(one) for one in chosen)} is no design: {error}. A higher --price "
            "or a lower --keep takes fewer pipelines; what was answered is kept"
        ) from None


def clean_label(design: Design) -> str:
    """Return a design's name and the beginning of its id, safe to print and to put in a file."""
    return one_line(design.label, 80)


def _read(policy: Policy, chosen: Sequence[Design], contract: Contract, sentence: str) -> Design:
    """Return a router over designs as a design.

    Raises:
        NotWritable: one cannot be put beside others.
        DesignError: all together are no design.
    """
    names = [f"pipeline_{number}" for number in range(1, len(chosen) + 1)]
    future = "from __future__ import annotations\n\n" if any(_futures(one) for one in chosen) else ""
    sections = [
        _docstring(chosen, sentence),
        f"{future}import math\nimport re",
        "\n\n".join(
            [
                _constant("PRICE", policy.price, "Of a token, as a share of a right answer."),
                _constant("WORDS", policy.words, "Counted in a question."),
                _constant("RIGHT", policy.right, "A row a pipeline: of the logit of being right."),
                _constant("TOKENS", policy.tokens, "A row a pipeline: of the logarithm of its tokens."),
                f"LARGEST = {choosing.LARGEST}",
            ]
        ),
    ]
    sections += [_pipeline(name, one) for name, one in zip(names, chosen, strict=True)]
    sections += [_copied(choosing.features), _copied(choosing.choose)]
    sections.append(f"PIPELINES = ({''.join(f'{name}(), ' for name in names).rstrip()})")
    source = "\n\n\n".join([*sections, _SOLVE])
    proposal = Proposal(
        source,
        name="router",
        rationale=sentence,
        proposer="route",
        operator="route",
        parents=policy.designs,
    )
    return read_design(proposal, contract)


def _docstring(chosen: Sequence[Design], sentence: str) -> str:
    names = ", ".join(clean_label(one) for one in chosen)
    told = [f"Sends each question to one of {len(chosen)} pipelines: {names}.", sentence]
    safe = [one.replace("\\", "").replace('"', "'") for one in told]
    return '"""' + "\n\n".join(textwrap.fill(one, LINE_LENGTH - 3) for one in safe) + '\n"""'


def _constant(name: str, value: object, meaning: str) -> str:
    written = repr(value)
    if isinstance(value, tuple) and value:
        items = [repr(one) for one in value]
        if isinstance(value[0], tuple):
            items = [textwrap.fill(one, LINE_LENGTH - 4, subsequent_indent="     ") for one in items]
            written = "(\n" + "".join(f"    {one},\n" for one in items) + ")"
        else:
            filled = textwrap.fill(
                ", ".join(items), LINE_LENGTH - 4, initial_indent=INDENT, subsequent_indent=INDENT
            )
            written = f"(\n{filled},\n)"
    return f'{name} = {written}\n"""{meaning}"""'


def _pipeline(name: str, design: Design) -> str:
    """Return a function that defines a whole design and returns its `solve`.

    Raises:
        NotWritable: it speaks of the top level by name, which inside a function is another one, or its imports from
            `__future__` cannot be taken out of it line by line.
    """
    tree = parse(design.source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Global):
            raise NotWritable(
                f"it changes what its file holds (`global {node.names[0]}`), so it cannot stand in a function"
            )
        if isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names):
            raise NotWritable(f"it imports everything of `{node.module}`, which a function cannot")
    futures = _futures(design)
    if any(not futures.isdisjoint(_lines(node)) for node in tree.body if not _is_future(node)):
        raise NotWritable("its import from `__future__` shares a line with another statement")
    moved = "\n".join(_moved(design.source, futures)).strip("\n")
    return f"def {name}():\n{moved}\n\n{INDENT}return solve"


def _futures(design: Design) -> frozenset[int]:
    """Return the lines of a design's imports from `__future__`, which stand at the top of a file or nowhere."""
    return frozenset(line for node in parse(design.source).body if _is_future(node) for line in _lines(node))


def _is_future(node: ast.stmt) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _lines(node: ast.stmt) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _moved(source: str, without: Collection[int]) -> Iterator[str]:
    """Yield the lines of a source moved right, those in the middle of a text as they are, and some left out."""
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    inside: set[int] = set()
    started: list[int] = []  # where texts with fields in them begin, which may hold others
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        name = tokenize.tok_name[token.type]
        if name == "FSTRING_START":
            started.append(token.start[0])
        elif name == "FSTRING_END":
            inside.update(range(started.pop() + 1, token.end[0] + 1))
        elif token.type == tokenize.STRING:
            inside.update(range(token.start[0] + 1, token.end[0] + 1))
    for number, line in enumerate(text.split("\n"), start=1):
        if number not in without:
            yield line if number in inside or not line.strip() else INDENT + line


def _copied(function: Callable[..., object]) -> str:
    """Return the lines of one of our own functions."""
    return inspect.getsource(function).rstrip()
