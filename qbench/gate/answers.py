"""The answer for some rows of a gate, such as those of one variant: its band, and beside it what waivers let pass."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from qbench.gate.phrasing import waivers_of
from qbench.gate.result import GateRow
from qbench.plugins.report_blocks import Waivers, waived_words
from qbench.vocabulary import GateBand


@dataclass(frozen=True)
class Answer:
    """The answer for some rows. Every writer that says the band says the waivers beside it.

    Attributes
    ----------
    band : GateBand
        That of the worst of the rows.
    waivers : sequence of Waivers
        What waivers of the policy let pass, which the band does not tell.
    """

    band: GateBand
    waivers: Sequence[Waivers]

    @property
    def waived(self) -> str:
        """What waivers let pass, in sentences; empty where that is nothing."""
        return waived_words(self.waivers)


def answer_of(rows: Iterable[GateRow]) -> Answer:
    """Make the answer for some of the rows alone, such as those of one benchmark."""
    rows = list(rows)
    worst = min((row.band for row in rows), key=lambda band: band.rank, default=GateBand.NOT_JUDGED)
    return Answer(worst, waivers_of(rows))
