"""The examples in docstrings run, and print what they say."""

import ast
import doctest
import importlib
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "isa_cli"
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE | doctest.IGNORE_EXCEPTION_DETAIL


def modules_with_examples():
    """The modules that have one, by name; found without importing them."""
    for path in sorted(PACKAGE.rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        kinds = (ast.Module, ast.ClassDef, ast.FunctionDef)
        if any(
            ">>> " in (ast.get_docstring(each) or "") for each in nodes if isinstance(each, kinds)
        ):
            parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
            yield ".".join(part for part in parts if part != "__init__")


@pytest.fixture(scope="module")
def wardrobe(tmp_path_factory):
    """A folder of two dozen rendered garments, which examples may name."""
    from random import Random

    from isa_cli.reporting import Silent
    from isa_cli.wardrobe.folder import write
    from isa_cli.wardrobe.garments import draw
    from isa_cli.wardrobe.scenes import place

    folder, rng = tmp_path_factory.mktemp("docs") / "wardrobe", Random(1)
    write(folder, [place(draw(rng), rng) for _ in range(24)], Silent())
    return str(folder)


@pytest.mark.parametrize("name", list(modules_with_examples()))
def test_examples(name, wardrobe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write where it is
    module = importlib.import_module(name)
    found = doctest.testmod(module, extraglobs={"wardrobe": wardrobe}, optionflags=FLAGS)
    assert found.attempted
    assert not found.failed
