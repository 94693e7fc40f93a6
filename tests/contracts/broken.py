"""Deliberately broken plugins, one defect each: what the contracts are there to catch. Light, as a plugin has to be.

The good ones are whole; each broken one changes one thing. `CAUGHT` says which check is meant to catch it.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
from dataclasses import dataclass, replace
from pathlib import Path

from qbench.api import (
    INDEX,
    Attribute,
    Benchmark,
    FolderSource,
    ImageLocation,
    Items,
    Located,
    MetricInfo,
    Metrics,
    ModelSource,
    Outcome,
    Prompts,
    QuantizationError,
    Quantizer,
    StatisticKind,
    StatisticRef,
    hookimpl,
    simulate,
)

CAUGHT: dict[str, tuple[str, str]] = {}
"""Record → the check that is there to catch it, and what that says."""


# --- quantizers


def rounded(weight, top=7):
    scale = weight.abs().amax(dim=1, keepdim=True).clamp(min=1e-12) / top
    return (weight / scale).round() * scale


def build(checkpoint, context, options):
    return simulate(checkpoint, context, lambda name, weight: (rounded(weight), 4 + 32 / weight.shape[1]))


def quantizer(name, caught="", said="", build=build, **changes):
    CAUGHT[name] = caught, said
    values = {"summary": "broken", "bits": 4, "batch_invariant": True, "requires": ("torch",)}
    return Quantizer(**{"name": name, "build": build, **values, **changes})


def quantizers_with(change):
    """A build that does `change(variant)` at the end, which gives the variant."""
    return lambda checkpoint, context, options: change(build(checkpoint, context, options))


def lies_that_all_is_quantized(checkpoint, context, options):
    """The text tower is left alone, and coverage says otherwise."""
    variant = simulate(checkpoint, context, lambda n, w: (rounded(w), 5) if n.startswith("vis") else None)
    layers = tuple(replace(x, quantized=True, bits=5.0, reason="", error=None) for x in variant.coverage.layers)
    return replace(variant, coverage=replace(variant.coverage, layers=layers))


def hides_a_layer(variant):
    """It was quantized, and coverage says that it was left alone."""
    first, *others = variant.coverage.layers
    hidden = replace(first, quantized=False, bits=32.0, reason="left alone, it says")
    return replace(variant, coverage=replace(variant.coverage, layers=(hidden, *others)))


def forgets_a_layer(variant):
    return replace(variant, coverage=replace(variant.coverage, layers=variant.coverage.layers[1:]))


def states_another_error(variant):
    layers = tuple(replace(x, error=0.01) for x in variant.coverage.layers)
    return replace(variant, coverage=replace(variant.coverage, layers=layers))


def counts_wrong(variant):
    return replace(variant, coverage=replace(variant.coverage, total_parameters=1))


def counts_in_numpy(variant):
    import numpy as np

    return replace(variant, coverage=replace(variant.coverage, model_bytes=np.int64(5)))


def quantizes_nothing(variant):
    layers = tuple(replace(x, quantized=False, reason="no") for x in variant.coverage.layers)
    return replace(variant, coverage=replace(variant.coverage, layers=layers))


def only_says_so(checkpoint, context, options):
    return simulate(checkpoint, context, lambda name, weight: (weight, 4.0))


def gives_up(checkpoint, context, options):
    raise QuantizationError("the method does not know this model")


def draws(checkpoint, context, options):
    """Stochastic rounding by the global random state."""
    import torch

    def rule(name, weight):
        scale = weight.abs().amax(dim=1, keepdim=True) / 7
        return (weight / scale + torch.rand_like(weight) - 0.5).round() * scale, 5.0

    return simulate(checkpoint, context, rule)


def changes_the_checkpoint(checkpoint, context, options):
    object.__setattr__(checkpoint, "preprocessing", replace(checkpoint.preprocessing, mean=(0.1, 0.1, 0.1)))
    return build(checkpoint, context, options)


def sees_the_batch(variant):
    """Activations are scaled over the whole batch."""
    inner = variant.encoder.encode_images

    def encode(pixels):
        found = inner(pixels)
        scale = abs(found).max() / 7
        return (found / scale).round() * scale

    variant.encoder.encode_images = encode
    return variant


def overflows(variant):
    inner = variant.encoder.encode_images
    variant.encoder.encode_images = lambda pixels: inner(pixels) * float("nan")
    return variant


def always_on_the_cpu(checkpoint, context, options):
    return build(checkpoint, dataclasses.replace(context, device="cpu"), options)


def on_some_gpu(checkpoint, context, options):
    """Only where there is a GPU, and then on the first one."""
    import torch

    if not torch.cuda.is_available():
        raise QuantizationError("there is no GPU")
    return build(checkpoint, dataclasses.replace(context, device="cuda"), options)


def on_a_gpu_though_it_says_cpu(checkpoint, context, options):
    return build(checkpoint, dataclasses.replace(context, device="cuda"), options)


def moves_to_some_gpu(checkpoint, context, options):
    """Loads on the CPU, which is fine, and moves the weights where it was not told to."""
    variant = build(checkpoint, dataclasses.replace(context, device="cpu"), options)
    if context.device != "cpu":
        variant.encoder.module.to("cuda:0")
    return variant


def loads_by_itself(checkpoint, context, options):
    """Past the checkpoint, which so is not asked for anything, and where it likes."""
    itself = type(checkpoint)(checkpoint.folder, checkpoint.identity, checkpoint.family)
    return build(itself, dataclasses.replace(context, device="cpu"), options)


def says_another_type(checkpoint, context, options):
    """bfloat16 it says, and one layer that was left alone is in float32."""
    variant = simulate(checkpoint, context, lambda n, w: None if n == "text_projection" else (rounded(w), 5.0))
    return replace(variant, dtype="bfloat16")


@dataclass(frozen=True)
class OddOptions:
    """An option that no spec can say."""

    where: Path = Path("x")


@dataclass
class LooseOptions:
    """Not frozen."""

    bits: int = 4


QUANTIZERS = [
    quantizer("good-quantizer"),
    quantizer("q a space", "test_the_name_can_be_used_in_a_spec", "must consist of letters"),
    quantizer("q-summary", "test_the_summary_is_one_line", "several lines", summary="two\nlines"),
    quantizer("q-path", "test_options_have_defaults_and_survive_a_round_trip", "not a plain value", options=OddOptions),
    quantizer("q-loose", "test_options_have_defaults_and_survive_a_round_trip", "is not frozen", options=LooseOptions),
    quantizer(
        "q-requires",
        "test_the_record_says_what_a_user_chooses_by",
        "not installed: no-such-distribution",
        requires=("no-such-distribution",),
    ),
    quantizer("q-lies", "test_coverage_is_true", "its weights are the original ones", lies_that_all_is_quantized),
    quantizer("q-hides", "test_coverage_is_true", "its weights differ", quantizers_with(hides_a_layer)),
    quantizer("q-forgets", "test_coverage_is_true", "name every Linear layer once", quantizers_with(forgets_a_layer)),
    quantizer(
        "q-error",
        "test_coverage_is_true",
        "states a weight error of 0.0100, but it is 0.",
        quantizers_with(states_another_error),
    ),
    quantizer("q-counts", "test_coverage_counts", "the model has", quantizers_with(counts_wrong)),
    quantizer("q-nothing", "test_coverage_counts", "nothing was quantized", quantizers_with(quantizes_nothing)),
    quantizer(
        "q-numpy", "test_coverage_survives_json", "a value that JSON cannot store", quantizers_with(counts_in_numpy)
    ),
    quantizer("q-draws", "test_the_same_comes_out_each_time", "a seed of its own", draws),
    quantizer(
        "q-changes", "test_the_input_model_is_not_changed", "the build changed the checkpoint", changes_the_checkpoint
    ),
    quantizer("q-batch", "test_batch_invariance_is_true", "image embeddings change", quantizers_with(sees_the_batch)),
    quantizer("q-nan", "test_embeddings_are_finite_and_float32", "not finite", quantizers_with(overflows)),
    quantizer("q-same", "test_quantizing_changes_embeddings", "those of the unquantized", only_says_so),
    quantizer("q-device", "test_another_device_is_asked_for", "the context says cuda:1", always_on_the_cpu),
    quantizer("q-gpu", "test_another_device_is_asked_for", r"asked for \['cuda'\]", on_some_gpu),
    quantizer("q-moves", "test_another_device_is_asked_for", r"asked for \['cpu', 'cuda:0'\]", moves_to_some_gpu),
    quantizer("q-itself", "test_another_device_is_asked_for", "asked for no weights", loads_by_itself),
    quantizer(
        "q-cpu",
        "test_another_device_is_asked_for",
        r"says cpu, but .* asked for \['cuda'\]",
        on_a_gpu_though_it_says_cpu,
        devices=("cpu",),
    ),
    quantizer("q-dtype", "test_device_and_dtype_are_honoured", "text_projection is in", says_another_type),
    quantizer("q-fails", "test_it_runs_and_its_results_are_read_back", "does not know this model", gives_up),
]


# --- a benchmark: two classes of images, in folders; protocol and metrics as they should be


class Good:
    """Zero-shot classification of what lies in ``val/<class>/``."""

    def __init__(self, options):
        self.options = options

    def data(self, root):
        import pandas as pd

        files = sorted(root.glob("val/*/*.JPEG"))
        names = [path.relative_to(root).as_posix() for path in files]
        table = pd.DataFrame({"item": names, "image": names, "label": [p.parent.name for p in files]}, dtype="str")
        return Items(
            table=table.assign(image_index=range(len(files))),
            images=tuple(ImageLocation(FolderSource(root), name) for name in names),
            root=root,
        )

    def prompts(self, items):
        import numpy as np

        classes = tuple(sorted(set(items.table["label"])))
        return Prompts(
            texts=tuple(f"a photo of {c}" for c in classes),
            targets=classes,
            target_of=np.arange(len(classes)),
            pool=False,
        )

    def predict(self, similarity, items):
        import numpy as np

        classes = np.array(self.prompts(items).targets)
        right = classes[similarity.items(0, len(items)).argmax(1)] == items.table["label"].to_numpy()
        chance = [{"name": "accuracy", "chance": 1 / len(classes), "where": {}}]
        table = items.table[["item", "image", "label"]].assign(correct=right)
        return Outcome(items=table, facts={"chance": chance})

    def measure(self, outcome, weights=None):
        import numpy as np
        import pandas as pd

        right = outcome.items["correct"].to_numpy().astype(float)
        weights = np.ones((1, len(right))) if weights is None else weights
        share = (weights * right).sum(1) / weights.sum(1)
        index = pd.DataFrame([("accuracy", "", "", "")], columns=list(INDEX), dtype="str")
        return Metrics(index=index, values=share[:, None], n=np.array([len(right)]))


class Twice(Good):
    """Every item has the same name."""

    def data(self, root):
        items = super().data(root)
        return replace(items, table=items.table.assign(item="the item"))


class Unsorted(Good):
    """Another order each time."""

    def data(self, root):
        items, Unsorted.calls = super().data(root), getattr(Unsorted, "calls", 0) + 1
        return replace(items, images=items.images[:: -1 if Unsorted.calls % 2 else 1])


class OutOfReach(Good):
    """An image that is not there."""

    def data(self, root):
        items = super().data(root)
        return replace(items, annotations=(Path("/etc/hostname"),))


class Unprompted(Good):
    """A target without a text."""

    def prompts(self, items):
        found = super().prompts(items)
        return replace(found, targets=(*found.targets, "another"))


class NumpyFacts(Good):
    """Facts that JSON does not have."""

    def predict(self, similarity, items):
        import numpy as np

        found = super().predict(similarity, items)
        return replace(found, facts={**found.facts, "hits": np.int64(found.items["correct"].sum())})


class Remembers(Good):
    """What is measured depends on what the task has seen, which is not stored."""

    def data(self, root):
        self.seen = True
        return super().data(root)

    def measure(self, outcome, weights=None):
        found = super().measure(outcome, weights)
        return found if hasattr(self, "seen") else replace(found, values=found.values / 2)


class Undeclared(Good):
    """A metric that the record does not know."""

    def measure(self, outcome, weights=None):
        import numpy as np
        import pandas as pd

        found = super().measure(outcome, weights)
        more = pd.DataFrame([("f1", "", "", "")], columns=list(INDEX), dtype="str")
        return Metrics(
            index=pd.concat([found.index, more], ignore_index=True),
            values=np.hstack([found.values, found.values]),
            n=np.repeat(found.n, 2),
        )


class PerCent(Good):
    """A share in per cent."""

    def measure(self, outcome, weights=None):
        found = super().measure(outcome, weights)
        return replace(found, values=found.values * 100)


class WrongStatistic(Good):
    """The share of wrong answers, declared as the share of right ones."""

    def measure(self, outcome, weights=None):
        found = super().measure(outcome, weights)
        return replace(found, values=1 - found.values * 0.9)


class Unweighted(Good):
    """Weights are taken and not used."""

    def measure(self, outcome, weights=None):
        import numpy as np

        found = super().measure(outcome)
        return replace(found, values=np.repeat(found.values, 1 if weights is None else len(weights), axis=0))


class Edits(Good):
    """Predicting edits the items."""

    def predict(self, similarity, items):
        items.table["label"] = items.table["label"].to_numpy()[::-1]
        return super().predict(similarity, items)


class OddPairs(Good):
    """A pair of a group that does not exist."""

    def data(self, root):
        items = super().data(root)
        kind = Attribute(name="kind", groups=("a", "b"), pairs=(("a", "c"),))
        return replace(items, attributes=(kind,), table=items.table.assign(kind="a"))


class NoChance(Good):
    """It does not say what guessing would reach."""

    def predict(self, similarity, items):
        return replace(super().predict(similarity, items), facts={})


class AllOrNothing(Good):
    """Less than all items: no number."""

    def measure(self, outcome, weights=None):
        found = super().measure(outcome, weights)
        return found if len(outcome.items) == 8 else replace(found, index=found.index[:0])


def benchmark(name, caught="", said="", load=Good, **changes):
    CAUGHT[name] = caught, said
    metric = MetricInfo(
        name="accuracy", better="higher", unit="share", summary="right answers", statistic=StatisticRef("share")
    )
    values = {"summary": "broken", "protocol": "1", "metrics": (metric,)}
    return Benchmark(**{"name": name, "load": load, **values, **changes})


BENCHMARKS = [
    benchmark("good-benchmark"),
    benchmark("b-protocol", "test_the_record_says_what_a_user_chooses_by", "protocol is empty", protocol=""),
    benchmark("b-twice", "test_items_are_unique_and_in_the_schema", "duplicate item IDs", Twice),
    benchmark("b-pairs", "test_attributes_and_pairs_are_consistent", "are not groups of it", OddPairs),
    benchmark("b-unsorted", "test_the_same_items_come_each_time", "", Unsorted),
    benchmark("b-outside", "test_images_and_annotations_exist", "is not below", OutOfReach),
    benchmark("b-unprompted", "test_prompts_are_texts_with_targets", "a target has no text", Unprompted),
    benchmark("b-chance", "test_outcomes_are_in_the_schema", "facts lack chance", NoChance),
    benchmark("b-facts", "test_outcomes_survive_json_and_parquet", "cannot be stored", NumpyFacts),
    benchmark("b-remembers", "test_measuring_needs_the_stored_outcome_only", "", Remembers),
    benchmark("b-undeclared", "test_numbers_are_named_and_declared", "not declared: f1", Undeclared),
    benchmark("b-per-cent", "test_numbers_lie_where_their_unit_says", "accuracy is not between 0 and 1", PerCent),
    benchmark("b-statistic", "test_declared_statistics_are_true", "of the stored items it is", WrongStatistic),
    benchmark("b-unweighted", "test_weights_are_used", "the weights change nothing", Unweighted),
    benchmark("b-edits", "test_predicting_changes_no_item", "", Edits),
    benchmark("b-whole", "test_a_part_of_the_items_can_be_run", "nothing was measured", AllOrNothing),
]


# --- statistics: the mean of a column, and what can be wrong with one


def statistic(name, caught="", said="", tables=None, **wrong):
    CAUGHT[name] = caught, said

    def make(options):
        return _mean_of_scores(wrong)

    return StatisticKind(name=name, summary="broken", make=make, tables=tables or {})


def _mean_of_scores(wrong):
    import numpy as np

    from qbench.api.statistics import ZERO_MEAN, StandardErrorStatistic, linear_change

    class MeanScore(StandardErrorStatistic):
        """The mean of the column ``score``; `wrong` says what it gets wrong."""

        def estimate(self, measured, number):
            score = measured.outcome.items["score"].to_numpy(dtype=float)
            weights = (
                measured.weights if measured.weights is not None and "unweighted" not in wrong else np.ones(len(score))
            )
            return float(weights @ score / weights.sum()) if weights.sum() else float("nan")

        def judge(self, metric, comparison, ledger, settings):
            before, after = (x.items["score"].to_numpy(dtype=float) for x in (comparison.before, comparison.after))
            stratum = np.zeros(len(before), dtype=int)
            found = linear_change(after - before, stratum, [1.0], comparison.image)
            level = linear_change(after + before, stratum, [1.0], comparison.image)
            rows = ledger.rows(metric=metric)
            if "adds" in wrong:
                ledger.add_row(wrong["adds"], total=float((after - before).sum()))
            if "silent" in wrong or (found.reason and "certain" not in wrong):
                ledger.put(rows, why=found.reason or "nothing is said")
                return
            se = found.se * wrong.get("narrow", 1.0) * (1 + wrong.get("random", 0.0) * np.random.default_rng().random())
            if "certain" in wrong and not (after - before).any():
                se = 0.0
            null = "" if "mute" in wrong else ZERO_MEAN
            sum_se = float("nan") if "unsure" in wrong else level.se * wrong.get("sure", 1.0)
            ledger.put(rows, method="mean", null=null, se=se, df=found.df, sum_se=sum_se)

        def bounds(self, effects, confidence):
            low, high = super().bounds(effects, confidence)
            if "fixed" in wrong:
                return super().bounds(effects, np.asarray(1 - confidence / 2))
            return low, high

    return MeanScore()


STATISTICS = [
    statistic("good-statistic"),
    statistic("good-tables", tables={"good-sums": ("total",)}, adds="good-sums"),
    statistic("t-table", "test_added_tables_are_declared", "not among the declared tables", adds="t-sums"),
    statistic("t-taken", "test_added_tables_are_declared", "is the name of one of qbench's", tables={"flips": ()}),
    statistic(
        "t-column",
        "test_added_tables_are_declared",
        "lacks error",
        tables={"t-sums": ("total", "error")},
        adds="t-sums",
    ),
    statistic("t-unweighted", "test_the_estimate_follows_the_weights", "weights are not what", unweighted=True),
    statistic("t-random", "test_the_same_data_give_the_same_answer", "", random=0.5),
    statistic("t-narrow", "test_intervals_cover_the_truth", "hold the truth in", narrow=0.5),
    statistic("t-silent", "test_intervals_cover_the_truth", "only 0 of", silent=True),
    statistic("t-fixed", "test_intervals_are_nested", "are not nested", fixed=True),
    statistic("t-mute", "test_tests_and_sizes_are_in_range", "does not say what it tests", mute=True),
    statistic("t-sure", "test_the_error_of_the_level_is_its_spread", "sum_se is too small", sure=0.3),
    statistic("t-unsure", "test_the_error_of_the_level_is_its_spread", "not given although", unsure=True),
    statistic("t-certain", "test_degenerate_data_are_no_certainty", "has no length", certain=True),
]


# --- model sources: the tiny CLIP, opened by the real source


@dataclass(frozen=True, kw_only=True)
class PathOptions:
    """Where the folder is."""

    path: str = ""


def opened(checkpoint, options):
    from qbench.plugins.registry import installed

    record = installed().model("clip").record
    return record.open(checkpoint, record.options(path=options.path))


def located(checkpoint, options):
    return Located(ready=True, where=options.path)


def opened_with(change):
    def open_(checkpoint, options):
        found = opened(checkpoint, options)
        change(found)
        return found

    return open_


COUNTER = itertools.count()


def same_fingerprint(found):
    found.identity = replace(found.identity, fingerprint="0" * 64)


def new_identity(found):
    found.identity = replace(found.identity, revision=str(next(COUNTER)))


def loading(change):
    """Change what every load gives."""

    def apply(found):
        inner = found.load
        found.load = lambda **how: change(inner, **how)

    return apply


def always_float32(inner, *, device, dtype, quantization_config=None):
    return inner(device=device, dtype="float32")


def loads_what_it_rules_out(found):
    """Float32 only, it says, and loads float16 too."""
    found.dtypes = ("float32",)


def shared(found):
    """One encoder for every load."""
    found.load = functools.lru_cache(found.load)


def without_deviation(found):
    found.preprocessing = replace(found.preprocessing, std=(1.0, 0.0, 1.0))


def shows_zeros(found):
    inner = found.weight
    found.weight = lambda name: None if (weight := inner(name)) is None else weight * 0


def crashes(checkpoint, options):
    """A KeyError of its own where it finds nothing."""
    if not Path(options.path).is_dir():
        raise KeyError(options.path)
    return opened(checkpoint, options)


def noisy(inner, **how):
    """Each load draws its own noise."""
    encoder, noise = inner(**how), next(COUNTER)
    images = encoder.encode_images
    encoder.encode_images = lambda pixels: images(pixels) + noise
    return encoder


def centred(inner, **how):
    """Embeddings less the mean of their batch."""
    encoder = inner(**how)
    images = encoder.encode_images
    encoder.encode_images = lambda pixels: (found := images(pixels)) - 0.5 * found.mean(0, keepdims=True)
    return encoder


def blind(inner, **how):
    """Every text is the same to it."""
    encoder = inner(**how)
    texts = encoder.encode_texts
    encoder.encode_texts = lambda words: texts(["a"] * len(words))
    return encoder


def in_float64(inner, **how):
    encoder = inner(**how)
    images = encoder.encode_images
    encoder.encode_images = lambda pixels: images(pixels).astype("float64")
    return encoder


def asks_the_network(checkpoint, options):
    import socket

    socket.getaddrinfo("localhost", 80)
    return located(checkpoint, options)


def source(name, caught="", said="", **changes):
    CAUGHT[name] = caught, said
    values = {"summary": "broken", "locate": located, "open": opened, "options": PathOptions, "requires": ("torch",)}
    return ModelSource(**{"name": name, **values, **changes})


def source_with(name, caught, said, change):
    return source(name, caught, said, open=opened_with(change))


SOURCES = [
    source("good-source"),
    source("s-requires", "test_the_record_says_what_a_user_chooses_by", "requires is empty", requires=()),
    source("s-network", "test_locating_asks_no_network", "opens a connection", locate=asks_the_network),
    source_with("s-fixed", "test_the_fingerprint_follows_every_file", "does not cover config.json", same_fingerprint),
    source_with("s-identity", "test_the_identity_names_the_weights", "the identity differs", new_identity),
    source_with("s-grey", "test_preprocessing_is_plain_data", "not above zero", without_deviation),
    source_with("s-dtype", "test_device_and_dtype_are_honoured", "float16 was asked for", loading(always_float32)),
    source_with("s-types", "test_device_and_dtype_are_honoured", "DID NOT RAISE", loads_what_it_rules_out),
    source_with("s-shared", "test_two_encoders_share_no_weights", "share their weights", shared),
    source_with("s-batch", "test_an_embedding_does_not_depend_on_its_batch", "image embeddings", loading(centred)),
    source_with("s-blind", "test_different_inputs_embed_differently", "every text has the same", loading(blind)),
    source_with("s-wide", "test_embeddings_are_finite_and_float32", "are float64", loading(in_float64)),
    source_with("s-noisy", "test_the_same_comes_out_each_time", "embed differently", loading(noisy)),
    source_with("s-shows", "test_it_shows_its_layers_without_being_loaded", "weight differs", shows_zeros),
    source("s-crash", "test_what_is_not_there_is_said_in_words", "", open=crashes),
]


@hookimpl
def qbench_quantizers():
    return QUANTIZERS


@hookimpl
def qbench_benchmarks():
    return BENCHMARKS


@hookimpl
def qbench_models():
    return SOURCES


@hookimpl
def qbench_statistics():
    return STATISTICS
