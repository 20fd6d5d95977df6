"""Helpers around modules and gradients, as in `torch.nn.utils`.

Room: nn. May import: eager, this room.
"""
from . import clip_grad, convert_parameters, init, rnn
from .clip_grad import (
    clip_grad_norm,
    clip_grad_norm_,
    clip_grad_value_,
    clip_grads_with_norm_,
    get_total_norm,
)
from .convert_parameters import parameters_to_vector, vector_to_parameters
from .init import skip_init

__all__ = [
    "clip_grad", "clip_grad_norm", "clip_grad_norm_", "clip_grad_value_", "clip_grads_with_norm_",
    "convert_parameters", "get_total_norm", "init", "parameters_to_vector", "rnn", "skip_init",
    "vector_to_parameters",
]
