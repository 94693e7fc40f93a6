"""From a question to the tokens of a prompt, and from an answer to the tokens that continue it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from qbench.api import ModelError
from qbench.api.probes import Question
from qbench_generative.families import Family


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A question as the model gets it, with the tokens of each answer.

    Attributes
    ----------
    tokens : torch.Tensor
        ``(length,)`` int64, those of the image included.
    kinds : torch.Tensor or None
        ``(length,)``: which tokens are those of an image (1), for models that need to know.
    answers : tuple of tuple of int
        The tokens of each answer.
    """

    tokens: torch.Tensor
    kinds: torch.Tensor | None
    answers: tuple[tuple[int, ...], ...]


DATE = "strftime_now"
"""The function by which a chat template of transformers gets the date."""
CHANCE = re.compile(r"\b(?:lipsum|random)\b")
"""The function and the filter of Jinja whose results are drawn anew each time."""

OWN_PROMPT = "Give the prompt in words: options = { prompt = … }."


class Prompter:
    """Makes prompts with the checkpoint's own processor.

    Parameters
    ----------
    processor : transformers processor
        Of the same folder as the model.
    family : Family
        The family of the model.
    template : str
        The prompt of the options; empty for the chat template or the family's prompt.
    size : int
        The side of the images in pixels: all of them become the same number of tokens.
    end_of_answer : bool
        Whether the token that ends a text is part of each answer.
    """

    def __init__(self, processor: Any, family: Family, *, template: str, size: int, end_of_answer: bool) -> None:
        self.processor, self.family, self.template = processor, family, template
        self.end_of_answer = end_of_answer
        self._blank = np.zeros((size, size, 3), dtype=np.uint8)

    def text(self, question: str) -> str:
        """The prompt in words, with a mark in the place of the image.

        Parameters
        ----------
        question : str
            The question as the task asks it.

        Raises
        ------
        ModelError
            The chat template of the checkpoint cannot be applied, leaves out the question, or depends on the date or
            on chance.
        """
        if self.template or not getattr(self.processor, "chat_template", None):
            return (self.template or self.family.prompt).replace("{question}", question)
        if DATE in str(self.processor.chat_template):
            raise ModelError(
                "the chat template of the checkpoint puts the date into the prompt, so that the answers would change "
                "from day to day",
                fix=OWN_PROMPT,
            )
        if drawn := CHANCE.search(str(self.processor.chat_template)):
            raise ModelError(
                f"the chat template of the checkpoint has the word {drawn[0]!r}: prompts that are drawn anew each time "
                "would give other answers each time",
                fix=OWN_PROMPT,
            )
        content = [{"type": "image"}, {"type": "text", "text": question}]
        try:
            said = str(
                self.processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
            )
        except Exception as error:  # the template is a program of the checkpoint, and may raise anything
            raise ModelError(
                f"the chat template of the checkpoint cannot be applied ({type(error).__name__}: {error})",
                fix=OWN_PROMPT,
            ) from error
        if question.strip() not in said:
            raise ModelError(
                f"the chat template of the checkpoint does not put the question {question!r} into the prompt as it is",
                fix=OWN_PROMPT,
            )
        return said

    def prompt(self, question: Question) -> Prompt:
        """The tokens of a question and of its answers.

        Parameters
        ----------
        question : Question
            The question, with its answers.

        Raises
        ------
        ModelError
            The end of the prompt and the beginning of an answer become one token, two answers have the same tokens, or
            the prompt has no image.
        """
        text, tokenizer = self.text(question.text), self.processor.tokenizer
        beginning = tokenizer.bos_token  # of which a chat template may have one already
        more = {"add_special_tokens": False} if beginning and text.startswith(beginning) else {}
        made = self.processor(
            text=[text],
            images=[self._blank],
            return_mm_token_type_ids=True,
            **self.family.images,
            **more,
        )
        tokens = torch.as_tensor(made["input_ids"][0])
        kinds = torch.as_tensor(made["mm_token_type_ids"][0]) if "mm_token_type_ids" in made else None
        answers = continuations(tokenizer, text + self.family.suffix, question.answers, end=self.end_of_answer)
        return Prompt(tokens=tokens, kinds=kinds, answers=answers)


TAIL = 40
"""Characters at the end of a prompt with which the beginning of an answer could become one token."""


def continuations(tokenizer: Any, prompt: str, answers: Sequence[str], *, end: bool) -> tuple[tuple[int, ...], ...]:
    """The tokens by which answers continue a prompt; a space stands before an answer if the prompt does not end in one.

    Parameters
    ----------
    tokenizer : transformers tokenizer
        The tokenizer.
    prompt : str
        The prompt in words.
    answers : sequence of str
        The answers.
    end : bool
        Whether the token that ends a text is added to each.

    Returns
    -------
    tuple of tuple of int
        The tokens of each answer.

    Raises
    ------
    ModelError
        The prompt's last tokens are others with an answer behind them, or two answers have the same tokens.
    """
    tail, space = prompt[-TAIL:], "" if prompt[-1:].isspace() else " "
    before = tokenizer(tail, add_special_tokens=False)["input_ids"]
    found = []
    for answer in answers:
        whole = tokenizer(f"{tail}{space}{answer}", add_special_tokens=False)["input_ids"]
        if whole[: len(before)] != before or len(whole) == len(before):
            raise ModelError(
                f"the end of the prompt and the answer {answer!r} have a token in common, so that the answer has no "
                "likelihood of its own",
                fix="Use a prompt that ends in a line break or a colon: options = { prompt = … }.",
            )
        found.append((*whole[len(before) :], *([tokenizer.eos_token_id] if end else [])))
    return different(found, answers)


def different(tokens: Sequence[tuple[int, ...]], answers: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """The tokens of the answers to a question, unless two answers have the same ones.

    Such answers are equally likely, so that the second of them would never be chosen.

    Parameters
    ----------
    tokens : sequence of tuple of int
        The tokens of each answer.
    answers : sequence of str
        The answers, for the message.

    Raises
    ------
    ModelError
        Two answers have the same tokens.
    """
    first: dict[tuple[int, ...], str] = {}
    for of_one, answer in zip(tokens, answers, strict=True):
        if of_one in first:
            raise ModelError(
                f"the tokenizer of the checkpoint gives the answers {first[of_one]!r} and {answer!r} the same tokens, "
                "so that the model cannot tell them apart",
                fix="Use answers that differ in more than case, accents or special characters, and all files of the "
                "checkpoint's tokenizer.",
            )
        first[of_one] = answer
    return tuple(tokens)
