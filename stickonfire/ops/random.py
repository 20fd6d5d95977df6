"""Random numbers: PyTorch's streams. The generator is the backend's; `eager/random.py` sorts out arguments."""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .op import op

Ints = Sequence[int]


@op()
def uniform(xp, *, size: Ints, dtype: Any, device: Any, generator: Any, low: float = 0.0, high: float = 1.0):
    """Uniform in [low, high). Shape: size.   Source: PyTorch `rand`, `Tensor.uniform_`."""
    return generator.uniform(tuple(size), xp.native_dtype(dtype), low, high)


@op()
def normal(xp, *, size: Ints, dtype: Any, device: Any, generator: Any, mean: float = 0.0, std: float = 1.0):
    """Normal with a mean and a standard deviation. Shape: size.   Source: PyTorch `randn`, `Tensor.normal_`."""
    return generator.normal(tuple(size), xp.native_dtype(dtype), mean, std)


@op(scalars=True, grad_name="NormalBackward3")
def normal_like(xp, mean, std, *, generator: Any):
    """Normal, each element with its own mean and deviation. Shape: both broadcast.   Source: PyTorch `normal`."""
    return generator.normal_like(mean, std)


@normal_like.gradient()
def _(xp, g):
    return xp.zeros_like(g), xp.zeros_like(g)


@op()
def integers(xp, *, size: Ints, dtype: Any, device: Any, generator: Any, low: int, high: Any):
    """Uniform ints in [low, high). Shape: size.   Source: PyTorch `randint`, `Tensor.random_`."""
    return generator.randint(tuple(size), xp.native_dtype(dtype), low, high)


@op()
def any_integers(xp, *, size: Ints, dtype: Any, device: Any, generator: Any):
    """Uniform over all ints a dtype holds exactly, from 0. Shape: size.   Source: PyTorch `Tensor.random_`."""
    return generator.random(tuple(size), xp.native_dtype(dtype))


@op()
def permutation(xp, *, n: int, dtype: Any, device: Any, generator: Any):
    """The ints below n in random order. Shape: (n).   Source: PyTorch `randperm`."""
    return generator.randperm(n, xp.native_dtype(dtype))


@op()
def coins(xp, *, size: Ints, dtype: Any, device: Any, generator: Any, p: float, over: float = 1.0, out: Any = None):
    """1 / over with probability p, else 0, in `out` if given. Shape: size.   Source: PyTorch `Tensor.bernoulli_`."""
    return generator.bernoulli(tuple(size), xp.native_dtype(dtype), p, over, out)


@op(promote="none")
def bernoulli_each(xp, input, *, generator: Any, dtype: Any = None):
    """1 with each element's own probability, else 0. Shape: (*) -> (*).   Source: PyTorch `bernoulli`."""
    native = input.dtype if dtype is None else xp.native_dtype(dtype)
    return generator.bernoulli(input.shape, native, input)


@bernoulli_each.gradient("input")
def _(xp, g):
    return xp.zeros_like(g)


@op()
def distributed(xp, *, size: Ints, dtype: Any, device: Any, generator: Any, law: str, parameters: Any):
    """Draws of one of the generator's laws: exponential, cauchy, log_normal, geometric. Shape: size."""
    return getattr(generator, law)(tuple(size), xp.native_dtype(dtype), *parameters)


@op(differentiable=False)
def multinomial_draw(xp, input, num_samples: int, replacement: bool = False, *, generator: Any):
    """Indices drawn with probabilities proportional to weights. Shape: (N, C) -> (N, num_samples).

    Source: PyTorch `multinomial`.
    """
    return generator.multinomial(input, num_samples, replacement)


@op(differentiable=False)
def poisson_draw(xp, input, *, generator: Any):
    """Poisson counts, each with its own rate. Shape: (*) -> (*).   Source: PyTorch `poisson`."""
    return generator.poisson(input)
