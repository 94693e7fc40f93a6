"""Opens a generative model: finds, checks, identifies and loads it."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open

from qbench.api import DType, Identity, LoadedModel, ModelError
from qbench.api.probes import Chooser
from qbench_generative.families import Family, family_of
from qbench_generative.files import OTHERS, files_of, find_folder, fingerprint_of, weight_files
from qbench_generative.options import GenerativeOptions
from qbench_transformers.find import only, small_files
from qbench_transformers.folder import PLAIN, FolderWeights, said_as_errors_of_models
from qbench_transformers.tensors import check_types, tensor_headers
from qbench_transformers.tokenizer import PROBES, check_tokens


def open_checkpoint(checkpoint: str, options: GenerativeOptions) -> GenerativeCheckpoint:
    """Open a hub ID, or the folder of the option ``path``.

    Parameters
    ----------
    checkpoint : str
        The hub ID, such as ``llava-hf/llava-1.5-7b-hf``; with ``path``, any name.
    options : GenerativeOptions
        Where the weights come from, and how the model is asked.

    Raises
    ------
    ModelError
        Files are missing, damaged, or of a family that qbench does not know.
    """
    folder = find_folder(checkpoint, options.path, options.revision)
    revision = "local" if options.path else folder.name  # the folder of a snapshot is named by its commit
    return open_folder(folder, options, source="generative", checkpoint=checkpoint, revision=revision)


def open_folder(
    folder: Path, options: GenerativeOptions, *, source: str, checkpoint: str, revision: str = "local"
) -> GenerativeCheckpoint:
    """Open the checkpoint in a folder.

    Parameters
    ----------
    folder : pathlib.Path
        A model of one of `qbench_generative.families.FAMILIES` in transformers' format.
    options : GenerativeOptions
        How it is asked; ``path`` and ``revision`` are not used.
    source, checkpoint, revision : str
        Who it is, for its `qbench.api.Identity`.

    Raises
    ------
    ModelError
        Files are missing, damaged, or of a family that qbench does not know.
    """
    _, family = family_of(folder)
    decides = {
        "prompt": options.prompt,
        "image_size": options.image_size,
        "end_of_answer": options.end_of_answer,
        "answers_at_once": options.answers_at_once,
    }
    identity = Identity(
        source=source,
        checkpoint=checkpoint,
        architecture=family.architecture,
        revision=revision,
        fingerprint=fingerprint_of(folder, decides),
    )
    return GenerativeCheckpoint(folder, identity, options)


class ProcessorCheckpoint(FolderWeights, ABC):
    """A model with a processor, in a folder of transformers' format; a subclass says how it is asked.

    Parameters
    ----------
    folder : pathlib.Path
        ``config.json``, the weights in safetensors, the files of the processor.
    identity : Identity
        The identity of the weights.
    family : Family
        What kind of model it is.
    image_size : int
        The side of its images in pixels, for a model that takes images of any size; 0 for the usual one.

    Raises
    ------
    ModelError
        The settings of the images are missing or wrong.
    """

    def __init__(self, folder: Path, identity: Identity, family: Family, *, image_size: int = 0) -> None:
        self.folder, self.identity, self.family = folder, identity, family
        try:
            self.preprocessing = family.preprocessing(folder, image_size)
        except (KeyError, TypeError, ValueError) as error:
            raise ModelError(
                f"the settings of the images lack something, or it is wrong ({error})", where=str(folder)
            ) from None

    @abstractmethod
    def asked(self, model: Any, processor: Any, device: str) -> LoadedModel:
        """The loaded model as what a probe asks.

        Parameters
        ----------
        model : transformers.PreTrainedModel
            In eval mode, on `device`.
        processor : transformers.ProcessorMixin
            With the preprocessing of this checkpoint.
        device : str
            The device of the inputs.
        """

    def load(self, *, device: str, dtype: DType, quantization_config: Any = None) -> LoadedModel:
        """Load the weights; see `qbench.api.Checkpoint`.

        Parameters
        ----------
        device : str
            Where to, such as ``cpu``.
        dtype : str
            The type of the weights that are not quantized, such as ``float32``.
        quantization_config : transformers.quantizers.QuantizationConfigMixin, optional
            How transformers quantizes while it loads.

        Raises
        ------
        ModelError
            The weights are stored quantized, do not fit the configuration, or are damaged, or the tokenizer is that of
            another model.
        """
        self.check_not_quantized()
        self._check_types()
        if quantization_config is None:
            return self._load(device, dtype)
        return self._load(device, dtype, quantization_config=quantization_config, device_map={"": device})

    def load_stored(self, *, device: str) -> tuple[LoadedModel, DType]:
        """Load weights that are stored quantized; see `qbench.api.Storable`.

        Parameters
        ----------
        device : str
            Where to.

        Returns
        -------
        tuple
            The loaded model, and the type of its weights that are not quantized.

        Raises
        ------
        ModelError
            As `load`, or the configuration names no method of quantization.
        """
        dtype = self.stored_dtype()
        return self._load(device, dtype, device_map={"": device}), dtype

    def save(self, encoder: LoadedModel, folder: Path) -> None:
        """Write a model into a folder, together with the processor of this checkpoint.

        Parameters
        ----------
        encoder : LoadedModel
            A model of this source, with the attribute ``module``; its layers may be quantized.
        folder : pathlib.Path
            Where to.
        """
        module: Any = encoder.module  # type: ignore[attr-defined]  # a convention of the built-in sources
        module.save_pretrained(folder)
        for path in small_files(self.folder, OTHERS):
            if path.name != "config.json":
                shutil.copyfile(path, folder / path.name)
        # safetensors makes its files private; give them the same permissions as the other files.
        for path in weight_files(folder):
            path.chmod((folder / "config.json").stat().st_mode)

    def weight(self, name: str) -> npt.NDArray[np.float32] | None:
        """One weight as it is stored.

        Parameters
        ----------
        name : str
            Its name in the loaded model, such as ``lm_head.weight``.

        Returns
        -------
        numpy.ndarray or None
            float32, in the shape in which it is stored; `None` if there is no weight of that name, or if it is stored
            quantized.

        Raises
        ------
        ModelError
            The file cannot be read.
        """
        stored = self._places.get(name)
        if stored is None:
            return None
        with safe_open(stored[0], framework="pt") as file:
            tensor = file.get_tensor(stored[1])
        if str(tensor.dtype) not in PLAIN:
            return None
        array: npt.NDArray[np.float32] = tensor.float().numpy()
        return array

    def disk_bytes(self) -> int:
        """The size of the weight files in bytes."""
        return sum(path.stat().st_size for path in weight_files(self.folder))

    @cached_property
    def _places(self) -> dict[str, tuple[Path, str]]:
        """Name of a weight in the loaded model → its file, and its name there."""
        from qbench_generative.renamed import names_in_model

        stored: dict[str, Path] = {}
        for path in weight_files(self.folder):
            try:
                with safe_open(path, framework="numpy") as file:
                    stored |= dict.fromkeys(file.keys(), path)
            except (SafetensorError, OSError) as error:
                raise ModelError(f"the weights cannot be read ({error})", where=str(path)) from None
        return {new: (stored[old], old) for new, old in names_in_model(self.skeleton(), stored).items()}

    def _load(self, device: str, dtype: DType, **how: Any) -> LoadedModel:
        import torch
        import transformers

        options = {"dtype": getattr(torch, dtype), "local_files_only": True, "use_safetensors": True, **how}
        with said_as_errors_of_models(self.folder), only(files_of(self.folder)) as view:
            processor = self._processor(view)
            model, loading = getattr(transformers, self.family.architecture).from_pretrained(
                view, trust_remote_code=False, output_loading_info=True, **options
            )
        self._check_loading(loading)
        if "device_map" not in how:
            model = model.to(device)
        return self.asked(model.eval(), processor, device)

    def _processor(self, view: Path) -> Any:
        """The processor with this preprocessing; its tokenizer is checked to be one of this model."""
        import transformers

        used = self.preprocessing
        processor = getattr(transformers, self.family.processor).from_pretrained(
            view, local_files_only=True, trust_remote_code=False
        )
        config = transformers.AutoConfig.from_pretrained(view, local_files_only=True, trust_remote_code=False)
        rows = [processor.tokenizer(text, add_special_tokens=False)["input_ids"] for text in PROBES]
        check_tokens(rows, config.get_text_config().vocab_size, where=str(self.folder))
        # The checkpoint may have been given another preprocessing than that of its files.
        images = processor.image_processor
        images.do_normalize, images.image_mean, images.image_std = True, list(used.mean), list(used.std)
        return processor

    def _check_types(self) -> None:
        tensors = self.skeleton().state_dict()
        for path in weight_files(self.folder):
            types = {name: kind for name, (_, kind) in tensor_headers(path).items()}
            mine = {new: types[old] for new, (file, old) in self._places.items() if file == path}
            check_types({n: x for n, x in mine.items() if tensors[n].is_floating_point()}, where=str(path))

    def _check_loading(self, loading: Any) -> None:
        """Raise `ModelError` for tensors that transformers made up or left out, of which it only warns."""
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
            wrong = sorted(map(str, loading[kind]))
            if wrong:
                raise ModelError(
                    f"{len(wrong)} tensors of a {self.family.architecture} are {kind.partition('_')[0]}, such as "
                    f"{wrong[0]}",
                    where=str(self.folder),
                )


class GenerativeCheckpoint(ProcessorCheckpoint):
    """A generative model in a folder of transformers' format.

    Parameters
    ----------
    folder : pathlib.Path
        ``config.json``, the weights in safetensors, the files of the processor.
    identity : Identity
        The identity of the weights.
    options : GenerativeOptions
        How the model is asked.

    Raises
    ------
    ModelError
        As `ProcessorCheckpoint`, or an option has no meaning for this family.
    """

    def __init__(self, folder: Path, identity: Identity, options: GenerativeOptions) -> None:
        self.options = options
        self.name, family = family_of(folder)
        if options.image_size and not family.any_size:
            raise ModelError("image_size has no meaning for a model whose images have one size", where=str(folder))
        if options.prompt and self.name == "blip":
            raise ModelError("prompt has no meaning for BLIP, which gets the question alone", where=str(folder))
        super().__init__(folder, identity, family, image_size=options.image_size)

    def asked(self, model: Any, processor: Any, device: str) -> Chooser:
        """The model as a `qbench.api.probes.Chooser`; the parameters are those of `ProcessorCheckpoint.asked`."""
        from qbench_generative.blip import BlipChooser
        from qbench_generative.decoder import DecoderChooser
        from qbench_generative.prompting import Prompter

        prompter = Prompter(
            processor,
            self.family,
            template=self.options.prompt,
            size=self.preprocessing.geometry.size,
            end_of_answer=self.options.end_of_answer,
        )
        kind = BlipChooser if self.name == "blip" else DecoderChooser
        return kind(model, prompter, device, answers_at_once=self.options.answers_at_once)
