"""A loaded model that reads an image and a question as one sequence of tokens, and answers by continuing it."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qbench.api import ModelError
from qbench.api.probes import Question
from qbench_generative.likelihoods import by_question, chunks, padded, token_sums
from qbench_generative.prompting import Prompt, Prompter


@dataclass(frozen=True, kw_only=True)
class Read:
    """A batch of prompts that the model has read.

    Attributes
    ----------
    cache : transformers.Cache
        The keys and values of the attention.
    mask : torch.Tensor
        ``(b, length)``: 0 where a prompt is padded, on the left.
    next_position : torch.Tensor
        ``(b,)``: the position of the token that comes next.
    logits : torch.Tensor
        ``(b, vocabulary)``: those of the token that comes next.
    """

    cache: Any
    mask: torch.Tensor
    next_position: torch.Tensor
    logits: torch.Tensor


class DecoderChooser:
    """Runs one of the decoders of `qbench_generative.families`; see `qbench.api.probes.Chooser`.

    The features of an image are computed once in a batch, and each prompt is read once: its answers share the keys and
    values of its attention.

    Parameters
    ----------
    module : transformers.PreTrainedModel
        In eval mode, on `device`; a quantizer may exchange its layers in place.
    prompter : Prompter
        Makes the prompts.
    device : str
        The device of the inputs.
    answers_at_once : int
        The number of answers that go through the model together.
    """

    def __init__(self, module: Any, prompter: Prompter, device: str, *, answers_at_once: int) -> None:
        self.module, self.prompter, self.device = module, prompter, device
        self.answers_at_once = answers_at_once
        self._dtype = next(p.dtype for p in module.parameters() if p.is_floating_point())

    @torch.inference_mode()
    def score_answers(
        self, pixels: npt.NDArray[np.uint8], image_of: npt.NDArray[np.int64], questions: Sequence[Question]
    ) -> list[npt.NDArray[np.float32]]:
        """The log-likelihood of each answer and the number of its tokens.

        Parameters
        ----------
        pixels : numpy.ndarray
            ``(images, height, width, 3)`` uint8 RGB, each image once.
        image_of : numpy.ndarray
            ``(b,)`` int: the image of each question.
        questions : sequence of Question
            The `b` questions.

        Returns
        -------
        list of numpy.ndarray
            For each question ``(answers, 2)`` float32: the log-likelihood in nats, and the number of tokens.

        Raises
        ------
        ModelError
            A question is too long for the model, or two of its answers have the same tokens.
        """
        different = list(dict.fromkeys(questions))
        made = {question: self.prompter.prompt(question) for question in different}
        prompts = [made[question] for question in questions]
        images = self.images(pixels)
        features = self._features(images)
        read = self._read(prompts, [features[i] for i in image_of], images)
        answers = [prompt.answers for prompt in prompts]
        rows = [(row, tokens) for row, of_one in enumerate(answers) for tokens in of_one]
        sums = [self._continued(read, [rows[i] for i in chunk]) for chunk in chunks(len(rows), self.answers_at_once)]
        return by_question(torch.cat(sums), answers)

    def images(self, pixels: npt.NDArray[np.uint8]) -> dict[str, torch.Tensor]:
        """The inputs of the vision tower.

        Parameters
        ----------
        pixels : numpy.ndarray
            ``(images, size, size, 3)`` uint8 RGB.

        Returns
        -------
        dict
            Those of the model's image processor by name, such as ``pixel_values``, ``(images, 3, size, size)``.
        """
        nested = [[image] for image in pixels]  # one image per text, as the processors of some families need to be told
        made = self.prompter.processor.image_processor(nested, return_tensors="pt", **self.prompter.family.images)
        return {
            name: x.to(self.device, self._dtype if x.is_floating_point() else x.dtype)
            for name, x in made.items()
            if isinstance(x, torch.Tensor)
        }

    def _features(self, images: dict[str, torch.Tensor]) -> list[torch.Tensor]:
        """For each image ``(tokens, d)``: what stands in the place of its tokens."""
        found = self.module.get_image_features(**images)
        found = getattr(found, "pooler_output", found)  # transformers 5 returns an output object
        return [features.reshape(-1, features.shape[-1]) for features in found]

    def _read(
        self, prompts: Sequence[Prompt], features: Sequence[torch.Tensor], images: dict[str, torch.Tensor]
    ) -> Read:
        longest = max(len(prompt.tokens) for prompt in prompts)
        self._check_length(longest + max(len(answer) for prompt in prompts for answer in prompt.answers))
        tokens, mask = (torch.zeros(len(prompts), longest, dtype=torch.int64) for _ in range(2))
        kinds = torch.zeros_like(tokens)
        for row, prompt in enumerate(prompts):
            start = longest - len(prompt.tokens)
            tokens[row, start:], mask[row, start:] = prompt.tokens, 1
            if prompt.kinds is not None:
                kinds[row, start:] = prompt.kinds
        tokens, mask, kinds = tokens.to(self.device), mask.to(self.device), kinds.to(self.device)
        positions = self._positions(tokens, mask, kinds, images)
        found = self.module(
            inputs_embeds=self._embedded(tokens, features),
            attention_mask=mask,
            position_ids=positions,
            use_cache=True,
            logits_to_keep=1,
            **self._whole_prompt(tokens),
        )
        return Read(
            cache=found.past_key_values,
            mask=mask,
            next_position=positions.reshape(-1, *mask.shape).amax(dim=(0, 2)) + 1,
            logits=found.logits[:, -1],
        )

    def _embedded(self, tokens: torch.Tensor, features: Sequence[torch.Tensor]) -> torch.Tensor:
        """The embeddings of tokens, ``(b, length, d)``, with the features of each row's image in their places."""
        places = tokens == self.module.config.image_token_id
        counts = places.sum(dim=1).tolist()
        if counts != [len(x) for x in features]:
            raise ModelError(
                f"a prompt has places for {counts[0]} tokens of an image, but the image has {len(features[0])}",
                fix="The prompt must have one mark for an image, and no question may have one.",
            )
        embedded: torch.Tensor = self.module.get_input_embeddings()(tokens.masked_fill(places, 0))
        return embedded.masked_scatter(places[..., None], torch.cat(list(features)).to(embedded))

    def _positions(
        self, tokens: torch.Tensor, mask: torch.Tensor, kinds: torch.Tensor, images: dict[str, torch.Tensor]
    ) -> torch.Tensor:
        """``(b, length)``, or ``(3, b, length)`` for a model whose tokens of an image have a place in it."""
        if not self.prompter.family.any_size:
            return (mask.cumsum(dim=1) - 1).clamp(min=0) + self.prompter.family.first_position
        grid = images["image_grid_thw"][:1].expand(len(tokens), -1)  # all images have the same size
        found, _ = self.module.model.get_rope_index(
            tokens, mm_token_type_ids=kinds, image_grid_thw=grid, attention_mask=mask
        )
        positions: torch.Tensor = found
        return positions

    def _whole_prompt(self, tokens: torch.Tensor) -> dict[str, torch.Tensor]:
        """For PaliGemma: that all of the prompt is read as a whole, each token seeing all others."""
        paligemma = self.module.config.model_type == "paligemma"
        return {"token_type_ids": torch.zeros_like(tokens)} if paligemma else {}

    def _continued(self, read: Read, rows: Sequence[tuple[int, tuple[int, ...]]]) -> torch.Tensor:
        """The log-likelihoods of answers, ``(len(rows),)``: each is a row of the batch and the tokens behind it."""
        batch = torch.tensor([row for row, _ in rows], device=self.device)
        tokens, mask = padded([tokens for _, tokens in rows], self.device)
        logits = read.logits[batch][:, None]
        if tokens.shape[1] > 1:
            logits = torch.cat([logits, self._logits_behind(read, batch, tokens[:, :-1], mask[:, :-1])], dim=1)
        return token_sums(logits, tokens, mask)

    def _logits_behind(self, read: Read, batch: torch.Tensor, tokens: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        positions = read.next_position[batch][:, None] + torch.arange(tokens.shape[1], device=self.device)
        if self.prompter.family.any_size:
            positions = positions.expand(3, -1, -1)
        logits: torch.Tensor = self.module(
            input_ids=tokens,
            attention_mask=torch.cat([read.mask[batch], mask], dim=1),
            position_ids=positions,
            past_key_values=_rows_of(read.cache, batch),
            use_cache=True,
        ).logits
        return logits

    def _check_length(self, length: int) -> None:
        most = getattr(self.module.config.get_text_config(), "max_position_embeddings", None)
        if most is not None and length > most:
            raise ModelError(
                f"a question with its image and an answer has {length} tokens, but the model reads {most}",
                fix="Use shorter questions, or smaller images.",
            )

    def close(self) -> None:
        """Release the model's memory."""
        self.module = None
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()


def _rows_of(cache: Any, batch: torch.Tensor) -> Any:
    """A cache of some rows, which grows without changing the one that they come from."""
    chosen = copy.copy(cache)
    chosen.layers = [copy.copy(layer) for layer in cache.layers]
    chosen.batch_select_indices(batch)
    return chosen
