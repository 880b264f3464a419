"""What a command may import before it has work to do, read from a fresh interpreter."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {"torch", "open_clip", "timm", "torchvision"}
SLOW = HEAVY | {"numpy", "rich", "PIL", "sqlite_utils", "sqlite3", "tqdm", "pydantic", "usearch"}
SLOW |= {"huggingface_hub", "pillow_heif", "safetensors", "pydantic_core"}

PROBE = """
import json, os, sys
from isa_cli.cli.main import run
code = run(json.loads(sys.argv[1]))
sys.stdout.flush()
loaded = [name for name, module in sys.modules.items() if module is not None]
roots = sorted({name.partition(".")[0] for name in loaded})
os.write(2, b"\\nPROBE" + json.dumps([code, roots]).encode())
"""


def probe(*arguments, **environment):
    """Return a command's exit code, what it printed, and the top-level modules it imported."""
    done = subprocess.run(
        [sys.executable, "-c", PROBE, json.dumps(arguments)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    code, modules = json.loads(done.stderr.rpartition("PROBE")[2])
    return code, done.stdout, set(modules)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["index", "--help"],
        ["search", "--help"],
        ["status", "--help"],
        ["forget", "--help"],
        ["doctor", "--help"],
        ["models", "--help"],
        ["bench", "--help"],
        ["demo", "--help"],
        ["train", "--help"],
        ["train", "map", "--help"],
        ["train", "compose", "--help"],
        ["triplets", "make", "--help"],
        ["explain", "--help"],
        ["eval", "--help"],
        ["eval", "tune", "--help"],
        ["wardrobe", "--help"],
        ["wardrobe", "render", "--help"],
    ],
    ids=" ".join,
)
def test_help_imports_nothing_slow(arguments):
    code, out, modules = probe(*arguments)
    assert code == 0
    assert out
    assert not modules & SLOW


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("isa sea", "search"),
        ("isa search --und", "--under"),
        ("isa train --dist", "--distil-epochs"),
        ("isa train comp", "compose"),
        ("isa train map --so", "--soft-text"),
        ("isa search x.jpg --top 3 --method sl", "slerp"),
        ("isa --version sea", "search"),
    ],
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_imports_nothing_slow(shell, words, expected):
    _, out, modules = probe(
        _ISA_COMPLETE=f"complete_{shell}",
        COMP_WORDS=words,  # bash
        COMP_CWORD=str(len(words.split()) - 1),
        _TYPER_COMPLETE_ARGS=words,  # zsh and fish
        _TYPER_COMPLETE_FISH_ACTION="get-args",
    )
    assert expected in out
    assert "isa 0." not in out  # --version waits until the line is entered
    assert not modules & SLOW


@pytest.mark.parametrize("arguments", [["status"], ["forget", "x.jpg"]], ids=" ".join)
def test_catalogue_commands_never_reach_torch(arguments):
    """On a missing gallery; ``tests/cli`` says the same of a full one."""
    code, _, modules = probe(*arguments)
    assert code == 4
    assert not modules & HEAVY


def test_a_missing_picture_is_noticed_before_anything_heavy():
    code, _, modules = probe("search", "missing.jpg", "at night")
    assert code == 2
    assert not modules & HEAVY
