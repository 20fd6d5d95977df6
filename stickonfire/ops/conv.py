"""Convolutions and their adjoints, and windows as columns.

A convolution is linear in its input and in its weight. With an output gradient it forms a trilinear expression of which
`convolution`, `convolution_input` (the transposed convolution) and `convolution_weight` are the three derivatives.
So the gradients of each are the other two, to any order. Users reach them through `eager/functional/conv.py`, which
checks shapes and spells out strides; here all lists have one number a dim. Imports `op` alone.
"""
from __future__ import annotations

from collections.abc import Sequence

from .op import op

Ints = Sequence[int]


def spatial(g):
    """The dims a bias is constant along."""
    return (0, *range(2, g.ndim))


@op(promote="match", grad_name="ConvolutionBackward0")
def convolution(xp, input, weight, bias=None, stride: Ints = (1,), padding: Ints = (0,), dilation: Ints = (1,),
                groups: int = 1, size: Ints = ()):
    """out[n, o, p] = bias[o] + sum over c, k of input[n, c, p * stride + k * dilation - padding] * weight[o, c, k].

    `size`: how many windows there are, if not as many as fit.
    Shape: (N, C, *spatial), (O, C / groups, *kernel), (O) -> (N, O, *size).   Source: PyTorch `convolution`.
    """
    return xp.convolution(input, weight, bias, stride, padding, dilation, groups, size)


@convolution.gradient("input")
def _(xp, g, input_shape, weight, stride, padding, dilation, groups):
    return xp.convolution_input(g, xp.conj(weight), None, tuple(input_shape[2:]), stride, padding, dilation, groups)


@convolution.gradient("weight")
def _(xp, g, input, weight_shape, stride, padding, dilation, groups):
    return xp.convolution_weight(g, xp.conj(input), tuple(weight_shape[2:]), stride, padding, dilation, groups)


@convolution.gradient("bias")
def _(xp, g):
    return xp.sum(g, axis=spatial(g))


@op(promote="match", grad_name="ConvolutionBackward0")
def convolution_input(xp, input, weight, bias=None, shape: Ints = (), stride: Ints = (1,), padding: Ints = (0,),
                      dilation: Ints = (1,), groups: int = 1):
    """Transposed convolution: each input element adds its multiple of the kernel to the output.

    Shape: (N, O, *size), (O, C / groups, *kernel), (C) -> (N, C, *shape).   Source: PyTorch `conv_transpose2d`.
    """
    return xp.convolution_input(input, weight, bias, shape, stride, padding, dilation, groups)


@convolution_input.gradient("input")
def _(xp, g, input_shape, weight, stride, padding, dilation, groups):
    return xp.convolution(g, xp.conj(weight), None, stride, padding, dilation, groups, tuple(input_shape[2:]))


@convolution_input.gradient("weight")
def _(xp, g, input, weight_shape, stride, padding, dilation, groups):
    return xp.convolution_weight(xp.conj(input), g, tuple(weight_shape[2:]), stride, padding, dilation, groups)


@convolution_input.gradient("bias")
def _(xp, g):
    return xp.sum(g, axis=spatial(g))


@op(promote="match", grad_name="ConvolutionBackward0")
def convolution_weight(xp, grad, input, kernel: Ints, stride: Ints, padding: Ints, dilation: Ints, groups: int):
    """What a gradient (N, O, *size) of `convolution` means for its weight.

    Shape: (N, O, *size), (N, C, *spatial) -> (O, C / groups, *kernel).
    """
    return xp.convolution_weight(grad, input, kernel, stride, padding, dilation, groups)


@convolution_weight.gradient("grad")
def _(xp, g, grad_shape, input, stride, padding, dilation, groups):
    return xp.convolution(xp.conj(input), g, None, stride, padding, dilation, groups, tuple(grad_shape[2:]))


@convolution_weight.gradient("input")
def _(xp, g, grad, input_shape, stride, padding, dilation, groups):
    return xp.convolution_input(xp.conj(grad), g, None, tuple(input_shape[2:]), stride, padding, dilation, groups)


@op()
def im2col(xp, input, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints):
    """Each window as a column. Shape: (N, C, H, W) -> (N, C * prod(kernel), L).   Source: PyTorch `unfold`."""
    return xp.im2col(input, kernel, dilation, padding, stride)


@im2col.gradient("input")
def _(xp, g, input_shape, kernel, dilation, padding, stride):
    return xp.col2im(g, tuple(input_shape[2:]), kernel, dilation, padding, stride)


@op(promote="same")
def col2im(xp, input, shape: Ints, kernel: Ints, dilation: Ints, padding: Ints, stride: Ints):
    """Columns added up where windows came from.

    Shape: (N, C * prod(kernel), L) -> (N, C, H, W).   Source: PyTorch `fold`.
    """
    return xp.col2im(input, shape, kernel, dilation, padding, stride)


@col2im.gradient("input")
def _(xp, g, kernel, dilation, padding, stride):
    return xp.im2col(g, kernel, dilation, padding, stride)
