"""How much faster than rclip is isa?  The same photos, the same weights, the same two cores.

    pip install 'rclip==3.3.*'    # in an environment of its own
    python examples/experiments/compare_rclip.py --photos DIR --weights DIR --rclip ENV/bin/rclip

The photos are all of ``--photos`` plus 30 of them enlarged to 12 megapixels.  ``--weights`` is a
folder with rclip's model files (``ViT-B-32-256-datacomp_s34b_b86k/*.onnx`` and ``tokenizer/``)
and the same weights as an open_clip state dict, ``random_vit_b32_256.pt``; any values will do,
since time is what is measured.  Nothing is written there.

Fair means: cold is a new process and an empty database, files in the page cache for both; A B A B,
so that a busy spell of the machine hits both; the same interpolation, crop and normalisation (read
from rclip's source); both under ``taskset``.  Three things differ, and are said.  rclip can't index
without searching, so its cold run answers a text query too: "index alone" takes the whole of its
own text-only process off, start-up included, which favours rclip.  isa decodes big JPEGs at a
reduced scale and turns photos by their EXIF orientation.  isa may calculate in bf16 where the
processor does (``--precision fp32`` forbids it).  On a shared machine quote ratios, and look at
the core-seconds too: the wall clock favours the program with more threads when neighbours are busy.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

LARGE_PHOTOS, LARGE_PIXELS = 30, 12_000_000
TOP = "20"
RCLIP_FILES = ("ViT-B-32-256-datacomp_s34b_b86k", "tokenizer")
STATE_DICT = "random_vit_b32_256.pt"
MODEL_CONFIG = {
    "model_cfg": {
        "embed_dim": 512,
        "vision_cfg": {"image_size": 256, "layers": 12, "width": 768, "patch_size": 32},
        "text_cfg": {
            "context_length": 77,
            "vocab_size": 49408,
            "width": 512,
            "heads": 8,
            "layers": 12,
        },
    },
    "preprocess_cfg": {  # as rclip/utils/preprocess.py does it
        "size": [256, 256],
        "mode": "RGB",
        "mean": [0.48145466, 0.4578275, 0.40821073],
        "std": [0.26862954, 0.26130258, 0.27577711],
        "interpolation": "bicubic",
        "resize_mode": "shortest",
        "fill_color": 0,
    },
}


@dataclass(frozen=True)
class Run:
    """What one process took: wall and core seconds, peak memory; and what it printed."""

    seconds: float
    core_seconds: float
    peak_mib: float
    output: str = field(repr=False)


@dataclass(frozen=True)
class Bench:
    """Where everything is, and how the two programs are started."""

    photos: Path
    reference: Path
    model: Path
    rclip: str
    rclip_files: Path
    work: Path
    cores: str
    environment: dict[str, str]

    def measure(self, *command: str, **environment: str) -> Run:
        """Run a command in the photos' folder, pinned to the cores."""
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            begin = time.perf_counter()
            process = subprocess.Popen(  # noqa: S603 - the two programs the caller named
                ["taskset", "-c", self.cores, *command],  # noqa: S607 - wherever it is installed
                cwd=self.photos,
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )
            _, status, used = os.wait4(process.pid, 0)  # this child's own usage, not the sum
            seconds = time.perf_counter() - begin
            process.returncode = os.waitstatus_to_exitcode(status)
            for stream in (out, err):
                stream.seek(0)
            if process.returncode != 0:
                sys.exit(f"{' '.join(command)} exited {process.returncode}:\n{err.read()[-2000:]}")
            core_seconds = used.ru_utime + used.ru_stime
            return Run(seconds, core_seconds, used.ru_maxrss / 1024, out.read())

    def rclip_run(self, gallery: int, *arguments: str) -> Run:
        """Run rclip on the database number ``gallery``, which may not exist yet."""
        data = self.work / f"rclip-{gallery}"
        if not data.exists():
            data.mkdir()
            for name in RCLIP_FILES:
                (data / name).symlink_to(self.rclip_files / name)
        return self.measure(self.rclip, *arguments, RCLIP_DATADIR=str(data))

    def isa_run(self, gallery: int, command: str, *arguments: str) -> Run:
        """Run isa on the gallery number ``gallery``, which may not exist yet."""
        options = ("--gallery", str(self.work / f"isa-{gallery}"), "--model", str(self.model))
        return self.measure(sys.executable, "-m", "isa_cli", command, *arguments, *options)


@dataclass
class Contest:
    """Runs of both programs at one task, interleaved."""

    task: str
    rclip: list[Run] = field(default_factory=list)
    isa: list[Run] = field(default_factory=list)

    def race(self, rounds: int, rclip: Callable[[int], Run], isa: Callable[[int], Run]) -> Contest:
        """Let both run, A B A B; each is called with the number of the round."""
        for number in range(rounds):
            self.rclip.append(rclip(number))
            self.isa.append(isa(number))
            ours, theirs = self.isa[-1], self.rclip[-1]
            print(
                f"{self.task}, round {number + 1}: rclip {theirs.seconds:.2f} s "
                f"({theirs.core_seconds:.1f} core-s), isa {ours.seconds:.2f} s "
                f"({ours.core_seconds:.1f} core-s), ratio {theirs.seconds / ours.seconds:.2f}, "
                f"load {os.getloadavg()[0]:.1f}",
                file=sys.stderr,
            )
        return self

    def row(self, what: str, of: Callable[[Run], float], digits: int = 2) -> str:
        """Return a line of the table: two medians, and how many times less isa takes.

        The ratio is the median of the rounds' ratios, which a busy spell disturbs least.
        """
        pairs = list(zip(map(of, self.rclip), map(of, self.isa), strict=True))
        theirs, ours = (median(side) for side in zip(*pairs, strict=True))
        ratio = median(a / b for a, b in pairs)
        return f"| {self.task}: {what} | {theirs:.{digits}f} | {ours:.{digits}f} | {ratio:.2f} |"


def build_photos(source: Path, target: Path) -> list[Path]:
    """Return the photo set: copies of the originals, and some enlarged to 12 megapixels."""
    from PIL import Image

    originals = sorted(p for p in source.iterdir() if p.suffix.lower() in {".jpg", ".jpeg"})
    if len(originals) < LARGE_PHOTOS:
        sys.exit(f"{source} holds {len(originals)} JPEGs, and at least {LARGE_PHOTOS} are needed")
    target.mkdir()
    for path in originals:
        shutil.copyfile(path, target / path.name)
    for path in originals[:: len(originals) // LARGE_PHOTOS][:LARGE_PHOTOS]:
        with Image.open(path) as image:
            scale = (LARGE_PIXELS / (image.width * image.height)) ** 0.5
            size = round(image.width * scale), round(image.height * scale)
            large = image.convert("RGB").resize(size, Image.Resampling.BICUBIC)
        large.save(target / f"large-{path.stem}.jpg", quality=90)
    return sorted(target.iterdir())


def build_model(state_dict: Path, target: Path) -> None:
    """Write the weights as an open_clip folder, with the preprocessing that rclip has."""
    import torch
    from safetensors.torch import save_file

    target.mkdir()
    (target / "open_clip_config.json").write_text(json.dumps(MODEL_CONFIG, indent=2))
    weights = torch.load(state_dict, weights_only=True)
    tensors = {name: tensor.contiguous() for name, tensor in weights.items()}
    save_file(tensors, target / "open_clip_model.safetensors")


def prepare(args: argparse.Namespace, work: Path) -> Bench:
    """Return the bench, photos and model written, and both programs started once.

    The building happens in a process of its own: a child's peak memory begins at its parent's.
    """
    photos, model = work / "photos", work / "model"
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as builder:
        files = builder.submit(build_photos, args.photos, photos).result()
        builder.submit(build_model, args.weights / STATE_DICT, model).result()
    mine = {name: value for name, value in os.environ.items() if not name.startswith("ISA_")}
    bench = Bench(
        photos=photos,
        reference=files[0],
        model=model,
        rclip=shutil.which(args.rclip) or str(args.rclip),
        rclip_files=args.weights.resolve(),
        work=work,
        cores=args.cores,
        environment=mine
        | {
            "HF_HUB_OFFLINE": "1",
            "XDG_CONFIG_HOME": str(work / "config"),
            "ISA_PRECISION": args.precision,
        },
    )
    bench.measure(bench.rclip, "--version")  # bytecode compiled, libraries in the page cache
    bench.measure(sys.executable, "-m", "isa_cli", "--version")
    return bench


def compare(bench: Bench, rounds: int) -> dict[str, Contest]:
    """Return the four contests; the later ones run on what the first one indexed."""
    folder, words = str(bench.photos), ("--text", "cat", "--top", TOP, "--paths")
    picture = (f"./{bench.reference.name}", "night")
    return {
        "cold": Contest("cold index").race(
            rounds,
            lambda i: bench.rclip_run(i, "-t", "1", "cat"),
            lambda i: bench.isa_run(i, "index", folder),
        ),
        "warm": Contest("rescan, nothing new").race(
            rounds,
            lambda i: bench.rclip_run(i, "-t", "1", "cat"),
            lambda i: bench.isa_run(i, "index", folder),
        ),
        "text": Contest("text query").race(
            rounds,
            lambda i: bench.rclip_run(i, "-n", "-f", "-t", TOP, "cat"),
            lambda i: bench.isa_run(i, "search", *words),
        ),
        "both": Contest("image + text query").race(
            rounds,
            lambda i: bench.rclip_run(i, "-n", "-f", "-t", TOP, picture[0], "+", picture[1]),
            lambda i: bench.isa_run(i, "search", *picture, "--top", TOP, "--paths"),
        ),
    }


def check(bench: Bench) -> int:
    """Return how many photos both programs indexed; stop if the two differ.

    A ratio of two speeds means nothing when one of the programs skipped some of the work.
    """
    top = str(10 * len(list(bench.photos.iterdir())))
    theirs = bench.rclip_run(0, "-n", "-f", "-t", top, "cat")
    ours = bench.isa_run(0, "search", "--text", "cat", "--top", top, "--paths")
    a, b = ({Path(line).name for line in run.output.splitlines()} for run in (theirs, ours))
    if a != b:
        sys.exit(f"rclip found {len(a)} photos and isa {len(b)}: nothing to compare")
    return len(a)


def table(contests: dict[str, Contest], photos: int) -> str:
    """Return the results in Markdown; the last column says how many times better isa is."""
    cold, text = contests["cold"], contests["text"]
    alone = median(run.seconds for run in cold.rclip) - median(run.seconds for run in text.rclip)
    ours = median(run.seconds for run in cold.isa)
    speeds = [
        (photos / theirs.seconds, photos / mine.seconds)
        for theirs, mine in zip(cold.rclip, cold.isa, strict=True)
    ]
    a, b = (median(side) for side in zip(*speeds, strict=True))
    ratio = median(mine / theirs for theirs, mine in speeds)
    lines = [
        f"| {photos} photos, median of {len(speeds)} | rclip | isa | isa is better by |",
        "| --- | ---: | ---: | ---: |",
        f"| cold index: img/s | {a:.1f} | {b:.1f} | {ratio:.2f} |",
        f"| cold index alone: img/s | {photos / alone:.1f} | {b:.1f} | {alone / ours:.2f} |",
        cold.row("core-seconds", lambda run: run.core_seconds, 1),
        cold.row("peak MiB", lambda run: run.peak_mib, 0),
    ]
    for name in ("warm", "text", "both"):
        lines.append(contests[name].row("seconds", lambda run: run.seconds))
        lines.append(contests[name].row("peak MiB", lambda run: run.peak_mib, 0))
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write the raw numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, required=True, help="a folder of JPEGs")
    parser.add_argument("--weights", type=Path, required=True, help="see the top of this file")
    parser.add_argument("--rclip", default="rclip", help="the rclip command")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--cores", default="0,1", help="as taskset takes them")
    parser.add_argument("--precision", default="auto", help="isa's; rclip's is fp32")
    parser.add_argument("--json", type=Path, help="write every run there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = prepare(args, Path(folder))
        contests = compare(bench, args.rounds)
        photos = check(bench)
    print(table(contests, photos))
    if args.json:
        runs = {name: asdict(contest) for name, contest in contests.items()}
        for side in (runs[name][program] for name in runs for program in ("rclip", "isa")):
            for run in side:
                del run["output"]
        about = {"photos": photos, "cores": args.cores, "precision": args.precision}
        args.json.write_text(json.dumps(about | {"runs": runs}, indent=2))


if __name__ == "__main__":
    main()
