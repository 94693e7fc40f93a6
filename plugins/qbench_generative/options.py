"""The options of both sources. Light: a spec is checked before torch is imported."""

from __future__ import annotations

from dataclasses import dataclass

from qbench_transformers.options import WeightsOptions


@dataclass(frozen=True, kw_only=True)
class MatchingOptions(WeightsOptions):
    """Where the weights come from, and how many pairs are read together.

    Attributes
    ----------
    pairs_at_once : int
        The number of pairs of a batch that go through the text encoder together. It decides the batches, and so
        results of methods that scale activations over a batch.
    """

    pairs_at_once: int = 64

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if self.pairs_at_once < 1:
            raise ValueError(f"pairs_at_once is {self.pairs_at_once}; it is 1 or more")


@dataclass(frozen=True, kw_only=True)
class GenerativeOptions(WeightsOptions):
    """Where the weights come from, and how the model is asked.

    Attributes
    ----------
    prompt : str
        The prompt, with ``{question}`` and the model's own mark for an image (such as ``<image>``), in place of the
        chat template of the checkpoint; empty for the chat template, or for the usual prompt of a family without one.
    image_size : int
        The side of the square images of a model that takes images of any size (Qwen2.5-VL), in pixels; 0 for 448.
    end_of_answer : bool
        Whether the token that ends a text counts as part of each answer, so that an answer that begins like another one
        is not more likely only because it is shorter.
    answers_at_once : int
        The number of answers, of all questions of a batch, that go through the model together. Each needs a copy of the
        attention's keys and values of its prompt. It decides the batches, and so results of methods that scale
        activations over a batch.
    """

    prompt: str = ""
    image_size: int = 0
    end_of_answer: bool = False
    answers_at_once: int = 16

    def __post_init__(self) -> None:
        """Check the values."""
        super().__post_init__()
        if self.prompt and self.prompt.count("{question}") != 1:
            raise ValueError(f"prompt is {self.prompt!r}; it has exactly one {{question}}")
        if self.image_size < 0:
            raise ValueError(f"image_size is {self.image_size}; it is 0 or a number of pixels")
        if self.answers_at_once < 1:
            raise ValueError(f"answers_at_once is {self.answers_at_once}; it is 1 or more")
