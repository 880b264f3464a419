"""The public names are what can be imported, and importing the package costs nothing."""

import inspect
import json
import subprocess
import sys
from importlib.metadata import entry_points, version
from importlib.resources import files

import pytest

import isa_cli


@pytest.mark.parametrize("name", isa_cli.__all__)
def test_every_public_name_can_be_imported_and_is_documented(name):
    assert inspect.getdoc(getattr(isa_cli, name))


@pytest.mark.parametrize("name", isa_cli.__all__)
def test_every_public_name_shows_how_it_is_used(name):
    """``test_docstrings.py`` runs these examples."""
    assert ">>> " in inspect.getdoc(getattr(isa_cli, name))


def test_names_are_sorted_and_listed():
    assert list(isa_cli.__all__) == sorted(isa_cli.__all__)
    assert set(isa_cli.__all__) <= set(dir(isa_cli))


def test_unknown_names_are_refused_as_python_does():
    with pytest.raises(AttributeError, match="nonsense"):
        isa_cli.nonsense  # noqa: B018 - the access is the test


def test_importing_the_package_imports_nothing_else_of_it():
    code = (
        "import isa_cli, json, sys; print(json.dumps([m for m in sys.modules if 'isa_cli' in m]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    ours = [name for name in json.loads(done.stdout) if not name.startswith("__editable__")]
    assert ours == ["isa_cli"]


def test_the_package_says_that_it_is_typed_and_which_version_it_is():
    assert files("isa_cli").joinpath("py.typed").is_file()
    assert isa_cli.__version__ == version("isa-cli")


def test_the_command_is_isa():
    (command,) = entry_points(group="console_scripts", name="isa")
    assert command.value == "isa_cli.cli.main:main"
