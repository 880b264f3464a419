"""The architecture page is true: its layers, its file names, and where it says a thing is."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "isa_cli"
PAGE = (PACKAGE / "README.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<where>.+) \| `(?P<file>[^`]+\.py)` \| `(?P<name>[^`]+)` \|$", re.MULTILINE
)
ROWS = [(row["file"], row["name"]) for row in ROW.finditer(PAGE)]


def section(heading):
    """Return what stands below a heading, up to the next one."""
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def defined(tree, prefix=""):
    """Return every class, function and constant of a file: ``Library``, ``Library.search``."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(prefix + node.name)
        if isinstance(node, ast.ClassDef):
            names |= defined(node, f"{node.name}.")
        if isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names |= {prefix + each.id for each in targets if isinstance(each, ast.Name)}
    return names


@pytest.mark.parametrize(("file", "name"), ROWS)
def test_a_thing_is_where_the_table_says(file, name):
    path = PACKAGE / file
    assert path.is_file(), f"{file} has moved"
    assert name in defined(ast.parse(path.read_text(encoding="utf-8"))), f"{file} has no {name}"


def test_the_table_is_worth_having():
    assert len(ROWS) >= 15
    assert len(ROWS) == section("Where do I find").count("\n| ") - 2  # all but its head were read


def test_the_layers_are_those_that_import_linter_holds():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    (layers,) = [each["layers"] for each in contracts["contracts"] if each["type"] == "layers"]
    drawn = section("Layers").split("```")[1].strip().splitlines()
    rooms = [re.split(r"\s{2,}", line)[0].split(" | ") for line in drawn]
    assert [sorted(each) for each in rooms] == [
        sorted(each.split(" | ")) for each in layers if each != "__main__"
    ]


def test_every_file_and_folder_that_the_page_names_is_there():
    ideas, flows = section("Ideas"), section("Flows")
    named = {*re.findall(r"`([\w/]+(?:\.py|/))`", ideas), *re.findall(r"[\w/]+/\w+\.py", flows)}
    assert len(named) > 30
    assert {name for name in named if not (PACKAGE / name).exists()} == set()
