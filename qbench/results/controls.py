"""Which control arm of a run separates the effect of a cast from that of quantizing, for each of its variants."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from qbench.runfolder.reader import Cell
from qbench.runfolder.schema import ControlInfo


@dataclass(frozen=True, kw_only=True)
class Control:
    """The control arm of a variant.

    Attributes
    ----------
    name : str
        The quantizer that only casts; empty where the variant names none.
    label : str
        What it is called in this run, on the same model; empty where the run does not have it.
    dtype : str
        The type of the layers that were not quantized.
    note : str
        What else is cast, so that the arm does not match in full.
    """

    name: str
    label: str
    dtype: str
    note: str


def find_controls(cells: Iterable[Cell]) -> dict[tuple[str, str], Control]:
    """``(model, quantizer)`` → its control arm, for all variants that are not control arms, in the order of the run."""
    cells = list(cells)
    arms: dict[tuple[str, str], str] = {}
    for cell in cells:
        if _is_control(cell):
            arms.setdefault((cell.model, cell.record.quantizer_info.name), cell.quantizer)
    found: dict[tuple[str, str], Control] = {}
    for cell in cells:
        if _is_control(cell):
            continue
        control = cell.record.control or ControlInfo(name="", note="")
        found[cell.model, cell.quantizer] = Control(
            name=control.name,
            label=arms.get((cell.model, control.name), ""),
            dtype=cell.record.dtype,
            note=control.note,
        )
    return found


def _is_control(cell: Cell) -> bool:
    return cell.record.quantizer_info.kind == "control"
