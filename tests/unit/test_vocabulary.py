import pytest

from qbench.data.items import Attribute
from qbench.metrics.keys import MetricKey, declared_names
from qbench.vocabulary import (
    Better,
    Effect,
    FlagKind,
    GateBand,
    GateStatus,
    Level,
    RowFlag,
    RowStatus,
    Unit,
    Verdict,
    join_flags,
    parse_flags,
)


@pytest.mark.parametrize("text", ["accuracy", "recall@5", "max_skew@1000"])
def test_a_metric_key_is_read_as_it_is_written(text):
    assert str(MetricKey.parse(text)) == text


@pytest.mark.parametrize("text", ["recall@", "recall@five", "recall@-1"])
def test_a_cut_off_that_is_not_a_number_is_refused(text):
    with pytest.raises(ValueError, match="whole number"):
        MetricKey.parse(text)
    with pytest.raises(ValueError, match="whole number"):
        declared_names(["accuracy", text])


def test_pairs_are_found_by_their_label_even_where_a_group_has_a_dash():
    attribute = Attribute(name="age", groups=("0-2", "3-9"), pairs=(("0-2", "3-9"),))
    assert attribute.group_pairs["0-2-3-9"] == ("0-2", "3-9")


@pytest.mark.parametrize("text", ["", "constant", "baseline-near-chance;below-noise", "of-another-version;baseline-x"])
def test_flags_are_read_as_they_are_written(text):
    assert join_flags(parse_flags(text)) == text
    assert [f.of_baseline for f in parse_flags("baseline-constant;constant")] == [True, False]
    assert join_flags([RowFlag("follows"), RowFlag("follows")]) == "follows"


def test_every_word_has_its_description():
    for verdict in Verdict:
        assert (verdict.effect in ("worse", "better")) == (verdict not in ("equivalent", "inconclusive", "descriptive"))
    assert [effect.rank for effect in Effect] == [0, 1, 2, 3, 4]
    assert sorted(Verdict, key=lambda v: v.effect.rank) == list(Verdict)
    for flag in FlagKind:
        assert flag.label
        assert flag.reason
        assert isinstance(flag.voids, bool)
    for row in RowStatus:
        assert row.label
        assert row.symbol
        assert row.counted
    for band in GateBand:
        assert band.symbol
        assert band.colour
        assert band.style
    assert len({band.symbol for band in GateBand}) == len({band.colour for band in GateBand}) == len(GateBand)
    assert [band.rank for band in GateBand] == list(range(len(GateBand)))
    assert len({level.symbol for level in Level}) == len(Level)
    assert [status.exit_code for status in GateStatus] == [0, 0, 1, 3, 2]
    for better in Better:
        assert better.sentence.endswith(".")
    assert [unit.of_change for unit in Unit] == [Unit.POINTS, Unit.POINTS, Unit.NATS]
