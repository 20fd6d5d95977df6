"""Random tensors and generators: PyTorch's functions, PyTorch's streams.

The numbers come from the backend's generator (`backends/cpu/random.py`) through ops, like all others;
here are the arguments, the default generator and the in-place methods.
"""
from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from ..backends.base import backend_for
from ..core import dtypes, state
from ..core.device import device as device_type
from ..ops.op import REGISTRY
from .creation import into, like, options, plain, sizes
from .dispatch import dispatch
from .inplace import dispatch_inplace
from .modes import capturing
from .tensor import Tensor, backend_of, make


class Generator:
    """A source of random numbers with a state of its own.

    Source: PyTorch `torch.Generator`.

    >>> import stickonfire as torch
    >>> torch.rand(2, generator=torch.Generator().manual_seed(0))
    tensor([0.4963, 0.7682])
    """

    def __init__(self, device: Any = "cpu") -> None:
        self.device = device_type(device)
        if self.device.type == "cuda":
            raise RuntimeError("Cannot get CUDA generator without ATen_cuda library: there is no CUDA device. Use "
                               "Generator('cpu')")
        self.stream = backend_for(self.device).generator()

    def manual_seed(self, seed: int) -> Generator:
        """Starts the stream that belongs to a seed."""
        self.stream.manual_seed(int(seed))
        return self

    def seed(self) -> int:
        """Seeds with a number that nobody can predict, and returns it."""
        return self.stream.seed()

    def initial_seed(self) -> int:
        """The seed the stream began with."""
        return self.stream.initial_seed()

    def get_state(self) -> Tensor:
        """The state as bytes, in PyTorch's own layout. Shape: (5056)."""
        backend = backend_for(self.device)
        return make(backend.from_numpy(self.stream.get_state()))

    def set_state(self, new_state: Tensor) -> Generator:
        """Goes on from a state that `get_state` gave.

        Raises: TypeError, RuntimeError for what is no such state.
        """
        if not isinstance(new_state, Tensor) or new_state.dtype is not dtypes.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        self.stream.set_state(backend_of(new_state).to_numpy(new_state._array))
        return self

    def clone_state(self) -> Generator:
        """A generator that goes on from the same state."""
        return Generator(self.device).set_state(self.get_state())

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild_generator, (str(self.device), self.get_state())


def _rebuild_generator(device: str, saved: Tensor) -> Generator:
    return Generator(device).set_state(saved)


default_generator = Generator()


def stream(generator: Generator | None) -> Any:
    """The backend's generator to draw from."""
    if generator is not None and not isinstance(generator, Generator):
        raise TypeError(f"argument 'generator' must be torch.Generator, not {type(generator).__name__}. Make one with "
                        "torch.Generator().manual_seed(0)")
    return (default_generator if generator is None else generator).stream


def manual_seed(seed: Any) -> Generator:
    """Seeds the default generator: the same numbers as PyTorch's from here on.   Source: PyTorch `torch.manual_seed`.

    >>> import stickonfire as torch
    >>> _ = torch.manual_seed(0); torch.randn(2)
    tensor([ 1.5410, -0.2934])
    """
    recorder = capturing()
    if recorder is not None:
        recorder.stop("the generator was seeded")
    return default_generator.manual_seed(int(seed))


def seed() -> int:
    """Seeds the default generator unpredictably.   Source: PyTorch `torch.seed`."""
    return default_generator.seed()


def initial_seed() -> int:
    """The default generator's seed.   Source: PyTorch `torch.initial_seed`."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The default generator's state. Shape: (5056).   Source: PyTorch `torch.get_rng_state`."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Sets the default generator's state.   Source: PyTorch `torch.set_rng_state`."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Any = None, enabled: bool = True, device_type: str = "cpu") -> Iterator[None]:
    """Restores the default generator's state at the block's end.   Source: PyTorch `torch.random.fork_rng`."""
    before = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(before)


def draw(op: str, size: tuple[int, ...], dtype: Any, device: Any, generator: Generator | None, requires_grad: bool,
         out: Tensor | None = None, *, name: str = "", layout: Any = None, pin_memory: bool = False,
         **attrs: Any) -> Tensor:
    """Executes a drawing op. `name` is what the user called."""
    chosen = options(name or op, dtype, device, layout, pin_memory, requires_grad)
    chosen["dtype"] = chosen["dtype"] or (state.default_dtype() if out is None else out.dtype)
    result = dispatch(REGISTRY[op], (), {"size": size, "generator": stream(generator), **chosen, **attrs})
    return into(out, result.requires_grad_(True) if requires_grad else result)


def rand(*size: Any, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
         layout: Any = None,
         device: Any = None, requires_grad: bool = False, pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Uniform in [0, 1). Shape: size.   Source: PyTorch `torch.rand`."""
    return draw("uniform", sizes("rand", size, keywords), dtype, device, generator, requires_grad, out, name="rand",
                layout=layout, pin_memory=pin_memory)


def randn(*size: Any, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
          layout: Any = None,
          device: Any = None, requires_grad: bool = False, pin_memory: bool = False, **keywords: Any) -> Tensor:
    """Standard normal. Shape: size.   Source: PyTorch `torch.randn`."""
    return draw("normal", sizes("randn", size, keywords), dtype, device, generator, requires_grad, out, name="randn",
                layout=layout, pin_memory=pin_memory)


def randint(low: int, high: Any = None, size: Any = None, *, generator: Generator | None = None,
            out: Tensor | None = None,
            dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
            pin_memory: bool = False) -> Tensor:
    """Uniform ints in [low, high), or in [0, low) if called as randint(high, size). Shape: size.

    Raises: RuntimeError for an empty range.   Source: PyTorch `torch.randint`.
    """
    if size is None:
        low, high, size = (0, low, high)
    elif high is None:
        low, high = 0, low
    for position, (name, n) in enumerate((("low", low), ("high", high)), 1):
        if not hasattr(n, "__index__"):
            raise TypeError(f"randint(): argument '{name}' (position {position}) must be int, not {type(n).__name__}")
    check_range("random_", low, high)
    return draw("integers", sizes("randint", (size,), {}), dtype or dtypes.int64, device, generator, requires_grad, out,
                name="randint", layout=layout, pin_memory=pin_memory, low=int(low), high=int(high))


def check_range(name: str, low: int, high: int) -> None:
    if low >= high:
        raise RuntimeError(f"{name} expects 'from' to be less than 'to', but got from={low} >= to={high}")


def randperm(n: int, *, generator: Generator | None = None, out: Tensor | None = None, dtype: Any = None,
             layout: Any = None,
             device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:
    """The ints below n in random order. Shape: (n).   Source: PyTorch `torch.randperm`."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got{n}")
    chosen = options("randperm", dtype, device, layout, pin_memory, requires_grad)
    chosen["dtype"] = chosen["dtype"] or dtypes.int64
    result = dispatch(REGISTRY["permutation"], (), {"n": int(n), "generator": stream(generator), **chosen})
    return into(out, result.requires_grad_(True) if requires_grad else result)


def drawn_like(name: str, op: str, input: Tensor, dtype: Any, device: Any, requires_grad: bool, layout: Any,
               memory_format: Any, generator: Generator | None, **attrs: Any) -> Tensor:
    """A random tensor with the shape, dtype and memory order of another."""
    result = like(name, input, None, dtype, device, False, layout=layout, memory_format=memory_format)
    with_numbers = draw(op, tuple(input.shape), result.dtype, result.device, generator, False, name=name, **attrs)
    if result.stride() != with_numbers.stride():
        with_numbers = result.copy_(with_numbers)   # the numbers come row by row
    return with_numbers.requires_grad_(True) if requires_grad else with_numbers


def rand_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None,
              device: Any = None,
              requires_grad: bool = False, memory_format: Any = None, pin_memory: bool = False) -> Tensor:
    """Uniform in [0, 1), in the shape and dtype of `input`.   Source: PyTorch `torch.rand_like`."""
    return drawn_like("rand_like", "uniform", input, dtype, device, requires_grad, layout, memory_format, generator)


def randn_like(input: Tensor, *, generator: Generator | None = None, dtype: Any = None, layout: Any = None,
               device: Any = None, requires_grad: bool = False, memory_format: Any = None,
               pin_memory: bool = False) -> Tensor:
    """Standard normal, in the shape and dtype of `input`.   Source: PyTorch `torch.randn_like`."""
    return drawn_like("randn_like", "normal", input, dtype, device, requires_grad, layout, memory_format, generator)


def randint_like(input: Tensor, low: int, high: Any = None, *, generator: Generator | None = None, dtype: Any = None,
                 layout: Any = None, device: Any = None, requires_grad: bool = False, memory_format: Any = None,
                 pin_memory: bool = False) -> Tensor:
    """Uniform ints in [low, high), in the shape and dtype of `input`.   Source: PyTorch `torch.randint_like`."""
    low, high = (0, low) if high is None else (low, high)
    low, high = int(plain(low)), int(plain(high))
    check_range("random_", low, high)
    return drawn_like("randint_like", "integers", input, dtype, device, requires_grad, layout, memory_format, generator,
                      low=low, high=high)


def normal(mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None,
           out: Tensor | None = None,
           dtype: Any = None, layout: Any = None, device: Any = None, requires_grad: bool = False,
           pin_memory: bool = False) -> Tensor:
    """Normal numbers. Shape: size, or that of the tensors given for mean and std, element by element.

    Raises: RuntimeError for a negative std.   Source: PyTorch `torch.normal`.
    """
    if size is not None:
        check_deviation(std)
        return draw("normal", sizes("normal", (size,), {}), dtype, device, generator, requires_grad, out, name="normal",
                    layout=layout, pin_memory=pin_memory, mean=plain(mean), std=plain(std))
    if not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        raise TypeError("normal() received an invalid combination of arguments: give size=, or a Tensor for mean "
                        "or std")
    return into(out, dispatch(REGISTRY["normal_like"], (mean, std), {"generator": stream(generator)}))


def check_deviation(std: float) -> None:
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {std}")


def bernoulli(input: Tensor, p: float | None = None, *, generator: Generator | None = None,
              out: Tensor | None = None) -> Tensor:
    """1 with each element's own probability, else 0. Shape: (*) -> (*).   Source: PyTorch `torch.bernoulli`."""
    if p is not None:
        return draw("coins", tuple(input.shape), input.dtype, input.device, generator, False, out, p=p)
    result = dispatch(REGISTRY["bernoulli_each"], (input,), {"generator": stream(generator), "dtype": None})
    return into(out, result)


def multinomial(input: Tensor, num_samples: int, replacement: bool = False, *, generator: Generator | None = None,
                out: Tensor | None = None) -> Tensor:
    """Indices drawn with probabilities proportional to the rows' weights. Shape: (N, C) -> (N, num_samples).

    Raises: RuntimeError for weights that are negative, infinite or sum to zero, and for too many samples.
    Source: PyTorch `torch.multinomial`.
    """
    if out is not None and out.dtype is not dtypes.int64:
        raise RuntimeError(f"multinomial expects Long tensor out, got: {dtypes.SCALAR_NAMES[out.dtype.name]}")
    attrs = {"num_samples": num_samples, "replacement": replacement, "generator": stream(generator)}
    return into(out, dispatch(REGISTRY["multinomial_draw"], (input,), attrs))


def poisson(input: Tensor, generator: Generator | None = None) -> Tensor:
    """Counts of a Poisson law with each element's rate. Shape: (*) -> (*).   Source: PyTorch `torch.poisson`."""
    return dispatch(REGISTRY["poisson_draw"], (input,), {"generator": stream(generator)})


# -- methods that fill a tensor in place --------------------------------------------------------------------------


def refill(self: Tensor, op: str, generator: Generator | None, **attrs: Any) -> Tensor:
    """Overwrites a tensor with draws."""
    values = draw(op, tuple(self.shape), self.dtype, self.device, generator, False, **attrs)
    return dispatch_inplace(REGISTRY["copy"], (self, values), {"non_blocking": False})


def uniform_(self: Tensor, from_: float = 0.0, to: float = 1.0, *, generator: Generator | None = None,
             **keywords: float) -> Tensor:
    """Fills with uniform numbers in [from, to).   Source: PyTorch `Tensor.uniform_`."""
    low = keywords.pop("from", keywords.pop("a", from_))
    high = keywords.pop("b", to)
    return refill(self, "uniform", generator, low=plain(low), high=plain(high))


def normal_(self: Tensor, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None) -> Tensor:
    """Fills with normal numbers.   Source: PyTorch `Tensor.normal_`."""
    check_deviation(std)
    return refill(self, "normal", generator, mean=plain(mean), std=plain(std))


def random_(self: Tensor, from_: int | None = None, to: int | None = None, *, generator: Generator | None = None,
            **keywords: int) -> Tensor:
    """Fills with uniform ints: all the dtype holds exactly, [0, to), or [from, to).

    Source: PyTorch `Tensor.random_`.
    """
    low = keywords.pop("from", from_)
    if low is None and to is None:
        return refill(self, "any_integers", generator)
    low, high = (0, low) if to is None and "from" not in keywords and from_ is not None else (low or 0, to)
    if high is not None:
        check_range("random_", low, high)
    return refill(self, "integers", generator, low=low, high=high)


def bernoulli_(self: Tensor, p: Any = 0.5, *, generator: Generator | None = None) -> Tensor:
    """Fills with 1 with probability p (a number or a tensor), else 0.   Source: PyTorch `Tensor.bernoulli_`."""
    if isinstance(p, Tensor):
        values = dispatch(REGISTRY["bernoulli_each"], (p.detach().expand(self._array.shape),),
                          {"generator": stream(generator), "dtype": self.dtype})
        return dispatch_inplace(REGISTRY["copy"], (self, values), {"non_blocking": False})
    return refill(self, "coins", generator, p=float(p))


def law(name: str, *defaults: float) -> Any:
    """The method that fills with draws of one of the generator's laws."""
    def method(self: Tensor, *parameters: float, generator: Generator | None = None, **named: float) -> Tensor:
        given = (*parameters, *named.values())
        return refill(self, "distributed", generator, law=name, parameters=(*given, *defaults[len(given):]))
    method.__name__ = name + "_"
    method.__doc__ = f"Fills with draws of the {name} law.   Source: PyTorch `Tensor.{name}_`."
    return method


def bernoulli_method(self: Tensor, p: Any = None, *, generator: Generator | None = None) -> Tensor:
    return bernoulli(self, p, generator=generator)


def multinomial_method(self: Tensor, num_samples: int, replacement: bool = False, *,
                       generator: Generator | None = None) -> Tensor:
    return multinomial(self, num_samples, replacement, generator=generator)


def dropout_mask(input: Tensor, p: float, shape: Sequence[int] | None = None) -> Tensor:
    """Zeros with probability p, else 1 / (1 - p), from the default generator: PyTorch's dropout noise."""
    size = tuple(input.shape) if shape is None else tuple(shape)
    if input.dtype.is_floating_point and p != 1:
        return draw("coins", size, input.dtype, input.device, None, False, p=1 - p, over=1 - p)
    mask = draw("coins", size, input.dtype, input.device, None, False, p=1 - p)
    return mask if p == 1 else mask.div_(1 - p)         # which refuses ints


METHODS = {"uniform_": uniform_, "normal_": normal_, "random_": random_, "bernoulli_": bernoulli_,
           "exponential_": law("exponential", 1.0), "cauchy_": law("cauchy", 0.0, 1.0),
           "log_normal_": law("log_normal", 1.0, 2.0), "geometric_": law("geometric"),
           "bernoulli": bernoulli_method, "multinomial": multinomial_method}

FUNCTIONS = (rand, randn, randint, randperm, rand_like, randn_like, randint_like, normal, bernoulli, multinomial,
             poisson,
             manual_seed, seed, initial_seed, get_rng_state, set_rng_state)
