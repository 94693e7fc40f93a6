"""The nine checkpoints of the study: names and hub ids. Data only."""

from __future__ import annotations

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

SUMMARIES = {
    "openai": "CLIP trained by OpenAI on WIT",
    "laion": "CLIP trained on LAION-2B",
    "datacomp": "CLIP trained on DataComp-XL",
}

LICENCES = {"openai": "MIT", "laion": "MIT", "datacomp": "MIT"}
