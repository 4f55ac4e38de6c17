"""The docs say what the code does."""

import re
from pathlib import Path

from agentarch.search.authoring.graph import as_mermaid


def test_the_figure_in_the_docs_is_the_graph():
    text = (Path(__file__).parent.parent / "docs" / "meta-agent.md").read_text()
    (figure,) = re.findall(r"```mermaid\n(.*?)```", text, re.DOTALL)
    assert figure.strip() == as_mermaid().strip()


def test_every_kind_of_event_that_a_run_writes_is_in_the_tour_of_the_house():
    root = Path(__file__).parent.parent
    code = "".join(file.read_text() for file in (root / "agentarch" / "search" / "authoring").glob("*.py"))
    tour = (root / "docs" / "architecture.md").read_text()
    kinds = set(re.findall(r'\.note\(\s*"(\w+)"', code))
    assert kinds
    assert not [kind for kind in kinds if f"`{kind}`" not in tour]
