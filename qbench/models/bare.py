"""Weight matrices that are not Linear layers: parameters by which a module multiplies directly."""

from __future__ import annotations

from typing import Any

TRANSPOSED = ("proj", "text_projection", "image_projection")
"""Names of matrices that open_clip multiplies from the right: ``(inputs, outputs)``."""


def bare_matrices(model: Any) -> dict[str, Any]:
    """Name → matrix of a torch model: those of attention and projections that do not belong to a Linear layer.

    PyTorch's own attention keeps q, k and v in one such parameter (``in_proj_weight``), and open_clip its projections
    (``proj``). A method that exchanges Linear layers does not find them. Embeddings are looked up, not multiplied by,
    and are not among them.

    Examples
    --------
    >>> import torch
    >>> {name: tuple(matrix.shape) for name, matrix in bare_matrices(torch.nn.MultiheadAttention(8, 2)).items()}
    {'in_proj_weight': (24, 8)}
    """
    import torch

    layers = (torch.nn.Linear, torch.nn.Embedding)
    return {
        f"{path}.{name}" if path else name: parameter
        for path, module in model.named_modules()
        if not isinstance(module, layers)
        for name, parameter in module.named_parameters(recurse=False)
        if parameter.dim() == 2 and "proj" in name
    }


def is_transposed(name: str) -> bool:
    """Whether a bare matrix is ``(inputs, outputs)``, unlike the weight of a Linear layer."""
    return name.rpartition(".")[2] in TRANSPOSED
