"""The built-in benchmarks: ImageNet, COCO (two), FACET, FairFace (two), and declared datasets. Light: records only."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from qbench.api import Benchmark, MetricInfo, ReportSection, StatisticRef, Task, hookimpl
from qbench.api.benchmarks import DECLARED, RECALL_BY_GROUP, SKEWS
from qbench_benchmarks.options import (
    CocoMatchingOptions,
    CocoOptions,
    FacetOptions,
    FairFaceAttributesOptions,
    FairFaceOptions,
    ImageNetOptions,
)

if TYPE_CHECKING:
    from qbench.api import Block
    from qbench.api.probes import MeasuredTask


def _imagenet(options: ImageNetOptions) -> Task:
    from qbench_benchmarks.imagenet import ImageNet

    return ImageNet(options)


def _coco(options: CocoOptions) -> Task:
    from qbench_benchmarks.coco import Coco

    return Coco(options)


def _coco_matching(options: CocoMatchingOptions) -> MeasuredTask:
    from qbench_benchmarks.coco_matching import CocoMatching

    return CocoMatching(options)


def _facet(options: FacetOptions) -> Task:
    from qbench_benchmarks.facet import Facet

    return Facet(options)


def _fairface(options: FairFaceOptions) -> Task:
    from qbench_benchmarks.fairface import FairFace

    return FairFace(options)


def _fairface_attributes(options: FairFaceAttributesOptions) -> Task:
    from qbench_benchmarks.fairface_attributes import FairFaceAttributes

    return FairFaceAttributes(options)


def _share(name: str, summary: str, statistic: StatisticRef | None = None, *, classes_only: bool = False) -> MetricInfo:
    made = statistic or StatisticRef("share")
    return MetricInfo(
        name=name, better="higher", unit="share", summary=summary, statistic=made, classes_only=classes_only
    )


def _recall(direction: str, summary: str) -> MetricInfo:
    made = StatisticRef("share", {"hit": "rank", "where": {"direction": direction}})
    return _share(f"{direction}_recall", summary, made)


def _asked(attribute: str) -> tuple[MetricInfo, ...]:
    made = StatisticRef("share", {"where": {"asked": attribute}})
    return (
        _share(f"{attribute}_accuracy", f"Share of images whose {attribute}, as perceived, is recognised.", made),
        MetricInfo(
            name=f"{attribute}_worst_group",
            better="higher",
            unit="share",
            summary=f"That share in the group where it is lowest, of those with enough images ({attribute}).",
            statistic=StatisticRef("selected"),
            role="summary",
        ),
        MetricInfo(
            name=f"{attribute}_ratio",
            better="higher",
            unit="share",
            summary=f"The lowest group's share divided by the highest group's ({attribute}).",
            statistic=StatisticRef("selected"),
            role="summary",
        ),
    )


IMAGENET = Benchmark(
    name="imagenet",
    summary="zero-shot classification of ImageNet's validation images, 1,000 classes",
    protocol="1",
    metrics=(
        _share("top1", "Share of images whose class is the most similar one."),
        _share(
            "top5",
            "Share of images whose class is among the five most similar ones.",
            StatisticRef("share", {"hit": "rank", "below": 5}),
        ),
        _share("mean_recall", "Mean over the classes of their recall.", StatisticRef("class_mean")),
        _share("recall", "Share of a class's images that are recognised.", classes_only=True),
    ),
    load=_imagenet,
    probes=("embedding", "choices", "pairs"),
    items=50_000,
    options=ImageNetOptions,
    how_to_get=(
        "Download the ILSVRC2012 validation set from image-net.org: sorted into val/<synset>/*.JPEG, or flat in val/ "
        "with the devkit's ILSVRC2012_validation_ground_truth.txt and meta.mat, or with LOC_val_solution.csv."
    ),
    licence="ImageNet terms of access: non-commercial research and education",
    citation="Deng et al. 2009; Russakovsky et al. 2015. Class names and templates: Radford et al. 2021, open_clip.",
)

COCO = Benchmark(
    name="coco",
    summary="retrieval between COCO's images and all of their captions, both directions",
    protocol="1",
    metrics=(
        _recall("image_to_text", "Share of images with one of their own captions among the k most similar."),
        _recall("text_to_image", "Share of captions with their image among the k most similar."),
    ),
    load=_coco,
    items=5_000,
    options=CocoOptions,
    how_to_get=(
        "Download val2017.zip and annotations_trainval2017.zip from cocodataset.org: annotations/captions_val2017.json "
        "and val2017/*.jpg. For karpathy-test: dataset_coco.json (or coco_test_karpathy.json) and val2014/*.jpg."
    ),
    licence="annotations CC BY 4.0; each image has its own Flickr licence",
    citation="Lin et al. 2014; Chen et al. 2015. Split: Karpathy & Fei-Fei 2015.",
)

COCO_MATCHING = Benchmark(
    name="coco-matching",
    summary="which of a few captions belongs to an image of COCO",
    protocol="1",
    metrics=(_share("accuracy", "Share of images whose own caption fits best among its candidates."),),
    load=_coco_matching,
    probes=("pairs",),
    items=5_000,
    options=CocoMatchingOptions,
    how_to_get=COCO.how_to_get,
    licence=COCO.licence,
    citation=COCO.citation,
    folder="coco",
)

FACET = Benchmark(
    name="facet",
    summary="zero-shot classification of 52 occupations, and its recall by perceived gender, age and skin tone",
    protocol="2",
    metrics=RECALL_BY_GROUP,
    load=_facet,
    probes=("embedding", "choices", "pairs"),
    items=49_551,
    options=FacetOptions,
    how_to_get=(
        "Ask for it at ai.meta.com/datasets/facet: annotations/annotations.csv and the images in imgs_1/, imgs_2/ "
        "and imgs_3/."
    ),
    licence="FACET licence: evaluation only",
    citation="Gustafson et al., FACET: Fairness in Computer Vision Evaluation Benchmark, ICCV 2023.",
)

FAIRFACE = Benchmark(
    name="fairface",
    summary="who is found by queries that name no group: skew of FairFace's rankings by race, gender and age",
    protocol="1",
    metrics=SKEWS,
    load=_fairface,
    items=10_954,
    options=FairFaceOptions,
    how_to_get="Download the labels and the 0.25-padded images from github.com/joojs/fairface: "
    "fairface_label_val.csv and val/*.jpg.",
    licence="CC BY 4.0",
    citation="Kärkkäinen & Joo, FairFace, WACV 2021. Skew: Geyik et al. 2019; prompts: Berg et al. 2022.",
)

FAIRFACE_ATTRIBUTES = Benchmark(
    name="fairface-attributes",
    summary="zero-shot classification of what FairFace's annotators saw: accuracy of race, gender and age by group",
    protocol="1",
    metrics=(*_asked("race"), *_asked("gender"), *_asked("age")),
    load=_fairface_attributes,
    probes=("embedding", "choices", "pairs"),
    items=10_954,
    options=FairFaceAttributesOptions,
    how_to_get=FAIRFACE.how_to_get,
    licence=FAIRFACE.licence,
    citation="Kärkkäinen & Joo, FairFace, WACV 2021. Measured of CLIP: Radford et al. 2021, section 7.1.",
    folder="fairface",
)


def _skin_tone_cuts(results: Any, context: Any) -> Iterable[Block]:
    from qbench_benchmarks.skin_tone_cuts import section

    return section(results, context)


@hookimpl
def qbench_report_sections() -> Iterable[ReportSection]:
    """The section about the cuts of FACET's skin tones."""
    yield ReportSection(name="cuts", title="Skin tone: other cuts", render=_skin_tone_cuts, before="trade-off")


@hookimpl
def qbench_benchmarks() -> Iterable[Benchmark]:
    """The built-in benchmarks, and the one for datasets that a user describes."""
    return (IMAGENET, COCO, COCO_MATCHING, FACET, FAIRFACE, FAIRFACE_ATTRIBUTES, DECLARED)
