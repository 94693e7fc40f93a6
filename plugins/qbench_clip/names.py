"""The nine checkpoints of the study: their names, their hub IDs, and open_clip's names for them. Data only."""

from __future__ import annotations

from qbench.api.images import OPENAI_MEAN, OPENAI_STD

SIZES = ("ViT-B-32", "ViT-B-16", "ViT-L-14")

HUB_IDS: dict[str, dict[str, str]] = {
    "openai": {
        "ViT-B-32": "openai/clip-vit-base-patch32",
        "ViT-B-16": "openai/clip-vit-base-patch16",
        "ViT-L-14": "openai/clip-vit-large-patch14",
    },
    "laion": {
        "ViT-B-32": "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "ViT-B-16": "laion/CLIP-ViT-B-16-laion2B-s34B-b88K",
        "ViT-L-14": "laion/CLIP-ViT-L-14-laion2B-s32B-b82K",
    },
    "datacomp": {
        "ViT-B-32": "laion/CLIP-ViT-B-32-DataComp.XL-s13B-b90K",
        "ViT-B-16": "laion/CLIP-ViT-B-16-DataComp.XL-s13B-b90K",
        "ViT-L-14": "laion/CLIP-ViT-L-14-DataComp.XL-s13B-b90K",
    },
}

TAGS: dict[str, dict[str, str]] = {
    "openai": dict.fromkeys(SIZES, "openai"),
    "laion": {"ViT-B-32": "laion2b_s34b_b79k", "ViT-B-16": "laion2b_s34b_b88k", "ViT-L-14": "laion2b_s32b_b82k"},
    "datacomp": dict.fromkeys(SIZES, "datacomp_xl_s13b_b90k"),
}

HALF = (0.5, 0.5, 0.5)

MEAN_AND_STD = {
    source: {
        size: (OPENAI_MEAN, OPENAI_STD) if (source, size) != ("laion", "ViT-L-14") else (HALF, HALF) for size in ids
    }
    for source, ids in HUB_IDS.items()
}
"""The mean and standard deviation of training; the ``preprocessor_config.json`` of some hub pages differs from it."""

SUMMARIES = {
    "openai": "CLIP trained by OpenAI on WIT",
    "laion": "CLIP trained on LAION-2B",
    "datacomp": "CLIP trained on DataComp-XL",
}

LICENCES = {"openai": "MIT", "laion": "MIT", "datacomp": "MIT"}

OPEN_CLIP_WEIGHTS = ("open_clip_model.safetensors", "open_clip_pytorch_model.bin")

WEIGHTS = ("model.safetensors", "open_clip_model.safetensors", "pytorch_model.bin", "open_clip_pytorch_model.bin")
"""Weight files in the order of preference: transformers' before open_clip's, and pickles (read with
``weights_only=True``) only if a page has nothing else."""
