"""What a run would take on several machines."""

import pytest

from qbench.cli.cluster_lines import cluster_lines
from qbench.errors import InputError
from qbench.execution.cluster import DecodingWork, VariantWork, on_cluster
from qbench.execution.forecast import forecast
from qbench.execution.run import execute
from qbench.execution.sharding import Shard
from qbench.store.memos import stored_memo


def test_machines_divide_variants_as_shards_do_and_each_loads_what_it_asks():
    work = [
        VariantWork(seconds=seconds, pixel_bytes=7, weight_bytes=100, pieces=pieces)
        for seconds, pieces in ((10, 100), (20, 1), (60, 100))
    ]
    decoding = [DecodingWork(images=50, seconds=2.0, file_bytes=3, pixel_bytes=5)]
    for nodes in (1, 2, 3, 4, 5, 9):
        made = on_cluster(work, decoding, nodes=nodes, processes=5, opening=1.0)
        shares = [[Shard(number, nodes).share(place, 3) for number in range(1, nodes + 1)] for place in range(3)]
        spent = [
            sum(work[place].seconds / shares[place][node].of for place in range(3) if shares[place][node])
            for node in range(nodes)
        ]
        # The second variant is one piece, which three machines cannot divide.
        assert made.answering == (max(spent) if nodes < 9 else 20)
        assert made.decoding == 50 * 2 / 5 / nodes
        assert made.seconds == 1 + max(made.answering, made.decoding)
        loaded = [min(sum(x is not None for x in of), work[place].pieces) for place, of in enumerate(shares)]
        assert made.weight_bytes == 100 * sum(loaded)
        assert (made.file_bytes, made.pixel_bytes_written, made.pixel_bytes_read) == (3, 5, 21)


def test_what_was_not_decoded_here_yet_is_not_known():
    decoding = [DecodingWork(images=50, seconds=None, file_bytes=3, pixel_bytes=5)]
    made = on_cluster([], decoding, nodes=2, processes=1)
    assert made.decoding is None
    assert made.seconds == 0


def test_speeds_of_a_part_of_the_run_foretell_the_rest(registry, cache, spec, tmp_path):
    wanted = spec(models=["toy/one", "toy/two"], quantizers=["base", "half"])
    part = wanted.model_copy(update={"limit": 4})
    execute(part, tmp_path / "part", registry=registry, cache=cache)
    found = forecast(wanted, tmp_path / "run", registry=registry, cache=cache)
    assert found.unmeasured == 0
    assert list(found.variants) == ["toy/one · base", "toy/one · half", "toy/two · base", "toy/two · half"]
    assert sum(work.seconds for work in found.variants.values()) == pytest.approx(found.seconds)
    (decoding,) = found.decoding.values()
    assert decoding.images == 12
    assert decoding.seconds > 0
    assert decoding.pixel_bytes == found.disk_bytes == 12 * 4 * 4 * 3
    assert decoding.file_bytes == sum(path.stat().st_size for path in tmp_path.rglob("*.png"))
    said = "\n".join(cluster_lines(found, 4, 2.5))
    assert "On 4 machines, divided as by --shard" in said
    assert "not known" not in said
    assert "hours of a machine at 2.50)" in said


def test_a_shard_is_not_divided_among_machines(qbench_here, tmp_path):
    said = qbench_here("plan", "demo", "--shard", "1/2", "--nodes", "2", cwd=tmp_path, check=2).stderr
    assert "--nodes: a shard is the part of one machine, and --nodes divides the whole run" in said


def test_speeds_of_another_gpu_are_found_in_the_cache_by_its_name(registry, cache, spec, tmp_path):
    wanted = spec(quantizers=["base"])
    with pytest.raises(InputError, match=r"measured on a GPU 'h100'\. None was measured on any GPU\."):
        forecast(wanted, tmp_path / "run", registry=registry, cache=cache, gpu="h100")
    execute(wanted.model_copy(update={"limit": 4}), tmp_path / "part", registry=registry, cache=cache)
    for path in cache.root.glob("speeds/*/*.memo"):
        stored = stored_memo(path)
        if "numerics" in stored["parts"]:
            parts = stored["parts"] | {"numerics": "cuda, NVIDIA H100 80GB, sm_90, torch 2", "weights": "others"}
            cache.memo("speeds", parts).write(dict.fromkeys(stored["value"], 7.0))
    with pytest.raises(InputError, match=r"measured on a GPU 'T4'\. Measured: NVIDIA H100 80GB\."):
        forecast(wanted, tmp_path / "run", registry=registry, cache=cache, gpu="T4")
    found = forecast(wanted, tmp_path / "run", registry=registry, cache=cache, gpu="h100")
    assert found.seconds == 7.0 * sum(found.answers.values())
