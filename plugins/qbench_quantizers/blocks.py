"""The block size of bitsandbytes' 4 bit, which transformers' configuration has no setting for.

transformers makes each 4 bit layer empty, and quantizes while it reads the weights, by what the empty weight says. So
the size is set in between, by a quantizer registered with transformers for that. The model that comes out says that it
is quantized by bitsandbytes, as any other: the size lies in each weight's own state, and is saved with it.
"""

from __future__ import annotations

from typing import Any

from bitsandbytes.nn.modules import Linear4bit, Params4bit
from transformers import BitsAndBytesConfig
from transformers.quantizers.auto import register_quantizer
from transformers.quantizers.quantizer_bnb_4bit import Bnb4BitHfQuantizer

METHOD = "qbench_bitsandbytes_4bit"


class BlocksConfig(BitsAndBytesConfig):
    """Settings of 4 bit in blocks of a size.

    Parameters
    ----------
    block_size : int
        Weights that share a scale.
    **settings
        Those of `transformers.BitsAndBytesConfig`.
    """

    quant_method: Any

    def __init__(self, block_size: int, **settings: Any) -> None:
        super().__init__(load_in_4bit=True, **settings)
        self.quant_method = METHOD
        self.block_size = block_size
        self.plain = BitsAndBytesConfig(load_in_4bit=True, **settings)


@register_quantizer(METHOD)
class BlocksQuantizer(Bnb4BitHfQuantizer):
    """transformers' own quantizer, and the size."""

    quantization_config: Any

    def _process_model_before_weight_loading(self, model: Any, device_map: Any = None, **kwargs: Any) -> None:
        super()._process_model_before_weight_loading(model, device_map, **kwargs)
        for layer in model.modules():
            if isinstance(layer, Linear4bit) and isinstance(layer.weight, Params4bit):
                layer.weight.blocksize = self.quantization_config.block_size

    def _process_model_after_weight_loading(self, model: Any, **kwargs: Any) -> Any:
        plain = self.quantization_config.plain
        self.quantization_config = model.config.quantization_config = plain
        model.quantization_method = plain.quant_method
        return super()._process_model_after_weight_loading(model, **kwargs)
