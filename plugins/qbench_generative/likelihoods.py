"""Sums of the log-likelihoods of tokens, for answers of different lengths that are padded on the right."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

Answers = Sequence[tuple[int, ...]]


def chunks(count: int, size: int) -> Iterator[range]:
    """Ranges of at most `size` numbers that together are those below `count`."""
    return (range(start, min(start + size, count)) for start in range(0, count, size))


def padded(answers: Answers, device: str, fill: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    """Answers of different lengths as one array, padded on the right.

    Parameters
    ----------
    answers : sequence of tuple of int
        The tokens of each of `b` answers; at least one.
    device : str
        Where the arrays are.
    fill : int
        The value in the places that have no token.

    Returns
    -------
    tuple of torch.Tensor
        Tokens and their mask, each ``(b, longest)`` int64; the mask is 1 where there is a token.
    """
    longest = max(map(len, answers))
    tokens = torch.tensor([[*row, *([fill] * (longest - len(row)))] for row in answers], device=device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in answers], device=device)
    return tokens, mask


def token_sums(logits: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    """The log-likelihoods of tokens, summed in float32.

    Parameters
    ----------
    logits : torch.Tensor
        ``(b, length, vocabulary)``; those in a place are of the token in the same place of `tokens`.
    tokens, mask : torch.Tensor
        ``(b, length)`` int64; the mask is 1 where a token counts.

    Returns
    -------
    torch.Tensor
        ``(b,)`` float32, in nats (natural logarithm).
    """
    logs = logits.float().log_softmax(dim=-1).gather(-1, tokens[..., None])[..., 0]
    return (logs * mask).sum(dim=-1)


def by_question(
    sums: torch.Tensor, answers: Sequence[Answers], *, not_counted: int = 0
) -> list[npt.NDArray[np.float32]]:
    """What `qbench.api.probes.Chooser` gives, from the sums of all answers in one row after the other.

    Parameters
    ----------
    sums : torch.Tensor
        ``(all answers,)``, in nats.
    answers : sequence
        For each question the tokens of its answers.
    not_counted : int
        The number of tokens of each answer that have no likelihood, such as the one that begins it.

    Returns
    -------
    list of numpy.ndarray
        For each question ``(answers, 2)`` float32: the log-likelihood of each answer, and the number of its tokens.
    """
    values = iter(sums.cpu().tolist())
    return [
        np.array([[next(values), len(tokens) - not_counted] for tokens in of_one], dtype=np.float32)
        for of_one in answers
    ]
