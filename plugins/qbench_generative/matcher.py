"""A loaded BLIP for image-text matching: an encoder reads image and text together and says whether they match."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qbench.api import ModelError
from qbench_generative.families import UNCHANGED
from qbench_generative.likelihoods import chunks


class BlipMatcher:
    """Runs the matching head of a ``BlipForImageTextRetrieval``; see `qbench.api.probes.Matcher`.

    The features of an image are computed once in a batch. A text is read anew with each image; texts of one length are
    read together, so that none is padded.

    Parameters
    ----------
    module : transformers.BlipForImageTextRetrieval
        In eval mode, on `device`; a quantizer may exchange its layers in place.
    processor : transformers.BlipProcessor
        Its processor.
    device : str
        The device of the inputs.
    pairs_at_once : int
        The number of pairs that go through the text encoder together.
    """

    def __init__(self, module: Any, processor: Any, device: str, *, pairs_at_once: int) -> None:
        self.module, self.processor, self.device = module, processor, device
        self.pairs_at_once = pairs_at_once
        self._dtype = next(p.dtype for p in module.parameters() if p.is_floating_point())

    @torch.inference_mode()
    def score_pairs(
        self, pixels: npt.NDArray[np.uint8], image_of: npt.NDArray[np.int64], texts: Sequence[str]
    ) -> npt.NDArray[np.float32]:
        """The logarithm of the odds that the matching head gives to each pair.

        Parameters
        ----------
        pixels : numpy.ndarray
            ``(images, height, width, 3)`` uint8 RGB, each image once.
        image_of : numpy.ndarray
            ``(b,)`` int: the image of each pair.
        texts : sequence of str
            The `b` texts.

        Returns
        -------
        numpy.ndarray
            ``(b,)`` float32, in nats.

        Raises
        ------
        ModelError
            A text is too long for the model.
        """
        images, tokens = self._images(pixels), self._tokens(texts)
        order = sorted(range(len(texts)), key=lambda pair: len(tokens[pair]))
        scores = torch.empty(len(texts))
        for _, same in groupby(order, key=lambda pair: len(tokens[pair])):
            numbers = list(same)
            for chunk in chunks(len(numbers), self.pairs_at_once):
                some = [numbers[i] for i in chunk]
                read = self.module.text_encoder(
                    input_ids=torch.tensor([tokens[pair] for pair in some], device=self.device),
                    encoder_hidden_states=images[torch.from_numpy(image_of[some]).to(self.device)],
                )[0]
                logits = self.module.itm_head(read[:, 0]).float()
                scores[some] = (logits[:, 1] - logits[:, 0]).cpu()
        return scores.numpy()

    def _images(self, pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
        """``(images, tokens, d)``."""
        made = self.processor.image_processor(list(pixels), return_tensors="pt", **UNCHANGED)
        values = made["pixel_values"].to(self.device, self._dtype)
        found: torch.Tensor = self.module.vision_model(pixel_values=values).last_hidden_state
        return found

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """The tokens of each text; each text is read once, however many images it is compared with."""
        every = list(dict.fromkeys(texts))
        read: dict[str, list[int]] = dict(zip(every, self.processor.tokenizer(every)["input_ids"], strict=True))
        most = self.module.config.text_config.max_position_embeddings
        longest = max(every, key=lambda text: len(read[text]))
        if len(read[longest]) > most:
            raise ModelError(f"the text {longest!r} has {len(read[longest])} tokens, but the model reads {most}")
        return [read[text] for text in texts]

    def close(self) -> None:
        """Release the model's memory."""
        self.module = None
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
