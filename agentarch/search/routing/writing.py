"""Writes a router out as one agent design: its pipelines, its numbers, and the lines that choose.

Each pipeline stands whole in a function of its own, so that nothing that two of them call alike can mix; the text of a
pipeline is moved to the right and otherwise left as it is. `agentarch.proposers.pipelines.composing.plug` would not do:
it merges two files into one namespace, and refuses what recombination cannot read.
"""

from __future__ import annotations

import ast
import inspect
import io
import re
import textwrap
import tokenize
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from agentarch.design import Contract, Design, DesignError, Proposal, read_design
from agentarch.errors import AgentarchError
from agentarch.search.routing import choosing
from agentarch.search.routing.cascades import Cascade
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
        _read(Policy((design.id,), (), weights, weights, 0.0), [(design.id,)], [design], contract, "")
    except (NotWritable, DesignError) as error:
        return str(error)
    return ""


def write_router(
    policy: Policy,
    designs: Mapping[str, Design],
    contract: Contract,
    sentence: str,
    cascades: Sequence[Cascade] = (),
) -> Design:
    """Return a router as a design.

    Args:
        policy: chooses among designs and cascades of them.
        designs: by id.
        contract: of agents.
        sentence: what it is worth, for its docstring.
        cascades: those that it may choose.

    Raises:
        NotWritable: a pipeline cannot be put beside others, or all together are too long.
    """
    members = {one.id: one.members for one in cascades}
    ways = [members.get(one, (one,)) for one in policy.designs]
    chosen = [designs[one] for one in dict.fromkeys(part for way in ways for part in way)]
    try:
        return _read(policy, ways, chosen, contract, sentence)
    except DesignError as error:
        raise NotWritable(
            f"the router over {', '.join(clean_label(one) for one in chosen)} is no design: {error}. A higher --price "
            "or a lower --keep takes fewer pipelines; what was answered is kept"
        ) from None


def clean_label(design: Design) -> str:
    """Return a design's name and the beginning of its id, safe to print and to put in a file."""
    return one_line(design.label, 80)


def _read(
    policy: Policy, ways: Sequence[Sequence[str]], chosen: Sequence[Design], contract: Contract, sentence: str
) -> Design:
    """Return a router over designs as a design.

    Args:
        policy: chooses among ways to answer.
        ways: ids of one pipeline, or of the three of a cascade.
        chosen: every pipeline of these, once.
        contract: of agents.
        sentence: what the router is worth.

    Raises:
        NotWritable: one cannot be put beside others.
        DesignError: all together are no design.
    """
    names = {one.id: f"pipeline_{number}" for number, one in enumerate(chosen, start=1)}
    is_cascading = any(len(way) > 1 for way in ways)
    imports = [*(["import asyncio"] if is_cascading else []), "import math", "import re"]
    future = "from __future__ import annotations\n\n" if any(_futures(one) for one in chosen) else ""
    sections = [
        _docstring(chosen, sentence),
        future + "\n".join(imports),
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
    sections += [_pipeline(names[one.id], one) for one in chosen]
    sections += [_copied(choosing.features), _copied(choosing.choose)]
    if is_cascading:
        sections += [_copied(choosing.agree), _copied(choosing.cascade)]
    made = [[f"{names[part]}()" for part in way] for way in ways]
    written = [way[0] if len(way) == 1 else f"cascade({', '.join(way)})" for way in made]
    sections.append("PIPELINES = (\n" + "".join(f"{INDENT}{one},\n" for one in written) + ")")
    source = "\n\n\n".join([*sections, _SOLVE])
    proposal = Proposal(
        source,
        name="router",
        rationale=sentence,
        proposer="route",
        operator="route",
        parents=tuple(names),
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
    """Return the lines of one of our own functions, without what is said to a type checker."""
    return re.sub(r"  # type: ignore\S*.*", "", inspect.getsource(function)).rstrip()
