"""The hooks that a plugin may implement. Each takes no arguments and yields records.

A plugin is a module that the entry-point group ``qbench`` names::

    # pyproject.toml of your distribution
    [project.entry-points.qbench]
    my-plugin = "my_package"

qbench imports this module whenever it lists or plans anything, so it must be light: import torch, pandas and other
heavy packages inside the functions that need them. The docstring of each hook shows a complete module.
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from qbench.plugins.records import (
    Benchmark,
    Dataset,
    Executor,
    ModelSource,
    Probe,
    Quantizer,
    ReportSection,
    StatisticKind,
)

PROJECT = "qbench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def qbench_models() -> Iterable[ModelSource]:
    """Model sources: where checkpoints come from.

    A complete plugin. Its "model" embeds an image by its mean colour and a text by the letters in it, and needs no
    torch::

        from qbench.api import Geometry, Identity, Located, ModelError, ModelSource, Preprocessing, hookimpl
        from qbench.api.models import key_of

        LETTERS = ("aeiou", "rst", "ln")


        class Encoder:
            def encode_images(self, pixels):  # (b, height, width, 3) uint8 -> (b, 3) float32
                return pixels.mean(axis=(1, 2)).astype("float32") + 1

            def encode_texts(self, texts):  # b strings -> (b, 3) float32
                import numpy as np

                counts = [[sum(map(text.count, letters)) + len(text) for letters in LETTERS] for text in texts]
                return np.array(counts, dtype="float32") + 1

            def close(self):
                pass  # holds no memory


        class Checkpoint:
            # Everything that decides an embedding enters the fingerprint; here that is the letters.
            identity = Identity(
                source="colour",
                checkpoint="mean",
                architecture="MeanColour",
                revision="1",
                fingerprint=key_of({"letters": LETTERS}),
            )
            preprocessing = Preprocessing(geometry=Geometry(size=32))
            dtypes = ("float32",)  # without it, every type that `load` may be asked for has to work

            def load(self, *, device, dtype, quantization_config=None):
                if dtype not in self.dtypes or quantization_config is not None:
                    raise ModelError(f"the mean colour is computed in float32, not in {dtype}")
                return Encoder()


        @hookimpl
        def qbench_models():
            yield ModelSource(
                name="colour",
                summary="the mean colour of an image",
                checkpoints={"mean": "red, green and blue"},
                locate=lambda checkpoint, options: Located(ready=True, where="inside the plugin"),
                open=lambda checkpoint, options: Checkpoint(),
                requires=("numpy",),
            )

    In a spec: ``models = ["colour/mean"]``. A source of files on disk has options of its own (``path``) and uses
    `qbench.api.models.file_digests` for the fingerprint; ``qbench new model`` writes one.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_quantizers() -> Iterable[Quantizer]:
    """Quantizers and control arms.

    A complete plugin that rounds the weights of every Linear layer to ``2 ** bits - 1`` levels per row::

        from dataclasses import dataclass

        from qbench.api import Quantizer, hookimpl, simulate


        @dataclass(frozen=True, kw_only=True)
        class Options:
            bits: int = 4


        def build(checkpoint, context, options):
            def rule(name, weight):  # the (outputs, inputs) float32 tensor of one layer -> new weights, bits per weight
                scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / (2 ** (options.bits - 1) - 1)
                return (weight / scale).round() * scale, options.bits + 32 / weight.shape[1]

            return simulate(checkpoint, context, rule)


        @hookimpl
        def qbench_quantizers():
            yield Quantizer(
                name="rounded",
                summary="round to nearest, one scale per row (simulated)",
                bits=4,
                build=build,
                options=Options,
                batch_invariant=True,
                requires=("torch", "transformers"),
            )

    In a spec: ``quantizers = ["fp32", "rounded", { name = "rounded", options = { bits = 3 } }]``.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_benchmarks() -> Iterable[Benchmark]:
    """Benchmarks.

    A complete plugin: zero-shot classification of images in one folder per class (``ROOT/cat/1.png``)::

        from qbench.api import (
            INDEX, Benchmark, FolderSource, ImageLocation, Items, MetricInfo, Metrics, Outcome, Prompts, StatisticRef
        )
        from qbench.api import hookimpl


        class Folders:
            def data(self, root):  # reads names only; opens no image
                import pandas as pd

                names = sorted(file.relative_to(root).as_posix() for file in root.glob("*/*.png"))
                labels = [name.partition("/")[0] for name in names]
                table = pd.DataFrame({"item": names, "image": names, "label": labels}, dtype="str")
                table["image_index"] = range(len(names))  # the position of each item's image in `images`
                images = tuple(ImageLocation(FolderSource(root), name) for name in names)
                return Items(table=table, images=images, root=root)

            def prompts(self, items):
                import numpy as np

                classes = tuple(sorted(set(items.table["label"])))
                texts = tuple(f"a photo of a {name}." for name in classes)
                return Prompts(texts=texts, targets=classes, target_of=np.arange(len(classes)), pool=False)

            def predict(self, similarity, items):  # (items, classes) cosine similarities -> one row per item
                import numpy as np

                classes = np.array(self.prompts(items).targets)
                answers = classes[similarity.items(0, len(items)).argmax(axis=1)]
                table = items.table[["item", "image", "label"]]
                table = table.assign(prediction=answers, correct=answers == table["label"].to_numpy())
                chance = [{"name": "accuracy", "chance": 1 / len(classes), "where": {}}]
                return Outcome(items=table, facts={"chance": chance})

            def measure(self, outcome, weights=None):  # (b, items) weights -> (b, numbers) values
                import numpy as np
                import pandas as pd

                correct = outcome.items["correct"].to_numpy(float)
                weights = np.ones((1, len(correct))) if weights is None else weights
                index = pd.DataFrame([("accuracy", "", "", "")], columns=list(INDEX), dtype="str")
                values = (weights @ correct / weights.sum(axis=1))[:, None]
                return Metrics(index=index, values=values, n=np.array([len(correct)]))


        @hookimpl
        def qbench_benchmarks():
            accuracy = MetricInfo(
                name="accuracy",
                better="higher",
                unit="share",
                summary="Share of images whose class is the most similar one.",
                statistic=StatisticRef("share"),
            )
            yield Benchmark(
                name="folders",
                summary="zero-shot classification, one folder per class",
                protocol="1",
                metrics=(accuracy,),
                load=lambda options: Folders(),
            )

    In a spec: ``benchmarks = [{ name = "folders", root = "/data/pets" }]``.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_datasets() -> Iterable[Dataset]:
    """Datasets that are written into the cache folder when a spec names them, in the layout of a benchmark.

    A complete plugin that writes two grey squares in FairFace's layout::

        from qbench.api import Dataset, hookimpl


        def write(folder):  # an empty folder; the same bytes each time
            from PIL import Image

            (folder / "val").mkdir()
            rows = ["file,age,gender,race,service_test"]
            for i, (age, gender) in enumerate([("20-29", "Female"), ("30-39", "Male")]):
                Image.new("RGB", (64, 64), (100 * i, 100, 100)).save(folder / "val" / f"{i}.jpg")
                rows.append(f"val/{i}.jpg,{age},{gender},Black,True")
            (folder / "fairface_label_val.csv").write_text("\\n".join(rows) + "\\n", encoding="utf-8")


        @hookimpl
        def qbench_datasets():
            yield Dataset(
                name="grey",
                summary="two grey squares",
                version="1",
                write=write,
                licence="CC0",
                note="These are grey squares: numbers on them mean nothing.",
            )

    In a spec: ``benchmarks = [{ name = "fairface", dataset = "grey" }]``.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_probes() -> Iterable[Probe]:
    """Probes: ways to ask a model.

    A complete plugin: a model is asked how bright each image is, and a benchmark that accepts the probe gets one number
    per image::

        from qbench.api import hookimpl
        from qbench.api.probes import AnswerPart, ModelProvider, Probe, Questions


        class Brightness(ModelProvider):  # the variant runs on this machine
            def answers(self, asking):
                def compute(encoder, rows):  # one batch: the images with these numbers
                    return encoder.brightness(asking.pixels()[rows])  # of (images, size, size, 3) uint8

                # Probe, variant, batches, images and preprocessing are in the key already; nothing else decides it.
                yield AnswerPart(name="brightness", parts={}, count=len(asking.items.images), compute=compute)

            def timed_work(self, asking):
                batch = asking.pixels()[: asking.batch_size].copy()
                return {"brightness": lambda encoder: encoder.brightness(batch)}


        class Method:
            def provider(self, name):
                return Brightness()

            def questions(self, task, items):  # what the task asks: here a threshold
                return Questions(content=task.threshold, digest=str(task.threshold), count=1)

            def outcome(self, task, items, questions, answers):
                bright = answers["brightness"][items.table["image_index"].to_numpy()] > questions.content
                return task.judge(items, bright)

            def drift(self, items, baseline, variant):
                moved = abs(baseline["brightness"] - variant["brightness"])[items.table["image_index"].to_numpy()]
                return items.table[["item"]].assign(cosine=1 - moved)


        @hookimpl
        def qbench_probes():
            yield Probe(name="brightness", summary="how bright an image is", load=Method)

    It needs no entry in a spec: model sources and benchmarks say ``probes=("brightness",)`` in their records.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_executors() -> Iterable[Executor]:
    """Executors: ways to execute the work units of a run.

    A complete plugin: every unit in a process of its own, one after another::

        from qbench.api import hookimpl
        from qbench.api.executors import Executor


        class Processes:
            def __init__(self, options):
                pass

            def execute(self, units, work, done):
                from concurrent.futures import ProcessPoolExecutor
                from multiprocessing import get_context

                failed = set()
                for unit in units:  # each stands after those that it depends on
                    if failed.isdisjoint(unit.after):
                        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
                            result = pool.submit(work, unit.to_json()).result()
                        done(result)
                        if result.problem is None:
                            continue
                    failed.add(unit.id)


        @hookimpl
        def qbench_executors():
            yield Executor(name="processes", summary="every unit in a process of its own", load=Processes)

    In a spec: ``executor = "processes"``.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_statistics() -> Iterable[StatisticKind]:
    """Statistics: how a metric's numbers are made, and how their changes are judged.

    A complete plugin for the mean confidence of a classifier, whose change is a mean of differences::

        from qbench.api import StatisticKind, hookimpl


        def make(options):
            import numpy as np

            from qbench.api.statistics import ZERO_MEAN, StandardErrorStatistic, linear_change

            def inside(items, attribute, group):
                return np.ones(len(items), dtype=bool) if not attribute else (items[attribute] == group).to_numpy()

            class MeanConfidence(StandardErrorStatistic):
                def estimate(self, measured, number):
                    items = measured.outcome.items
                    weights = np.ones(len(items)) if measured.weights is None else measured.weights
                    weights = weights * inside(items, number.attribute, number.group)
                    total = weights.sum()
                    return float(weights @ items["confidence"].to_numpy() / total) if total else float("nan")

                def judge(self, metric, comparison, ledger, settings):
                    before, after = (x.items["confidence"].to_numpy() for x in (comparison.before, comparison.after))
                    for row in ledger.rows(metric=metric, classes=False):
                        names = (ledger.column(name)[row] for name in ("attribute", "group"))
                        stratum = np.where(inside(comparison.before.items, *names), 0, -1)
                        found = linear_change(after - before, stratum, [1.0], comparison.image)
                        if found.reason:
                            ledger.put([row], why=found.reason)
                        else:
                            ledger.put([row], method="closed form", null=ZERO_MEAN, se=found.se, df=found.df)
                            ledger.influence[int(row)] = found.influence

            return MeanConfidence()


        @hookimpl
        def qbench_statistics():
            yield StatisticKind(name="mean-confidence", summary="mean confidence of the predictions", make=make)

    A metric declares it by ``MetricInfo(..., statistic=StatisticRef("mean-confidence"))``. It then has an interval, a
    verdict, a row in the gate and a place in the report, without the benchmark's plugin.
    """
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_report_sections() -> Iterable[ReportSection]:
    """Sections of the report.

    A complete plugin that shows the largest change of each quantizer::

        from qbench.api import Column, Entry, ReportSection, Table, Text, hookimpl


        def render(results, context):
            effects = results.effects.dropna(subset=["change"])
            if effects.empty:
                yield Text("There is nothing to compare with the baseline.", absent=True)
                return
            rows = []
            for quantizer, changes in effects.groupby("quantizer"):
                largest = changes.loc[changes["change"].abs().idxmax()]
                rows.append([Entry(quantizer, "name"), Entry(largest["metric"]), Entry(f"{largest['change']:+.3f}")])
            columns = [Column("Quantizer"), Column("Metric"), Column("Change", numeric=True)]
            yield Table(caption=f"Largest change against {context.baseline}", columns=columns, rows=rows)


        @hookimpl
        def qbench_report_sections():
            yield ReportSection(name="largest-changes", title="Largest changes", render=render, before="flips")

    It needs no entry in a spec: ``qbench report RUN`` shows the sections of every installed plugin.
    """
    raise AssertionError("a hook specification is never called")
