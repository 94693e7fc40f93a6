"""The names that transformers gives to the tensors of a file when it loads them, which older files have otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def names_in_model(model: Any, stored: Iterable[str]) -> dict[str, str]:
    """Name of a tensor in a file → its name in the loaded model, by transformers' own table of names.

    Parameters
    ----------
    model : transformers.PreTrainedModel
        The model, which may be on the meta device.
    stored : iterable of str
        The names in the file.
    """
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import WeightRenaming, rename_source_key

    state = model.state_dict()
    changes = get_model_conversion_mapping(model)
    renamings = [change for change in changes if isinstance(change, WeightRenaming)]
    return {name: rename_source_key(name, renamings, [], model.base_model_prefix, state)[0] for name in stored}
