import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentarch.design import MAX_SOURCE_BYTES, Contract, DesignError, Proposal, read_design
from agentarch.kinds.network import CONTRACT

GOOD = """
import torch
from torch import nn

def build(spec):
    return nn.Linear(3, 4)  # small
"""


def read(source: str, contract: Contract = CONTRACT):
    return read_design(Proposal(source, name="x"), contract)


def test_a_design_is_the_same_whatever_its_layout_comments_and_docstrings():
    rewritten = (
        '"""Docs."""\nimport torch\nfrom torch import nn\n\n\n'
        'def build(spec):\n    "why"\n    return nn.Linear(\n        3,\n        4,\n    )\n'
    )
    assert read(GOOD).id == read(rewritten).id


def test_a_design_that_computes_something_else_has_another_id():
    assert read(GOOD).id != read(GOOD.replace("4", "5")).id


def test_the_same_source_is_another_design_for_another_kind():
    other = Contract("other", CONTRACT.function, 1, False, CONTRACT.allowed_imports)
    assert read(GOOD).id != read(GOOD, other).id


def test_a_function_of_docstring_alone_still_has_an_id():
    assert read('def helper():\n    "nothing"\n\ndef build(spec):\n    "only words"\n').id


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def build(spec:\n", "does not parse: "),
        ("x = 1\n", "lacks `build`"),
        ("def make(spec): ...\n", "lacks `build`"),
        ("class A:\n    def build(self, spec): ...\n", "lacks `build`"),
        ("async def build(spec): ...\n", "must be written `def build(...)`"),
        ("def build(): ...\n", "must be callable with 1 positional argument"),
        ("def build(spec, width): ...\n", "must be callable with 1 positional argument"),
        ("def build(spec, *, width): ...\n", "must be callable with 1 positional argument"),
        ("import os\ndef build(spec): ...\n", "imports `os` on line 1"),
        ("def build(spec):\n    import numpy.random\n", "imports `numpy.random` on line 2"),
        ("from .secret import x\ndef build(spec): ...\n", "imports `.secret` on line 1"),
        ("from os import *\ndef build(spec): ...\n", "imports `os` on line 1"),
        ("def build(spec):\n    return '" + "x" * MAX_SOURCE_BYTES + "'\n", "at most 100,000 are allowed"),
        ("def build(spec):\n    return " + "(" * 500 + ")" * 500 + "\n", "does not parse"),
        ("def build(spec):\n    return 0x" + "f" * 6_000 + "\n", "cannot be read"),
        ("def build(spec): ...\n\0", "does not parse"),
        ("def build(spec):\n    return '\ud800'\n", "does not parse"),
        ("def build(spec):\n    return " + "-" * 2_000 + "1\n", "nested too deeply"),
        ("def build(spec):\n    return " + "-" * 90_000 + "1\n", "nested too deeply"),
    ],
)
def test_a_design_that_breaks_the_contract_is_refused_with_what_to_mend(source, said):
    with pytest.raises(DesignError) as refused:
        read(source)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("arguments", ["spec", "spec, width=64", "*specs", "spec, /, *, width=3"])
def test_any_signature_that_takes_one_argument_will_do(arguments):
    assert read(f"def build({arguments}): ...\n").kind == "network"


@given(st.text(max_size=200))
def test_reading_any_text_gives_a_design_or_a_reason(text):
    with contextlib.suppress(DesignError):
        assert read(text).id


def test_nothing_of_a_design_runs_while_it_is_read(tmp_path):
    trace = tmp_path / "ran"
    read(f"open({str(trace)!r}, 'w')\n\ndef build(spec, x=open({str(trace)!r}, 'w')): ...\n")
    assert not trace.exists()
