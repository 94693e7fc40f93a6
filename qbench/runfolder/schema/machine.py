"""The records of a machine and of the speeds on it: ``environment.json``, ``speed/``."""

from __future__ import annotations

from pydantic import Field

from qbench.runfolder.schema.base import Record, RecordFile


class Rate(Record):
    """How fast something was: median, slowest and fastest repeat, per second."""

    per_second: float
    low: float
    high: float


class SpeedRecord(RecordFile):
    """Speed and memory of a variant: a file in ``speed/``.

    Attributes
    ----------
    model, quantizer : str
        The labels.
    numerics : str
        The kernels that ran, in words.
    batch_size, repeats : int
        Images (or texts) per batch, and batches that were timed.
    load_seconds : float
        Seconds until the variant was built.
    peak_bytes : int or None
        Bytes that loading and running added; `None` where the system does not tell.
    rates : dict of str to Rate
        What was answered (``images``, ``texts``) → how many of it per second.
    """

    model: str
    quantizer: str
    numerics: str
    load_seconds: float
    rates: dict[str, Rate]
    peak_bytes: int | None
    batch_size: int
    repeats: int


class EnvironmentRecord(RecordFile):
    """Where a run ran: ``environment.json``. No path, no user name.

    Attributes
    ----------
    python, platform, cpu : str
        Version of Python, system and processor; empty where not recorded.
    cores, threads : int or None
        Processor cores, and threads of the kernels.
    memory_gb : float or None
        Memory of the machine.
    gpu : str or None
        The accelerators; `None` where there is none.
    packages : dict of str to str
        Package → version.
    """

    python: str = ""
    platform: str = ""
    cpu: str = ""
    cores: int | None = None
    threads: int | None = None
    memory_gb: float | None = None
    gpu: str | None = None
    packages: dict[str, str] = Field(default_factory=dict)
