"""A benchmark: two classes of images, in folders; and what can be wrong with one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

from broken.caught import CAUGHT
from qbench.api import (
    INDEX,
    Attribute,
    Benchmark,
    FolderSource,
    ImageLocation,
    Items,
    MetricInfo,
    Metrics,
    Outcome,
    Prompts,
    StatisticRef,
)
from qbench.api.benchmarks import Unavailable

COUNTER = itertools.count()


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


class Restless(Good):
    """Other prompts each time."""

    def prompts(self, items):
        prompts = super().prompts(items)
        return replace(prompts, texts=tuple(f"{text} {next(COUNTER)}" for text in prompts.texts))


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


class OneMore(Good):
    """Of two numbers one is never there, and nothing says why."""

    def measure(self, outcome, weights=None):
        import numpy as np
        import pandas as pd

        found = super().measure(outcome, weights)
        more = pd.DataFrame([("accuracy", "", "", "fish")], columns=list(INDEX), dtype="str")
        return Metrics(
            index=pd.concat([found.index, more], ignore_index=True),
            values=np.hstack([found.values, np.full_like(found.values, np.nan)]),
            n=np.array([found.n[0], 0]),
        )


class Denies(Good):
    """It says that a number is not available, which is there."""

    def unavailable(self, items):
        return [Unavailable(metric="accuracy", cause="there are too few images")]


class OfNothing(Good):
    """Its answers are said to make a metric that it does not have."""

    def predict(self, similarity, items):
        found = super().predict(similarity, items)
        chance = [{**entry, "metrics": ["f1"]} for entry in found.facts["chance"]]
        return replace(found, facts={"chance": chance})


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
    benchmark("b-asks", "test_the_questions_are_the_same_each_time", "differ from call to call", Restless),
    benchmark("b-chance", "test_outcomes_are_in_the_schema", "facts lack chance", NoChance),
    benchmark("b-of-nothing", "test_outcomes_are_in_the_schema", "names metrics that are not declared", OfNothing),
    benchmark("b-facts", "test_outcomes_survive_json_and_parquet", "cannot be stored", NumpyFacts),
    benchmark("b-remembers", "test_measuring_needs_the_stored_outcome_only", "", Remembers),
    benchmark("b-undeclared", "test_numbers_are_named_and_declared", "not declared: f1", Undeclared),
    benchmark("b-per-cent", "test_numbers_lie_where_their_unit_says", "accuracy is not between 0 and 1", PerCent),
    benchmark("b-statistic", "test_declared_statistics_are_true", "of the stored items it is", WrongStatistic),
    benchmark("b-one-more", "test_unavailable_numbers_are_declared", "such as accuracy fish: let the task", OneMore),
    benchmark("b-denies", "test_unavailable_numbers_are_declared", "but it has a value: accuracy", Denies),
    benchmark("b-unweighted", "test_weights_are_used", "the weights change nothing", Unweighted),
    benchmark("b-edits", "test_predicting_changes_no_item", "", Edits),
    benchmark("b-whole", "test_a_part_of_the_items_can_be_run", "nothing was measured", AllOrNothing),
]
