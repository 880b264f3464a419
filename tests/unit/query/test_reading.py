"""A sentence of real words' embeddings reads exactly as those words do, in every kind of tower."""

from __future__ import annotations

import copy
import threading

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from isa_cli.encoders import load_backbone
from isa_cli.errors import ModelError
from isa_cli.query.prompt import Template
from isa_cli.query.reading import TOGETHER, SentenceReader
from tests.towers import FAMILIES

WORDS = ["red", "dog", "beach", "night", "two", "photo", "x", "of", "a", "chair"]  # a token each


def _tower(backbone):
    return getattr(backbone.network, "text", backbone.network)


def _embeddings(backbone, sentences: list[list[str]]) -> torch.Tensor:
    """The tower's own word embeddings of sentences of one-token words, (B, L, E)."""
    rows = [backbone._tokenizer.encode(" ".join(words)) for words in sentences]
    assert {len(row) for row in rows} == {len(sentences[0])}
    return _tower(backbone).token_embedding.weight.detach()[torch.tensor(rows)]


def _texts(template: Template, sentences: list[list[str]], modifiers: list[str]) -> list[str]:
    pieces = [template.around(modifier) for modifier in modifiers]
    return [" ".join(w).join(piece) for w, piece in zip(sentences, pieces, strict=True)]


def _encoded(backbone, texts: list[str]) -> torch.Tensor:
    """What open_clip makes of texts, through the whole context."""
    out = backbone.network.encode_text(backbone._tokenizer(texts), normalize=False)
    return out[0] if isinstance(out, tuple) else out


SENTENCES = [["red", "dog", "beach"], ["x", "x", "a"], ["two", "photo", "of"], ["a", "of", "chair"]]
MODIFIERS = ["", "without sleeves, and in a darker blue than before", "x x x", "at night"]


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize(
    "template",
    [
        Template(),
        Template("{sentence}", "x x {sentence} but {modifier}, of course"),
        Template("one two three {sentence}.", "{sentence}: {modifier}"),
    ],
    ids=["default", "modified starts later", "plain starts later"],
)
@torch.inference_mode()
def test_real_words_read_as_themselves(backbones, name, template):
    backbone = backbones(name)
    reader = SentenceReader(backbone, template, 3)
    ours = reader.read(_embeddings(backbone, SENTENCES), MODIFIERS)
    theirs = _encoded(backbone, _texts(template, SENTENCES, MODIFIERS))
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@settings(max_examples=25, deadline=None)
@given(words=st.lists(st.sampled_from(WORDS), min_size=4, max_size=4), modifier=st.text())
def test_any_words_and_any_modifier(clip, words, modifier):
    reader = SentenceReader(clip, Template(), 4)
    with torch.inference_mode():
        ours = reader.read(_embeddings(clip, [words]), [modifier])
        theirs = _encoded(clip, _texts(Template(), [words], [modifier]))
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", ["CLIP", "CustomTextCLIP", "SigLIP"])
def test_untrimmed_the_whole_context_is_read_and_the_same_comes_out(backbones, name):
    backbone = backbones(name)
    sentences = _embeddings(backbone, SENTENCES)
    lengths, reads = [], []
    transformer = _tower(backbone).transformer
    handle = transformer.register_forward_pre_hook(lambda _, args: lengths.append(args[0].shape[1]))
    try:
        for trim in (True, False):
            reader = SentenceReader(backbone, Template(), 3, trim=trim)
            reads.append(reader.read_tokens(sentences, MODIFIERS))
    finally:
        handle.remove()
    assert lengths[1] == 77
    assert (lengths[0] < lengths[1]) == (name != "SigLIP")  # which reads the padding too
    for trimmed, whole in zip(*reads, strict=True):
        torch.testing.assert_close(trimmed, whole, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
def test_texts_of_like_length_are_read_together_and_come_back_in_their_order(backbones, name):
    backbone = backbones(name)
    count = TOGETHER + 9
    modifiers = ["very " * (7 * row % 11) + "blue" for row in range(count)]
    sentences = _embeddings(backbone, [list(WORDS[row % 5 : row % 5 + 3]) for row in range(count)])
    sentences.requires_grad_()
    reader = SentenceReader(backbone, Template(), 3)
    sizes = []
    transformer = _tower(backbone).transformer
    handle = transformer.register_forward_pre_hook(lambda _, args: sizes.append(args[0].shape[:2]))
    read = reader.read(sentences, modifiers)
    handle.remove()
    assert [size[0] for size in sizes] == [TOGETHER, 9]
    cut = sizes[1][1] < backbone.network.context_length
    assert (sizes[0][1] < sizes[1][1]) == cut  # where the padding is read, nothing is gained
    alone = [reader.read(sentences[[row]], [modifiers[row]]) for row in range(count)]
    torch.testing.assert_close(read, torch.cat(alone), atol=1e-5, rtol=1e-4)
    (gradient,) = torch.autograd.grad(read[3].square().sum(), sentences)
    assert gradient[3].any()
    assert not gradient[[row for row in range(count) if row != 3]].any()


@pytest.mark.parametrize("name", FAMILIES)
def test_gradients_reach_the_sentences_and_nothing_else(backbones, name):
    backbone = backbones(name)
    sentences = _embeddings(backbone, SENTENCES).requires_grad_()
    read = SentenceReader(backbone, Template(), 3).read_tokens(sentences, MODIFIERS)
    for part in read:
        (gradient,) = torch.autograd.grad(part.square().sum(), sentences, retain_graph=True)
        assert torch.isfinite(gradient).all()
        assert (gradient.norm(dim=-1) > 0).all()  # each token of each sentence
    (read.features.sum() + read.slots.sum()).backward()
    assert all(p.grad is None for p in backbone.network.parameters())


def test_a_gradient_is_the_slope(clip):
    reader = SentenceReader(clip, Template(), 2)
    sentences = _embeddings(clip, [["red", "dog"]]).requires_grad_()
    (gradient,) = torch.autograd.grad(reader.read(sentences, ["big"]).sum(), sentences)
    step = 1e-2 * gradient / gradient.norm()
    with torch.inference_mode():
        up, down = (reader.read(sentences + sign * step, ["big"]).sum() for sign in (1, -1))
    assert float(up - down) == pytest.approx(2e-2 * float(gradient.norm()), rel=1e-2)


@pytest.mark.parametrize("name", FAMILIES)
@torch.inference_mode()
def test_slots_are_the_whole_towers_states_at_those_positions(backbones, name):
    backbone = backbones(name)
    tower, seen = _tower(backbone), []
    read = SentenceReader(backbone, Template(), 3).read_tokens(
        _embeddings(backbone, SENTENCES), MODIFIERS
    )
    handle = tower.transformer.register_forward_hook(lambda _, __, out: seen.append(out))
    _encoded(backbone, _texts(Template(), SENTENCES, MODIFIERS))
    handle.remove()
    states = tower.ln_final(seen[0])[:, 4:7]  # start, a, photo, of
    if isinstance(tower.text_projection, torch.nn.Linear):
        states = states @ tower.text_projection.weight.T + tower.text_projection.bias
    elif tower.text_projection is not None:
        states = states @ tower.text_projection
    torch.testing.assert_close(read.slots, states, atol=1e-6, rtol=1e-5)
    assert torch.equal(
        read.features,
        SentenceReader(backbone, Template(), 3).read(_embeddings(backbone, SENTENCES), MODIFIERS),
    )


def test_only_the_positions_that_matter_go_through_the_transformer(backbones):
    for name, length in (("CLIP", 9), ("SigLIP", 77)):
        backbone, seen = backbones(name), []
        handle = _tower(backbone).transformer.register_forward_pre_hook(
            lambda _, args, seen=seen: seen.append(args[0].shape[1])
        )
        reader = SentenceReader(backbone, Template(), 2)
        reader.read(_embeddings(backbone, [["red", "dog"]]), ["big"])
        handle.remove()
        assert seen == [length]  # start a photo of _ _ , big end


# --- odd modifiers ---

ODD = [
    "costs $5",
    "*",
    "$",
    "🦄🦄 please",
    "x",
    "{sentence}",
    "<|endoftext|> red",
    "\x00\ud83d",
    "'s",
]
ENDS = ["<end_of_text>", "<END_OF_text>", "<start_of_text>", "&lt;end_of_text&gt;"]
ENDS += ["&amp;amp;amp;lt;end_of_text>", "\uff1cend_of_text\uff1e", "<end_of_text><end_of_text>"]


@torch.inference_mode()
def test_odd_modifiers_are_read_as_the_tower_reads_them(clip):
    sentences = [["red", "x"]] * len(ODD)
    ours = SentenceReader(clip, Template(), 2).read(_embeddings(clip, sentences), ODD)
    theirs = _encoded(clip, _texts(Template(), sentences, ODD))
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("end", ENDS)
@torch.inference_mode()
def test_an_end_of_text_typed_by_a_person_is_words_and_ends_nothing(clip, end):
    reader = SentenceReader(clip, Template(), 2)
    modifiers = [f"{end} blue", f"{end} green", ""]
    blue, green, plain = reader.read(_embeddings(clip, [["red", "dog"]] * 3), modifiers)
    assert not torch.allclose(blue, green, atol=1e-3)
    assert not torch.allclose(blue, plain, atol=1e-3)
    ids = reader._texts.place(modifiers).ids
    assert ((ids == 49407).sum(1) == 1).all()
    assert ((ids == 49406).sum(1) == 1).all()


class _Warnings:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def warn(self, message: str) -> None:
        self.lines.append(message)


@pytest.mark.parametrize("name", ["CLIP", "SigLIP"])
@torch.inference_mode()
def test_five_hundred_words_are_cut_with_one_warning_and_the_slots_are_not(backbones, name):
    backbone, reporter = backbones(name), _Warnings()
    reader = SentenceReader(backbone, Template(), 3, reporter)
    modifiers = ["chair " * 500, "at night", "chair " * 500, "chair " * 68]  # 77 less 4 + 3 + 1 + 1
    for _ in range(2):
        features = reader.read(_embeddings(backbone, SENTENCES), modifiers)
    assert [line[:49] for line in reporter.lines] == [
        "too long for the model, the end was cut: chair ch"
    ]
    theirs = _encoded(backbone, _texts(Template(), SENTENCES, modifiers))
    torch.testing.assert_close(features, theirs, atol=1e-6, rtol=1e-5)
    assert reader.read(_embeddings(backbone, SENTENCES[:1]), ["y " * 500]).isfinite().all()
    assert len(reporter.lines) == 2


# --- what cannot be read ---


def test_a_sentence_longer_than_the_context_is_refused(clip):
    fits = 77 - len(["start", "a", "photo", "of", ",", "x", "end"])
    SentenceReader(clip, Template(), fits)
    with pytest.raises(ModelError, match="does not fit"):
        SentenceReader(clip, Template(), fits + 1)


def _with_tokenizer(backbone, change):
    """A backbone whose tokenizer's ids go through ``change(texts, ids)``."""
    copied, original = copy.copy(backbone), backbone._tokenizer

    class Changed:
        context_length = 77
        decoder, all_special_ids = original.decoder, original.all_special_ids
        clean_fn = staticmethod(original.clean_fn)

        def __call__(self, texts, context_length=77):
            return change(texts, original([f"{t}" for t in texts], context_length))

    copied._tokenizer = Changed()
    return copied


@torch.inference_mode()
def test_another_placeholder_is_taken_where_the_first_is_two_tokens(clip):
    original = clip._tokenizer

    def change(texts, ids):
        return original([text.replace(" x", " big cat") for text in texts], ids.shape[1])

    reader = SentenceReader(_with_tokenizer(clip, change), Template(), 2)
    features = reader.read(_embeddings(clip, [["red", "dog"]]), ["at night"])
    theirs = _encoded(clip, ["a photo of red dog, at night"])
    torch.testing.assert_close(features, theirs, atol=1e-6, rtol=1e-5)


def test_a_tokenizer_that_moves_words_is_refused_at_the_start(clip):
    def change(_, ids):
        return torch.cat([ids[:, :9].flip(1), ids[:, 9:]], dim=1)

    with pytest.raises(ModelError, match="moves words about"):
        SentenceReader(_with_tokenizer(clip, change), Template(), 2)


def test_a_tokenizer_that_moves_words_later_is_refused_too(clip):
    def change(texts, ids):
        return ids.roll(1, dims=1) if any("trap" in text for text in texts) else ids

    reader = SentenceReader(_with_tokenizer(clip, change), Template(), 2)
    with pytest.raises(ModelError, match="moves words about"):
        reader.read(torch.zeros(1, 2, 32), ["trap"])


def test_a_tower_that_looks_no_words_up_is_refused(clip):
    reader = SentenceReader(clip, Template(), 2)
    reader.embedding = torch.nn.Embedding(4, 32)  # not the one that the tower uses
    with pytest.raises(ModelError, match="takes no sentences"):
        reader.read(torch.zeros(1, 2, 32), [""])


def test_a_reader_made_while_nothing_is_trained_can_be_trained_through(clip):
    with torch.inference_mode():
        reader = SentenceReader(clip, Template(), 2)
        reader.read_tokens(torch.zeros(1, 2, 32), [""])
    sentences = torch.ones(1, 2, 32, requires_grad=True)
    read = reader.read_tokens(sentences, [""])
    (read.features.sum() + read.slots.sum()).backward()
    assert sentences.grad.isfinite().all()


@pytest.mark.parametrize("shape", [(2, 2, 32), (1, 3, 32), (1, 2, 31), (2, 32)])
def test_wrong_shapes_are_a_programmers_mistake(clip, shape):
    with pytest.raises(ValueError, match="sentences must be"):
        SentenceReader(clip, Template(), 2).read(torch.zeros(shape), [""])
    with pytest.raises(ValueError, match="at least one token"):
        SentenceReader(clip, Template(), 0)


def test_no_sentences_give_no_features(clip):
    read = SentenceReader(clip, Template(), 2).read_tokens(torch.zeros(0, 2, 32), [])
    assert (read.features.shape, read.slots.shape) == ((0, 24), (0, 2, 24))


# --- scale, precision, threads ---


def test_width_and_mean_norm_leave_untrained_words_out(clip):
    reader = SentenceReader(clip, Template(), 2)
    norms = _tower(clip).token_embedding.weight.norm(dim=-1)
    assert reader.width == 32
    assert reader.mean_norm == pytest.approx(float(norms.mean()), rel=1e-5)
    bundled = copy.copy(clip)
    bundled.network = copy.deepcopy(clip.network)
    _tower(bundled).token_embedding.weight[100:] = 0
    assert SentenceReader(bundled, Template(), 2).mean_norm == pytest.approx(
        float(norms[:100].mean()), rel=1e-5
    )
    _tower(bundled).token_embedding.weight[:] = 0
    with pytest.raises(ModelError, match="damaged"):
        _ = SentenceReader(bundled, Template(), 2).mean_norm


def test_half_precision_towers_take_float32_sentences(clip):
    half = copy.copy(clip)
    half.network = copy.deepcopy(clip.network).to(torch.bfloat16)
    sentences = _embeddings(clip, SENTENCES).requires_grad_()
    read = SentenceReader(half, Template(), 3).read_tokens(sentences, MODIFIERS)
    whole = SentenceReader(clip, Template(), 3).read_tokens(sentences, MODIFIERS)
    for ours, exact in zip(read, whole, strict=True):
        cosines = torch.cosine_similarity(ours.float(), exact, dim=-1)
        assert (cosines > 0.99).all()
    read.features.float().sum().backward()
    assert sentences.grad.dtype == torch.float32


@torch.inference_mode()
def test_other_threads_read_their_own_texts_meanwhile(clip):
    reader = SentenceReader(clip, Template(), 2)
    other = SentenceReader(clip, Template(), 2)
    mine, theirs = _embeddings(clip, [["red", "dog"]]), _embeddings(clip, [["two", "chair"]])
    alone = [reader.read(mine, [""]), other.read(theirs, ["big"]), _encoded(clip, ["x x x x x x"])]
    meanwhile = []

    @torch.inference_mode()
    def elsewhere():
        meanwhile.extend([other.read(theirs, ["big"]), _encoded(clip, ["x x x x x x"])])

    def on_the_way(*_):
        if threading.current_thread() is threading.main_thread():
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()

    handle = clip.network.transformer.register_forward_pre_hook(on_the_way)
    together = reader.read_tokens(mine, [""]).features
    handle.remove()
    for ours, exact in zip([together, *meanwhile], alone, strict=True):
        torch.testing.assert_close(ours, exact)


def test_no_hook_outlives_a_read(clip):
    reader = SentenceReader(clip, Template(), 2)
    reader.read_tokens(torch.zeros(1, 2, 32), [""])

    def fail(*_):
        raise RuntimeError("out of memory")

    handle = clip.network.ln_final.register_forward_pre_hook(fail)
    with pytest.raises(RuntimeError, match="out of memory"):
        reader.read_tokens(torch.zeros(1, 2, 32), [""])
    handle.remove()
    assert not any(m._forward_hooks for m in clip.network.modules())


# --- other people's towers and the real one ---


@pytest.mark.parametrize("projection", ["linear", "mlp", None])
def test_a_tower_from_transformers(tmp_path, clip, projection):
    transformers = pytest.importorskip("transformers")
    from open_clip.hf_model import HFTextEncoder
    from open_clip.tokenizer import HFTokenizer

    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ",", *WORDS]
    (tmp_path / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(str(tmp_path / "vocab.txt")).save_pretrained(tmp_path)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=24,
    )  # fmt: skip
    torch.manual_seed(0)
    dim = 24 if projection else 32
    text = HFTextEncoder("", dim, config=config, pooler_type="mean_pooler", proj_type=projection)
    network = torch.nn.Module()
    network.text = text.eval().requires_grad_(False)
    network.encode_text = lambda ids, normalize=False: network.text(ids)
    backbone = copy.copy(clip)
    backbone.network = network
    backbone._tokenizer = HFTokenizer(str(tmp_path), context_length=24)
    reporter = _Warnings()
    reader = SentenceReader(backbone, Template(), 2, reporter)
    ids = backbone._tokenizer.tokenizer.convert_tokens_to_ids(["red", "dog"])
    sentences = text.transformer.get_input_embeddings().weight[torch.tensor([ids] * 4)].detach()
    sentences.requires_grad_()
    modifiers = ["", "night", "beach [SEP] night", "red " * 500]
    read = reader.read_tokens(sentences, modifiers)
    whole = ["a photo of red dog" + (f", {m}" if m else "") for m in modifiers]
    whole[2] = "a photo of red dog, beach [ SEP] night"
    theirs = text(backbone._tokenizer(whole))
    torch.testing.assert_close(read.features, theirs, atol=1e-6, rtol=1e-5)
    assert read.slots.shape == (4, 2, dim)
    (gradient,) = torch.autograd.grad(read.slots.sum() + read.features.square().sum(), sentences)
    assert (gradient.norm(dim=-1) > 0).all()
    assert len(reporter.lines) == 1


@torch.inference_mode()
def test_the_real_model(shared_data):
    backbone = load_backbone(
        str(shared_data / "models" / "photo-mini"), parts={"text"}, precision="fp32"
    )
    reader = SentenceReader(backbone, Template(), 3)
    ours = reader.read(_embeddings(backbone, SENTENCES), MODIFIERS)
    theirs = _encoded(backbone, _texts(Template(), SENTENCES, MODIFIERS))
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)
