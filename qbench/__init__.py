"""qbench: what quantizing a vision-language model does to its accuracy, and to the people in the images.

The Python API is as good as the command line::

    import qbench

    results = qbench.run("demo", out="runs/demo")
    results.metrics          # a pandas frame
    qbench.load("runs/demo") # the same, later

    qbench.evaluate(model, processor, quantizers=["hf-int4"])  # a model that is in memory

Importing this package imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from qbench.results import Results

__all__ = ["evaluate", "load", "run"]


def run(spec: str | Path | Mapping[str, Any] = "demo", out: str | Path | None = None) -> Results:
    """Run a spec and read its results; what was computed before is not computed again.

    Parameters
    ----------
    spec : str, pathlib.Path or mapping
        A preset's name, a TOML file, or what such a file would say.
    out : str or pathlib.Path, optional
        The run folder; ``qbench-runs/NAME`` if not given.

    Returns
    -------
    Results
        Metrics, effects, items as pandas frames. Cells that failed are in ``results.cells``.

    Raises
    ------
    qbench.errors.InputError
        The spec is wrong, or nothing of it can be run.
    """
    from qbench.execution.plan import default_folder
    from qbench.execution.run import execute
    from qbench.results.analysis import analysed
    from qbench.spec.read import read_spec

    wanted = read_spec(spec)
    folder = Path(out) if out is not None else default_folder(wanted)
    execute(wanted, folder)
    return analysed(load(folder))


def evaluate(
    model: Any,
    processor: Any = None,
    *,
    quantizers: Sequence[str | Mapping[str, Any]] = ("hf-int8", "hf-int4", "torch-int8"),
    benchmarks: str | Sequence[str | Mapping[str, Any]] = "demo",
    baseline: str = "fp32",
    name: str = "",
    out: str | Path | None = None,
    **settings: Any,
) -> Results:
    """Quantize one model in several ways and measure it: a run without a spec file.

    Parameters
    ----------
    model : transformers model, str or mapping
        A ``CLIPModel`` or ``SiglipModel`` in memory: it is saved into the cache, into a folder named by its content,
        and is not changed. Or a model as a spec names it, such as ``"openai/ViT-B-32"``, or a CLIP folder.
    processor : object or sequence of objects, optional
        For a model in memory: its processor, or tokenizer and image processor, of transformers. If not given, the
        files of the folder that the model was loaded from are taken.
    quantizers : sequence of str or mapping
        As in a spec; the baseline is added where it is not among them.
    benchmarks : str, or sequence of str or mapping
        As in a spec; or a preset's name, for the benchmarks of that. ``"demo"`` is drawn data: no download.
    baseline : str
        What the others are compared with.
    name : str, optional
        Of the run; the model's class and a part of its hash if not given.
    out : str or pathlib.Path, optional
        The run folder; ``qbench-runs/NAME`` if not given.
    **settings
        Any other key of a spec: ``limit``, ``device``, ``batch_size``, ``noise``, ….

    Returns
    -------
    Results
        Metrics, effects, items as pandas frames. Cells that failed are in ``results.cells``.

    Raises
    ------
    qbench.errors.InputError
        The model is none that qbench can save, or something is named that there is not.
    """
    from qbench.execution.in_memory import kept
    from qbench.spec.read import read_spec
    from qbench.spec.words import read_model
    from qbench.store.cache import Cache

    if isinstance(model, str | Path):
        named: Any = read_model(str(model)).model_dump()
    else:
        named = model if isinstance(model, Mapping) else kept(model, processor, Cache())
    labels = [q if isinstance(q, str) else q.get("label") or q.get("name") for q in quantizers]
    if isinstance(benchmarks, str):
        benchmarks = [benchmark.model_dump() for benchmark in read_spec(benchmarks).benchmarks]
    return run(
        {
            "name": name or named.get("label") or "evaluation",
            "baseline": baseline,
            "models": [named],
            "quantizers": [*([] if baseline in labels else [baseline]), *quantizers],
            "benchmarks": list(benchmarks),
            **settings,
        },
        out,
    )


def load(run_folder: str | Path) -> Results:
    """Read the results of a run folder. Needs no model, no data and no torch."""
    from qbench.results import load as read

    return read(Path(run_folder))
