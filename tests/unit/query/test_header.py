"""A query model's header may say anything: one sentence, at once, and nothing is built for it."""

import json
import os
import resource

import pytest
import torch
from safetensors.torch import load_file, save_file

from isa_cli.encoders.light import load_light
from isa_cli.encoders.names import BUNDLED_QUERY
from isa_cli.errors import ModelError
from isa_cli.query import checkpoint
from isa_cli.query.adapters import Adapters
from isa_cli.query.checkpoint import load, save
from isa_cli.query.header import (
    METADATA_KEY,
    AdaptersConfig,
    Header,
    InjectionConfig,
    MapperConfig,
    is_query_model,
    read_header,
)
from isa_cli.query.injection import Injection
from isa_cli.query.mappers import build_mapper
from isa_cli.query.prompt import Template
from isa_cli.types import EmbeddingSpace

SPACE = EmbeddingSpace("tiny", 32, "a" * 64)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A query model with every part, in a file."""
    torch.manual_seed(0)
    light = load_light("test_efficientnet", pretrained=False, image_size=64)
    mapper = MapperConfig("token-learner", light.channels, 8, tokens=2, width=8, heads=2)
    injection = InjectionConfig((1, 2), light.channels, width=8, heads=2, added=True)
    adapters = AdaptersConfig((0, 1), width=8, bottleneck=2)
    header = Header(
        SPACE,
        mapper,
        light=light.config,
        template=Template().as_dict(),
        training={"note": "naïve", "measures": [{"epoch": 1.0}], "seconds": float("nan")},
        injection=injection,
        adapters=adapters,
    )
    path = tmp_path_factory.mktemp("query") / "query.safetensors"
    parts = {"injection": Injection(injection), "adapters": Adapters(adapters)}
    save(path, header, mapper=build_mapper(mapper), light=light, **parts)
    return path


@pytest.fixture
def rewrite(whole, tmp_path):
    """Write the file with another header: ``rewrite(change)``, or with any text in its place."""

    def write(change):
        header = json.loads(read_header(whole).to_json())
        if callable(change):
            change(header)
        text = json.dumps(header) if callable(change) else change
        path = tmp_path / "query.safetensors"
        save_file(load_file(whole), path, metadata={METADATA_KEY: text})
        return path

    return write


def refused(path, read=load):
    """Why a file is refused: one line of bearable length, with a next step, and little memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelError) as caught:
        read(path)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 300_000  # KB
    message = caught.value.message
    assert str(path) in message
    assert caught.value.hint
    assert "\n" not in message
    assert len(message) < 600 + len(str(path))
    return message


def test_as_it_was_written_it_is_read(whole, rewrite):
    again = load(rewrite(lambda _: None), SPACE)
    assert again.header.to_json() == read_header(whole).to_json()
    assert (again.injection.config.layers, again.adapters.config.layers) == ((1, 2), (0, 1))
    assert is_query_model(whole)


def test_the_one_that_comes_with_isa_is_read():
    assert load(BUNDLED_QUERY).light is not None


WRONG = {
    "nothing": None,
    "true": True,
    "negative": -1,
    "zero": 0,
    "huge": 10**9,
    "endless": 10**400,
    "a fraction": 1.5,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "a text": "6",
    "a list": [6],
    "an object": {"6": 6},
}
"""What no count of anything is."""

COUNTS = [
    ("space", "dim"),
    *(("mapper", name) for name in ("channels", "out", "tokens", "width", "heads")),
    *(("injection", name) for name in ("channels", "width", "heads")),
    *(("adapters", name) for name in ("width", "bottleneck")),
]


@pytest.mark.parametrize(("part", "name"), COUNTS)
@pytest.mark.parametrize("kind", WRONG)
def test_a_count_that_is_none_is_named(part, name, kind):
    header = json.loads(Header(SPACE, MapperConfig("mlp", 4, 4)).to_json())
    header["injection"] = {"layers": [1], "channels": 4, "width": 4}
    header["adapters"] = {"layers": [1], "width": 4}
    header[part][name] = WRONG[kind]
    text = json.dumps(header) if kind != "endless" else f'{{"{part}": {{"{name}": 1{"0" * 5000}}}}}'
    with pytest.raises(ModelError, match="makes no sense") as caught:
        Header.from_json(text, BUNDLED_QUERY)
    assert name in caught.value.message or kind == "endless"
    assert len(caught.value.message) < 400 + len(str(BUNDLED_QUERY))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h.update(format=True), "format"),
        (lambda h: h.update(format=-3), "format"),
        (lambda h: h.update(format="3"), "format"),
        (lambda h: h.update(format=10**9), "format"),
        (lambda h: h.update(space=[]), "space"),
        (lambda h: h["space"].update(name=None), "name"),
        (lambda h: h["space"].update(name="x" * 5_000), "name"),
        (lambda h: h["space"].update(digest=3), "digest"),
        (lambda h: h["space"].pop("dim"), "dim"),
        (lambda h: h["mapper"].pop("kind"), "kind"),
        (lambda h: h["mapper"].update(kind=["mlp"]), "kind"),
        (lambda h: h["mapper"].update(kind="m\ud800\x1b[31m\u202e"), "kind"),
        (lambda h: h["mapper"].update(blocks=-1), "blocks"),
        (lambda h: h["mapper"].update(heads=3), "heads"),
        (lambda h: h["mapper"].update(fixed_length=1), "fixed_length"),
        (lambda h: h["mapper"].update({"\ud800": 1}), "isa does not know"),
        (lambda h: h.update(mapper=None), "mapper"),
        (lambda h: h.update(symmetric="yes"), "symmetric"),
        (lambda h: h.update(template=None), "template"),
        (lambda h: h.update(training=[]), "training"),
        (lambda h: h.update(extra={}), "extra"),
        (lambda h: h.update(injection=3), "injection"),
        (lambda h: h["injection"].update(layers=[]), "layers"),
        (lambda h: h["injection"].update(layers=[1, 1]), "twice"),
        (lambda h: h["injection"].update(layers=[0]), "layers"),
        (lambda h: h["injection"].update(layers=["1"]), "layers"),
        (lambda h: h["injection"].update(layers="12"), "layers"),
        (lambda h: h["injection"].update(layers=list(range(1, 5_000))), "layers"),
        (lambda h: h["injection"].update(heads=5), "heads"),
        (lambda h: h["injection"].update(channels=3), "channels"),
        (lambda h: h["injection"].pop("width"), "width"),
        (lambda h: h["adapters"].update(layers=[-1]), "layers"),
        (lambda h: h["adapters"].update(layers=None), "layers"),
        (lambda h: h.update(mapper=h["mapper"] | {"kind": "published-phi"}), "feature map"),
        (lambda h: h.update(light=[]) or h.update(light=["x"]), "light"),
        (lambda h: h["light"].pop("name"), "name"),
        (lambda h: h["light"].update(name=3), "name"),
        (lambda h: h["light"].update(size=[64]), "size"),
        (lambda h: h["light"].update(size=[64, 10**6]), "size"),
        (lambda h: h["light"].update(size=[64, True]), "size"),
        (lambda h: h["light"].update(mean=[0.5, float("nan"), 0.5]), "mean"),
        (lambda h: h["light"].update(mean="abc"), "mean"),
        (lambda h: h["light"].update(std=[0.5, 0.0, 0.5]), "std"),
        (lambda h: h["light"].update(crop_pct=0), "crop_pct"),
        (lambda h: h["light"].update(crop_pct="1"), "crop_pct"),
        (lambda h: h["light"].update(crop_pct=0.06, size=[600, 600]), "resized"),
        (lambda h: h["light"].update(crop_mode="elsewhere"), "crop_mode"),
        (lambda h: h["light"].update(interpolation="random"), "interpolation"),
        (lambda h: h["light"].update(extra=[1]), "extra"),
        (lambda h: h["light"].update(extra={"a": float("inf")}), "extra"),
        (lambda h: h["light"].update(extra={"depths": [10**6] * 9}), "extra"),
    ],
)
def test_a_value_that_makes_no_sense_is_named(rewrite, change, said):
    path = rewrite(change)
    assert said in refused(path, read_header)
    assert said in refused(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "makes no sense"),
        ("nonsense", "makes no sense"),
        ("null", "object"),
        ("[]", "object"),
        ("[" * 3_000 + "]" * 3_000, "too deep"),
        ('{"format": 3, "training": ' + '{"a":' * 200 + "1" + "}" * 201, "too deep"),
        ('{"format": 3, "format": 3}', "twice"),
        ('{"format": 3, "space": {"dim": 3, "dim": 4}}', "twice"),
        ('{"format": 1' + "0" * 5_000 + "}", "makes no sense"),
        ("[" + "0," * 1_900_000 + "0]", "object"),
        ("x" * 4_000_001, "limit"),
    ],
    ids=lambda value: value[:20],
)
def test_a_text_that_is_no_header_is_refused(rewrite, text, said):
    assert said in refused(rewrite(text), read_header)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda h: h["mapper"].update(blocks=10**6), "larger network"),
        (lambda h: h["mapper"].update(blocks=2), "mapper, it lacks blocks.1"),
        (lambda h: h["mapper"].update(blocks=0), "belongs nowhere"),
        (lambda h: h["mapper"].update(width=10**6), "larger network"),
        (lambda h: h["mapper"].update(out=10**6), "words.linear.weight is 8 x 8, and would"),
        (lambda h: h["mapper"].update(out=9), "words.linear"),
        (lambda h: h["mapper"].update(kind="mlp"), "mapper"),
        (lambda h: h["injection"].update(layers=list(range(1, 1_001))), "larger network"),
        (lambda h: h["injection"].update(width=998), "injection"),
        (lambda h: h["adapters"].update(layers=list(range(1_000))), "larger network"),
        (lambda h: h["adapters"].update(bottleneck=10**6), "larger network"),
        (lambda h: h["light"].update(name="vit_giant_patch14_clip_224"), "larger network"),
        (lambda h: h["light"].update(name="eva02_enormous_patch14_clip_224"), "larger network"),
        (lambda h: h["light"].update(name="test_resnet"), "no test_resnet"),
        (lambda h: h["light"].update(name="no/such"), "no/such"),
        (lambda h: h["light"].update(name="no\x1b[31m\ud800"), "timm has no model"),
        (lambda h: h["light"]["extra"].update(channel_multiplier=100), "larger network"),
        (lambda h: h["light"]["extra"].update(depth_multiplier=3_000), "larger network"),
        (lambda h: h["light"]["extra"].update(in_chans=100_000), "no test_efficientnet"),
        (lambda h: h["light"]["extra"].update(model_name="test_vit"), "model_name"),
        (lambda h: h["light"]["extra"].update({"\ud800": 1}), "can't give"),
        (lambda h: h.update(light=None), "belongs to no part"),
        (lambda h: h.update(adapters=None), "belongs to no part"),
    ],
)
def test_what_the_file_can_not_fill_is_never_built(rewrite, change, said):
    path = rewrite(change)
    read_header(path)
    assert said in refused(path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda t: t.update(junk=torch.zeros(1)), "junk belongs to no part"),
        (lambda t: t.update({"mapper.junk": torch.zeros(1)}), "junk, which belongs nowhere"),
        (lambda t: t.pop("mapper.words.length"), "lacks words.length"),
        (lambda t: t.update({"mapper.words.length": torch.zeros(1)}), "words.length is 1"),
        (lambda t: t.update({"mapper.norm.weight": torch.zeros(8, dtype=torch.int32)}), "I32"),
        (
            lambda t: t.update({"mapper.norm.num_batches_tracked": torch.zeros(())}),
            "num_batches_tracked",
        ),
        (lambda t: t.update({"mapper.norm.bias": torch.zeros(8, dtype=torch.uint8)}), "U8"),
    ],
)
def test_the_file_holds_exactly_what_its_parts_need(whole, tmp_path, change, said):
    tensors, path = load_file(whole), tmp_path / "query.safetensors"
    change(tensors)
    save_file(tensors, path, metadata={METADATA_KEY: read_header(whole).to_json()})
    assert said in refused(path)


def test_what_is_no_file_is_told_and_never_waited_for(tmp_path):
    os.mkfifo(tmp_path / "fifo")
    assert "a pipe" in refused_without_hint(tmp_path / "fifo")
    assert "a folder" in refused_without_hint(tmp_path)
    assert "no such file" in refused_without_hint(tmp_path / "none")
    assert not is_query_model(tmp_path / "fifo")


def refused_without_hint(path):
    for read in (read_header, load):
        with pytest.raises(ModelError, match="can't be read") as caught:
            read(path)
    return caught.value.message


def test_weights_are_not_read_for_a_header_that_does_not_fit(rewrite, monkeypatch):
    monkeypatch.setattr(checkpoint, "load_file", lambda _: pytest.fail("read"))
    refused(rewrite(lambda h: h["mapper"].update(tokens=3)))
