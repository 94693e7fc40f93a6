"""Checkpoints of open_clip that a ``CLIPModel`` cannot express, run by open_clip's own classes as they are.

ConvNeXt, EVA02, MobileCLIP, CoCa, ResNets, ViTs with other pooling: their layers are those of open_clip and timm. A
quantizer that exchanges Linear layers does not find the matrices outside them (q, k and v of PyTorch's own attention,
projections); coverage shows these as not quantized.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from qbench.api import DType, Identity, ModelError, Preprocessing
from qbench.api.models import cached_folder
from qbench_clip.settings import preprocessor_config
from qbench_transformers.find import WEIGHTS
from qbench_transformers.folder import said_as_errors_of_models, stored_weight
from qbench_transformers.preprocessing import read_json, read_preprocessing, write_json

CONFIG = "open_clip_config.json"
VERSION = 1
"""Part of the name of every conversion: raise it when the files that come out would change."""


class NativeEncoder:
    """Runs a model of open_clip.

    Parameters
    ----------
    module : torch.nn.Module
        In eval mode, on `device`; a quantizer may exchange its layers in place.
    tokenizer : callable
        open_clip's tokenizer of the configuration: texts → ``(b, length)`` tokens, cleaned as open_clip does.
    preprocessing : Preprocessing
        Its mean and standard deviation are applied here; its geometry was applied when the images were decoded.
    device : str
        The device of the inputs.
    """

    def __init__(self, module: Any, tokenizer: Any, preprocessing: Preprocessing, device: str) -> None:
        import torch

        self.module, self.tokenizer, self.device = module, tokenizer, device
        self._dtype = next(module.parameters()).dtype
        self._mean = torch.tensor(preprocessing.mean, device=device).view(1, 3, 1, 1)
        self._std = torch.tensor(preprocessing.std, device=device).view(1, 3, 1, 1)

    def encode_images(self, pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Embed ``(b, h, w, 3)`` uint8 images → ``(b, d)`` float32, not normalised."""
        import torch

        with torch.inference_mode():
            values = torch.from_numpy(pixels).to(self.device).permute(0, 3, 1, 2).contiguous().float().div(255)
            values = values.sub_(self._mean).div_(self._std).to(self._dtype)
            found: npt.NDArray[np.float32] = self.module.encode_image(values, normalize=False).float().cpu().numpy()
        return found

    def encode_texts(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Embed texts → ``(b, d)`` float32, not normalised; each is cut or padded to the model's context length."""
        import torch

        with torch.inference_mode():
            tokens = self.tokenizer(list(texts)).to(self.device)
            found: npt.NDArray[np.float32] = self.module.encode_text(tokens, normalize=False).float().cpu().numpy()
        return found

    def close(self) -> None:
        """Release the model's memory."""
        self.module = None


class NativeCheckpoint:
    """A checkpoint that open_clip runs; see `qbench.api.Checkpoint` and `qbench.api.Inspectable`.

    Parameters
    ----------
    folder : pathlib.Path
        ``open_clip_config.json``, ``model.safetensors`` with open_clip's names, ``preprocessor_config.json``.
    identity : Identity
        The identity of the weights.
    """

    def __init__(self, folder: Path, identity: Identity) -> None:
        self.folder, self.identity = folder, identity
        self.preprocessing = read_preprocessing(folder)

    def skeleton(self) -> Any:
        """The model on the meta device: layers and shapes without weights."""
        return _model(self.folder, "meta")

    def weight(self, name: str) -> npt.NDArray[np.float32] | None:
        """One weight as it is stored; `None` if there is none of that name."""
        return stored_weight(self.folder / WEIGHTS, name)

    def disk_bytes(self) -> int:
        """The size of the weight file in bytes."""
        return (self.folder / WEIGHTS).stat().st_size

    def load(self, *, device: str, dtype: DType, quantization_config: Any = None) -> NativeEncoder:
        """Load the weights; see `qbench.api.Checkpoint`."""
        import open_clip
        import torch
        from safetensors.torch import load_file

        if quantization_config is not None:
            raise ModelError(
                f"transformers does not load a {self.identity.architecture} of open_clip, so it cannot quantize it",
                where=str(self.folder),
            )
        module = _model(self.folder, "cpu")
        module.load_state_dict(load_file(self.folder / WEIGHTS), strict=True)
        module = module.to(device=device, dtype=getattr(torch, dtype)).eval()
        _read_no_weights(module, getattr(torch, dtype))
        return NativeEncoder(module, open_clip.get_tokenizer(f"local-dir:{self.folder}"), self.preprocessing, device)


def open_native(weights: Path, settings: dict[str, Any], fingerprint: str, names: dict[str, str]) -> NativeCheckpoint:
    """Open a weight file with open_clip's settings.

    Parameters
    ----------
    weights : pathlib.Path
        The tensors.
    settings : dict
        open_clip's ``model_cfg`` and ``preprocess_cfg``.
    fingerprint : str
        The fingerprint of both.
    names : dict
        ``source``, ``checkpoint`` and ``revision`` of the identity.

    Raises
    ------
    ModelError
        The settings need files from elsewhere, or the tensors are not those of the settings.
    """
    _check_alone(settings["model_cfg"], str(weights))
    versions = {name: version(name) for name in ("open_clip_torch", "timm")}
    decided_by = {"fingerprint": fingerprint, "native": VERSION, **versions}

    def write(target: Path) -> None:
        _convert(weights, settings, target)

    folder = cached_folder("converted", decided_by, write, size=weights.stat().st_size)
    architecture = "CoCa" if _is_coca(settings["model_cfg"]) else "CustomTextCLIP"
    return NativeCheckpoint(folder, Identity(architecture=architecture, fingerprint=fingerprint, **names))


def _check_alone(model: dict[str, Any], where: str) -> None:
    """Refuse text encoders and tokenizers of the hub, which the weights do not contain and no fingerprint covers."""
    for part in ("text_cfg", "multimodal_cfg"):
        values = model.get(part)
        for name in ("hf_model_name", "hf_tokenizer_name"):
            if isinstance(values, dict) and values.get(name):
                raise ModelError(
                    f"open_clip takes {part}.{name} = {values[name]!r} from another page: this is not supported",
                    where=where,
                    fix="SigLIP and SigLIP 2 run by the source siglip, in transformers' format.",
                )
    name = str(model["vision_cfg"].get("timm_model_name") or "")
    if ":" in name:  # timm's names have none: it is the place of a configuration
        raise ModelError(
            f"timm takes the configuration vision_cfg.timm_model_name = {name!r} from elsewhere: this is not supported",
            where=where,
            fix="Give the name of an architecture, such as convnext_base.",
        )


def _convert(weights: Path, settings: dict[str, Any], target: Path) -> None:
    from open_clip.convert import convert_state_dict
    from open_clip.model import convert_to_custom_text_state_dict
    from safetensors.torch import save_file

    from qbench_clip.tensors import check_types_of, read_weights

    write_json(target / CONFIG, {"model_cfg": _without_downloads(settings["model_cfg"]), "preprocess_cfg": {}})
    write_json(target / "preprocessor_config.json", preprocessor_config(settings))
    model = _model(target, "meta")
    tensors = convert_to_custom_text_state_dict(convert_state_dict(model, read_weights(weights)))
    wanted = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
    kept = {name: tensor for name, tensor in tensors.items() if not name.startswith("text_decoder.")}
    for name in sorted({*wanted, *kept}):
        if name not in wanted or name not in kept or tuple(kept[name].shape) != wanted[name]:
            mine = tuple(kept[name].shape) if name in kept else "missing"
            raise ModelError(
                f"the tensor {name} is {mine}, but this architecture has {wanted.get(name, 'no such tensor')}",
                where=str(weights),
                fix="Name the model that belongs to the weights.",
            )
    check_types_of(kept, model.state_dict(), where=str(weights))
    save_file({name: kept[name].contiguous().clone() for name in wanted}, target / WEIGHTS, metadata={"format": "pt"})


def _read_no_weights(module: Any, dtype: Any) -> None:
    """Keep open_clip and timm from reading the weight of a layer that a quantizer may exchange, but by calling it.

    open_clip's blocks take the type of the activations from a weight, which is a method in a layer of PyTorch's dynamic
    quantization. timm's EVA multiplies by the weight of its attention itself, unless the bias is added separately.
    """
    for part in module.modules():
        if hasattr(part, "get_weight_dtype"):
            part.get_weight_dtype = lambda: dtype
        if hasattr(part, "qkv_bias_separate"):
            part.qkv_bias_separate = True


def _without_downloads(model: dict[str, Any]) -> dict[str, Any]:
    """The settings without weights that open_clip would get for the image tower before those of the checkpoint."""
    vision = dict(model["vision_cfg"])
    if "timm_model_name" in vision:
        vision["timm_model_pretrained"] = False
    return {**model, "vision_cfg": vision}


def _model(folder: Path, device: str) -> Any:
    """open_clip's model of a folder, without its weights. Both towers are modules of their own (``visual``, ``text``).

    CoCa's decoder writes captions and gives no embedding, so it is left out.
    """
    import torch
    from open_clip import CoCa, CustomTextCLIP

    settings = dict(read_json(folder / CONFIG)["model_cfg"])
    settings.pop("custom_text", None)  # both classes have a text tower of their own
    with said_as_errors_of_models(folder), torch.device(device):
        model = CoCa(**settings) if _is_coca(settings) else CustomTextCLIP(**settings)
    if hasattr(model, "text_decoder"):
        del model.text_decoder
    return model.eval()


def _is_coca(model: dict[str, Any]) -> bool:
    return "multimodal_cfg" in model
