"""Batches are cut in a fixed way; what is not finite, or one embedding for all, stops at its batch."""

import numpy as np
import pytest

from qbench.errors import QuantizationError
from qbench.models.interface import Coverage, Layer
from qbench.probes.embedding.providers import EncoderProvider
from tests.unit.probes.embedded import asking_of, embed_images, embed_texts


class Recorder:
    """Embeds an image as its first value, and remembers the batches."""

    def __init__(self):
        self.batches = []

    def encode_images(self, pixels):
        self.batches.append(len(pixels))
        return pixels[:, 0, 0, :2].astype(np.float32)

    def encode_texts(self, texts):
        self.batches.append(len(texts))
        return np.array([[len(t), 1] for t in texts], dtype=np.float32)

    def close(self):
        pass


def test_images_go_through_in_order_and_the_last_batch_is_short():
    encoder, steps = Recorder(), []
    pixels = np.arange(7 * 12, dtype=np.uint8).reshape(7, 2, 2, 3)
    found = embed_images(encoder, pixels, batch_size=3, step=steps.append)
    np.testing.assert_array_equal(found, pixels[:, 0, 0, :2])
    assert encoder.batches == steps == [3, 3, 1]
    assert found.dtype == np.float32


def test_texts_go_through_in_order():
    encoder = Recorder()
    assert embed_texts(encoder, ["a", "bb", "ccc"], batch_size=2)[:, 0].tolist() == [1, 2, 3]
    assert encoder.batches == [2, 1]


def test_embeddings_that_are_not_finite_are_refused():
    class Broken(Recorder):
        def encode_texts(self, texts):
            return np.full((len(texts), 2), np.inf, dtype=np.float32)

    with pytest.raises(QuantizationError, match="2 of 2 text embeddings of a batch are not finite"):
        embed_texts(Broken(), ["a", "b"], batch_size=2)


class Blind(Recorder):
    """Embeds everything alike, up to rounding."""

    def encode_texts(self, texts):
        self.batches.append(len(texts))
        return np.ones((len(texts), 2), dtype=np.float32) + np.float32(1e-7) * np.arange(len(texts))[:, None]

    def encode_images(self, pixels):
        self.batches.append(len(pixels))
        return np.ones((len(pixels), 2), dtype=np.float32)


def test_what_is_not_finite_stops_at_its_batch():
    class Late(Recorder):
        def encode_texts(self, texts):
            found = super().encode_texts(texts)
            found[[text == "e" for text in texts]] = np.nan
            return found

    encoder = Late()
    with pytest.raises(QuantizationError, match=r"1 of 2 text embeddings of a batch .*first: text 3"):
        embed_texts(encoder, ["a", "bb", "ccc", "e", "f", "g"], batch_size=2)
    assert encoder.batches == [2, 2]


@pytest.mark.parametrize("order", ["dataset", "shuffle-1"])
def test_different_texts_with_one_embedding_stop_at_the_first_batch(order):
    encoder = Blind()
    with pytest.raises(QuantizationError, match="different texts have one and the same embedding"):
        embed_texts(encoder, ["a", "b", "c", "d"], batch_size=2, order=order)
    assert encoder.batches == [2]


def test_different_images_with_one_embedding_stop_where_they_are_seen():
    encoder, pixels = Blind(), np.zeros((6, 2, 2, 3), dtype=np.uint8)
    embed_images(encoder, pixels, batch_size=2)  # equal images may have one embedding
    pixels[3] = 1
    encoder = Blind()
    with pytest.raises(QuantizationError, match="different images have one and the same embedding"):
        embed_images(encoder, pixels, batch_size=2)
    assert encoder.batches == [2, 2]


def test_one_text_alone_or_repeated_may_have_one_embedding():
    assert len(embed_texts(Blind(), ["a"], batch_size=2)) == 1
    assert len(embed_texts(Blind(), ["a", "a", "a"], batch_size=2)) == 3


def test_another_number_of_answers_than_asked_for_is_refused():
    class Short(Recorder):
        def encode_texts(self, texts):
            return super().encode_texts(texts)[1:]

    with pytest.raises(TypeError, match="the probe gave 2 answers of 'texts' for a batch of 3"):
        embed_texts(Short(), ["a", "bb", "ccc"], batch_size=3)


def test_coverage_counts_weights_not_layers():
    def layer(name, tower, parameters, quantized, bits):
        return Layer(name=name, tower=tower, kind="Linear", parameters=parameters, quantized=quantized, bits=bits)

    coverage = Coverage(
        layers=(
            layer("a", "image", 300, True, 8),
            layer("b", "image", 100, False, 32),
            layer("c", "text", 100, True, 8),
        ),
        total_parameters=600,
        model_bytes=1,
    )
    assert coverage.share() == 0.8
    assert (coverage.share("image"), coverage.share("text"), coverage.share("shared")) == (0.75, 1.0, 0.0)
    assert coverage.bits_per_weight == (300 * 8 + 100 * 32 + 100 * 8) / 500


def test_a_model_that_is_not_an_encoder_is_refused_in_words():
    class Chooser:
        """A model that answers another probe."""

        def close(self):
            pass

    asking = asking_of(pixels=np.zeros((1, 4, 4, 3), dtype=np.uint8), texts=["a"])
    for part in EncoderProvider().answers(asking):
        with pytest.raises(TypeError, match="a Chooser is not an Encoder"):
            part.compute(Chooser(), np.array([0]))
