import numpy as np
import pytest

from mlgolf.data.bad_records import BadRecords
from mlgolf.data.make_tokens import (
    END_OF_TEXT,
    drawn_order,
    encoded,
    make_tokens,
    passages,
    stratified,
    trained_tokenizer,
)
from mlgolf.data.python_docs import LONGEST, documents, packed
from mlgolf.data.recipes import TextRecipe
from mlgolf.data.token_files import file_names, read_tokens

RECIPE = TextRecipe(vocabulary=300, passage=33, drawn_documents=3)


@pytest.fixture
def few_documents(monkeypatch):
    monkeypatch.setattr("mlgolf.data.make_tokens.documents", lambda: documents()[:40])


def made(folder, draw, splits):
    make_tokens(folder, RECIPE, {"validation": 8, "test": 8}, draw, splits)
    names = {"train": "train", "validation": "val", "test": "test"}
    return {split: tokens_of(folder / names[split]) for split in splits}


def tokens_of(folder):
    bad = BadRecords(folder)
    tokens = [read_tokens(folder / name, 300, bad) for name in file_names(folder)]
    assert not bad
    return np.concatenate(tokens)


@pytest.mark.usefixtures("few_documents")
def test_a_draw_decides_which_documents_are_trained_on(tmp_path):
    first, again, other = (
        np.sort(made(tmp_path / name, draw, ("train",))["train"])
        for name, draw in [("first", 1), ("again", 1), ("other", 2)]
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_each_document_is_held_out_in_some_draws_and_trained_on_in_others():
    held_out = [set(drawn_order([100] * 20, 8, draw)[:8].tolist()) for draw in range(50)]
    assert set.union(*held_out) == set(range(20))
    assert not set.intersection(*held_out)


def test_held_out_documents_are_not_much_longer_than_others():
    lengths = [1_000] * 4 + [10] * 16
    for draw in range(50):
        order = drawn_order(lengths, 5, draw)
        assert sorted(order) == list(range(20))
        assert sum(lengths[i] for i in order[:5]) <= 1_190


def test_so_many_documents_remain_that_no_draw_has_too_few_training_rows():
    lengths = [len(text) for text in documents()]
    draws = (drawn_order(lengths, 200, draw) for draw in range(2_000))
    least = min(np.take(lengths, order[200:]).sum() for order in draws)
    assert least > 12_500 * 65 * 2.17  # at most so many characters make a token, over all


@pytest.mark.usefixtures("few_documents")
def test_a_split_is_the_same_whether_or_not_others_are_made(tmp_path):
    together = made(tmp_path / "together", 1, ("train", "validation", "test"))
    alone = made(tmp_path / "alone", 1, ("test",))
    assert np.array_equal(together["test"], alone["test"])


@pytest.mark.usefixtures("few_documents")
def test_no_held_out_passage_occurs_in_another_split(tmp_path):
    splits = made(tmp_path / "raw", 1, ("train", "validation", "test"))
    seen = {s: set(map(bytes, np.lib.stride_tricks.sliding_window_view(t, 33)))
            for s, t in splits.items()}  # fmt: skip
    held_out = {s: set(map(bytes, splits[s].reshape(-1, 33))) for s in ("validation", "test")}
    assert not held_out["validation"] & (seen["train"] | seen["test"])
    assert not held_out["test"] & (seen["train"] | seen["validation"])


def test_a_text_can_be_read_from_its_tokens():
    texts = ["def area(width, height):\n    return width * height\n" * 3, "The area of it.\n"]
    tokenizer = trained_tokenizer(texts, 60)
    end = tokenizer.token_to_id(END_OF_TEXT)
    *tokens, last = encoded(tokenizer, texts)[0]
    spelled = "".join(tokenizer.id_to_token(token) for token in tokens)
    assert spelled.replace("Ġ", " ").replace("Ċ", "\n") == texts[0]
    assert last == end


def test_training_a_tokenizer_twice_gives_the_same():
    texts = documents()[:60]
    assert trained_tokenizer(texts, 300).to_str() == trained_tokenizer(texts, 300).to_str()


def test_tokens_are_cut_into_passages_and_what_is_left_is_dropped():
    documents = [np.array(tokens) for tokens in ([1, 2], [3, 4, 5, 6], [7])]
    assert passages(documents, 3).tolist() == [[1, 2, 3], [4, 5, 6]]


def test_one_passage_is_drawn_of_each_group_of_like_losses():
    losses = np.random.default_rng(0).permutation(12).astype(float)
    drawn = stratified(losses, 4, np.random.default_rng(1))
    assert sorted(losses[drawn] // 3) == [0, 1, 2, 3]


def test_a_pool_that_is_too_small_is_refused():
    with pytest.raises(ValueError, match="3 passages are too few to draw 4"):
        stratified(np.zeros(3), 4, np.random.default_rng(0))


def test_the_embedded_documents_are_plain_text_of_some_length():
    texts = documents()
    assert len(texts) == 1_060
    assert sum(map(len, texts)) > 2_000_000
    assert all(text.isascii() and text.strip() for text in texts)


def test_texts_are_packed_into_documents_up_to_a_length():
    paragraphs = [str(number % 10) * 1_500 for number in range(5)]
    packed_texts = list(packed(["\n\n".join(paragraphs[:3]), *paragraphs[3:]]))
    assert "".join(packed_texts).replace("\n", "") == "".join(paragraphs)
    assert len(packed_texts) == 3
    assert max(map(len, packed_texts)) <= LONGEST
