"""No code asks what kind of competition it is: it asks the rules, the workload or the quantity.

Looks at the syntax tree of every file of src/mlgolf, except competitions/, which is data. It finds:

- a name or attribute that says what kind one is, such as `is_game`, `is_dual`, `competition_kind`;
- a comparison, `match` or `startswith` on a competition's name, or with the name of one that ships;
- the name of one that ships as a literal ("mini" alone, which is a size and the default, may be);
- a comparison with "game", "golf" or "benchmark": a size is a row of numbers, not a kind;
- a comparison or `match` on what contract a contestant plays. Which loop plays which contract is
  a table in player/play.py, and whether a contestant paces itself is said in core/rules.py.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlgolf.core.competition import competition_names

SOURCE = Path(__file__).parents[2] / "src" / "mlgolf"
LEFT_OUT = {"competitions"}
CONTRACTS_ARE_ASKED_IN = {  # file -> functions
    "player/play.py": {"play"},  # looks the contract up in the table
    "core/rules.py": {"paces_itself"},
    "experiments/requests.py": {"_check_contract"},  # asks the rules whom they admit
}
KINDS = r"game|golf|benchmark|dual|tutorial|(speed|parameter)_?(run|golf)|time_to_(target|result)"
SAYS_KIND = re.compile(rf"(is|are)_(an?_)?({KINDS})s?|(competition|rules)_kind|kind_of_competition")
SHIPPED = set(competition_names())
KIND_WORDS = {"game", "golf", "benchmark"}


def findings(tree: ast.AST, contracts_asked_in: frozenset[str] = frozenset()) -> list[str]:
    """What asks for the kind of a competition, with its line.

    Args: contracts_asked_in: names of functions that may compare contracts.
    """
    found: list[str] = []
    for node, function in inside(tree, ""):
        may_ask = function in contracts_asked_in
        found += [f"{getattr(node, 'lineno', 0)}: {why}" for why in asks(node, may_ask)]
    return found


def inside(node: ast.AST, function: str) -> Iterator[tuple[ast.AST, str]]:
    """Every node, with the name of the function that it stands in."""
    yield node, function
    for child in ast.iter_child_nodes(node):
        is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield from inside(child, child.name if is_function else function)


def asks(node: ast.AST, may_ask_contract: bool) -> Iterator[str]:
    for name in names_in(node):
        if SAYS_KIND.fullmatch(name):
            yield f"{name} says what kind a competition is"
    if isinstance(node, ast.Constant) and node.value in SHIPPED - {"mini"}:
        yield f"{node.value!r} is the name of a competition"
    compared = operands(node)
    words = {o.value for o in compared if isinstance(o, ast.Constant)}
    attributes = {o.attr for o in compared if isinstance(o, ast.Attribute)}
    attributes |= {o.id for o in compared if isinstance(o, ast.Name)}
    owned = {ast.unparse(o) for o in compared if isinstance(o, ast.Attribute)}
    for word in words & (KIND_WORDS | {"mini"}):
        yield f"compares with {word!r}"
    if any(owner.endswith(("competition.name", "competition.title")) for owner in owned) and words:
        yield "compares the name of a competition"
    if attributes & {"contract", "contracts"} and not may_ask_contract:
        yield "compares a contract"


def names_in(node: ast.AST) -> list[str]:
    """What a node names itself: not those of its parts."""
    fields = ("id", "attr", "arg", "name")
    return [name for f in fields if isinstance(name := getattr(node, f, None), str)]


def operands(node: ast.AST) -> list[ast.AST]:
    """What a comparison, a `match` or a `startswith` compares, tuples and lists taken apart."""
    match node:
        case ast.Compare():
            sides: list[ast.AST] = [node.left, *node.comparators]
        case ast.Match():
            values = (v.value for c in node.cases for v in ast.walk(c.pattern)
                      if isinstance(v, ast.MatchValue))  # fmt: skip
            sides = [node.subject, *values]
        case ast.Call(func=ast.Attribute(attr="startswith" | "endswith", value=subject)):
            sides = [subject, *node.args]
        case ast.Subscript():  # {"entry": …}[contract] is a comparison in disguise
            sides = [node.slice] if isinstance(node.value, ast.Dict) else []
        case _:
            sides = []
    collections = (ast.Tuple, ast.List, ast.Set)
    return [p for side in sides for p in (side.elts if isinstance(side, collections) else [side])]


FILES = [
    file for file in sorted(SOURCE.rglob("*.py"))
    if file.relative_to(SOURCE).parts[0] not in LEFT_OUT
]


def test_no_code_asks_what_kind_of_competition_it_is():
    found = {}
    for file in FILES:
        name = str(file.relative_to(SOURCE))
        allowed = frozenset(CONTRACTS_ARE_ASKED_IN.get(name, ()))
        if offences := findings(ast.parse(file.read_text()), allowed):
            found[name] = offences
    assert found == {}


def test_the_referee_scoring_the_report_and_golf_are_looked_at():
    looked_at = {file.relative_to(SOURCE).parts[0] for file in FILES}
    assert looked_at >= {
        "referee", "player", "scoring", "report", "plots", "cli", "api", "core", "golf",
    }


@pytest.mark.parametrize(
    "code",
    [
        "if competition.name == 'digits-l2': pass",
        "if name in ('speed-run', 'other'): pass",
        "if size == 'game': pass",
        "if plan.size != 'mini': pass",
        "x = 1 if rules.is_game else 2",
        "def is_a_dual(competition): ...",
        "match competition.name:\n    case 'x': pass",
        "if competition.name.startswith('algoperf'): pass",
        "if contract == 'entry': pass",
        "if 'entry' in plan.rules.contracts: pass",
        "match plan.contract:\n    case 'entry': pass",
        "loop = {'entry': 1, 'submission': 2}[plan.contract]",
        "TABLE = {'parameter-golf': 1}",
    ],
)
def test_code_that_asks_is_found(code):
    assert findings(ast.parse(code))


@pytest.mark.parametrize(
    "code",
    [
        "if rules.objective_quantity.accumulates: pass",
        "if quantity(name).is_of_a_clock: pass",
        "competition = 'mini'",
        "if plan.paces_itself: pass",
        "if competition.name == other.name: pass",
        "kind = 'game'",
        "is_gamma = True",
        "players = TABLE[plan.contract]",
    ],
)
def test_code_that_asks_rules_workload_or_quantity_is_not(code):
    assert findings(ast.parse(code)) == []


def test_contracts_may_be_compared_in_the_named_functions_alone():
    tree = ast.parse("def f(plan):\n    return plan.contract == 'entry'")
    assert findings(tree, frozenset({"f"})) == []
    assert findings(tree, frozenset({"g"}))
