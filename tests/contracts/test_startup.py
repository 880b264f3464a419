"""What a command may import before it has work to do, read from a fresh interpreter."""

import json
import os
import subprocess
import sys

import pytest

HEAVY = {"torch", "open_clip", "timm", "torchvision"}
SLOW = HEAVY | {"numpy", "rich", "PIL", "sqlite_utils", "sqlite3", "tqdm", "pydantic", "usearch"}
SLOW |= {"huggingface_hub", "pillow_heif", "safetensors"}

PROBE = """
import json, os, sys
from isa_cli.cli.main import run
code = run(json.loads(sys.argv[1]))
sys.stdout.flush()
roots = sorted({name.partition(".")[0] for name in sys.modules})
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
    ],
    ids=" ".join,
)
def test_help_imports_nothing_slow(arguments):
    code, out, modules = probe(*arguments)
    assert code == 0
    assert out
    assert not modules & SLOW


@pytest.mark.parametrize(
    ("words", "expected"), [("isa sea", "search"), ("isa search --und", "--under")]
)
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_imports_nothing_slow(shell, words, expected):
    position = str(len(words.split()) - 1)
    last = words.split()[-1]  # fish passes the word itself
    _, out, modules = probe(
        _ISA_COMPLETE=f"{shell}_complete",
        COMP_WORDS=words,
        COMP_CWORD=last if shell == "fish" else position,
    )
    assert expected in out
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
