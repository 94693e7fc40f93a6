"""What the probe ``pairs`` asks of a task and of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from qbench.metrics.interface import MeasuredTask
from qbench.models.interface import LoadedModel

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from qbench.data.items import Items
    from qbench.metrics.interface import Outcome, Prompts, Similarity

NO_TEXT = -1
"""Stands where an image has fewer candidates than another one."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The texts of a task, and which of them each image is compared with.

    Attributes
    ----------
    prompts : Prompts
        The texts and what they stand for. With ``pool`` the score of a target is the mean of the scores of its texts.
    candidates : numpy.ndarray or None
        ``(images, k)`` int: the numbers of the texts that each image is compared with, each once, then `NO_TEXT`; at
        least one for each image. `None`: every image is compared with every text. A model reads each pair on its own,
        so that ``images × k`` forward passes are needed.
    """

    prompts: Prompts
    candidates: npt.NDArray[np.int64] | None = None


@runtime_checkable
class PairsTask(MeasuredTask, Protocol):
    """A task for the probe ``pairs``. It is called in the order `data`, `pairs`, `match`, `measure`."""

    def pairs(self, items: Items) -> Pairs:
        """The texts, and the candidates among them, for the images of these items."""
        ...

    def match(self, scores: Similarity, items: Items) -> Outcome:
        """Scores of items and targets → an outcome per item. Needs no model.

        Parameters
        ----------
        scores : Similarity
            One row per item and one column per target: the natural logarithm of the odds that image and text belong
            together; −∞ for a target that is not a candidate.
        items : Items
            The items.
        """
        ...


@runtime_checkable
class Matcher(LoadedModel, Protocol):
    """A model that is loaded and can tell whether a text belongs to an image: what the probe ``pairs`` asks."""

    def score_pairs(
        self, pixels: npt.NDArray[np.uint8], image_of: npt.NDArray[np.int64], texts: Sequence[str]
    ) -> npt.NDArray[np.float32]:
        """How well each text belongs to its image.

        Parameters
        ----------
        pixels : numpy.ndarray
            ``(images, height, width, 3)`` uint8 RGB, each image once.
        image_of : numpy.ndarray
            ``(b,)`` int: the image of each pair.
        texts : sequence of str
            The `b` texts.

        Returns
        -------
        numpy.ndarray
            ``(b,)`` float32: the natural logarithm of the odds that they belong together.
        """
        ...
