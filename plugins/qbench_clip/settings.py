"""Converts open_clip's settings of a model to transformers' configuration files."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from qbench.api import ModelError
from qbench.api.images import OPENAI_MEAN, OPENAI_STD

TAKEN = {
    "model_cfg": {"embed_dim", "vision_cfg", "text_cfg", "quick_gelu", "init_logit_scale"},
    "vision_cfg": {"image_size", "layers", "width", "patch_size", "head_width", "mlp_ratio", "patch_dropout"},
    "text_cfg": {"context_length", "vocab_size", "width", "heads", "layers", "mlp_ratio"},
}
"""Settings that a plain ViT CLIP may have: they are converted, or matter in training only."""


def not_plain(model: dict[str, Any]) -> list[str]:
    """What open_clip's ``model_cfg`` asks for that a ``CLIPModel`` does not do, in words; empty for a plain ViT CLIP.

    A setting that differs from open_clip's default and is not converted would give other embeddings without a warning.
    """
    from open_clip.model import CLIPTextCfg, CLIPVisionCfg

    odd = []
    kinds = {"vision_cfg": CLIPVisionCfg, "text_cfg": CLIPTextCfg}
    for part, values in (("model_cfg", model), *((part, model[part]) for part in kinds)):
        defaults = {f.name: f.default for f in fields(kinds[part])} if part in kinds else {}
        found = {name: values[name] for name in sorted(values.keys() - TAKEN[part]) if values[name]}
        odd += [f"{part}.{name} = {value!r}" for name, value in found.items() if value != defaults.get(name)]
    for name in ("layers", "image_size"):
        if not isinstance(model["vision_cfg"].get(name), int):
            odd.append(f"no single vision_cfg.{name}")
    return odd


def transformers_config(model: dict[str, Any]) -> dict[str, Any]:
    """transformers' ``config.json`` for open_clip's ``model_cfg``."""
    vision, text = model["vision_cfg"], model["text_cfg"]
    # open_clip's "gelu" is exact; OpenAI's weights need the quick approximation, and their settings say so.
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
    """transformers' ``preprocessor_config.json`` for open_clip's settings, with the checkpoint's mean and deviation.

    Raises
    ------
    ModelError
        The images have to be resized in a way that qbench does not support.
    """
    side = settings["model_cfg"]["vision_cfg"]["image_size"]
    # As in open_clip, a setting that is missing or null has OpenAI's value.
    chosen = {name: value for name, value in settings.get("preprocess_cfg", {}).items() if value is not None}
    square = {"height": side, "width": side}
    by = chosen.get("resize_mode", "shortest")
    usual = {"size": (side, [side, side], [3, side, side]), "mode": ("RGB",)}
    for name in sorted(chosen.keys() - {"mean", "std", "interpolation", "resize_mode", "fill_color"}):
        if chosen[name] not in usual.get(name, ()):
            raise ModelError(f"preprocess_cfg.{name} = {chosen[name]!r} is not supported")
    resizing: dict[str, dict[str, Any]] = {
        "shortest": {"size": {"shortest_edge": side}, "do_center_crop": True, "crop_size": square},
        "squash": {"size": square, "do_center_crop": False},
    }
    filters = {"bilinear": 2, "bicubic": 3}
    interpolation = chosen.get("interpolation", "bicubic")
    for name, value, known in (("resize_mode", by, resizing), ("interpolation", interpolation, filters)):
        if value not in known:
            raise ModelError(f"{name} {value!r} is not supported, only {' and '.join(known)}")
    return {
        "image_processor_type": "CLIPImageProcessor",
        **resizing[by],
        "resample": filters[interpolation],
        "image_mean": list(chosen.get("mean", OPENAI_MEAN)),
        "image_std": list(chosen.get("std", OPENAI_STD)),
    }
