"""What a probe is: how a model is asked, and how its answers are computed, named, stored and compared.

A probe is one way to ask a model about images. It consists of a `ProbeMethod`, which turns a task into questions and
answers into an outcome, and of `Provider` objects, which know where answers come from: from a model that runs on this
machine, or from files. The execution knows no probe by name; it caches what a provider computes under the keys that the
provider gives, and asks the provider what follows from where the answers come from.

======================  =================================================  =========================================
a probe such as         asks for                                           and stores
======================  =================================================  =========================================
``embedding``           a vector for each image and each text              two arrays, ``(images, d)``, ``(texts, d)``
``pairs``               a score for an image and a text together           one array of scores: all pairs, or those
                                                                           that the task names as candidates
``choices``             the log-likelihood of each of a few answers,       one array of log-likelihoods and numbers of
                        given an image and a question                      tokens, ``(images, questions, answers, 2)``
======================  =================================================  =========================================
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from qbench.data.items import Items
    from qbench.images.pixels import Pixels
    from qbench.images.preprocessing import Preprocessing
    from qbench.metrics.interface import Outcome
    from qbench.models.interface import Tower

Parts = dict[str, Any]
"""What decides a result, as plain values: what `qbench.store.keys.key_of` makes a key of."""

Step = Callable[[int], None]
"""Called with the number of images, texts or other things that were answered since the last call."""

Answers = Mapping[str, "npt.NDArray[Any]"]
"""The arrays that a variant answered with, by the name of the part."""


@dataclass(frozen=True, kw_only=True)
class Questions:
    """What a task asks through one probe.

    Attributes
    ----------
    content : object
        What the probe asks about, in the probe's own type; for ``embedding`` a `qbench.metrics.interface.Prompts`.
    digest : str
        SHA-256 (hex) of the part of `content` that decides an answer.
    count : int
        Number of texts (prompts, questions or answers), for the results.
    """

    content: Any
    digest: str
    count: int


@dataclass(frozen=True, kw_only=True)
class Asking:
    """One variant that is asked the questions of one benchmark.

    Attributes
    ----------
    benchmark : str
        The label of the benchmark: IDs of images are unique in its dataset only.
    items : Items
        The items and their images.
    questions : Questions
        What `ProbeMethod.questions` gave for them.
    images_key : str
        Digest of the images, in order.
    preprocessing : Preprocessing
        How the model wants its images.
    batch_size : int
        Images (or texts) per batch.
    pixels : callable
        ``() -> Pixels``: the decoded images, ``(images, size, size, 3)`` uint8, which are indexed as an array is. Who
        reads images that are still being decoded waits for them. Only for a provider that `decodes`.
    """

    benchmark: str
    items: Items
    questions: Questions
    images_key: str
    preprocessing: Preprocessing
    batch_size: int
    pixels: Callable[[], Pixels]


@dataclass(frozen=True, kw_only=True)
class AnswerPart:
    """One array of answers: how it is named, and how it is computed where the cache does not have it.

    Attributes
    ----------
    name : str
        Such as ``images``: letters, digits and dashes. It names a folder of the cache, and the part in `Answers`.
    parts : dict
        What decides the array beside what the execution adds to its key, as plain values: the digest of the questions,
        for example. The execution adds ``probe``, ``variant``, ``batch`` (size and order) and, for a part
        `of_images`, ``pixels`` (images, geometry, decoder) and ``preprocessing``; these names are refused here.
    count : int
        How many images, texts or other things are answered: the rows of the array.
    compute : callable
        ``(encoder, rows) -> array``, which answers one batch. `encoder` is that of the variant; `rows`, an array of
        int, has the numbers of what is in the batch, counted from 0 in the order of the dataset. The answers are in the
        order of `rows`. The execution makes the batches, and stores the answers in parts while they are computed.
    of_images : bool
        Whether the array depends on the images. `False` for one that depends on texts only: it is then computed once,
        whatever the images are.
    begin : callable or None
        ``(encoder, rows) -> (() -> array)``: as `compute`, but what it returns waits for the answers. Each batch is
        begun before the answers to the one before it are waited for, so that a GPU need not wait for the processor.
        `None` if `compute` is all there is.
    tower : {"image", "text"} or None
        The tower of the model that alone gives the array, if there is one: a quantizer that leaves this tower alone
        then gives the answers of its control arm, which are taken from there.
    """

    name: str
    parts: Parts
    count: int
    compute: Callable[[Any, npt.NDArray[np.int64]], npt.NDArray[Any]]
    of_images: bool = True
    begin: Callable[[Any, npt.NDArray[np.int64]], Callable[[], npt.NDArray[Any]]] | None = None
    tower: Tower | None = None


class Provider(Protocol):
    """Where the answers of a variant come from, and what follows from that.

    `qbench.probes.providers` has base classes for models that run on this machine and for precomputed answers.
    """

    @property
    def decodes(self) -> bool:
        """Whether it needs decoded images."""
        ...

    @property
    def batches(self) -> bool:
        """Whether it makes the batches: their size and order are then known, and other orders can be tried."""
        ...

    @property
    def timed(self) -> bool:
        """Whether its time is that of the model on this machine, so that speed can be measured and forecast."""
        ...

    def numerics(self, device: str) -> str:
        """In words, which kernels compute the answers on `device`: a part of the variant's key."""
        ...

    def answers(self, asking: Asking) -> Sequence[AnswerPart]:
        """The arrays that answer all questions."""
        ...

    def timed_work(self, asking: Asking) -> Mapping[str, Callable[[Any], object]]:
        """Name of a part → ``(encoder) -> object``, which answers one full batch; where the provider is `timed`."""
        ...


class ProbeMethod(Protocol):
    """How a probe works: a task becomes questions, and answers become an outcome.

    The methods of a task that it calls are its own; `qbench.metrics.interface.Task` has those of ``embedding``.
    """

    def provider(self, name: str) -> Provider:
        """The provider of this name, one of those that the probe's record lists."""
        ...

    def questions(self, task: Any, items: Items) -> Questions:
        """What `task` asks about `items`."""
        ...

    def outcome(self, task: Any, items: Items, questions: Questions, answers: Answers) -> Outcome:
        """What the answers mean for each item."""
        ...

    def drift(self, items: Items, baseline: Answers, variant: Answers) -> pd.DataFrame:
        """How far a variant's answers moved from its baseline's.

        Returns
        -------
        pandas.DataFrame
            One row per item: ``item``, ``image`` (where the items have it), a column per attribute, and ``cosine``
            (float64): the cosine of the two vectors of answers to the item, 1 where nothing moved.
        """
        ...
