"""Sets the block size of bitsandbytes' 4 bit, for which transformers' configuration has no setting.

transformers creates each 4 bit layer with an empty weight, and quantizes while it reads the weights, with the settings
of the empty weight. The block size is set in between, by a quantizer that is registered with transformers. The model
names bitsandbytes as its method, like any other; the block size is part of the state of each weight and is saved with
it.
"""

from __future__ import annotations

from typing import Any

from bitsandbytes.nn.modules import Linear4bit, Params4bit
from transformers import BitsAndBytesConfig
from transformers.quantizers.auto import register_quantizer
from transformers.quantizers.quantizer_bnb_4bit import Bnb4BitHfQuantizer

METHOD = "qbench_bitsandbytes_4bit"


class BlocksConfig(BitsAndBytesConfig):
    """The configuration of 4 bit with a block size.

    Parameters
    ----------
    block_size : int
        Weights that share a scale.
    **settings
        The settings of `transformers.BitsAndBytesConfig`.
    """

    quant_method: Any

    def __init__(self, block_size: int, **settings: Any) -> None:
        super().__init__(load_in_4bit=True, **settings)
        self.quant_method = METHOD
        self.block_size = block_size
        self.plain = BitsAndBytesConfig(load_in_4bit=True, **settings)


@register_quantizer(METHOD)
class BlocksQuantizer(Bnb4BitHfQuantizer):
    """transformers' own quantizer, which also sets the block size."""

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
