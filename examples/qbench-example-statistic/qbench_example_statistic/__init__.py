"""Expected calibration error by group: a statistic, and a benchmark with a metric that it judges. Light."""

from dataclasses import dataclass, replace

from qbench_example_dataset import DATA

from qbench.api import MetricInfo, StatisticKind, StatisticRef, declared_benchmark, hookimpl

ECE = MetricInfo(
    name="ece",
    better="lower",
    unit="share",
    summary="Expected calibration error: mean distance of confidence and accuracy.",
    statistic=StatisticRef("ece"),
    role="calibration",
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """How confidences are binned: `bins` of equal width between 0 and 1."""

    bins: int = 10

    def __post_init__(self):
        if self.bins < 1:
            raise ValueError(f"bins is {self.bins}, which is below 1")


def make(options):
    from qbench_example_statistic.ece import CalibrationError

    return CalibrationError(options.bins)


@hookimpl
def qbench_statistics():
    yield StatisticKind(name="ece", summary="expected calibration error", make=make, options=Options)


@hookimpl
def qbench_benchmarks():
    base = declared_benchmark(DATA / "dataset.toml")

    def load(options):
        from qbench_example_statistic.task import WithCalibration

        return WithCalibration(base.load(options))

    yield replace(base, name="example-animals-calibration", metrics=(*base.metrics, ECE), load=load)
