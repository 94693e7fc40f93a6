"""qbench: what quantizing a vision-language model does to its accuracy, and to the people in the images.

What the command line does can be done from Python::

    import qbench

    results = qbench.run("demo", out="runs/demo")
    results.metrics                     # a pandas frame
    qbench.load("runs/demo").metrics    # the same, later

    qbench.evaluate(model, processor, quantizers=["hf-int4"])  # a model in memory

Importing this package imports nothing heavy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from qbench.diagnosis.diagnose import Diagnosis
    from qbench.gate import Policy
    from qbench.results import Results
    from qbench.spec.model import RunSpec
    from qbench.tuning.record import Tuning

__all__ = ["ablate", "diagnose", "evaluate", "load", "run", "tune"]


def run(
    spec: str | Path | Mapping[str, Any] = "demo",
    out: str | Path | None = None,
    *,
    shard: tuple[int, int] | None = None,
    executor: str | Mapping[str, Any] | None = None,
) -> Results:
    """Run a spec and read its results. Cells that were computed before are not computed again.

    Parameters
    ----------
    spec : str, pathlib.Path or mapping
        The name of a preset, the path of a TOML file, or the content of such a file.
    out : str or pathlib.Path, optional
        The run folder; ``qbench-runs/NAME`` if not given.
    shard : tuple of int, optional
        ``(i, n)``: compute the `i`-th of `n` parts only, counted from 1. Other processes compute the others,
        in any order or at once, into the same run folder and cache folder. The last one analyses the run.
    executor : str or mapping, optional
        What executes the work, in place of what the spec says: ``"ray"``, or
        ``{"name": "ray", "options": {"address": "auto"}}``. It changes no result.

    Returns
    -------
    Results
        Metrics, effects and items as pandas frames. Cells that failed are in ``results.cells``. After a shard that is
        not the last one, of the cells that are there.

    Raises
    ------
    qbench.errors.InputError
        The spec is wrong, or nothing of it can be run; or there is no such shard.
    """
    from qbench.spec.read import read_spec, validate

    wanted = read_spec(spec)
    if executor is not None:
        wanted = validate({**wanted.model_dump(), "executor": executor}, where="the spec", base=Path.cwd())
    return _run(wanted, out, shard)


def _run(wanted: RunSpec, out: str | Path | None, shard: tuple[int, int] | None = None) -> Results:
    from qbench.execution.plan import default_folder
    from qbench.execution.run import execute
    from qbench.execution.sharding import Shard
    from qbench.results.analysis import analysed
    from qbench.runfolder.exchange import place

    part = Shard(*shard) if shard is not None else None
    with place(out if out is not None else default_folder(wanted), part.copy if part else "run") as (folder, exchange):
        done = execute(wanted, folder, shard=part, exchange=exchange)
        if not done.complete:
            return load(folder)
        results = analysed(load(folder))
        if exchange is not None:
            exchange.conclude()
        return results


def ablate(
    spec: str | Path | Mapping[str, Any],
    by: Literal["part", "block", "layer", "kind", "head"] = "block",
    *,
    leave_one_out: bool = False,
    model: str | None = None,
    quantizer: str | None = None,
    benchmark: str | None = None,
    out: str | Path | None = None,
) -> Results:
    """Quantize one part of the models at a time, to find the parts that carry a change.

    Parameters
    ----------
    spec : str, pathlib.Path or mapping
        As for `run`. Each of its quantizers is ablated; control arms are not.
    by : {"part", "block", "layer", "kind", "head"}
        What is one part: a tower or a projection, a transformer block, a layer, all layers of a kind, or an attention
        head.
    leave_one_out : bool
        Quantize all parts but one, instead of one part only; not by head.
    model : str, optional
        The label of the only model that is ablated: models with different parts are ablated one by one.
    quantizer, benchmark : str, optional
        The labels of the only quantizer that is ablated, and of the only benchmark that is asked.
    out : str or pathlib.Path, optional
        The run folder; ``qbench-runs/NAME`` if not given, with what is ablated in the name.

    Returns
    -------
    Results
        Those of an ordinary run with many variants; ``results.ablation`` has the change that goes with each part.

    Raises
    ------
    qbench.errors.InputError
        The spec is wrong, a quantizer cannot be told which layers to change, or nothing can be run.
    """
    from qbench.execution.ablation import ablated
    from qbench.execution.plan import narrowed
    from qbench.plugins.registry import installed
    from qbench.spec.read import read_spec

    whole = narrowed(read_spec(spec), installed(), model=model, quantizer=quantizer, benchmark=benchmark)
    return _run(ablated(whole, by, leave_one_out=leave_one_out), out)


def tune(
    spec: str | Path | Mapping[str, Any],
    policy: Policy | Mapping[str, Any] | str | Path | None = None,
    by: Literal["part", "block", "layer", "kind"] = "block",
    *,
    seed: int = 0,
    model: str | None = None,
    out: str | Path | None = None,
) -> Tuning:
    """Find the configuration with the fewest bits that passes a policy, and confirm it on items that were not used.

    Parameters
    ----------
    spec : str, pathlib.Path or mapping
        As for `run`. Its quantizers are tried in the order of their bits per weight; one that does not pass is tried
        without the parts that cost most, too. One configuration is chosen for all models of the spec.
    policy : Policy, mapping, str or pathlib.Path, optional
        What a configuration may lose: a policy, what its file would say, or the file. That of the spec if not given,
        else the built-in one.
    by : {"part", "block", "layer", "kind"}
        What is left out at once.
    seed : int
        Of the division of the items into two halves.
    model : str, optional
        The label of the only model for which a configuration is looked for; all models of the spec if not given.
    out : str or pathlib.Path, optional
        The folder of the search; ``qbench-runs/NAME-tuned`` if not given.

    Returns
    -------
    Tuning
        ``chosen``, ``confirmed``, ``spec`` (the file that was written, or `None`), ``exit_code``, and every step.

    Raises
    ------
    qbench.errors.InputError
        The spec or the policy is wrong, nothing can be run, an image would be in both halves, or the second half was
        used before to confirm something else.
    """
    from qbench.spec.read import read_spec
    from qbench.tuning.tune import tuner

    return tuner(read_spec(spec), policy, by=by, seed=seed, model=model, out=out, run=_run).tune()


def diagnose(
    spec: str | Path | Mapping[str, Any],
    reference: str | Path | Mapping[str, Any] | None = None,
    *,
    model: str | None = None,
    quantizer: str | None = None,
    out: str | Path | None = None,
) -> Diagnosis:
    """Find the step between a reference and a variant that loses accuracy, by running the variants between them.

    Parameters
    ----------
    spec : str, pathlib.Path or mapping
        As for `run`, with the model and the quantizer that are diagnosed.
    reference : str, pathlib.Path or mapping, optional
        The checkpoint from which the model was made, as in a spec or as the path of a checkpoint. Without it only the
        quantizer is looked at.
    model, quantizer : str, optional
        The labels of what is diagnosed, where the spec has several.
    out : str or pathlib.Path, optional
        The folder of all steps; ``qbench-runs/NAME-diagnosis`` if not given.

    Returns
    -------
    Diagnosis
        ``links`` (what each step loses), ``named`` (the steps with which a loss goes), ``towers`` and ``total``.

    Raises
    ------
    qbench.errors.InputError
        The spec is wrong, several variants could be meant, there is nothing to look at, or the first step cannot be
        run.
    """
    from qbench.diagnosis.diagnose import diagnoser
    from qbench.spec.read import read_spec

    return diagnoser(read_spec(spec), reference, model=model, quantizer=quantizer, out=out).diagnose()


def evaluate(
    model: Any,
    processor: Any = None,
    *,
    quantizers: Sequence[str | Mapping[str, Any]] | None = None,
    benchmarks: str | Sequence[str | Mapping[str, Any]] = "demo",
    baseline: str = "",
    name: str = "",
    out: str | Path | None = None,
    **settings: Any,
) -> Results:
    """Quantize one model in several ways and measure it: a run without a spec file.

    Parameters
    ----------
    model : transformers model, str or mapping
        A ``CLIPModel`` or ``SiglipModel`` in memory; it is saved into a folder of the cache folder, which is named by
        its content, and is not changed. Or a model as a spec names it, such as ``"openai/ViT-B-32"``. Or the path of
        a CLIP checkpoint.
    processor : object or sequence of objects, optional
        For a model in memory: the processor of transformers, or its tokenizer and image processor. If not given, the
        files are taken from the folder from which the model was loaded.
    quantizers : sequence of str or mapping
        As in a spec; the baseline is added if it is not among them. If not given, those of the preset ``demo``.
    benchmarks : str, or sequence of str or mapping
        As in a spec; or the name of a preset, for the benchmarks of that preset that ask the same models as its first
        one. Those of ``"demo"`` are drawings and need no download.
    baseline : str
        The quantizer with which the others are compared; if not given, that of the preset ``demo``.
    name : str, optional
        The name of the run; the model's class and a part of its hash if not given.
    out : str or pathlib.Path, optional
        The run folder; ``qbench-runs/NAME`` if not given.
    **settings
        Any other key of a spec, such as ``limit``, ``device``, ``batch_size`` or ``noise``.

    Returns
    -------
    Results
        Metrics, effects, items as pandas frames. Cells that failed are in ``results.cells``.

    Raises
    ------
    qbench.errors.InputError
        qbench cannot save the model, or a name is unknown.
    """
    from qbench.execution.in_memory import kept
    from qbench.execution.model_names import find_model
    from qbench.plugins.registry import installed
    from qbench.spec.read import read_spec
    from qbench.store.cache import Cache

    if isinstance(model, str | Path):
        named: Any = find_model(str(model), installed()).model_dump()
    else:
        named = model if isinstance(model, Mapping) else kept(model, processor, Cache(), installed())
    preset = read_spec("demo")
    baseline = baseline or preset.baseline
    quantizers = [q.model_dump() for q in preset.quantizers] if quantizers is None else quantizers
    labels = [q if isinstance(q, str) else q.get("label") or q.get("name") for q in quantizers]
    if isinstance(benchmarks, str):
        first, *others = read_spec(benchmarks).benchmarks
        alike = [first, *(other for other in others if other.models == first.models)]
        benchmarks = [benchmark.model_dump(exclude={"models"}) for benchmark in alike]
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
    from qbench.runfolder.exchange import run_folder as folder_of

    return read(folder_of(run_folder))
