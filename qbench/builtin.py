"""The plugin ``core``: what qbench's core itself gives, through the same hooks as every other plugin.

It is light: what a record stands for is imported when it is loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from qbench.plugins.hookspecs import hookimpl
from qbench.plugins.records import Executor, NoOptions, Probe

if TYPE_CHECKING:
    from qbench.executors.interface import UnitExecutor
    from qbench.probes.interface import ProbeMethod


def _embedding() -> ProbeMethod:
    from qbench.probes.embedding.method import EmbeddingProbe

    return EmbeddingProbe()


def _choices() -> ProbeMethod:
    from qbench.probes.choices.method import ChoicesProbe

    return ChoicesProbe()


def _pairs() -> ProbeMethod:
    from qbench.probes.pairs.method import PairsProbe

    return PairsProbe()


def _local(options: NoOptions) -> UnitExecutor:
    from qbench.executors.local import LocalExecutor

    return LocalExecutor()


@hookimpl
def qbench_probes() -> Iterator[Probe]:
    """The probes of dual encoders, of generative models, and of models that read image and text together."""
    yield Probe(
        name="embedding",
        summary="a vector for each image and each text, compared by cosine",
        load=_embedding,
        providers=("model", "precomputed"),
        default=True,
        by_tower=True,
    )
    yield Probe(
        name="choices",
        summary="the log-likelihood of each of a few answers, given an image and a question",
        load=_choices,
    )
    yield Probe(name="pairs", summary="a score for an image and a text together", load=_pairs)


@hookimpl
def qbench_executors() -> Iterator[Executor]:
    """One process, one unit after another."""
    yield Executor(name="local", summary="in this process, one work unit after another", load=_local)
