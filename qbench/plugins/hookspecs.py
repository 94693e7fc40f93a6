"""The hooks that a plugin may implement. Each takes no arguments and yields records.

A whole plugin, registered under the entry-point group ``qbench``::

    # pyproject.toml of your distribution
    [project.entry-points.qbench]
    my-quantizer = "my_package"

    # my_package/__init__.py: light, no torch here
    from qbench.api import Quantizer, hookimpl

    def build(checkpoint, context, options):
        from my_package.method import quantize       # heavy imports happen here
        return quantize(checkpoint, context)

    @hookimpl
    def qbench_quantizers():
        yield Quantizer(name="mine", summary="my method", bits=4, build=build)
"""

from __future__ import annotations

from collections.abc import Iterable

import pluggy

from qbench.plugins.records import Benchmark, Dataset, ModelSource, Quantizer, ReportSection

PROJECT = "qbench"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def qbench_models() -> Iterable[ModelSource]:
    """Model sources: where checkpoints come from."""
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_quantizers() -> Iterable[Quantizer]:
    """Quantizers and control arms."""
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_benchmarks() -> Iterable[Benchmark]:
    """Benchmarks."""
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_datasets() -> Iterable[Dataset]:
    """Datasets that can be written on demand, in the layout of a benchmark."""
    raise AssertionError("a hook specification is never called")


@hookspec
def qbench_report_sections() -> Iterable[ReportSection]:
    """Sections of the report."""
    raise AssertionError("a hook specification is never called")
