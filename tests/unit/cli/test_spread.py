"""A dataclass of options, in the place of a signature."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from isa_cli.cli.spread import spread


@dataclass(frozen=True, kw_only=True)
class Common:
    seed: Annotated[int, typer.Option("--seed", min=0, help="Chance.")] = 0
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say less.")] = False


@dataclass(frozen=True, kw_only=True)
class Own(Common):
    file: Annotated[str, typer.Option("--file", metavar="FILE", help="Which.")]
    names: Annotated[list[str] | None, typer.Option("--name", help="Any number.")] = None


@pytest.fixture
def call():
    """Run a command line, and return the exit code, what was printed, and what the command got."""
    app, got = typer.Typer(rich_markup_mode=None), []

    @app.command()
    @spread(Own)
    def command(ctx: typer.Context, flags: Own) -> int:
        """Do it."""
        got.append((ctx.info_name, flags))

    def run(*words):
        done = CliRunner().invoke(app, words)
        return done.exit_code, done.output, got

    return run


def test_a_command_gets_its_flags_as_one_value(call):
    code, _, got = call("--file", "x", "-q", "--name", "a", "--name", "b")
    assert code == 0
    assert got == [("command", Own(file="x", names=["a", "b"], quiet=True))]


def test_defaults_are_the_fields(call):
    assert call("--file", "x")[2][0][1] == Own(file="x")


@pytest.mark.parametrize("words", [(), ("--file", "x", "--seed", "-1"), ("--file", "x", "more")])
def test_what_typer_refuses_is_refused(call, words):
    code, _, got = call(*words)
    assert code == 2
    assert got == []


def test_the_help_has_a_subclass_first(call):
    said = call("--help")[1]
    assert "Do it." in said
    options = ("--file FILE", "--name", "--seed", "--quiet")
    places = [said.index(option) for option in options]
    assert places == sorted(places)
    assert "flags" not in said
