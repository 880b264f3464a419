"""Downloads, against a hub on this machine, and the one message when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import pytest

from isa_cli.encoders import files, space_of

if TYPE_CHECKING:
    from pathlib import Path

WEIGHTS = "open_clip_model.safetensors"
CONFIG = "open_clip_config.json"


class _Hub(BaseHTTPRequestHandler):
    """A model hub of one repository, ``org/tiny``, as huggingface_hub sees it."""

    root: Path
    asked: list[str]

    def do_HEAD(self):
        self._answer(body=False)

    def do_GET(self):
        self._answer(body=True)

    def log_message(self, *args):
        pass

    def _answer(self, *, body):
        type(self).asked.append(f"{self.command} {self.path}")
        prefix = "/org/tiny/resolve/main/"
        file = self.root / self.path.removeprefix(prefix)
        if not self.path.startswith(prefix) or not file.is_file():
            self.send_response(404)
            code = "EntryNotFound" if self.path.startswith(prefix) else "RepoNotFound"
            self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        data = file.read_bytes()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", f'"{files.hashlib.sha256(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", "c" * 40)
        self.end_headers()
        if body:
            self.wfile.write(data)


@pytest.fixture
def hub(tiny_model):
    """The address of a hub that serves the tiny model, and what it was asked."""
    handler = type("Handler", (_Hub,), {"root": tiny_model, "asked": []})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", handler.asked
    server.shutdown()
    server.server_close()


ASK = """
import sys
from isa_cli.encoders import locate
from isa_cli.errors import ModelError
try:
    found = locate(sys.argv[1])
    print(found.space.digest, found.weights)
except ModelError as error:
    print(error.message, "|", error.hint)
"""


def _ask(name: str, endpoint: str, home: Path, offline: str = "0") -> str:
    """Locate a model in a fresh interpreter, since the hub's settings are read at import."""
    env = os.environ | {
        "HF_ENDPOINT": endpoint,
        "HF_HOME": str(home),
        "HF_HUB_OFFLINE": offline,
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "NO_PROXY": "127.0.0.1",
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK, name], capture_output=True, text=True, check=True, env=env
    )
    return done.stdout


def test_a_repository_is_downloaded_once_and_is_the_folders_space(hub, tmp_path, tiny_model):
    endpoint, asked = hub
    said = _ask("hf-hub:org/tiny", endpoint, tmp_path)
    assert said.startswith(space_of(str(tiny_model)).digest)
    assert str(tmp_path / "hub") in said
    assert any(line.startswith("GET") and line.endswith(WEIGHTS) for line in asked)
    asked.clear()
    assert _ask("hf-hub:org/tiny", endpoint, tmp_path) == said
    assert _ask("hf-hub:org/tiny", endpoint, tmp_path, offline="1") == said
    assert asked == []


def test_a_repository_that_does_not_exist_is_told(hub, tmp_path):
    said = _ask("hf-hub:org/other", hub[0], tmp_path)
    assert "org/other does not exist, or is private" in said


def test_without_a_network_one_message_names_model_cache_and_ways_out(tmp_path):
    said = _ask("large", "http://127.0.0.1:9", tmp_path)  # nobody listens on port 9
    for words in (
        "ViT-L-14/datacomp_xl_s13b_b90k",
        str(tmp_path / "hub"),
        "hf download laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K open_clip_model.safetensors",
        "--model DIR",
    ):
        assert words in said
    assert said.count("\n") == 1


def test_offline_by_choice_is_told_as_such(tmp_path):
    said = _ask("small", "http://127.0.0.1:9", tmp_path, offline="1")
    assert "HF_HUB_OFFLINE is set" in said
    assert "unset HF_HUB_OFFLINE" in said
