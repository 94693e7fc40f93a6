"""From the questions of a task to what each image is asked, every question about an image once."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qbench.data.items import Items
from qbench.probes.choices.interface import Choices

Integers = npt.NDArray[np.int64]

NO_QUESTION = -1
"""Stands where an image is asked fewer questions than another one."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a task asks about each image.

    Attributes
    ----------
    choices : Choices
        What the task said.
    of_image : numpy.ndarray
        ``(images, places)`` int: the numbers of the questions about each image, each once and in increasing order, then
        `NO_QUESTION`.
    place_of : numpy.ndarray
        ``(items, q)`` int: the place in `of_image` of each question of an item.
    """

    choices: Choices
    of_image: Integers
    place_of: Integers

    @property
    def most_answers(self) -> int:
        """The largest number of answers to a question."""
        return max(len(question.answers) for question in self.choices.questions)

    def digest(self) -> str:
        """SHA-256 (hex) of what decides the answers: questions, their answers, and which image is asked what."""
        texts = [[question.text, *question.answers] for question in self.choices.questions]
        found = hashlib.sha256(json.dumps([texts, list(self.of_image.shape)], ensure_ascii=True).encode())
        found.update(self.of_image.astype("<i8").tobytes())
        return found.hexdigest()


def what_is_asked(choices: Choices, items: Items) -> Asked:
    """What is asked about each image, from what is asked of each item.

    Raises
    ------
    ValueError
        `Choices.asked` is not an array with a row for each item, or names a question that does not exist.
    """
    asked = np.asarray(choices.asked, dtype=np.int64)
    if asked.ndim != 2 or len(asked) != len(items) or not asked.shape[1]:
        raise ValueError(f"asked has the shape {asked.shape}; it has a row for each of the {len(items)} items")
    if asked.min() < 0 or asked.max() >= len(choices.questions):
        raise ValueError(f"asked names a question that is not one of the {len(choices.questions)} questions")
    image_of = items.table["image_index"].to_numpy(dtype=np.int64)
    every = np.stack([np.broadcast_to(image_of[:, None], asked.shape), asked], axis=-1).reshape(-1, 2)
    pairs, pair_of = np.unique(every, axis=0, return_inverse=True)  # sorted by image, then by question
    first = np.searchsorted(pairs[:, 0], np.arange(len(items.images)))
    places = np.arange(len(pairs)) - first[pairs[:, 0]]
    of_image = np.full((len(items.images), int(places.max()) + 1), NO_QUESTION, dtype=np.int64)
    of_image[pairs[:, 0], places] = pairs[:, 1]
    return Asked(choices=choices, of_image=of_image, place_of=places[pair_of].reshape(asked.shape))
