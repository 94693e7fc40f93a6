"""Every built-in quantizer and control arm keeps to the contract that authors elsewhere are given."""

import pytest

from qbench.api import Context
from qbench.plugins.registry import installed
from qbench.testing import QuantizerContract


class TestBuiltIns(QuantizerContract):
    @pytest.fixture(
        scope="class",
        params=[
            *("fp32", "fp16", "bf16", "hf-int8", "hf-int4", "torch-int8", "prune-magnitude"),
            {"name": "hf-int8", "options": {"dtype": "bfloat16", "towers": "image", "skip": ["*.fc2"]}},
        ],
        ids=str,
    )
    @classmethod
    def quantizer(cls, request):
        return request.param


class TestStored(QuantizerContract):
    """A checkpoint that was saved quantized: it has no unquantized form, so the original is another one."""

    @pytest.fixture(scope="class", params=["stored"])
    @classmethod
    def quantizer(cls, request):
        return request.param

    @pytest.fixture
    def baseline(self):
        return ""

    @pytest.fixture
    def plain(self, tiny_clip, registry):
        source = registry.model("clip").record
        return source.open("tiny", source.options(path=str(tiny_clip)))

    @pytest.fixture
    def original(self, plain):
        return plain.load(device="cpu", dtype="float32")

    @pytest.fixture
    def model(self, plain, tmp_path):
        method = installed().quantizer("hf-int4").record
        variant = method.build(plain, Context(device="cpu"), method.options())
        (tmp_path / "kept").mkdir()
        assert variant.save(tmp_path / "kept") == "stored"
        return {"source": "clip", "checkpoint": "kept", "options": {"path": str(tmp_path / "kept")}}
