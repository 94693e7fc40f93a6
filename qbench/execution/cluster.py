"""What a run would take on several machines of one kind, by speeds that were measured. Nothing is computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class VariantWork:
    """What is left to ask of one variant.

    Attributes
    ----------
    seconds : float
        Of asking it, on one machine; what was not measured is left out.
    pixel_bytes : int
        Of the decoded images that it is shown.
    weight_bytes : int
        Of its checkpoint; 0 where that is not known.
    pieces : int
        Into how many parts its answers can be divided at most.
    """

    seconds: float
    pixel_bytes: int
    weight_bytes: int
    pieces: int


@dataclass(frozen=True, kw_only=True)
class DecodingWork:
    """Images that are not decoded yet.

    Attributes
    ----------
    images : int
        How many.
    seconds : float or None
        Of one process, for one image; `None` where it was not measured.
    file_bytes, pixel_bytes : int
        Of the files, as far as a sample tells, and of the decoded images.
    """

    images: int
    seconds: float | None
    file_bytes: int
    pixel_bytes: int


@dataclass(frozen=True, kw_only=True)
class ClusterForecast:
    """What a run takes on so many machines.

    Attributes
    ----------
    decoding : float or None
        Seconds until all images are decoded; `None` where no speed was measured.
    answering : float
        Seconds that the machine with most to ask spends on that.
    seconds : float
        From the beginning to the end, at least: decoding and answering overlap, and loading models is left out.
    file_bytes, pixel_bytes_written, pixel_bytes_read, weight_bytes : int
        What all machines together read and write.
    """

    decoding: float | None
    answering: float
    seconds: float
    file_bytes: int
    pixel_bytes_written: int
    pixel_bytes_read: int
    weight_bytes: int


def on_cluster(
    variants: Sequence[VariantWork],
    decoding: Sequence[DecodingWork],
    *,
    nodes: int,
    processes: int,
    opening: float = 0.0,
) -> ClusterForecast:
    """What is left of a run takes this on several machines, if it is divided as by `--shard`.

    Parameters
    ----------
    variants : sequence of VariantWork
        In the order of the plan.
    decoding : sequence of DecodingWork
        One for each set of decoded images.
    nodes : int
        How many machines.
    processes : int
        Processes that decode, on each.
    opening : float
        Seconds in which each machine reads the data.

    Examples
    --------
    >>> work = VariantWork(seconds=60, pixel_bytes=0, weight_bytes=10, pieces=2)
    >>> [on_cluster([work] * 3, [], nodes=nodes, processes=1).answering for nodes in (1, 2, 3, 4, 100)]
    [180, 120, 60, 60.0, 30.0]
    """
    shares = [_shares(place, len(variants), nodes, work.pieces) for place, work in enumerate(variants)]
    if nodes <= len(variants):
        answering = max((sum(work.seconds for work in variants[node::nodes]) for node in range(nodes)), default=0.0)
    else:
        answering = max((work.seconds / n for work, n in zip(variants, shares, strict=True)), default=0.0)
    measured = [work.images * work.seconds / processes / nodes for work in decoding if work.seconds is not None]
    decoded = None if len(measured) < len(decoding) else sum(measured)
    return ClusterForecast(
        decoding=decoded,
        answering=answering,
        seconds=opening + max(answering, decoded or 0.0),
        file_bytes=sum(work.file_bytes for work in decoding),
        pixel_bytes_written=sum(work.pixel_bytes for work in decoding),
        pixel_bytes_read=sum(work.pixel_bytes for work in variants),
        weight_bytes=sum(work.weight_bytes * n for work, n in zip(variants, shares, strict=True)),
    )


def _shares(place: int, variants: int, nodes: int, pieces: int) -> int:
    """Among how many machines a variant is divided; see `qbench.execution.sharding.Shard.share`."""
    return 1 if nodes <= variants else max(min(-(-(nodes - place) // variants), pieces), 1)
