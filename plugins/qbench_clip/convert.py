"""open_clip's weights as a transformers ``CLIPModel`` folder.

Needed because some hub pages (DataComp's B/32 and B/16) carry open_clip's format only, and because quantizers see other
layers in open_clip's own model: its attention keeps q, k and v in one bare parameter. Converted once into the cache,
under a key with this converter's version.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from qbench.api import ModelError
from qbench.data.preprocessing import OPENAI_MEAN, OPENAI_STD
from qbench.store.cache import Cache
from qbench.store.files import atomic, write_json
from qbench.store.lock import locked
from qbench_clip.tokenizer_files import VOCABULARY, write_clip_tokenizer

VERSION = 1

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.json", "merges.txt")

BLOCK = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn.out_proj": "self_attn.out_proj",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}

Tensors = dict[str, torch.Tensor]


def as_transformers_folder(folder: Path, weights: Path, fingerprint: str, cache: Cache) -> Path:
    """`folder` itself where it can be loaded as it is, else its conversion in the cache.

    Parameters
    ----------
    folder : pathlib.Path
        The checkpoint's folder.
    weights : pathlib.Path
        The weight file in it.
    fingerprint : str
        Of all its files; names the conversion.
    cache : Cache
        Where conversions lie.

    Raises
    ------
    ModelError
        The weights are damaged or of another architecture.
    """
    if weights.name == "model.safetensors":
        _check_transformers_config(folder / "config.json")
        return folder
    converted = cache.path("converted", {"fingerprint": fingerprint, "converter": VERSION}, "")
    with locked(converted, wait=True):
        if not (converted / "model.safetensors").exists():
            _convert(folder, weights, converted)
    return converted


def _convert(folder: Path, weights: Path, target: Path) -> None:
    tensors = _read_weights(weights)
    for name in TOKENIZER:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, target / name)
    if weights.name.startswith("open_clip"):
        settings = _read_json(folder / "open_clip_config.json")
        write_json(target / "config.json", transformers_config(settings["model_cfg"]))
        write_json(target / "preprocessor_config.json", preprocessor_config(settings))
        tensors = convert_tensors(tensors, where=str(weights))
        text = settings["model_cfg"]["text_cfg"]
        if not any((target / name).exists() for name in ("vocab.json", "tokenizer.json")):
            if text["vocab_size"] != VOCABULARY:
                raise ModelError("there are no tokenizer files, and the vocabulary is not CLIP's", where=str(folder))
            write_clip_tokenizer(target, text.get("context_length", 77))
    else:
        _check_transformers_config(folder / "config.json")
        for name in ("config.json", "preprocessor_config.json"):
            shutil.copyfile(folder / name, target / name)
    # The weights come last: their presence says that the conversion is whole.
    with atomic(target / "model.safetensors") as temporary:
        save_file({k: v.contiguous().clone() for k, v in tensors.items()}, temporary, metadata={"format": "pt"})


def _read_weights(path: Path) -> Tensors:
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, OSError, EOFError, ValueError) as error:
        raise ModelError(f"the weights cannot be read: truncated or damaged ({error})", where=str(path)) from None
    except Exception as error:  # noqa: BLE001 - pickle.UnpicklingError: a pickle that holds more than tensors
        raise ModelError(
            f"refused: the file holds more than tensors ({type(error).__name__})", where=str(path)
        ) from None
    state = state.get("state_dict", state)
    return {name.removeprefix("module."): value for name, value in state.items() if isinstance(value, torch.Tensor)}


def transformers_config(model: dict[str, Any]) -> dict[str, Any]:
    """transformers' ``config.json`` for open_clip's ``model_cfg``."""
    vision, text = model["vision_cfg"], model["text_cfg"]
    if not isinstance(vision.get("layers"), int) or "hf_model_name" in text or "timm_model_name" in vision:
        raise ModelError("open_clip's configuration is not that of a plain ViT CLIP")
    # open_clip's plain "gelu" is exact; OpenAI's weights want the quick approximation and say so.
    act = "quick_gelu" if model.get("quick_gelu") else "gelu"
    width, text_width = vision["width"], text["width"]
    end_of_text = text["vocab_size"] - 1
    return {
        "architectures": ["CLIPModel"],
        "model_type": "clip",
        "projection_dim": model["embed_dim"],
        "logit_scale_init_value": 2.6592,
        "vision_config": {
            "hidden_act": act,
            "hidden_size": width,
            "intermediate_size": int(width * vision.get("mlp_ratio", 4.0)),
            "num_hidden_layers": vision["layers"],
            "num_attention_heads": width // vision.get("head_width", 64),
            "image_size": vision["image_size"],
            "patch_size": vision["patch_size"],
            "projection_dim": model["embed_dim"],
        },
        "text_config": {
            "hidden_act": act,
            "hidden_size": text_width,
            "intermediate_size": int(text_width * text.get("mlp_ratio", 4.0)),
            "num_hidden_layers": text["layers"],
            "num_attention_heads": text["heads"],
            "max_position_embeddings": text.get("context_length", 77),
            "vocab_size": text["vocab_size"],
            "bos_token_id": end_of_text - 1,
            "eos_token_id": end_of_text,
            "pad_token_id": end_of_text,
            "projection_dim": model["embed_dim"],
        },
    }


def preprocessor_config(settings: dict[str, Any]) -> dict[str, Any]:
    """transformers' ``preprocessor_config.json`` for open_clip's settings; mean and std are the checkpoint's own."""
    side = settings["model_cfg"]["vision_cfg"]["image_size"]
    chosen = settings.get("preprocess_cfg", {})
    return {
        "image_processor_type": "CLIPImageProcessor",
        "do_center_crop": True,
        "crop_size": {"height": side, "width": side},
        "size": {"shortest_edge": side},
        "resample": {"bilinear": 2, "bicubic": 3}[chosen.get("interpolation", "bicubic")],
        "image_mean": list(chosen.get("mean", OPENAI_MEAN)),
        "image_std": list(chosen.get("std", OPENAI_STD)),
    }


def convert_tensors(tensors: Tensors, *, where: str) -> Tensors:
    """Rename and split open_clip's tensors into those of ``CLIPModel``.

    ``in_proj`` is split into q, k and v; the two projections are transposed, being bare matrices there and Linear
    layers here.

    Raises
    ------
    ModelError
        A tensor that a plain ViT CLIP has is missing, or there is one that it has not.
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
    rest.pop("attn_mask", None)  # a constant that older checkpoints carry along
    if rest:
        raise ModelError(f"there is a tensor that a plain ViT CLIP has not: {min(rest)}", where=where)
    return found


def _check_transformers_config(path: Path) -> None:
    config = _read_json(path)
    if config.get("model_type") != "clip":
        raise ModelError(f"the model is of type {config.get('model_type')!r}, not 'clip'", where=str(path))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelError("the file is missing", where=str(path)) from None
    except ValueError as error:
        raise ModelError(f"the file is damaged ({error})", where=str(path)) from None
    if not isinstance(value, dict):
        raise ModelError("the file holds no JSON object", where=str(path))
    return value
