"""A loaded BLIP for visual question answering: an encoder reads image and question, a decoder writes the answer."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from qbench.api import ModelError
from qbench.api.probes import Question
from qbench_generative.likelihoods import by_question, chunks, padded, token_sums
from qbench_generative.prompting import Prompter, different


class BlipChooser:
    """Runs a ``BlipForQuestionAnswering``; see `qbench.api.probes.Chooser`.

    The features of an image are computed once in a batch, and each question is read once for all its answers. (The
    decoder sees image and question through its cross-attention, so that there is no prompt for answers to share.)

    Parameters
    ----------
    module : transformers.BlipForQuestionAnswering
        In eval mode, on `device`; a quantizer may exchange its layers in place.
    prompter : Prompter
        Its processor.
    device : str
        The device of the inputs.
    answers_at_once : int
        The number of answers that go through the decoder together.
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
        images = self._images(pixels)[torch.from_numpy(image_of).to(self.device)]
        texts = [self.prompter.text(question.text) for question in questions]
        read = self._read(self.prompter.processor.tokenizer(texts)["input_ids"], images)
        answers = [
            different([self._tokens(answer) for answer in question.answers], question.answers) for question in questions
        ]
        rows = [(row, tokens) for row, of_one in enumerate(answers) for tokens in of_one]
        # By the length of the question, so that no question is padded; see `_read`.
        order = sorted(range(len(rows)), key=lambda i: len(read[rows[i][0]]))
        sums = torch.empty(len(rows))
        for _, same in groupby(order, key=lambda i: len(read[rows[i][0]])):
            numbers = list(same)
            for chunk in chunks(len(numbers), self.answers_at_once):
                some = [numbers[i] for i in chunk]
                sums[some] = self._written([read[rows[i][0]] for i in some], [rows[i][1] for i in some]).cpu()
        return by_question(sums, answers, not_counted=1)

    def _images(self, pixels: npt.NDArray[np.uint8]) -> torch.Tensor:
        """``(images, tokens, d)``."""
        made = self.prompter.processor.image_processor(list(pixels), return_tensors="pt", **self.prompter.family.images)
        values = made["pixel_values"].to(self.device, self._dtype)
        found: torch.Tensor = self.module.vision_model(pixel_values=values).last_hidden_state
        return found

    def _read(self, questions: Sequence[Sequence[int]], images: torch.Tensor) -> list[torch.Tensor]:
        """Each question as it is read with its image, ``(length, d)``.

        Questions of one length are read together, so that none is padded: transformers (5.23) gives the mask of a
        padded question to no cross-attention of the decoder, which would see the padding.
        """
        most = self.module.config.text_config.max_position_embeddings
        if (longest := max(map(len, questions))) > most:
            raise ModelError(f"a question has {longest} tokens, but the model reads {most}")
        read: dict[int, torch.Tensor] = {}
        for length in sorted({len(tokens) for tokens in questions}):
            rows = [row for row, tokens in enumerate(questions) if len(tokens) == length]
            tokens = torch.tensor([list(questions[row]) for row in rows], device=self.device)
            found = self.module.text_encoder(input_ids=tokens, encoder_hidden_states=images[rows])[0]
            read |= dict(zip(rows, found, strict=True))
        return [read[row] for row in range(len(questions))]

    def _written(self, read: Sequence[torch.Tensor], answers: Sequence[tuple[int, ...]]) -> torch.Tensor:
        """The log-likelihoods of answers, ``(b,)``, each to a question as it is read."""
        tokens, there = padded(answers, self.device)
        logits = self.module.text_decoder(
            input_ids=tokens, attention_mask=there, encoder_hidden_states=torch.stack(list(read)), use_cache=False
        ).logits
        return token_sums(logits[:, :-1], tokens[:, 1:], there[:, 1:])

    def _tokens(self, answer: str) -> tuple[int, ...]:
        """The token that begins an answer, its tokens and, if it counts, the one that ends it."""
        tokenizer = self.prompter.processor.tokenizer
        tokens = tokenizer(answer, add_special_tokens=False)["input_ids"]
        end = [self.module.config.text_config.sep_token_id] if self.prompter.end_of_answer else []
        return (self.module.decoder_start_token_id, *tokens, *end)

    def close(self) -> None:
        """Release the model's memory."""
        self.module = None
        if self.device.startswith("cuda"):
            torch.cuda.empty_cache()
