"""PyTorch's CPU random generator, bit for bit: the same seed gives the same numbers and the same state bytes.

`Generator` belongs to the CPU backend; the eager layer wraps it as `torch.Generator`. It takes and returns
NumPy arrays. The stream itself is in `random_words.py`, the arithmetic in `distributions.py`, the refusals in
`random_checks.py`; besides these three, only NumPy is imported. Large draws use `native_normals.py`, loaded late.
"""
from __future__ import annotations

import functools
import importlib
import math
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import distributions as dist
from . import random_checks as check
from .distributions import F32, F64, narrow
from .random_checks import C_NAME, DIGITS, FLOATING, NUMERIC, TORCH_NAME, name_of
from .random_words import Words

Shape = tuple[int, ...]

PIECE = 1 << 15                                # large draws are made in pieces that stay in the cache
LIBM_LIMIT = 1 << 16                           # float64 draws up to this size go through libm: exact
I64 = np.dtype(np.int64)
C64, C128 = np.dtype(np.complex64), np.dtype(np.complex128)
REAL_PART: dict[np.dtype, np.dtype] = {C64: F32, C128: F64}
JUST_BELOW_1 = 1.0 - 2.0**-24


class Generator(Words):
    """A stream of random numbers.  Source: PyTorch `torch.Generator` on the CPU (MT19937, Box-Muller).

    Every draw takes `(shape, dtype, parameters...)`, dtype a NumPy dtype, and returns a new contiguous array.

    >>> g = Generator(0)
    >>> g.uniform((3,))
    array([0.4962566 , 0.7682218 , 0.08847743], dtype=float32)
    >>> saved = g.get_state(); a = g.normal((2,)); g.set_state(saved); bool((g.normal((2,)) == a).all())
    True
    """

    __slots__ = ()

    # Uniform and normal ----------------------------------------------------------------------------------

    def uniform(self, shape: Shape, dtype: np.dtype = F32, low: float = 0.0, high: float = 1.0) -> np.ndarray:
        """Numbers spread evenly over [low, high).  Source: PyTorch `Tensor.uniform_`, `torch.rand`.

        Raises: NotImplementedError for an integer dtype; RuntimeError if low > high or beyond the dtype.
        """
        if dtype is F32 and low == 0.0 and high == 1.0:
            return self._units(math.prod(shape), dtype).reshape(shape)
        if dtype in REAL_PART:
            return self.uniform((*shape, 2), REAL_PART[dtype], low, high).view(dtype)[..., 0]
        check.require(dtype, FLOATING, "check_uniform_bounds", "uniform", shape)
        check.uniform_bounds(low, high, name_of(dtype))
        if dtype == F64 and low == 0.0 and high == 1.0:
            return self._units(math.prod(shape), dtype).reshape(shape)
        return self._fill(shape, dtype, self._uniform64(low, high) if dtype == F64
                          else self._uniform32(low, high, dtype))

    def _units(self, n: int, dtype: np.dtype) -> np.ndarray:
        """n numbers in [0, 1), float32 or float64."""
        draw = self.uniforms64 if dtype == F64 else self.uniforms32
        return draw(n) if self.fast(n) else self._fill((n,), dtype, draw)

    def _uniform64(self, low: float, high: float) -> Callable[[int], np.ndarray]:
        return lambda n: _without(high, low, dist.fused(self.uniforms64(n), high - low, low))

    def _uniform32(self, low: float, high: float, dtype: np.dtype) -> Callable[[int], np.ndarray]:
        """PyTorch computes the range in float32, then multiplies and adds with a single rounding."""
        low32, high32 = np.float32(low), np.float32(high)
        start, size = float(low32), float(high32 - low32)
        reaches_high = dtype != F32 or np.float32(JUST_BELOW_1 * size + start) == high32

        def draw(n: int) -> np.ndarray:
            wide = self.uniforms32(n).astype(F64)
            wide *= size
            wide += start
            values = narrow(wide, dtype)
            return _without(high, low, values) if reaches_high else values
        return draw

    def normal(self, shape: Shape, dtype: np.dtype = F32, mean: float = 0.0, std: float = 1.0,
               contiguous: bool = True) -> np.ndarray:
        """Normal numbers; complex ones have std / sqrt(2) in each part.  Source: PyTorch `normal_`, `randn`.

        PyTorch fills a tensor that is not contiguous from another stream, in the order of its memory: say
        `contiguous=False` for those numbers.

        Raises: RuntimeError if std < 0; NotImplementedError for an integer dtype.
        """
        if not std >= 0:
            raise check.refusal(f"normal expects std >= 0.0, but found std {std:g}", "normal", shape)
        if dtype in REAL_PART:
            real = self.normal((*shape, 2), REAL_PART[dtype], mean, std / math.sqrt(2), contiguous)
            return real.view(dtype)[..., 0]
        if dtype is not F32:
            check.require(dtype, FLOATING, "normal_kernel_cpu", "normal", shape)
        n = math.prod(shape)
        if n >= 16 and contiguous:
            return self._normal_blocks(n, dtype, mean, std).reshape(shape)
        values = self.normals64(n, _exact(dtype, n))
        if mean != 0.0 or std != 1.0:
            values = dist.fused(values, std, mean)
        return narrow(values, dtype).reshape(shape)

    def _normal_blocks(self, n: int, dtype: np.dtype, mean: float, std: float) -> np.ndarray:
        """Blocks of 16; if 16 does not divide n, the last 16 elements are drawn anew."""
        wide, tail = _wide(dtype), n % 16
        whole = n - tail
        uniforms = self._units(whole, wide)
        if tail:
            if dtype.itemsize > 2:                         # PyTorch draws these, then overwrites them
                self._units(tail, wide)
            uniforms = np.concatenate((uniforms, self._units(16, wide)))
        if dtype == F64:
            values = dist.box_muller_blocks_f64(uniforms, mean, std, _exact(dtype, n))
        else:
            native = self.fast(dist.BLOCKS_TIME + dist.BLOCK_ELEMENT_TIME * n)
            blocks = _native_normals().box_muller_blocks if native else dist.box_muller_blocks
            values = narrow(blocks(uniforms, mean, std), dtype)
        if tail:
            values[n - 16:n] = values[whole:].copy()
            values = values[:n].copy()
        return values

    def normal_like(self, mean: np.ndarray | float, std: np.ndarray | float) -> np.ndarray:
        """Normals with a mean and a deviation for each element.  Source: PyTorch `torch.normal`.

        Shape: mean and std, at least one of them an array, broadcast.
        Dtype: that of mean if it is an array, else that of std.
        Raises: RuntimeError if any std is negative.
        """
        if not isinstance(std, np.ndarray):
            if std < 0:
                raise check.refusal(f"normal expects std >= 0.0, but found std {std}", "normal", np.shape(mean))
            mean = np.asarray(mean)
            return np.asarray(self.normal(mean.shape, mean.dtype, 0.0, std) + mean).astype(mean.dtype, copy=False)
        if np.iscomplexobj(std):
            raise check.refusal("normal expects standard deviation to be non-complex", "normal", std.shape)
        if not (std >= 0).all():
            raise check.refusal("normal expects all elements of std >= 0.0", "normal", std.shape)
        dtype = mean.dtype if isinstance(mean, np.ndarray) else std.dtype
        values = self.normal(np.broadcast_shapes(np.shape(mean), std.shape), dtype)
        values = np.asarray(values * std).astype(dtype, copy=False)
        return np.asarray(values + mean).astype(dtype, copy=False)

    def log_normal(self, shape: Shape, dtype: np.dtype = F32, mean: float = 1.0, std: float = 2.0
                   ) -> np.ndarray:
        """exp of normals of that mean and std.  Source: PyTorch `Tensor.log_normal_`.

        Raises: RuntimeError if std <= 0.
        """
        if not std > 0:
            raise check.refusal(f"log_normal_ expects std > 0.0, but found std={std:g}", "log_normal", shape)
        check.require(dtype, FLOATING, "log_normal_cpu", "log_normal", shape)
        exact = _exact(dtype, math.prod(shape))
        return self._fill(shape, dtype, lambda n: dist.libm(
            math.exp, np.exp, dist.fused(self.normals64(n, exact), std, mean), exact))

    # Whole numbers ---------------------------------------------------------------------------------------

    def randint(self, shape: Shape, dtype: np.dtype, low: int, high: int | None) -> np.ndarray:
        """Whole numbers from low to high - 1, or to the largest of the dtype if high is None.

        Source: PyTorch `torch.randint`, `Tensor.random_(from, to)`.
        Raises: RuntimeError if the range is empty or leaves the dtype.
        """
        if high is None and low == -(1 << 63):
            check.full_range(dtype)
            return self._fill(shape, dtype, lambda n: self.words64(n).view(np.int64))
        low, high = check.integer_range(low, high, dtype)
        size = high - low
        if size >= 1 << 28:                                # PyTorch's limit for a modulo of a 32-bit word
            return self._fill(shape, dtype, lambda n: _modulo(self.words64(n), size).view(np.int64) + low)
        return self._fill(shape, dtype, lambda n: _modulo(self.words(n), size).astype(np.int64) + low)

    def random(self, shape: Shape, dtype: np.dtype) -> np.ndarray:
        """Whole numbers from 0 up to all the dtype holds, or 2**digits.  Source: PyTorch `random_()`.

        `int(g.random((), np.dtype("int64")))` is the seed that RandomSampler and DataLoader draw.
        """
        check.require(dtype, ("bool", *NUMERIC), "random_kernel_cpu", "random", shape)
        name = name_of(dtype)
        if name in DIGITS:
            size = (1 << DIGITS[name]) + 1
        else:
            size = 2 if name == "bool" else int(np.iinfo(dtype).max) + 1
        draw = self.words64 if name in ("int64", "float64") else self.words
        return self._fill(shape, dtype, lambda n: _modulo(draw(n), size))

    def randperm(self, n: int, dtype: np.dtype = I64) -> np.ndarray:
        """The numbers 0..n-1 in random order.  Source: PyTorch `randperm` (Fisher and Yates, from the front).

        Raises: RuntimeError if n is negative or exceeds the dtype.
        """
        check.require(dtype, NUMERIC, "randperm", "randperm", (n,))
        check.permutation_fits(n, dtype)
        targets = np.arange(n, dtype=np.int64)
        if n > 1:
            targets[:-1] += self.words(n - 1) % np.arange(n, 1, -1, dtype=np.uint32)
        return narrow(dist.apply_swaps(targets), dtype)

    # Yes or no, and continuous distributions by inversion ------------------------------------------------

    def bernoulli(self, shape: Shape, dtype: np.dtype, p: float | np.ndarray, over: float = 1.0,
                  out: np.ndarray | None = None) -> np.ndarray:
        """1 / over with probability p, else 0.  A number p and an array p follow different streams, as in PyTorch.

        Dropout's mask is `bernoulli(shape, dtype, 1 - rate, 1 - rate)`.  Source: PyTorch `Tensor.bernoulli_`.
        over: 1 unless p is a number and dtype a floating one.   out: where the result goes, of that shape and dtype.

        Shape: an array p broadcasts to `shape`.   Raises: RuntimeError if p leaves [0, 1].
        """
        check.require(dtype, ("bool", *NUMERIC), "bernoulli_scalar_cpu_", "bernoulli", shape)
        if isinstance(p, np.ndarray):
            return self._bernoulli_each(shape, dtype, p)
        if not 0 <= p <= 1:
            raise check.refusal(f"bernoulli_ expects p to be in [0, 1], but got p={p:g}", "bernoulli", shape)
        n = math.prod(shape)
        if self.fast(2 * n) and (out is None or out.flags.c_contiguous):
            yes = np.ones((), dtype) if over == 1.0 else narrow(np.true_divide(1.0, over, dtype=_wide(dtype)), dtype)
            limit = math.ceil(float(p) * 2.0**53)          # an exact product: u < p and u * 2**53 < limit are the same
            return self.native(f"coins{8 * dtype.itemsize}", np.empty(shape, dtype) if out is None else out,
                               limit, int.from_bytes(yes.tobytes(), sys.byteorder))
        values = self._fill(shape, dtype, lambda n: self.uniforms64(n) < p)
        if over != 1.0:
            values = narrow(np.divide(values, over, dtype=_wide(dtype)), dtype)
        if out is None:
            return values
        out[...] = values
        return out

    def _bernoulli_each(self, shape: Shape, dtype: np.dtype, p: np.ndarray) -> np.ndarray:
        check.require(p.dtype, FLOATING, "bernoulli_tensor_cpu_p_", "bernoulli", shape)
        if not ((p >= 0) & (p <= 1)).all():
            raise check.refusal("Expected p_in >= 0 && p_in <= 1 to be true, but got false.",
                                "bernoulli: a probability in the array leaves [0, 1]", p.shape)
        draw, wide = (self.uniforms64, F64) if p.dtype == F64 else (self.uniforms32, F32)
        chances = np.broadcast_to(p, shape).astype(wide, copy=False).reshape(-1)
        out = np.empty(chances.size, dtype)
        for piece, chance in zip(_pieces(out), _pieces(chances)):
            piece[...] = draw(piece.size) < chance
        return out.reshape(shape)

    def exponential(self, shape: Shape, dtype: np.dtype = F32, lambd: float = 1.0) -> np.ndarray:
        """Waits at rate lambd.  Source: PyTorch `exponential_`.  Raises: RuntimeError if lambd <= 0."""
        if not lambd > 0:
            raise check.refusal(f"exponential_ expects lambda > 0.0, but found lambda={lambd:g}",
                                "exponential", shape)
        check.require_continuous(dtype, "Exponential", TORCH_NAME, shape)
        exact, factor = _exact(dtype, math.prod(shape)), -1.0 / lambd
        return self._fill(shape, dtype, lambda n: factor * dist.libm(
            math.log1p, _log_1_plus, -self.uniforms64(n), exact))

    def cauchy(self, shape: Shape, dtype: np.dtype = F32, median: float = 0.0, sigma: float = 1.0
               ) -> np.ndarray:
        """Cauchy numbers.  Source: PyTorch `Tensor.cauchy_`.  Raises: RuntimeError if sigma <= 0."""
        if not sigma > 0:
            raise check.refusal(f"cauchy_ expects sigma > 0.0, but found sigma={sigma:g}", "cauchy", shape)
        check.require_continuous(dtype, "Cauchy", C_NAME, shape)
        exact = _exact(dtype, math.prod(shape))
        return self._fill(shape, dtype, lambda n: dist.fused(dist.libm(
            math.tan, np.tan, math.pi * (self.uniforms64(n) - 0.5), exact), sigma, median))

    def geometric(self, shape: Shape, dtype: np.dtype, p: float) -> np.ndarray:
        """Trials until the first success.  Source: PyTorch `Tensor.geometric_`.

        Raises: RuntimeError unless 0 < p < 1.
        """
        if not 0 < p < 1:
            raise check.refusal(f"geometric_ expects p to be in (0, 1), but got p={p:g}", "geometric", shape)
        check.require(dtype, NUMERIC, "geometric_cpu", "geometric", shape)
        with np.errstate(divide="ignore"):
            return self._fill(shape, dtype, lambda n: np.ceil(np.log(self.uniforms64(n)) / math.log1p(-p)))

    def _fill(self, shape: Shape, dtype: np.dtype, draw: Callable[[int], np.ndarray]) -> np.ndarray:
        n = math.prod(shape)
        if n <= PIECE:
            return narrow(draw(n), dtype).reshape(shape)
        out = np.empty(n, dtype)
        for piece in _pieces(out):
            piece[...] = narrow(draw(piece.size), dtype)
        return out.reshape(shape)

    # Categories, and distributions by rejection ----------------------------------------------------------

    def multinomial(self, weights: np.ndarray, num_samples: int, replacement: bool = False) -> np.ndarray:
        """Indices drawn with probability proportional to weights, row by row.  Source: PyTorch `multinomial`.

        Shape: (k,) or (rows, k) -> (num_samples,) or (rows, num_samples), int64.
        Raises: RuntimeError for weights that are no distribution, or too many samples without replacement.
        """
        check.multinomial_call(weights, num_samples, replacement)
        if weights.size == 0:
            return np.empty((*weights.shape[:-1], num_samples), np.int64)
        if replacement and num_samples > 1:
            return self._multinomial_replacing(weights, num_samples)
        check.race_weights(weights)                        # the first to arrive wins, at rate weight
        race = (weights / self.exponential(weights.shape, weights.dtype)).astype(weights.dtype, copy=False)
        if num_samples == 1:
            return race.argmax(-1, keepdims=True)
        return np.argsort(-race, axis=-1, kind="stable")[..., :num_samples]

    def _multinomial_replacing(self, weights: np.ndarray, num_samples: int) -> np.ndarray:
        rows = weights.reshape(-1, weights.shape[-1]).astype(F64 if weights.dtype == F64 else F32)
        check.ladder_weights(rows)
        ladders = np.cumsum(rows, axis=-1, dtype=rows.dtype)
        ladders /= ladders[:, -1:].copy()
        ladders[:, -1] = 1
        uniforms = self.uniforms64(len(rows) * num_samples).reshape(len(rows), num_samples)
        found = [ladder.searchsorted(u) for ladder, u in zip(ladders.astype(F64), uniforms)]
        return np.array(found, np.int64).reshape(*weights.shape[:-1], num_samples)

    def poisson(self, rate: np.ndarray) -> np.ndarray:
        """Poisson numbers of these rates.  Source: PyTorch `poisson`.  Raises: RuntimeError if a rate < 0."""
        check.require(rate.dtype, FLOATING, "poisson_cpu", "poisson", rate.shape)
        if not (rate >= 0).all():
            raise check.refusal("invalid Poisson rate, expected rate to be non-negative",
                                "poisson", rate.shape)
        return _each(rate, lambda r: dist.poisson_one(r, self.uniform_one), rate.dtype)

    def standard_gamma(self, alpha: np.ndarray) -> np.ndarray:
        """Gamma(alpha, 1) numbers.  Source: PyTorch `_standard_gamma`.  Raises: RuntimeError if alpha < 0."""
        check.require(alpha.dtype, ("float32", "float64"), "gamma_cpu", "standard_gamma", alpha.shape)
        gammas = self._gammas(alpha, alpha.dtype == F32).astype(alpha.dtype)
        return np.maximum(gammas, np.finfo(alpha.dtype).tiny)

    def _gammas(self, alpha: np.ndarray, single: bool) -> np.ndarray:
        if not (alpha >= 0).all():
            raise check.refusal("invalid alpha, expected alpha to be non-negative",
                                "standard_gamma", alpha.shape)
        return _each(alpha, lambda a: dist.gamma_one(a, single, self.uniform_one, self.normal_one), F64)

    def dirichlet(self, alpha: np.ndarray) -> np.ndarray:
        """Points of a simplex, rows along the last axis.  Source: PyTorch `torch._sample_dirichlet`."""
        check.require(alpha.dtype, ("float32", "float64"), "dirichlet", "dirichlet", alpha.shape)
        gammas = np.maximum(self._gammas(alpha, single=False), np.finfo(F64).tiny)
        shares = (gammas / gammas.sum(-1, keepdims=True)).astype(alpha.dtype)
        below_one = np.nextafter(alpha.dtype.type(1), alpha.dtype.type(0))
        return np.clip(shares, np.finfo(alpha.dtype).tiny, below_one)

    def binomial(self, count: np.ndarray, prob: np.ndarray) -> np.ndarray:
        """Successes in count trials of chance prob.  Source: PyTorch `binomial`.  Shape: both broadcast."""
        check.require(count.dtype, ("float32", "float64"), "binomial_cpu", "binomial", count.shape)
        single = count.dtype == F32
        counts, probs = np.broadcast_arrays(count, prob)
        drawn = [dist.binomial_one(c, p, single, self.uniform_one)
                 for c, p in zip(counts.ravel().tolist(), probs.ravel().tolist())]
        return np.array(drawn, count.dtype).reshape(counts.shape)


def _pieces(array: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, array.size, PIECE):
        yield array[start:start + PIECE]


@functools.cache
def _native_normals() -> Any:
    return importlib.import_module(".native_normals", __package__)


def _wide(dtype: np.dtype) -> np.dtype:
    """What numbers of a floating dtype are computed in."""
    return F64 if dtype == F64 else F32


def _exact(dtype: np.dtype, n: int) -> bool:
    """Whether libm's last bit is worth its time: rounding to a shorter dtype hides the difference."""
    return dtype == F64 and n <= LIBM_LIMIT


def _without(high: float, low: float, values: np.ndarray) -> np.ndarray:
    """Rounding may reach `high`, which is excluded; PyTorch puts `low` there."""
    ends = np.array([low, high]).astype(np.float32 if values.itemsize < 8 else F64).astype(values.dtype)
    values[values == ends[1]] = ends[0]
    return values


def _log_1_plus(x: np.ndarray) -> np.ndarray:
    return np.log(1.0 + x)                                 # 1 - u is exact, and log is twice as fast as log1p


def _modulo(words: np.ndarray, size: int) -> np.ndarray:
    """words % size; NumPy's division by one number is twice as fast as its remainder."""
    divisor = words.dtype.type(size)
    multiple = words // divisor
    multiple *= divisor
    return np.subtract(words, multiple, out=multiple)


def _each(values: np.ndarray, draw: Callable[[float], float], dtype: np.dtype) -> np.ndarray:
    drawn = np.array([draw(v) for v in values.astype(F64).ravel().tolist()], F64)
    return narrow(drawn, dtype).reshape(values.shape)
