"""What a template may do: fill in blanks, choose by a condition, and go through a short list. It is not a program.

A language without assignments, arithmetic, nested loops or calls of its own can't run away, whatever is
written in it, so no clock needs to watch it; what it writes is limited in size all the same.
"""

from __future__ import annotations

from jinja2 import nodes

from worker.errors import TemplateError

MAX_RENDERED = 200_000
"""Characters of one email's body; the longest shipped one has six thousand."""

MAX_BLOCKS = 50
"""Blocks in one email, those inside blocks counted too."""

_FUNCTIONS = frozenset({"claim", "block"})
_FILTERS = frozenset(
    {"upper", "lower", "capitalize", "title", "trim", "default", "d", "first", "last", "length", "join"}
)
_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Const, nodes.Getattr, nodes.Getitem, nodes.If,
    nodes.For, nodes.Compare, nodes.Operand, nodes.And, nodes.Or, nodes.Not, nodes.Call, nodes.Filter, nodes.Test,
    nodes.CondExpr, nodes.List, nodes.Tuple,
)  # fmt: skip
_WORDS: dict[type[nodes.Node], str] = {
    nodes.Assign: "{% set %}",
    nodes.AssignBlock: "{% set %}",
    nodes.Macro: "{% macro %}",
    nodes.CallBlock: "{% call %}",
    nodes.Include: "{% include %}",
    nodes.Import: "{% import %}",
    nodes.FromImport: "{% from %}",
    nodes.Extends: "{% extends %}",
    nodes.Block: "{% block %}",
    nodes.FilterBlock: "{% filter %}",
    nodes.With: "{% with %}",
    nodes.Dict: "a dictionary",
    nodes.Slice: "a slice",
    nodes.Concat: "~",
}


def check_template(tree: nodes.Template, name: str, first_line: int = 1) -> None:
    """Refuse whatever is more than filling in blanks. Raises TemplateError with file and line."""
    _check(tree, name, first_line, loops=0)


def check_size(rendered: str, name: str) -> None:
    """Refuse an email that has grown beyond reason. Raises TemplateError."""
    if len(rendered) > MAX_RENDERED:
        raise TemplateError(name, f"becomes {len(rendered)} characters long; an email may have {MAX_RENDERED}")


def _check(node: nodes.Node, name: str, first_line: int, loops: int) -> None:
    problem = _problem(node, loops)
    if problem is not None:
        raise TemplateError(name, problem, node.lineno + first_line - 1)
    for child in node.iter_child_nodes():
        _check(child, name, first_line, loops + isinstance(node, nodes.For))


def _problem(node: nodes.Node, loops: int) -> str | None:
    if isinstance(node, nodes.For):
        if loops:
            return "has a loop within a loop, which emails may not"
        if node.recursive or not isinstance(node.iter, nodes.Name):
            return "loops over something else than a list of its values, such as clinics"
    if isinstance(node, nodes.Call) and not (isinstance(node.node, nodes.Name) and node.node.name in _FUNCTIONS):
        return f"calls a function; an email may call {' and '.join(sorted(_FUNCTIONS))} only"
    if isinstance(node, nodes.Filter) and node.name not in _FILTERS:
        return f"uses the filter {node.name}; an email may use {', '.join(sorted(_FILTERS))}"
    if not isinstance(node, _ALLOWED):
        return f"uses {_WORDS.get(type(node), 'arithmetic')}, which emails may not: they fill in blanks only"
    return None
