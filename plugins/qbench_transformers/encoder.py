"""A loaded dual encoder of transformers, which computes float32 embeddings of uint8 images and of texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qbench.api import Preprocessing
from qbench_transformers.tokenizer import KeptTokens, tokenize


class DualEncoder:
    """Runs a ``CLIPModel``, a ``SiglipModel`` or another class with the same methods.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        In eval mode, on `device`; a quantizer may exchange its layers in place.
    tokenizer : transformers tokenizer
        The tokenizer of the same folder.
    preprocessing : Preprocessing
        Its mean and standard deviation are applied here; its geometry was applied when the images were decoded.
    device : str
        The device of the inputs.
    clean : callable
        Cleans a text before the tokenizer gets it.
    tokens : KeptTokens, optional
        Those of the checkpoint, so that another variant of it finds them; its own if not given.
    """

    def __init__(
        self,
        module: Any,
        tokenizer: Any,
        preprocessing: Preprocessing,
        device: str,
        *,
        clean: Callable[[str], str],
        tokens: KeptTokens | None = None,
    ) -> None:
        self.module = module
        self.clean = clean
        self.tokens = tokens or KeptTokens()
        self.tokenizer = tokenizer
        self.device = device
        self.context_length = int(module.config.text_config.max_position_embeddings)
        self._dtype = module.vision_model.embeddings.patch_embedding.weight.dtype
        self._mean = torch.tensor(preprocessing.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(preprocessing.std, device=device).view(1, 3, 1, 1)
        self._send = _Sender(device)

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed ``(b, h, w, 3)`` uint8 images → ``(b, d)`` float32, not normalised."""
        return self.begin_images(pixels)()

    @torch.inference_mode()
    def begin_images(self, pixels: npt.NDArray[np.uint8]) -> Callable[[], npt.NDArray[np.float32]]:
        """Begin to embed images; see `qbench.api.models.BeginsImages`. On a CPU, they are embedded when it returns."""
        values = self._send(pixels).permute(0, 3, 1, 2).contiguous().float().div(255)
        # The same operations in the same order as in torchvision's ToTensor and Normalize, so equal bit for bit.
        values = values.sub_(self._mean).div_(self._std)
        return _begun(self.module.get_image_features(pixel_values=values.to(self._dtype)))

    @torch.inference_mode()
    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts → ``(b, d)`` float32, not normalised; each is cut or padded to the model's context length."""
        tokens = self.tokens.of(tuple(texts), lambda: self._tokenized(texts))
        # No attention mask. CLIP does not need one: its attention is causal, and the embedding is read at the end
        # token, before the padding. SigLIP was trained without one: it sees the padding, and the embedding is read at
        # the last position.
        return _begun(self.module.get_text_features(input_ids=self._send(tokens.numpy())))()

    def _tokenized(self, texts: Sequence[str]) -> torch.Tensor:
        return tokenize(self.tokenizer, [self.clean(text) for text in texts], self.context_length)

    def close(self) -> None:
        """Release the model's memory."""
        self.module = None
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()


class _Sender:
    """Copies arrays to a device. To a GPU they go from pinned memory, while the GPU computes what it has already."""

    def __init__(self, device: str) -> None:
        self._device = torch.device(device)
        self._copies = torch.cuda.Stream(self._device) if self._device.type == "cuda" else None

    def __call__(self, values: npt.NDArray[Any]) -> torch.Tensor:
        """The values on the device; `values` may be read-only, and is not needed afterwards."""
        if self._copies is None:
            return torch.from_numpy(values if values.flags.writeable else values.copy()).to(self._device)
        pinned = torch.empty(values.shape, dtype=torch.from_numpy(values[:0].copy()).dtype, pin_memory=True)
        np.copyto(pinned.numpy(), values)
        with torch.cuda.stream(self._copies):
            sent = pinned.to(self._device, non_blocking=True)
        computes = torch.cuda.current_stream(self._device)
        computes.wait_stream(self._copies)
        sent.record_stream(computes)  # else its memory could be given away before it was read
        return sent


def _begun(output: Any) -> Callable[[], npt.NDArray[np.float32]]:
    """What waits for an output, and copies it from the device: only this one, not what was begun after it."""
    # transformers 5 returns an output object, older ones the tensor.
    tensor = (output if isinstance(output, torch.Tensor) else output.pooler_output).float()
    if tensor.device.type != "cuda":
        array: npt.NDArray[np.float32] = tensor.cpu().numpy()
        return lambda: array
    host = torch.empty(tensor.shape, dtype=tensor.dtype, pin_memory=True)
    host.copy_(tensor, non_blocking=True)
    copied = torch.cuda.Event()
    copied.record(torch.cuda.current_stream(tensor.device))

    def waited_for() -> npt.NDArray[np.float32]:
        copied.synchronize()
        found: npt.NDArray[np.float32] = host.numpy()
        return found

    return waited_for
