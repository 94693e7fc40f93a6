"""Writes a CLIP checkpoint with random weights, to try qbench without downloading weights.

``python -m qbench_clip.untrained ViT-B-32 FOLDER`` writes one of full size in transformers' format. The report on such
a model says that it is at chance level.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from qbench.api.images import OPENAI_MEAN, OPENAI_STD
from qbench_clip.names import SIZES
from qbench_clip.settings import preprocessor_config, transformers_config
from qbench_clip.tokenizer_files import VOCABULARY, write_clip_tokenizer

CONTEXT = 77


def settings(size: str) -> dict[str, Any]:
    """open_clip's settings for one of the three sizes of the study (Radford et al. 2021, table 20)."""
    patch = int(size.rsplit("-", 1)[1])
    large = size == "ViT-L-14"
    text_width = 768 if large else 512
    return {
        "model_cfg": {
            "embed_dim": text_width,
            "quick_gelu": True,
            "vision_cfg": {
                "image_size": 224,
                "layers": 24 if large else 12,
                "width": 1024 if large else 768,
                "patch_size": patch,
            },
            "text_cfg": {
                "context_length": CONTEXT,
                "vocab_size": VOCABULARY,
                "width": text_width,
                "heads": text_width // 64,
                "layers": 12,
            },
        },
        "preprocess_cfg": {"mean": list(OPENAI_MEAN), "std": list(OPENAI_STD)},
    }


def write_untrained(size: str, folder: Path, *, seed: int = 0) -> None:
    """Write a checkpoint of `size` with random weights into `folder`."""
    import torch
    from transformers import CLIPConfig, CLIPModel

    chosen = settings(size)
    torch.manual_seed(seed)
    CLIPModel(CLIPConfig(**transformers_config(chosen["model_cfg"]))).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps(preprocessor_config(chosen)), encoding="utf-8")
    write_clip_tokenizer(folder, CONTEXT)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m qbench_clip.untrained", description=__doc__)
    parser.add_argument("size", choices=SIZES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    write_untrained(arguments.size, arguments.folder, seed=arguments.seed)
    print(f"{arguments.size} with random weights: {arguments.folder}")


if __name__ == "__main__":
    main()
