"""Help and README agree: whatever there is, is documented, and whatever is documented, there is."""

import re
from pathlib import Path

import pytest
from typer.main import get_command

from isa_cli import config
from isa_cli.cli.main import app

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
CALL = re.compile(r"^\s*(?:\$ )?isa (?P<rest>[a-z]+ .*|[a-z]+)$", re.MULTILINE)
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*")


def commands_below(group, prefix=""):
    """Return every command by its words: ``wardrobe render``; ``train`` is one, and has some."""
    found = {}
    for name, command in group.commands.items():
        below = getattr(command, "commands", None)
        found |= commands_below(command, f"{prefix}{name} ") if below else {}
        if not below or command.invoke_without_command:
            found[prefix + name] = command
    return found


COMMANDS = commands_below(get_command(app))


def options_of(command):
    return {name for param in command.params for name in [*param.opts, *param.secondary_opts]}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name):
    assert f"isa {name}" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_and_option_says_what_it_is_for(name):
    command = COMMANDS[name]
    assert command.help
    for param in command.params:
        if param.param_type_name == "option":
            assert param.help, param.name
            assert len(param.help) <= 90, param.name


def test_the_readme_calls_only_what_there_is():
    calls = [match["rest"].split("#")[0] for match in CALL.finditer(README)]
    assert calls
    for call in calls:
        words = call.split()
        name = next((each for n in (2, 1) if (each := " ".join(words[:n])) in COMMANDS), None)
        assert name, call
        known = options_of(COMMANDS[name]) | {"--help"}
        assert set(OPTION.findall(call)) <= known, call


def test_every_option_in_the_readme_belongs_to_a_command():
    known = {"--help", "--version"}.union(*map(options_of, COMMANDS.values()))
    fenced = "\n".join(re.findall(r"`(--[a-z][^`]*)`", README))
    assert set(OPTION.findall(fenced)) <= known


@pytest.mark.parametrize("name", list(config.Settings.__dataclass_fields__))
def test_every_environment_variable_is_in_the_readme(name):
    assert f"ISA_{name.upper()}" in README
