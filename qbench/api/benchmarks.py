"""Benchmarks and datasets: records, items, outcomes and metrics. Hooks: ``qbench_benchmarks``, ``qbench_datasets``.

Helpers for the methods of a `Task`:

- `data`: `read_csv`, `read_parquet`, `read_lines`, `read_json`, `read_json_object`, `relative_path`, `check_unique`,
  `whole_numbers`, `parse_box`, `flagged_group`, `mean_vote`, `binned_group`, `is_spreadsheet_date`. Their errors name
  file and row.
- `prompts`: `prompt_set`, `prompt_set_names`, `prompts_of_set`, `has_one_placeholder`.
- `predict`: `classification_table` and `classify` for zero-shot classification, `image_to_text` and `text_to_image` for
  retrieval, `rank_gallery` for rankings of a whole gallery.
- `measure`: `measure_recall` and `measure_skew`, whose metrics are declared by `RECALL_BY_GROUP` and `SKEWS`; and for
  metrics of your own `MetricsBuilder`, `item_weights`, `positions`, `weighted_share`, `mean_of_known`,
  `class_by_group`, `recall_at` and `worst_group`.
- `unavailable` (optional, see `KnowsUnavailable`): `unavailable_recall`, `unavailable_skew` and
`unavailable_worst_group`
  say which of these numbers the items cannot give, as `Unavailable`.
"""

from typing import TYPE_CHECKING

from qbench.api._lazy import import_on_use
from qbench.data.items import Attribute, Items
from qbench.data.promptsets import PromptSet, has_one_placeholder, prompt_set, prompt_set_names
from qbench.declared.record import DECLARED, declared_benchmark
from qbench.metrics.interface import (
    INDEX,
    KnowsUnavailable,
    MetricInfo,
    Metrics,
    Outcome,
    Prompts,
    Similarity,
    StatisticRef,
    Task,
    Unavailable,
)
from qbench.metrics.known import RECALL_BY_GROUP, SKEWS
from qbench.plugins.records import Benchmark, Dataset
from qbench.store.files import read_json, read_json_object

if TYPE_CHECKING:
    from qbench.data.boxes import parse_box
    from qbench.data.groups import binned_group, flagged_group, mean_vote
    from qbench.data.tables import (
        AnnotationTable,
        check_unique,
        is_spreadsheet_date,
        read_csv,
        read_lines,
        read_parquet,
        relative_path,
        whole_numbers,
    )
    from qbench.metrics.answers import classification_table, positions
    from qbench.metrics.builder import MetricsBuilder
    from qbench.metrics.classification import LOG_SCALE, LOGIT_SCALE, Classified, classify
    from qbench.metrics.grouped import ClassByGroup, class_by_group
    from qbench.metrics.rankings import measure_skew, prompts_of_set, rank_gallery
    from qbench.metrics.recall_by_group import measure_recall
    from qbench.metrics.retrieval import Retrieved, image_to_text, recall_at, text_to_image
    from qbench.metrics.unavailable import unavailable_recall, unavailable_skew, unavailable_worst_group
    from qbench.metrics.weights import item_weights, mean_of_known, weighted_share
    from qbench.metrics.worst_group import worst_group

__getattr__ = import_on_use(
    __name__,
    {
        "AnnotationTable": "qbench.data.tables",
        "ClassByGroup": "qbench.metrics.grouped",
        "Classified": "qbench.metrics.classification",
        "LOGIT_SCALE": "qbench.metrics.classification",
        "LOG_SCALE": "qbench.metrics.classification",
        "MetricsBuilder": "qbench.metrics.builder",
        "Retrieved": "qbench.metrics.retrieval",
        "binned_group": "qbench.data.groups",
        "check_unique": "qbench.data.tables",
        "class_by_group": "qbench.metrics.grouped",
        "classification_table": "qbench.metrics.answers",
        "classify": "qbench.metrics.classification",
        "flagged_group": "qbench.data.groups",
        "image_to_text": "qbench.metrics.retrieval",
        "is_spreadsheet_date": "qbench.data.tables",
        "item_weights": "qbench.metrics.weights",
        "mean_of_known": "qbench.metrics.weights",
        "mean_vote": "qbench.data.groups",
        "measure_recall": "qbench.metrics.recall_by_group",
        "measure_skew": "qbench.metrics.rankings",
        "parse_box": "qbench.data.boxes",
        "positions": "qbench.metrics.answers",
        "prompts_of_set": "qbench.metrics.rankings",
        "rank_gallery": "qbench.metrics.rankings",
        "read_csv": "qbench.data.tables",
        "read_lines": "qbench.data.tables",
        "read_parquet": "qbench.data.tables",
        "recall_at": "qbench.metrics.retrieval",
        "relative_path": "qbench.data.tables",
        "text_to_image": "qbench.metrics.retrieval",
        "unavailable_recall": "qbench.metrics.unavailable",
        "unavailable_skew": "qbench.metrics.unavailable",
        "unavailable_worst_group": "qbench.metrics.unavailable",
        "weighted_share": "qbench.metrics.weights",
        "whole_numbers": "qbench.data.tables",
        "worst_group": "qbench.metrics.worst_group",
    },
)

__all__ = [
    "DECLARED",
    "INDEX",
    "LOGIT_SCALE",
    "LOG_SCALE",
    "RECALL_BY_GROUP",
    "SKEWS",
    "AnnotationTable",
    "Attribute",
    "Benchmark",
    "ClassByGroup",
    "Classified",
    "Dataset",
    "Items",
    "KnowsUnavailable",
    "MetricInfo",
    "Metrics",
    "MetricsBuilder",
    "Outcome",
    "PromptSet",
    "Prompts",
    "Retrieved",
    "Similarity",
    "StatisticRef",
    "Task",
    "Unavailable",
    "binned_group",
    "check_unique",
    "class_by_group",
    "classification_table",
    "classify",
    "declared_benchmark",
    "flagged_group",
    "has_one_placeholder",
    "image_to_text",
    "is_spreadsheet_date",
    "item_weights",
    "mean_of_known",
    "mean_vote",
    "measure_recall",
    "measure_skew",
    "parse_box",
    "positions",
    "prompt_set",
    "prompt_set_names",
    "prompts_of_set",
    "rank_gallery",
    "read_csv",
    "read_json",
    "read_json_object",
    "read_lines",
    "read_parquet",
    "recall_at",
    "relative_path",
    "text_to_image",
    "unavailable_recall",
    "unavailable_skew",
    "unavailable_worst_group",
    "weighted_share",
    "whole_numbers",
    "worst_group",
]
