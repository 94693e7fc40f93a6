"""A probe that asks how bright an image is, with who answers it and what is asked; and what can be wrong with one."""

from __future__ import annotations

import itertools

from broken.caught import CAUGHT
from qbench.api import (
    INDEX,
    Attribute,
    Benchmark,
    Coverage,
    FolderSource,
    Geometry,
    Identity,
    ImageLocation,
    Items,
    Layer,
    Located,
    MetricInfo,
    Metrics,
    ModelSource,
    Outcome,
    Preprocessing,
    Quantizer,
    StatisticRef,
    Variant,
)
from qbench.api.probes import AnswerPart, ModelProvider, Probe, Questions

COUNTER = itertools.count()
NAME = "brightness"


class Brightness(ModelProvider):
    """One number for each image; `wrong` says what it gets wrong."""

    def __init__(self, wrong=""):
        self.wrong = wrong

    def numerics(self, device):
        return "" if self.wrong == "numerics" else super().numerics(device)

    def answers(self, asking):
        import numpy as np

        def compute(encoder, rows):
            found = encoder.brightness(asking.pixels()[np.sort(rows) if self.wrong == "order" else rows])
            if self.wrong == "random":
                found += next(COUNTER) * 1e-9
            if self.wrong == "nan":
                found[0] = np.nan
            return found[1:] if self.wrong == "count" else found

        plain = {"plain": {1}, "clock": {"time": next(COUNTER)}}
        parts = {"a": plain[self.wrong]} if self.wrong in plain else {}
        yield AnswerPart(name=NAME, parts=parts, count=len(asking.items.images), compute=compute)

    def timed_work(self, asking):
        batch = asking.pixels()[: asking.batch_size].copy()
        return {} if self.wrong == "untimed" else {NAME: lambda encoder: encoder.brightness(batch)}


class Method:
    """Brighter than the threshold of the task is bright."""

    def __init__(self, wrong=""):
        self.wrong = wrong

    def provider(self, name):
        return Brightness(self.wrong)

    def questions(self, task, items):
        digest = str(next(COUNTER)) if self.wrong == "digest" else str(task.threshold)
        return Questions(content=task.threshold, digest=digest, count=1)

    def outcome(self, task, items, questions, answers):
        found = answers[NAME][items.table["image_index"].to_numpy()]
        outcome = task.judge(found > questions.content, items)
        if self.wrong == "loose":
            outcome.items["correct"] = [next(COUNTER) % 3 == 0 for _ in range(len(outcome.items))]
        return outcome

    def drift(self, items, baseline, variant):
        import numpy as np

        moved = np.abs(baseline[NAME] - variant[NAME])[items.table["image_index"].to_numpy()]
        return items.table[["item"]].assign(cosine=1 - moved * (self.wrong != "still"))


def probe(name, caught="", said="", wrong="", **changes):
    CAUGHT[name] = caught, said
    return Probe(**{"name": name, "summary": "broken", "load": lambda: Method(wrong), **changes})


PROBES = [
    probe(NAME),
    probe("p-silent", "test_the_summary_is_one_line", "is empty", summary=""),
    probe("p-tower", "test_the_record_says_whether_towers_answer_alone", "by_tower is True", by_tower=True),
    probe("p-numerics", "test_each_provider_says_where_answers_come_from", "is empty", "numerics"),
    probe("p-digest", "test_the_questions_are_the_same_each_time", "differs from call to call", "digest"),
    probe("p-plain", "test_answers_are_named_by_plain_values", "are not plain values", "plain"),
    probe("p-count", "test_all_of_a_batch_is_answered", "answers to a batch of", "count"),
    probe("p-nan", "test_answers_are_arrays_that_can_be_stored", "not finite", "nan"),
    probe("p-order", "test_answers_are_in_the_order_of_the_dataset", "the answers are other ones", "order"),
    probe("p-random", "test_the_same_variant_answers_alike", "answers differently", "random"),
    probe("p-untimed", "test_the_timed_work_is_one_batch_of_each_part", "answered are brightness", "untimed"),
    probe("p-loose", "test_the_same_answers_have_the_same_outcome", "", "loose"),
    probe("p-still", "test_nothing_drifts_from_itself", "do not drift", "still"),
    probe("p-clock", "test_a_run_is_completed_and_resumed", "another one each time", "clock"),
]


# --- who answers, and what is asked


class Meter:
    """A model that tells how bright an image is; rounded if it is a coarse one."""

    def __init__(self, coarse):
        self.coarse = coarse

    def brightness(self, pixels):
        mean = pixels.reshape(len(pixels), -1).mean(1) / 255
        return mean.round(1) if self.coarse else mean

    def close(self):
        pass


class Checkpoint:
    """There is nothing to load."""

    identity = Identity(source="meter", checkpoint="m", architecture="Meter", revision="local", fingerprint="f" * 64)
    preprocessing = Preprocessing(geometry=Geometry(size=8))


def built(coarse):
    layer = Layer(name="a", tower="image", kind="Meter", parameters=1, quantized=coarse, bits=8)
    coverage = Coverage(layers=(layer,), total_parameters=1, model_bytes=4)
    return lambda checkpoint, context, options: Variant(encoder=Meter(coarse), coverage=coverage, dtype="float32")


class Task:
    """Images of the second class of the tiny dataset are the bright ones."""

    threshold = 0.4

    def data(self, root):
        import pandas as pd

        files = sorted(path.relative_to(root).as_posix() for path in root.glob("val/*/*.JPEG"))
        bright = [file.split("/")[1] != files[0].split("/")[1] for file in files]
        table = pd.DataFrame({"item": files, "image_index": range(len(files))})
        table["label"] = ["bright" if x else "dark" for x in bright]
        table["side"] = ["left" if i % 2 else "right" for i in range(len(files))]
        sides = Attribute(name="side", groups=("left", "right"), pairs=(("left", "right"),))
        images = tuple(ImageLocation(FolderSource(root), file) for file in files)
        return Items(table=table, images=images, root=root, attributes=(sides,))

    def judge(self, bright, items):
        import numpy as np

        prediction = np.where(bright, "bright", "dark")
        table = items.table[["item", "label", "side"]].assign(image=items.table["item"], prediction=prediction)
        facts = {"chance": [{"name": "correct", "chance": 0.5, "where": {}}], "classes": ["bright", "dark"]}
        return Outcome(items=table.assign(correct=prediction == items.table["label"].to_numpy()), facts=facts)

    def measure(self, outcome, weights=None):
        import numpy as np
        import pandas as pd

        correct = outcome.items["correct"].to_numpy(dtype=float)
        weights = np.ones((1, len(correct))) if weights is None else weights
        index = pd.DataFrame([("accuracy", "", "", "")], columns=list(INDEX), dtype="str")
        values = (weights * correct).sum(1, keepdims=True) / weights.sum(1, keepdims=True)
        return Metrics(index=index, values=values, n=np.array([len(correct)]))


def sources():
    """A model source for each probe."""
    for found in PROBES:
        yield ModelSource(
            name=f"meter-{found.name}",
            summary="how bright an image is",
            locate=lambda checkpoint, options: Located(ready=True, where="here"),
            open=lambda checkpoint, options: Checkpoint(),
            probes=(found.name,),
        )


def benchmarks():
    """A benchmark for each probe."""
    accuracy = MetricInfo(
        name="accuracy", better="higher", unit="share", summary="right answers", statistic=StatisticRef("share")
    )
    for found in PROBES:
        yield Benchmark(
            name=f"bright-or-dark-{found.name}",
            summary="is it bright?",
            protocol="1",
            metrics=(accuracy,),
            load=lambda options: Task(),
            probes=(found.name,),
        )


QUANTIZERS = [
    Quantizer(name="exact", summary="as it is", bits=8, build=built(coarse=False), kind="control"),
    Quantizer(name="coarse", summary="rounded", bits=4, build=built(coarse=True)),
]
