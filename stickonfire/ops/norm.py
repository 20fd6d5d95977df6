"""Normalisations: elements brought to mean 0 and variance 1 over some dims, then scaled and shifted.

Layer, group, instance and batch norm differ in the dims alone; `standardised` is their common part.
PyTorch's full signatures are in `eager/functional/norm.py`.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .op import op


def statistics(xp, input, dims, eps):
    """x - mean, and 1 / sqrt(var + eps), over dims (kept)."""
    centred = input - xp.mean(input, axis=dims, keepdims=True)
    return centred, 1 / xp.sqrt(xp.mean(centred * centred, axis=dims, keepdims=True) + eps)


def standardised_gradient(xp, g, centred, scale, dims):
    """The gradient of centred * scale with respect to the input."""
    normal = centred * scale
    inner = g - xp.mean(g, axis=dims, keepdims=True) - normal * xp.mean(g * normal, axis=dims, keepdims=True)
    return scale * inner


def trailing(input_ndim, shape):
    """The last dims, as many as `shape` has."""
    return tuple(range(input_ndim - len(shape), input_ndim))


@op(publish=("nn.functional", "stickonfire"), promote="same", grad_name="NativeLayerNormBackward0",
    fused=True)
def layer_norm(xp, input, normalized_shape: Sequence[int], weight=None, bias=None, eps: float = 1e-5):
    """(x - mean) / sqrt(var + eps) * weight + bias over the last dims. Shape: (*, D) -> (*, D).

    Source: Ba et al. 2016; PyTorch `layer_norm`.
    """
    check_trailing("layer_norm", input, normalized_shape)
    centred, scale = statistics(xp, input, trailing(input.ndim, normalized_shape), eps)
    return affine(centred * scale, weight, bias)


def affine(out, weight, bias):
    if weight is not None:
        out = out * weight
    return out if bias is None else out + bias


def check_trailing(name, input, shape):
    shape = tuple(shape)
    if not shape:
        raise RuntimeError("Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
                           "element, but got normalized_shape = []")
    if tuple(input.shape[-len(shape):]) != shape:
        raise RuntimeError(f"Given normalized_shape={list(shape)}, expected input with shape [*, "
                           f"{', '.join(map(str, shape))}], but got input of size{list(input.shape)}")


@layer_norm.gradient("input")
def _(xp, g, input, weight, normalized_shape, eps):
    dims = trailing(input.ndim, normalized_shape)
    centred, scale = statistics(xp, input, dims, eps)
    return standardised_gradient(xp, g if weight is None else g * weight, centred, scale, dims)


@layer_norm.gradient("weight")
def _(xp, g, input, normalized_shape, eps):
    centred, scale = statistics(xp, input, trailing(input.ndim, normalized_shape), eps)
    return g * (centred * scale)        # the engine sums it to the weight's shape


@layer_norm.gradient("bias")
def _(xp, g):
    return g


@op(publish=("nn.functional", "stickonfire"), promote="same", fused=True)
def rms_norm(xp, input, normalized_shape: Sequence[int], weight=None, eps: Any = None):
    """x / sqrt(mean(x^2) + eps) * weight over the last dims. Shape: (*, D) -> (*, D).

    Source: Zhang & Sennrich 2019; PyTorch `rms_norm`.
    """
    check_trailing("rms_norm", input, normalized_shape)
    out = input * inverse_rms(xp, input, normalized_shape, eps)
    return out if weight is None else out * weight


def inverse_rms(xp, input, shape, eps):
    """1 / sqrt(mean(x^2) + eps) over the last dims (kept); eps defaults to the dtype's."""
    if eps is None:
        eps = {"float64": 2.0 ** -52, "complex128": 2.0 ** -52}.get(xp.dtype_of(input).name, 2.0 ** -23)
    return 1 / xp.sqrt(xp.mean(input * input, axis=trailing(input.ndim, shape), keepdims=True) + eps)


@rms_norm.gradient("input")
def _(xp, g, input, weight, normalized_shape, eps):
    input = xp.conj(input)
    inverse = inverse_rms(xp, input, normalized_shape, eps)
    g = g if weight is None else g * xp.conj(weight)
    dims = trailing(input.ndim, normalized_shape)
    return inverse * (g - input * inverse * inverse * xp.mean(g * input, axis=dims, keepdims=True))


@rms_norm.gradient("weight")
def _(xp, g, input, normalized_shape, eps):
    return g * xp.conj(input * inverse_rms(xp, input, normalized_shape, eps))


@op(promote="same", grad_name="NativeBatchNormBackward0", fused=True)
def standardize(xp, input, weight=None, bias=None, *, dims: Sequence[int], eps: float):
    """(x - mean) / sqrt(var + eps) * weight + bias over dims; weight and bias broadcast to the input.

    Shape: (*) -> (*).   Source: PyTorch `batch_norm` in training, `group_norm`, `instance_norm`.
    """
    centred, scale = statistics(xp, input, tuple(dims), eps)
    return affine(centred * scale, weight, bias)


@standardize.gradient("input")
def _(xp, g, input, weight, dims, eps):
    centred, scale = statistics(xp, input, tuple(dims), eps)
    return standardised_gradient(xp, g if weight is None else g * weight, centred, scale, tuple(dims))


@standardize.gradient("weight")
def _(xp, g, input, dims, eps):
    centred, scale = statistics(xp, input, tuple(dims), eps)
    return g * (centred * scale)


@standardize.gradient("bias")
def _(xp, g):
    return g
