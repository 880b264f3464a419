"""``isa index`` on real files."""

import os
import shutil
import signal
import subprocess
import sys

import pytest

from isa_cli.encoders.gallery_encoder import BackboneEncoder


@pytest.fixture
def gallery(tmp_path):
    return tmp_path / "gallery"


@pytest.fixture
def index(isa, gallery, photos, tiny_model):
    """Index the photos that a test may change."""

    def call(*arguments, paths=(photos,)):
        given = ["--gallery", gallery, "--device", "cpu", *arguments]
        if not gallery.exists():
            given += ["--model", tiny_model]
        return isa("index", *paths, *given)

    return call


def test_a_first_run_says_what_became_of_every_file(indexed):
    said = indexed.said
    assert said.code == 3, said.err
    assert said.out == ""
    assert "6 photos embedded" in said.err
    assert "1 recognised by their bytes" in said.err
    assert "1 failed" in said.err
    assert "1 not photos" in said.err
    assert "failed: photos/broken.jpg: " in said.err
    assert "cpu" in said.err
    assert "\r" not in said.err  # no progress bar: nobody is watching
    assert "Traceback" not in said.err


def test_the_model_is_kept_by_its_absolute_path(indexed, isa):
    assert str(indexed.model) in isa("status", "--gallery", indexed.gallery).out


def test_a_model_that_cannot_be_had_leaves_no_gallery_behind(isa, photos, gallery):
    said = isa("index", photos, "--gallery", gallery, "--model", "small")
    assert said.code == 4
    assert "not in the model cache" in said.err
    assert not gallery.exists()


def test_a_second_run_embeds_nothing_and_loads_no_model(index, photos, monkeypatch):
    assert index().code == 3
    monkeypatch.setattr(BackboneEncoder, "encode", None)
    again = index()
    assert again.code == 0
    assert "0 photos embedded" in again.err
    assert "7 unchanged" in again.err
    assert "1 failed before and unchanged (--retry-failed" in again.err


def test_moved_changed_and_deleted_files(index, photos):
    index()
    (photos / "red.jpg").rename(photos / "2024" / "moved.jpg")
    shutil.copy(photos / "green.jpg", photos / "2024" / "green copy.jpg")
    (photos / "purple.png").unlink()
    again = index()
    assert "0 photos embedded" in again.err
    assert "2 recognised by their bytes" in again.err
    assert "2 forgotten: gone" in again.err


def test_without_a_folder_all_known_ones_are_looked_at(index, photos):
    index()
    shutil.copy(photos / "red.jpg", photos / "new name.jpg")
    again = index(paths=())
    assert again.code == 0
    assert "1 recognised" in again.err


def test_without_a_folder_in_a_new_gallery(index, gallery):
    said = index(paths=())
    assert said.code == 2
    assert "isa index ~/Pictures" in said.err


def test_retry_failed_tries_again(index):
    index()
    again = index("--retry-failed")
    assert again.code == 3
    assert "1 failed" in again.err


def test_a_dry_run_changes_nothing(index, gallery, photos):
    index("--limit", 2)
    before = {path: path.read_bytes() for path in gallery.glob("*.db")}
    said = index("--dry-run")
    assert said.code == 0
    assert "to embed, nothing changed" in said.err
    assert {path: path.read_bytes() for path in gallery.glob("*.db")} == before


def test_a_dry_run_of_a_new_gallery_creates_none(index, gallery):
    said = index("--dry-run")
    assert said.code == 0
    assert "8 photos to embed" in said.err
    assert not gallery.exists()


def test_a_mistyped_folder_creates_nothing(index, gallery, photos):
    said = index(paths=(photos / "no such",))
    assert said.code == 2
    assert "there is no folder" in said.err
    assert not gallery.exists()


def test_a_folder_that_has_vanished_is_kept_until_pruned(index, photos, isa, gallery):
    index()
    photos.rename(photos.with_name("elsewhere"))
    kept = index(paths=())
    assert kept.code == 0
    assert "is not there; its photos are kept (--prune" in kept.err
    pruned = index("--prune", paths=())
    assert "8 forgotten: gone" in pruned.err


def test_another_model_is_refused_and_both_are_named(index, tmp_path, tiny_model):
    index()
    other = tmp_path / "other"
    shutil.copytree(tiny_model, other)
    config = (other / "open_clip_config.json").read_text()
    (other / "open_clip_config.json").write_text(config.replace("0.48", "0.5"))
    said = index("--model", other)
    assert said.code == 4
    assert "tiny" in said.err
    assert "other" in said.err
    assert "→" in said.err


def test_a_signal_finishes_the_batch_saves_and_says_how_to_go_on(index, monkeypatch, isa, gallery):
    whole = BackboneEncoder.encode
    calls = []

    def interrupted(self, batch):
        calls.append(len(batch))
        if len(calls) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return whole(self, batch)

    with monkeypatch.context() as patch:
        patch.setattr(BackboneEncoder, "encode", interrupted)
        said = index("--batch-size", 1, "--workers", 1)
    assert said.code == 130
    assert "finished and saved" in said.err
    assert "the same command goes on from here" in said.err
    rest = index()
    assert "Traceback" not in said.err + rest.err
    assert '"photos": 6' in isa("status", "--json", "--gallery", gallery).out


def test_quiet_says_only_what_failed(index):
    said = index("--quiet")
    assert said.code == 3
    assert said.err.strip().startswith("failed: ")
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--limit", "0"], "--limit"),
        (["--batch-size", "many"], "--batch-size"),
        (["--device", "toaster"], "toaster"),
        (["--precision", "fp7"], "fp7"),
        (["--model", "no/such-model"], "no architecture 'no'"),
        (["--model", "/no/such/folder"], "/no/such/folder"),
        ([""], "empty"),
    ],
)
def test_senseless_requests_are_one_sentence(arguments, words, isa, photos, gallery):
    said = isa("index", photos, "--gallery", gallery, *arguments)
    assert said.code in {2, 4}
    assert words in said.err
    assert "Traceback" not in said.err


def test_patterns_that_would_take_forever_end_and_absurd_ones_are_named(isa, tmp_path, gallery):
    folder = tmp_path / "photos"
    folder.mkdir()
    for name in ("a" * 200 + ".jpg", "wanted.jpg", "unwanted.jpg"):
        (folder / name).touch()
    lines = ["*a*a*a*a*a*a*a*a*a*b", "x" * 1_000_000, "unwanted.jpg"]
    (folder / ".isaignore").write_text("\n".join(lines))
    said = isa("index", folder, "--dry-run", "--gallery", gallery, "--exclude", "**/*a*a*a*a*b")
    assert said.code == 0
    assert "2 photos to embed" in said.err
    assert f"{folder}/.isaignore: passed over line 2 (more than 4,096 characters" in said.err
    said = isa("index", folder, "--dry-run", "--gallery", gallery, "--exclude", "a" * 5000)
    assert said.code == 2
    assert "pattern 1 (more than 4,096 characters" in said.err


def test_what_other_programs_made_is_told_and_may_be_asked_for(isa, tmp_path, gallery):
    folder = tmp_path / "photos"
    for name in ("a.jpg", "@Recycle/b.jpg", "@Recycle/sub/c.jpg", "x/@eaDir/a.jpg/d.jpg", ".e.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    said = isa("index", folder, "--dry-run", "--gallery", gallery)
    assert "1 photo to embed" in said.err
    assert "1 left out by a rule (hidden" in said.err
    told = "3 files in 2 folders that other programs made (recycle bins, thumbnails): "
    assert told + "--include-derivatives indexes them too" in said.err
    said = isa("index", folder, "--dry-run", "--gallery", gallery, "--include-derivatives")
    assert "4 photos to embed" in said.err
    assert "other programs" not in said.err


def test_what_is_not_for_good_is_said_so_and_tried_again(index, isa, gallery, photos, monkeypatch):
    (photos / "broken.jpg").unlink()
    monkeypatch.setenv("ISA_MAX_PIXELS", "100000")
    said = index()
    assert said.code == 3
    assert "ISA_MAX_PIXELS) (not for good: tried again once that is another)" in said.err
    assert "tried again once" in isa("status", "--failed", "--gallery", gallery).out
    listed = isa("status", "--failed", "--json", "--gallery", gallery).out
    assert '"cause": "lacking"' in listed
    assert index().code == 0
    monkeypatch.delenv("ISA_MAX_PIXELS")
    again = index()
    assert again.code == 0
    assert "1 photo embedded" in again.err
    assert isa("status", "--failed", "--gallery", gallery).out == ""


def test_reread_reads_everything_and_embeds_nothing(index, photos):
    index()
    again = index("--reread")
    assert "0 photos embedded" in again.err
    assert "7 recognised by their bytes" in again.err
    one = index("--reread", paths=(photos / "red.jpg",))
    assert "1 recognised by their bytes" in one.err
    assert "7 unchanged" not in one.err


def test_a_limit_that_is_no_number_is_refused(index, monkeypatch):
    for setting in ("soon", "0", "-1", "nan"):
        monkeypatch.setenv("ISA_MAX_SECONDS", setting)
        said = index()
        assert said.code == 2
        assert "ISA_MAX_SECONDS" in said.err


def test_a_file_that_hangs_does_not_keep_the_process(tmp_path, photos, tiny_model):
    """The decoder of one file never returns; the rest is indexed and the process ends."""
    script = (
        "import sys, threading, isa_cli.gallery.worker as worker\n"
        "whole = worker.open_image\n"
        "def hangs(data, **kw):\n"
        "    if data[:4] == b'\\x89PNG':\n"
        "        threading.Event().wait()\n"
        "    return whole(data, **kw)\n"
        "worker.open_image = hangs\n"
        "from isa_cli.cli.main import main\n"
        "main()\n"
    )
    command = [sys.executable, "-c", script, "index", photos, "--gallery", tmp_path / "gallery"]
    command += ["--device", "cpu", "--model", tiny_model]
    env = os.environ | {"ISA_MAX_SECONDS": "2"}
    done = subprocess.run(
        command, capture_output=True, text=True, env=env, timeout=120, check=False
    )
    assert done.returncode == 3, done.stderr
    assert "failed: " in done.stderr
    assert "purple.png: took longer than 2 s to open" in done.stderr
    assert "5 photos embedded" in done.stderr
