"""GPTQ and Wanda. Both need X Xᵀ of the inputs of each Linear layer, which one pass over the calibration data gives."""

import numpy as np
import torch

from qbench.api import simulate
from qbench.api.quantizers import torch_module

AT_ONCE = 16
DAMPING = 0.01
"""The share of the mean of the diagonal that is added to it, as in the code of the paper."""


def build_gptq(checkpoint, context, options):
    moments = second_moments(checkpoint, context)

    def rule(name, weight):
        if name not in moments:  # a matrix outside any Linear layer
            return None
        group = options.group if weight.shape[1] % options.group == 0 else weight.shape[1]
        moment = moments[name] if options.compensate else torch.eye(weight.shape[1])
        return quantized(weight, moment, options.bits, group), options.bits + 32 / group

    return simulate(checkpoint, context, rule, layers=options)


def build_wanda(checkpoint, context, options):
    moments = second_moments(checkpoint, context)

    def rule(name, weight):
        if name not in moments:
            return None
        score = weight.abs() * moments[name].diagonal().sqrt().to(weight)
        dropped = score.argsort(dim=1)[:, : round(options.sparsity * weight.shape[1])]
        return weight.scatter(1, dropped, 0.0), 32

    return simulate(checkpoint, context, rule, layers=options)


def second_moments(checkpoint, context):
    """Name of a Linear layer → the mean of x xᵀ over all inputs x that it is given: (inputs, inputs) float64."""
    encoder = checkpoint.load(device=context.device, dtype="float32")
    sums, counts = {}, {}

    def watch(name):
        def hook(module, inputs):
            x = inputs[0].detach().reshape(-1, module.in_features).double().cpu()
            sums[name] = sums.get(name, 0) + x.T @ x
            counts[name] = counts.get(name, 0) + len(x)

        return hook

    for name, module in torch_module(encoder).named_modules():
        if isinstance(module, torch.nn.Linear):
            module.register_forward_pre_hook(watch(name))
    pixels, texts = context.calibration.pixels(checkpoint.preprocessing.geometry), list(context.calibration.texts)
    for start in range(0, len(pixels), AT_ONCE):
        encoder.encode_images(np.array(pixels[start : start + AT_ONCE]))
    for start in range(0, len(texts), AT_ONCE):
        encoder.encode_texts(texts[start : start + AT_ONCE])
    encoder.close()
    return {name: total / counts[name] for name, total in sums.items()}


def quantized(weight, moment, bits, group):
    """Algorithm 1 of Frantar et al. (2023), with one symmetric scale per output and group of inputs.

    weight: (outputs, inputs); moment: (inputs, inputs), the mean of x xᵀ. The identity means rounding to nearest.
    """
    left, moment = weight.double().cpu().clone(), moment.double().clone()
    diagonal = moment.diagonal()
    dead = diagonal == 0
    diagonal[dead] = 1  # an input that is always 0
    diagonal += DAMPING * diagonal.mean()
    inverse = torch.linalg.cholesky(torch.cholesky_inverse(torch.linalg.cholesky(moment)), upper=True)
    found, top = torch.zeros_like(left), 2 ** (bits - 1) - 1
    for i in range(left.shape[1]):
        if i % group == 0:
            scale = left[:, i : i + group].abs().amax(dim=1).clamp(min=1e-12) / top
        found[:, i] = (left[:, i] / scale).round().clamp(-top, top) * scale
        error = (left[:, i] - found[:, i]) / inverse[i, i]
        left[:, i + 1 :] -= error[:, None] * inverse[i, i + 1 :]
    return found.to(weight)
