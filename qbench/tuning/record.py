"""What a search for a configuration found, as plain frozen data, and as the file that keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from qbench.errors import InputError
from qbench.gate import GateResult
from qbench.runfolder.integrity import SEAL, is_damaged, sealed
from qbench.store.files import read_json_object, write_json
from qbench.tuning.configurations import Configuration
from qbench.vocabulary import GateBand, GateStatus

RECORD = "tuning.json"
OTHER_FOLDER = "--out names another folder, if you accept that two searches can be wrong twice as often."


@dataclass(frozen=True, kw_only=True)
class Step:
    """One configuration that was tried on the first half.

    Attributes
    ----------
    configuration : Configuration
        What was tried.
    band : GateBand
        What the gate says of it.
    sentence : str
        Its worst finding.
    folder : pathlib.Path
        The run folder.
    """

    configuration: Configuration
    band: GateBand
    sentence: str
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Tuning:
    """What a search found. Made by `qbench.tune`.

    Attributes
    ----------
    steps : tuple of Step
        What was tried on the first half, in the order of bits; where something passed, it is the last one.
    confirmation : GateResult or None
        The gate's answer for it on the second half; `None` where nothing passed on the first.
    confirmed_in : pathlib.Path or None
        The run folder of the confirmation.
    spec : pathlib.Path or None
        The file of the spec with the configuration; `None` unless it is confirmed.
    """

    steps: tuple[Step, ...]
    confirmation: GateResult | None
    confirmed_in: Path | None
    spec: Path | None

    @property
    def chosen(self) -> Configuration | None:
        """The configuration that passed on the first half, if there is one, confirmed or not."""
        last = self.steps[-1]
        return last.configuration if last.band.passes else None

    @property
    def confirmed(self) -> bool:
        """Whether the configuration that was chosen passes on the second half too."""
        return self.confirmation is not None and self.confirmation.band.passes

    @property
    def exit_code(self) -> int:
        """0 if it is confirmed, 1 if not, 3 if more items could confirm one, 2 if nothing could be evaluated."""
        bands = {step.band for step in self.steps} if self.confirmation is None else {self.confirmation.band}
        return next(status for band, status in STATUS.items() if band in bands).exit_code


STATUS = {
    GateBand.PASS: GateStatus.PASS,
    GateBand.PASS_WITH_WARNINGS: GateStatus.WARN,
    GateBand.NOT_SHOWN_SAFE: GateStatus.INCONCLUSIVE,
    GateBand.FAIL: GateStatus.FAIL,
    GateBand.COULD_NOT_EVALUATE: GateStatus.ERROR,
}
"""The answer for several configurations of which none passes is that of the first of these bands among them."""


def check_unused(folder: Path, chosen: Configuration, settings: Mapping[str, Any]) -> None:
    """Refuse to confirm a second configuration on a half that was used to confirm another one.

    Parameters
    ----------
    folder : pathlib.Path
        Where the record of an earlier search may be.
    chosen : Configuration
        What is to be confirmed.
    settings : mapping
        What decides a confirmation besides, see `qbench.tuning.tune.Tuner.settings`.

    Raises
    ------
    InputError
        The record of the folder has a confirmation of something else, or with other settings, or it is damaged.
    """
    used = _earlier(folder)
    if used is not None and used["of"] != _confirmed(chosen, settings):
        came_of_it = f"with the answer {used['band']}" if used["band"] else "in a search that was stopped"
        raise InputError(
            f"the second half was already used to confirm {used['of']['quantizer']['label']}, {came_of_it}: "
            f"{chosen.quantizer.label} with these settings would not be confirmed on unused items",
            where=str(folder / RECORD),
            fix="The limit for false confirmations holds for the first confirmation. For another one, use other items. "
            + OTHER_FOLDER,
        )


def write_record(folder: Path, tuning: Tuning, settings: Mapping[str, Any], by: str) -> None:
    """Write what was tried and what came of it; an earlier confirmation stays on record.

    It is also written before a confirmation begins: a search that is stopped then has used the second half.
    """
    found, chosen = tuning.confirmation, tuning.chosen
    if chosen is None:
        confirmation = _earlier(folder)
    else:
        answer = {"band": str(found.band), "sentence": found.sentence} if found else {"band": "", "sentence": ""}
        confirmation = {"of": _confirmed(chosen, settings), **answer}
    tried = [
        {
            "quantizer": step.configuration.quantizer.model_dump(mode="json"),
            "bits": step.configuration.bits,
            "left_out": list(step.configuration.left_out),
            "band": str(step.band),
            "sentence": step.sentence,
            "run": step.folder.relative_to(folder).as_posix(),
        }
        for step in tuning.steps
    ]
    values = {"format": 1, "settings": dict(settings), "by": by, "tried": tried, "confirmation": confirmation}
    write_json(folder / RECORD, sealed(values))


def _earlier(folder: Path) -> dict[str, Any] | None:
    """For what an earlier search in a folder used the second half; `None` where it used it for nothing."""
    path = folder / RECORD
    if not path.exists():
        return None
    values = read_json_object(path, fix=OTHER_FOLDER)
    if SEAL not in values or is_damaged(values, known=()):
        raise InputError(
            "the file is damaged, or of an earlier version, so that it does not say whether the second half was used",
            where=str(path),
            fix=OTHER_FOLDER,
        )
    used: dict[str, Any] | None = values.get("confirmation")
    if used is None:
        return None
    try:
        str(used["of"]["quantizer"]["label"]), str(used["band"])
    except (KeyError, TypeError) as error:
        what = f"the file is damaged: its confirmation is not one ({error!r})"
        raise InputError(what, where=str(path), fix=OTHER_FOLDER) from None
    return used


def _confirmed(chosen: Configuration, settings: Mapping[str, Any]) -> dict[str, Any]:
    """What a confirmation is about."""
    return {**settings, "quantizer": chosen.quantizer.model_dump(mode="json")}
