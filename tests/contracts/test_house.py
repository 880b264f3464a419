"""Rules of the house that no linter knows, read from the source itself."""

import ast
import re
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from isa_cli import errors
from isa_cli.cli.main import app
from isa_cli.errors import ExitCode, IsaError

PACKAGE = Path(errors.__file__).parent
TREES = {
    path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_bytes())
    for path in sorted(PACKAGE.rglob("*.py"))
}
"""Every module's syntax by its file."""

LONGEST = 350
"""Lines of a file; ours: one idea fits, and two do not stay unnoticed."""

DURABLE = "atomic.py"
APPENDING = ("gallery/patch_features.py", "_append")
"""Where files are made durable: whole ones, and the one that is written on."""


def test_no_file_is_longer_than_one_idea():
    source = [path for path in PACKAGE.rglob("*") if path.suffix in {".py", ".css", ".js"}]
    lines = {str(path): path.read_text("utf-8").count("\n") for path in source}
    assert {path: count for path, count in lines.items() if count > LONGEST} == {}


# --- names and words -----------------------------------------------------------------------------


def public_classes(tree):
    return [
        node.name
        for node in tree.body
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
    ]


def test_no_public_class_name_stands_twice():
    places = defaultdict(list)
    for file, tree in TREES.items():
        for name in public_classes(tree):
            places[name].append(file)
    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def shy_docstrings(tree):
    """Yield the lines of docstrings that begin with 'Return what', which names nothing."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(tree):
        if isinstance(node, documented):
            text = ast.get_docstring(node) or ""
            if re.match(r"returns?\s+what\b", text, re.IGNORECASE):
                yield text.splitlines()[0]


def test_docstrings_name_what_comes_back():
    found = {file: list(shy_docstrings(tree)) for file, tree in TREES.items()}
    assert {file: lines for file, lines in found.items() if lines} == {}


# --- imports -------------------------------------------------------------------------------------


def module_of(file):
    return f"isa_cli/{file}".removesuffix(".py").removesuffix("/__init__").replace("/", ".")


MODULES = {module_of(file): tree for file, tree in TREES.items()}


def run_on_import(statements):
    """Yield the import statements that run when a module is imported."""
    for node in statements:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from run_on_import(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for name in ("body", "handlers", "orelse", "finalbody"):
                yield from run_on_import(getattr(node, name, ()))


def imported(tree):
    """The modules of ours that importing one imports by name."""
    named = set()
    for node in run_on_import(tree.body):
        if isinstance(node, ast.Import):
            named |= {alias.name for alias in node.names}
        else:
            assert not node.level, "imports are written from the root"
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            modules = inside & MODULES.keys()
            named |= modules if len(modules) == len(inside) else modules | {node.module}
    return named & MODULES.keys()


def test_modules_do_not_import_each_other_in_a_circle():
    circle = []
    try:
        TopologicalSorter({name: imported(tree) for name, tree in MODULES.items()}).prepare()
    except CycleError as error:
        circle = error.args[1]
    assert circle == []


# --- files ---------------------------------------------------------------------------------------


METHODS = {"fsync", "fdatasync", "replace", "rename"}
MOVES = METHODS | {"renames", "move"}


def durable_calls(tree):
    """Yield (function, what) for whatever replaces a file or makes one durable."""
    for place, node in with_functions(tree):
        match node:
            case ast.Attribute(value=ast.Name("os" | "shutil"), attr=what) if what in MOVES:
                yield place, what
            case ast.Call(func=ast.Attribute(attr=what)) if what in METHODS and of_a_path(node):
                yield place, what
            case ast.ImportFrom(module="os" | "shutil"):
                for alias in node.names:
                    if alias.name in MOVES:
                        yield place, alias.name


def of_a_path(call):
    """Tell a path's method from those of text, which take two, and of moments, which take names."""
    return len(call.args) == 1 and not call.keywords


def with_functions(node, place=""):
    """Yield every node below with the name of the innermost function that it is in."""
    for child in ast.iter_child_nodes(node):
        named = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
        yield place, child
        yield from with_functions(child, child.name if named else place)


def test_files_are_written_whole_in_one_place():
    found = {
        (file, place, what)
        for file, tree in TREES.items()
        if file != DURABLE
        for place, what in durable_calls(tree)
    }
    assert found == {(*APPENDING, "fsync")}
    assert {what for _, what in durable_calls(TREES[DURABLE])} == {"fsync", "replace"}


# --- exit codes ----------------------------------------------------------------------------------

EXITS = {"exit", "_exit", "Exit", "SystemExit"}


def numbers_in(*expressions):
    """Yield the numbers but 0 that expressions may come to, being written in them."""
    for node in expressions:
        match node:
            case ast.Constant(value=int() as value) if value and not isinstance(value, bool):
                yield value
            case ast.IfExp():
                yield from numbers_in(node.body, node.orelse)
            case ast.BoolOp():
                yield from numbers_in(*node.values)


def exit_numbers(tree, *, commands):
    """Yield the numbers that stand where an exit code is meant.

    Args:
        tree: a module's.
        commands: whether an ``int`` that a function returns is one.
    """
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name("exit_code" | "code")]):
                yield from numbers_in(node.value)
            case ast.AnnAssign(target=ast.Name("exit_code" | "code")):
                yield from numbers_in(node.value)
            case ast.Call(func=ast.Name(name) | ast.Attribute(attr=name)) if name in EXITS:
                yield from numbers_in(*node.args, *(keyword.value for keyword in node.keywords))
            case ast.FunctionDef(returns=ast.Name("int")) if commands:
                returns = (each for each in ast.walk(node) if isinstance(each, ast.Return))
                yield from numbers_in(*(each.value for each in returns))


def test_the_numbers_of_exit_codes_stand_once():
    found = {
        file: list(exit_numbers(tree, commands=file.startswith("cli/")))
        for file, tree in TREES.items()
    }
    assert {file: numbers for file, numbers in found.items() if numbers} == {}


def test_the_help_tells_the_codes_that_there_are():
    told = {int(number) for number in re.findall(r"\b\d+\b", app.info.epilog)}
    assert told == set(ExitCode) - {ExitCode.BUG, ExitCode.CLOSED_PIPE}


def test_the_tree_of_errors_is_drawn_as_it_is():
    """A number that is not drawn is that of the class above."""
    drawn = dict(re.findall(r"[├└]── (\w+) +(\d*)", errors.__doc__))
    classes = {
        name: kind
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, IsaError) and kind is not IsaError
    }
    assert drawn.keys() == classes.keys()
    for name, kind in classes.items():
        number = drawn[name] or drawn[kind.__base__.__name__]
        assert kind.exit_code == int(number), name


# --- the rules themselves ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os\ndef f(a, b):\n    os.replace(a, b)", [("f", "replace")]),
        ("class A:\n    def g(self):\n        self.part.replace(self.path)", [("g", "replace")]),
        ("with open(p) as file:\n    sync = os.fsync", [("", "fsync")]),
        ("from os import fsync", [("", "fsync")]),
        ("part.rename(path)", [("", "rename")]),
        ("text.replace('a', 'b'); moment.replace(tzinfo=None); replace(config, a=1)", []),
        ("journal.move(a); names.fsync", []),
        ("dataclasses.replace(config, a=1)", []),
    ],
)
def test_the_rule_about_files_sees(source, found):
    assert list(dict.fromkeys(durable_calls(ast.parse(source)))) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import isa_cli.errors", {"isa_cli.errors"}),
        ("from isa_cli import errors, types", {"isa_cli.errors", "isa_cli.types"}),
        ("from isa_cli import __version__, errors", {"isa_cli", "isa_cli.errors"}),
        ("from isa_cli.errors import IsaError", {"isa_cli.errors"}),
        ("try:\n    import isa_cli.types\nexcept ImportError:\n    pass", {"isa_cli.types"}),
        ("if TYPE_CHECKING:\n    import isa_cli.types\nelse:\n    import isa_cli", {"isa_cli"}),
        ("def f():\n    import isa_cli.types", set()),
        ("class A:\n    import isa_cli.types", {"isa_cli.types"}),
        ("import os", set()),
    ],
)
def test_the_rule_about_circles_sees(source, found):
    assert imported(ast.parse(source)) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("class A:\n    exit_code = 4", [4]),
        ("class A:\n    exit_code: int = 2", [2]),
        ("sys.exit(3); raise typer.Exit(code=2)", [3, 2]),
        ("def f() -> int:\n    return 0 if done else 1", [1]),
        ("def f() -> int:\n    return ExitCode.USAGE if wrong else 0", []),
        ("def f() -> bool:\n    return True", []),
        ("code: int", []),
    ],
)
def test_the_rule_about_exit_codes_sees(source, found):
    assert list(exit_numbers(ast.parse(source), commands=True)) == found


def test_the_rule_about_docstrings_sees():
    source = 'def f():\n    """Return what is\n    meant."""\nclass A:\n    """Returns what."""'
    assert sorted(shy_docstrings(ast.parse(source))) == ["Return what is", "Returns what."]
    assert not list(shy_docstrings(ast.parse('def f():\n    """Return whatever, whatnot."""')))
