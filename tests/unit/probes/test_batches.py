"""Batches are begun one ahead of the answers that are waited for; what does not fit in memory is said."""

import numpy as np
import pytest

from qbench.errors import ModelError
from qbench.probes.batches import answered
from qbench.probes.interface import AnswerPart

ORDER = np.arange(11)[::-1].copy()


def double(encoder, rows):
    return 2 * rows


def asked(part, places=range(11), size=4):
    steps = []
    ((given, found),) = answered(part, lambda: None, ORDER, [places], batch_size=size, step=steps.append)
    assert given == places
    return found, steps


def test_each_batch_is_begun_before_the_answers_to_the_one_before_are_waited_for():
    told = []

    def begin(encoder, rows):
        told.append(("begin", len(rows)))

        def wait():
            told.append(("wait", len(rows)))
            return double(encoder, rows)

        return wait

    found, steps = asked(AnswerPart(name="x", parts={}, count=11, compute=double, begin=begin))
    assert told == [("begin", 4), ("begin", 4), ("wait", 4), ("begin", 3), ("wait", 4), ("wait", 3)]
    np.testing.assert_array_equal(found, 2 * ORDER)
    assert steps == [4, 4, 3]


def test_a_new_stretch_is_begun_before_the_answers_to_the_last_batch_of_the_one_before_are_waited_for():
    told = []

    def begin(encoder, rows):
        told.append(("begin", encoder, rows.tolist()))

        def wait():
            told.append(("wait", encoder, rows.tolist()))
            return double(encoder, rows)

        return wait

    encoders = iter("ab")
    part = AnswerPart(name="x", parts={}, count=11, compute=double, begin=begin)
    found = dict(
        answered(part, lambda: next(encoders), ORDER, [range(4), range(4, 6)], batch_size=4, step=lambda n: None)
    )
    first, second = ORDER[:4].tolist(), ORDER[4:6].tolist()
    assert told == [("begin", "a", first), ("begin", "b", second), ("wait", "a", first), ("wait", "b", second)]
    assert {places: answers.tolist() for places, answers in found.items()} == {
        range(4): (2 * ORDER[:4]).tolist(),
        range(4, 6): (2 * ORDER[4:6]).tolist(),
    }


def test_stretches_that_are_complete_are_given_before_the_failure_of_a_later_one_is_raised():
    def compute(encoder, rows):
        if 0 in rows:
            raise ValueError("planted")
        return double(encoder, rows)

    part, given = AnswerPart(name="x", parts={}, count=11, compute=compute), []
    with pytest.raises(ValueError, match="planted"):
        for places, _ in answered(
            part, lambda: None, ORDER, [range(8), range(8, 11)], batch_size=4, step=lambda n: None
        ):
            given.append(places)
    assert given == [range(8)]


def test_a_part_without_begin_is_computed_batch_by_batch():
    sizes = []

    def compute(encoder, rows):
        sizes.append(rows.tolist())
        return double(encoder, rows)

    found, _ = asked(AnswerPart(name="x", parts={}, count=11, compute=compute), range(4, 11))
    assert sizes == [ORDER[4:8].tolist(), ORDER[8:11].tolist()]
    np.testing.assert_array_equal(found, 2 * ORDER[4:])


class OutOfMemoryError(RuntimeError):
    """As torch names it, which is not imported here."""


@pytest.mark.parametrize("when", ["begin", "wait"])
def test_a_batch_that_does_not_fit_in_memory_is_said_with_what_to_do(when):
    def fails(*_):
        raise OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    begin = fails if when == "begin" else lambda encoder, rows: fails
    part = AnswerPart(name="x", parts={}, count=11, compute=double, begin=begin)
    for size, fix in ((4, "Set batch_size to less than 4."), (1, "Use a device with more memory.")):
        said = rf"too little memory for a batch of {size} \(CUDA out of memory\)"
        with pytest.raises(ModelError, match=said) as error:
            asked(part, size=size)
        assert error.value.fix.startswith(fix)


def test_another_error_is_left_as_it_is():
    def compute(encoder, rows):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        asked(AnswerPart(name="x", parts={}, count=11, compute=compute))


@pytest.mark.parametrize("begin", [None, lambda encoder, rows: lambda: rows[1:]])
def test_another_number_of_answers_is_refused(begin):
    part = AnswerPart(name="x", parts={}, count=11, compute=lambda encoder, rows: rows[1:], begin=begin)
    with pytest.raises(TypeError, match="3 answers of 'x' for a batch of 4"):
        asked(part)
