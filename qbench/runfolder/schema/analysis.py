"""What an analysis is asked for, and the record of one: ``analysis/analysis.json``."""

from __future__ import annotations

from dataclasses import dataclass, fields

from pydantic import Field

from qbench.runfolder.schema.base import RecordFile
from qbench.statistics.settings import Settings


@dataclass(frozen=True, kw_only=True)
class AnalysisChoices(Settings):
    """The ``[analysis]`` of a spec.

    Attributes
    ----------
    allow : tuple of str
        Differences between a variant and its baseline that are meant: ``preprocessing``, ``prompts``, ``batch``,
        ``checkpoint``.
    """

    allow: tuple[str, ...] = ()

    @property
    def settings(self) -> Settings:
        """The part of it that an analysis is made with."""
        return Settings(**{field.name: getattr(self, field.name) for field in fields(Settings)})


class AnalysisRecord(RecordFile):
    """What an analysis was made of: ``analysis/analysis.json``.

    Attributes
    ----------
    key : str
        A hash of all that decides it.
    settings : Settings
        How changes were judged.
    spec : AnalysisChoices or None
        The ``[analysis]`` of the spec that it was made for: `settings` differ from it by what ``qbench analyse`` was
        told. `None` in analyses of earlier versions, which are made again.
    tables : dict of str to str
        Name of a table → SHA-256 of its file: a table of another analysis is not taken for one of this.
    qbench_version : str
        The version that made it.
    statistics : dict of str to str
        Name of a statistic, as metrics declare it → ``plugin:name (distribution version)`` of what judged them; empty
        where it was not installed. Analyses of earlier versions do not say it.
    """

    key: str
    settings: Settings
    spec: AnalysisChoices | None = None
    tables: dict[str, str] = Field(default_factory=dict)
    qbench_version: str = ""
    statistics: dict[str, str] = Field(default_factory=dict)
