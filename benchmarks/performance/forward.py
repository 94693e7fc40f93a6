"""Forward passes and nothing else: ``python forward.py SIZE IMAGES BATCH DTYPE [DEVICE]`` prints their seconds.

The model has random weights and is that of transformers, as in qbench, with the same attention and as many threads. Its
input is drawn once and stays in memory. No program is faster with the same model on the same machine.
"""

import sys
import time

import torch
from transformers import CLIPConfig, CLIPModel

from qbench_clip.settings import transformers_config
from qbench_clip.untrained import CONTEXT, settings

TEXTS = 10


def main(size: str, images: int, batch: int, dtype: str, device: str = "cpu") -> None:
    """Embed `images` images in batches, and ten texts."""
    config = CLIPConfig(**transformers_config(settings(size)["model_cfg"]))
    model = CLIPModel(config).eval().to(device, getattr(torch, dtype))
    side = config.vision_config.image_size
    pixels = torch.randn(batch, 3, side, side, dtype=model.dtype, device=device)
    tokens = torch.full((TEXTS, CONTEXT), config.text_config.eos_token_id, device=device)
    with torch.inference_mode():
        for count in {min(images, batch), images % batch or batch}:  # the first passes also choose and prepare kernels
            model.get_image_features(pixel_values=pixels[:count])
        _finish(device)
        begun = time.perf_counter()
        for start in range(0, images, batch):
            model.get_image_features(pixel_values=pixels[: images - start])
        model.get_text_features(input_ids=tokens)
        _finish(device)
        print(time.perf_counter() - begun)


def _finish(device: str) -> None:
    """Wait for what a GPU still computes."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
