"""The names that transformers gives to the tensors of a file when it loads them, which older files have otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def names_in_model(model: Any, stored: Iterable[str]) -> dict[str, str]:
    """Name of a tensor in the loaded model → its name in a file, by transformers' own tables.

    Where two layers share a tensor, a file may have it under one of their names only.

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
    found = {rename_source_key(name, renamings, [], model.base_model_prefix, state)[0]: name for name in stored}
    shared = {target: found[source] for target, source in model.all_tied_weights_keys.items() if source in found}
    return shared | found
