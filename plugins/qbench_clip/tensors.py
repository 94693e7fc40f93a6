"""Reads the tensors of a CLIP, and gives them the names and shapes of transformers' ``CLIPModel``."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from qbench.api import ModelError
from qbench_transformers.tensors import CONSTANT, by, check_types, wrapper_prefix

BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}

Tensors = dict[str, torch.Tensor]

NAMES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16"}
"""Types of torch, as safetensors names them."""


def check_types_of(tensors: Tensors, wanted: Tensors, *, where: str) -> None:
    """Raise `ModelError` if a tensor is stored quantized that holds floating-point numbers in the `wanted` model."""
    types = {name: tensor.dtype for name, tensor in tensors.items() if wanted[name].is_floating_point()}
    check_types({name: NAMES.get(x, str(x).removeprefix("torch.")) for name, x in types.items()}, where=where)


def read_weights(path: Path) -> Tensors:
    """Read all tensors of a file: safetensors, or a pickle that contains tensors only.

    Raises
    ------
    ModelError
        The file is missing or truncated, or is a pickle that could run code.
    """
    if path.suffix != ".safetensors" and _is_torchscript(path):
        raise ModelError(
            "this is a TorchScript archive, a program with its tensors, and not a file of tensors",
            where=str(path),
            fix="If you trust where it comes from, save its tensors and use that file: "
            "torch.save(torch.jit.load(archive).state_dict(), file).",
        )
    try:
        state = load_file(path) if path.suffix == ".safetensors" else _load_pickle(path)
    except FileNotFoundError:
        raise ModelError("the file is missing", where=str(path)) from None
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise ModelError(f"the weights cannot be read: truncated or damaged ({reason})", where=str(path)) from None
    except Exception as error:  # noqa: BLE001 - pickle.UnpicklingError: a pickle that contains more than tensors
        raise ModelError(
            f"refused: the file contains more than tensors ({type(error).__name__})",
            where=str(path),
            fix="Save its state_dict alone, with torch.save or as safetensors.",
        ) from None
    tensors = {name: value for name, value in state.items() if isinstance(value, torch.Tensor)}
    prefix = wrapper_prefix(tensors)
    return {name.removeprefix(prefix): value for name, value in tensors.items()}


def _load_pickle(path: Path) -> dict[str, Any]:
    """The state of a training checkpoint, or the whole content of the file."""
    content = torch.load(path, map_location="cpu", weights_only=True)
    state = content.get("state_dict", content) if isinstance(content, dict) else None
    if not isinstance(state, dict) or not all(isinstance(name, str) for name in state):
        raise ValueError("it has no tensors with names")
    return state


def _is_torchscript(path: Path) -> bool:
    """Whether a file is a TorchScript archive, which has a list of constants, unlike a file of tensors."""
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.endswith("/constants.pkl") for name in archive.namelist())
    except Exception:  # noqa: BLE001 - what zipfile raises of a damaged archive is not declared
        return False  # what reads its tensors says what is wrong


def as_clip_model(tensors: Tensors, config: dict[str, Any], *, where: str) -> Tensors:
    """The tensors of a ``CLIPModel`` of this configuration, from its own names or from open_clip's.

    Raises
    ------
    ModelError
        The tensors belong to another architecture or size; the message names the first difference.
    """
    own = any(name.startswith("vision_model.") for name in tensors)
    found = dict(tensors) if own else convert_tensors(tensors, where=where)
    found = {name: tensor for name, tensor in found.items() if not name.endswith(CONSTANT)}
    if "logit_scale" in found:
        found["logit_scale"] = found["logit_scale"].reshape(())  # some files store it as a list with one element
    wanted = _skeleton(config)
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found:
            raise ModelError(f"the tensor {name} is missing", where=where)
        if name not in wanted:
            raise ModelError(f"the tensor {name} does not belong to this architecture", where=where)
        if found[name].shape != wanted[name].shape:
            raise ModelError(
                f"the tensor {name} is {by(found[name].shape)}, but this architecture has {by(wanted[name].shape)}",
                where=where,
                fix="The weights are of another architecture than the configuration (or the name) says.",
            )
    check_types_of(found, wanted, where=where)
    return found


def _skeleton(config: dict[str, Any]) -> Tensors:
    from transformers import CLIPConfig, CLIPModel

    with torch.device("meta"):  # shapes and types only, without memory
        model: Any = CLIPModel(CLIPConfig.from_dict(config))
    return dict(model.state_dict())


def convert_tensors(tensors: Tensors, *, where: str) -> Tensors:
    """Rename and split open_clip's tensors into those of ``CLIPModel``.

    ``in_proj`` is split into q, k and v. The two projections are transposed, because they are plain matrices in
    open_clip and Linear layers in transformers.

    Raises
    ------
    ModelError
        A tensor of a plain ViT CLIP is missing, or there is a tensor that does not belong to one.
    """
    found: Tensors = {}
    rest = dict(tensors)

    def move(old: str, new: str, *, transpose: bool = False) -> None:
        if old not in rest:
            raise ModelError(f"the tensor {old} is missing: not a plain ViT CLIP", where=where)
        tensor = rest.pop(old)
        found[new] = tensor.t() if transpose else tensor

    def both(old: str, new: str) -> None:
        for part in ("weight", "bias"):
            move(f"{old}.{part}", f"{new}.{part}")

    move("logit_scale", "logit_scale")
    move("visual.class_embedding", "vision_model.embeddings.class_embedding")
    move("visual.conv1.weight", "vision_model.embeddings.patch_embedding.weight")
    move("visual.positional_embedding", "vision_model.embeddings.position_embedding.weight")
    both("visual.ln_pre", "vision_model.pre_layrnorm")  # transformers' own spelling
    both("visual.ln_post", "vision_model.post_layernorm")
    move("visual.proj", "visual_projection.weight", transpose=True)
    move("token_embedding.weight", "text_model.embeddings.token_embedding.weight")
    move("positional_embedding", "text_model.embeddings.position_embedding.weight")
    both("ln_final", "text_model.final_layer_norm")
    move("text_projection", "text_projection.weight", transpose=True)
    for old, new in (("visual.transformer.resblocks", "vision_model"), ("transformer.resblocks", "text_model")):
        depth = 1 + max((int(n[len(old) + 1 :].split(".")[0]) for n in tensors if n.startswith(f"{old}.")), default=-1)
        for i in range(depth):
            layer = f"{new}.encoder.layers.{i}"
            for inner, outer in BLOCK.items():
                both(f"{old}.{i}.{inner}", f"{layer}.{outer}")
            for part in ("weight", "bias"):
                name = f"{old}.{i}.attn.in_proj_{part}"
                if name not in rest:
                    raise ModelError(f"the tensor {name} is missing: not a plain ViT CLIP", where=where)
                for letter, third in zip("qkv", rest.pop(name).chunk(3), strict=True):
                    found[f"{layer}.self_attn.{letter}_proj.{part}"] = third
    rest.pop("attn_mask", None)  # a constant in older checkpoints
    if rest:
        raise ModelError(f"the tensor {min(rest)} does not belong to a plain ViT CLIP", where=where)
    return found
