"""Random programs over tensors, as data: what the compiler is fuzzed with.

`generate(seed)` makes a `Random`: arguments, parameters, steps (views, in-place writes, broadcasting, reductions,
products, losses, indexing, several dtypes), which values count towards the loss and which optimizer follows.
`Random.step(torch)` is the training step it stands for, over any framework with PyTorch's names. Values are
numbered: arguments, parameters, then one for each step. `shrunk(program, fails)` drops what a failure does not
need.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

MOST = 60_000  # elements of a value
EXTENTS = (1, 2, 3, 4, 5, 7, 8, 16, 17, 31, 33, 64)
SPECIAL = (float("nan"), float("inf"), float("-inf"), 0.0, -0.0)


@dataclass(frozen=True)
class Step:
    """One operation: its name in `OPS`, the numbers of its operands, and its settings."""

    name: str
    operands: tuple[int, ...]
    settings: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}({', '.join([*(f'v{k}' for k in self.operands), *map(repr, self.settings)])})"


@dataclass
class Random:
    """A program. arguments, parameters: (dtype, shape); scored: values that make the loss; returned: handed out."""

    seed: int
    arguments: list[tuple[str, tuple[int, ...]]]
    parameters: list[tuple[str, tuple[int, ...]]]
    steps: list[Step] = field(default_factory=list)
    scored: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)
    optimizer: str = "SGD"
    special: bool = False  # NaN and infinities among the arguments
    keep_zeros: bool = False  # gradients are set to zero rather than None

    def __str__(self) -> str:
        inputs = [
            *(f"{d}{list(s)}" for d, s in self.arguments),
            *(f"parameter {d}{list(s)}" for d, s in self.parameters),
        ]
        lines = [f"v{i} = {text}" for i, text in enumerate(inputs)]
        lines += [f"v{len(inputs) + i} = {step}" for i, step in enumerate(self.steps)]
        return "\n".join(
            [
                f"seed {self.seed}",
                *lines,
                f"loss over {self.scored}; return {self.returned}; {self.optimizer}"
                + (", special values" if self.special else "")
                + (", set_to_none=False" if self.keep_zeros else ""),
            ]
        )

    def inputs(self, torch: Any, call: int, nudge: float = 0.0) -> list[Any]:
        """The arguments of a call: fresh for each, the same for everyone who asks."""
        rng = random.Random(f"{self.seed}:{call}")
        return [filled(torch, rng, kind, shape, self.special, nudge) for kind, shape in self.arguments]

    def fresh_parameters(self, torch: Any, nudge: float = 0.0) -> list[Any]:
        """The parameters before the first call."""
        rng = random.Random(f"{self.seed}:parameters")
        return [filled(torch, rng, kind, shape, False, nudge).requires_grad_() for kind, shape in self.parameters]

    def step(self, torch: Any, parameters: list[Any]) -> Callable[..., Any]:
        """The training step."""
        optimizer = None
        if self.optimizer != "none" and parameters:
            made = getattr(torch.optim, self.optimizer)
            optimizer = made(parameters, lr=0.01, **({"eps": 0.01} if self.optimizer == "Adam" else {}))
        steps, scored, returned, keep = self.steps, self.scored, self.returned, self.keep_zeros

        def run(*arguments: Any) -> Any:
            values = [*arguments, *parameters]
            for step in steps:
                values.append(OPS[step.name](torch, *[values[k] for k in step.operands], *step.settings))
            if optimizer is not None:
                loss = 0.0
                for k in scored:
                    loss = loss + (values[k] / (values[k].detach().abs() + 1)).sum().float()
                optimizer.zero_grad(set_to_none=not keep)
                if torch.is_tensor(loss) and loss.requires_grad:
                    loss.backward()
                    optimizer.step()
            return [values[k].detach() for k in returned]

        return run


def filled(torch: Any, rng: random.Random, kind: str, shape: tuple[int, ...], special: bool, nudge: float) -> Any:
    """A tensor of random values. nudge: how much to move floats, to see how much an answer depends on rounding."""
    count = math.prod(shape)
    numbers = [rng.gauss(0, 1) for _ in range(min(count, 997))]
    if special and numbers and kind.startswith("float"):
        for _ in range(3):
            numbers[rng.randrange(len(numbers))] = rng.choice(SPECIAL)
    numbers = (numbers * (count // max(len(numbers), 1) + 1))[:count]
    if kind.startswith("float"):
        wiggle = [(1 + nudge * rng.choice((-1, 1))) for _ in range(min(count, 991))]
        data = [x * wiggle[i % 991] for i, x in enumerate(numbers)]
    elif kind == "bool":
        data = [x > 0 for x in numbers]
    else:
        data = [int(3 * x) for x in numbers]
    return torch.tensor(data, dtype=getattr(torch, kind)).reshape(shape)


# -- what there is: name -> function of (torch, tensors..., settings...) ------------------------------------------


def put(torch: Any, x: Any, y: Any, index: Any) -> Any:
    x[index] = y
    return x


def put_number(torch: Any, x: Any, index: Any, value: float) -> Any:
    x[index] = value
    return x


def add_at(torch: Any, x: Any, index: Any, value: float) -> Any:
    x[index] += value
    return x


def classes(torch: Any, x: Any, n: int) -> Any:
    """Any integers as indices below n."""
    return x.long() % n


UNARY: dict[str, Callable[..., Any]] = {
    "exp": lambda t, x: t.exp(x.clamp(-5, 5)),
    "log": lambda t, x: t.log(x.abs() + 0.5),
    "sqrt": lambda t, x: (x.abs() + 0.1).sqrt(),
    "tanh": lambda t, x: t.tanh(x),
    "sigmoid": lambda t, x: t.sigmoid(x),
    "relu": lambda t, x: t.relu(x),
    "gelu": lambda t, x: t.nn.functional.gelu(x),
    "gelu_tanh": lambda t, x: t.nn.functional.gelu(x, approximate="tanh"),
    "silu": lambda t, x: t.nn.functional.silu(x),
    "softplus": lambda t, x: t.nn.functional.softplus(x),
    "leaky_relu": lambda t, x: t.nn.functional.leaky_relu(x, 0.2),
    "elu": lambda t, x: t.nn.functional.elu(x),
    "selu": lambda t, x: t.nn.functional.selu(x),
    "hardtanh": lambda t, x: t.nn.functional.hardtanh(x),
    "hardswish": lambda t, x: t.nn.functional.hardswish(x),
    "hardsigmoid": lambda t, x: t.nn.functional.hardsigmoid(x),
    "mish": lambda t, x: t.nn.functional.mish(x),
    "logsigmoid": lambda t, x: t.nn.functional.logsigmoid(x),
    "relu6": lambda t, x: t.nn.functional.relu6(x),
    "softsign": lambda t, x: t.nn.functional.softsign(x),
    "abs": lambda t, x: x.abs(),
    "neg": lambda t, x: -x,
    "square": lambda t, x: x.square(),
    "cube": lambda t, x: x**3,
    "root": lambda t, x: (x.abs() + 0.1) ** 0.5,
    "power": lambda t, x: (x.abs() + 0.3) ** 1.7,
    "reciprocal": lambda t, x: 1 / (x.abs() + 0.5),
    "sin": lambda t, x: x.sin(),
    "cos": lambda t, x: x.cos(),
    "erf": lambda t, x: t.erf(x),
    "log1p": lambda t, x: t.log1p(x.abs()),
    "expm1": lambda t, x: t.expm1(x.clamp(-5, 5)),
    "rsqrt": lambda t, x: (x * x + 0.2).rsqrt(),
    "clamp": lambda t, x: x.clamp(-0.7, 0.8),
    "clamp_min": lambda t, x: x.clamp(min=0.1),
    "atan": lambda t, x: x.atan(),
    "double_it": lambda t, x: x + x,
    "minus_one": lambda t, x: 1 - x,
    "half": lambda t, x: x / 2,
    "clone": lambda t, x: x.clone(),
    "detach": lambda t, x: x.detach(),
    "contiguous": lambda t, x: x.contiguous(),
    "times_one": lambda t, x: x * 1,
    "plus_zero": lambda t, x: x + 0,
    "sign": lambda t, x: x.sign(),
    "floor": lambda t, x: x.floor(),
    "round": lambda t, x: x.round(),
    "nan_to_num": lambda t, x: t.nan_to_num(x),
    "log2": lambda t, x: t.log2(x.abs() + 0.5),
    "double_zeros": lambda t, x: t.zeros_like(x) + x * 2,
    "ones": lambda t, x: t.ones_like(x) * x,
    "full": lambda t, x: t.full_like(x, 1.5) - x,
    "atan_double": lambda t, x: t.atan(x + x),
}
BINARY: dict[str, Callable[..., Any]] = {
    "add": lambda t, x, y: x + y,
    "sub": lambda t, x, y: x - y,
    "mul": lambda t, x, y: x * y,
    "div": lambda t, x, y: x / (y.abs() + 0.5),
    "maximum": lambda t, x, y: t.maximum(x, y),
    "minimum": lambda t, x, y: t.minimum(x, y),
    "pow": lambda t, x, y: (x.abs() + 0.1) ** y.clamp(-2, 2),
    "add_alpha": lambda t, x, y: t.add(x, y, alpha=0.3),
    "lerp": lambda t, x, y: t.lerp(x + 0 * y, y + 0 * x, 0.3),
    "addcmul": lambda t, x, y: t.addcmul(x, x, y, value=0.5),
    "addcdiv": lambda t, x, y: t.addcdiv(x, x, y.abs() + 1, value=0.5),
    "hypot": lambda t, x, y: (x * x + y * y + 0.1).sqrt(),
    "select": lambda t, x, y: t.where(x > 0.3, x, y),
    "select_number": lambda t, x, y: t.where(y > 0.1, x, 0.25),
    "mse": lambda t, x, y: t.nn.functional.mse_loss(x + 0 * y, y + 0 * x),
    "huber": lambda t, x, y: t.nn.functional.huber_loss(x + 0 * y, y + 0 * x),
    "l1": lambda t, x, y: t.nn.functional.l1_loss(x + 0 * y, y + 0 * x),
    "smooth_l1": lambda t, x, y: t.nn.functional.smooth_l1_loss(x + 0 * y, y + 0 * x),
    "bce": lambda t, x, y: t.nn.functional.binary_cross_entropy_with_logits(x + 0 * y, t.sigmoid(y + 0 * x).detach()),
    "bce_probability": lambda t, x, y: t.nn.functional.binary_cross_entropy(
        t.sigmoid((x + 0 * y).tanh()), t.sigmoid(y + 0 * x).detach()
    ),
}
COMPARE: dict[str, Callable[..., Any]] = {
    "less": lambda t, x, y: x < y,
    "ge": lambda t, x, y: x >= y,
    "ne": lambda t, x, y: x != y,
    "above": lambda t, x, y: (x > 0.2) | (y < -0.3),
    "both": lambda t, x, y: (x > 0.2) & ~(y < -0.3),
    "isnan": lambda t, x, y: t.isnan(x) ^ (y > 0),
}
INTEGER: dict[str, Callable[..., Any]] = {
    "i_add": lambda t, x, y: x + y,
    "i_mul": lambda t, x, y: x * y,
    "i_sub": lambda t, x, y: x - y,
    "i_max": lambda t, x, y: t.maximum(x, y),
    "i_less": lambda t, x, y: x < y,
    "i_eq": lambda t, x, y: x == y,
    "i_mod": lambda t, x, y: x % 5 + y,
    "i_floor": lambda t, x, y: x // 3 - y,
    "i_to_float": lambda t, x, y: x.float() * 0.5,
    "i_where": lambda t, x, y: t.where(x > y, x, -y),
    "i_double": lambda t, x, y: x.double() / 3,
    "i_and": lambda t, x, y: (x & 3) + y,
    "i_div": lambda t, x, y: x / (y.abs() + 1),
}
VIEWS: dict[str, Callable[..., Any]] = {
    "transpose": lambda t, x, a, b: x.transpose(a, b),
    "reshape": lambda t, x, s: x.reshape(s),
    "unsqueeze": lambda t, x, d: x.unsqueeze(d),
    "squeeze": lambda t, x, d: x.squeeze(d),
    "slice": lambda t, x, index: x[index],
    "expand": lambda t, x, s: x.expand(s),
    "flatten": lambda t, x: x.flatten(),
    "flip": lambda t, x, d: x.flip(d),
    "chunk": lambda t, x, n, d, i: x.chunk(n, d)[i],
    "unbind": lambda t, x, d, i: x.unbind(d)[i],
    "diagonal": lambda t, x: x.diagonal(),
    "roll": lambda t, x, n, d: x.roll(n, d),
    "split": lambda t, x, n, d, i: x.split(n, d)[i],
    "narrow": lambda t, x, d, a, n: x.narrow(d, a, n),
    "triu": lambda t, x: x.triu(),
    "repeat": lambda t, x, n: x.repeat(n),
    "permute": lambda t, x, dims: x.permute(dims),
}
REDUCE: dict[str, Callable[..., Any]] = {
    "sum": lambda t, x, d, k: x.sum(d, keepdim=k),
    "mean": lambda t, x, d, k: x.mean(d, keepdim=k),
    "amax": lambda t, x, d, k: x.amax(d, keepdim=k),
    "amin": lambda t, x, d, k: x.amin(d, keepdim=k),
    "var": lambda t, x, d, k: x.var(d, keepdim=k, correction=0),
    "std": lambda t, x, d, k: (x + 0.01 * x.sin()).std(d, keepdim=k, correction=0.5) + 1,
    "norm": lambda t, x, d, k: t.linalg.vector_norm(x, dim=d, keepdim=k),
    "logsumexp": lambda t, x, d, k: t.logsumexp(x, d, keepdim=k),
    "var1": lambda t, x, d, k: x.var(d, keepdim=k),
    "sum_double": lambda t, x, d, k: x.sum(d, keepdim=k, dtype=t.float64),
}
WHOLE: dict[str, Callable[..., Any]] = {
    "sum_all": lambda t, x: x.sum(),
    "mean_all": lambda t, x: x.mean(),
    "max_all": lambda t, x: x.max(),
    "norm_all": lambda t, x: x.norm(),
    "dot_self": lambda t, x: (x * x).sum() * 0.01,
}
ALONG: dict[str, Callable[..., Any]] = {
    "softmax": lambda t, x, d: t.softmax(x, d),
    "log_softmax": lambda t, x, d: t.log_softmax(x, d),
    "max_dim": lambda t, x, d: x.max(d).values,
    "cumsum": lambda t, x, d: x.cumsum(d),
    "normalize": lambda t, x, d: t.nn.functional.normalize(x, dim=d, eps=0.1),
    "argmax": lambda t, x, d: x.detach().argmax(d),
    "glu": lambda t, x, d: t.nn.functional.glu(t.cat([x, x * 2], d), d),
    "prod": lambda t, x, d: (x.tanh() + 1.1).prod(d),
    "centered": lambda t, x, d: x - x.mean(d, keepdim=True),
    "over_sum": lambda t, x, d: x / (x.abs().sum(d, keepdim=True) + 1),
}
WRITES: dict[str, Callable[..., Any]] = {
    "add_": lambda t, x: x.add_(0.5),
    "mul_": lambda t, x: x.mul_(1.5),
    "relu_": lambda t, x: x.relu_(),
    "clamp_": lambda t, x: x.clamp_(-1, 1),
    "zero_": lambda t, x: x.zero_(),
    "fill_": lambda t, x: x.fill_(0.7),
    "neg_": lambda t, x: x.neg_(),
    "sub_number": lambda t, x: x.sub_(2),
    "masked_fill_": lambda t, x: x.masked_fill_(x.detach() > 0.5, 0.25),
    "write_back": lambda t, x: x.copy_(x * 2),
}
WRITES_FROM: dict[str, Callable[..., Any]] = {
    "add_from": lambda t, x, y: x.add_(y),
    "mul_from": lambda t, x, y: x.mul_(y),
    "copy_": lambda t, x, y: x.copy_(y),
    "sub_from": lambda t, x, y: x.sub_(y, alpha=0.5),
    "div_from": lambda t, x, y: x.div_(y.abs() + 1),
    "addcmul_": lambda t, x, y: x.addcmul_(y, y, value=0.2),
    "lerp_": lambda t, x, y: x.lerp_(y.expand_as(x), 0.25),
}
OTHERS: dict[str, Callable[..., Any]] = {
    "matmul": lambda t, x, y: x @ y,
    "linear": lambda t, x, w: t.nn.functional.linear(x, w),
    "affine": lambda t, x, w, b: t.nn.functional.linear(x, w, b),
    "addmm": lambda t, b, x, y: t.addmm(b, x, y, beta=0.5),
    "matmul_t": lambda t, x, y: x @ y.mT,
    "matmul_lt": lambda t, x, y: x.mT @ y,
    "outer": lambda t, x, y: t.outer(x, y),
    "einsum": lambda t, x, y: t.einsum("ij,kj->ik", x, y),
    "dot": lambda t, x, y: x @ y,
    "layer_norm": lambda t, x: t.nn.functional.layer_norm(x, x.shape[-1:], eps=0.1),
    "layer_norm_affine": lambda t, x, w, b: t.nn.functional.layer_norm(x, w.shape, w, b, eps=0.1),
    "rms_norm": lambda t, x, w: t.nn.functional.rms_norm(x, w.shape, w, eps=0.1),
    "batch_norm": lambda t, x: t.nn.functional.batch_norm(x, None, None, training=True, eps=0.1),
    "cat": lambda t, d, *xs: t.cat(xs, d),
    "stack": lambda t, x, y, d: t.stack([x, y * 2, x], d),
    "cat2": lambda t, x, y, d: t.cat([x, y, x], d),
    "put": put,
    "put_number": put_number,
    "add_at": add_at,
    "cast": lambda t, x, kind: x.to(getattr(t, kind)),
    "cross_entropy": lambda t, x, y: t.nn.functional.cross_entropy(x, classes(t, y, x.shape[1])),
    "cross_entropy_smooth": lambda t, x, y: t.nn.functional.cross_entropy(
        x, classes(t, y, x.shape[1]), label_smoothing=0.1, reduction="sum"
    ),
    "nll": lambda t, x, y: t.nn.functional.nll_loss(t.log_softmax(x, 1), classes(t, y, x.shape[1]), reduction="none"),
    "cross_entropy_ignore": lambda t, x, y: t.nn.functional.cross_entropy(
        x, classes(t, y, x.shape[1]), ignore_index=1, reduction="sum"
    ),
    "embedding": lambda t, w, y: t.nn.functional.embedding(classes(t, y, w.shape[0]), w),
    "gather": lambda t, x, y: x.gather(-1, classes(t, y, x.shape[-1])),
    "index_select": lambda t, x, y, d: x.index_select(d, classes(t, y, x.shape[d])),
    "index": lambda t, x, y: x[classes(t, y, x.shape[0])],
    "one_hot": lambda t, y: t.nn.functional.one_hot(y.abs() % 5, 5),
    "mask": lambda t, x, m: x * m,
    "masked_fill": lambda t, x, m: x.masked_fill(m, -1.0),
    "where": lambda t, m, x, y: t.where(m, x, y),
    "scatter_add": lambda t, x, y: t.zeros_like(x).scatter_add(-1, classes(t, y, x.shape[-1]), x),
    "bool_sum": lambda t, m: m.sum(),
    "bool_float": lambda t, m: m.float(),
    "any": lambda t, m, d: m.any(d),
    "all": lambda t, m: m.all(),
    "not": lambda t, m: ~m,
    "mean_bool": lambda t, m: m.float().mean(),
    "attention": lambda t, x, y: t.softmax(x @ y.mT * 0.3, -1) @ y,
    "sdpa": lambda t, x: t.nn.functional.scaled_dot_product_attention(
        x[None, None], x[None, None], x[None, None], is_causal=True
    )[0, 0],
    "topk": lambda t, x: x.topk(1, -1).values,
    "sort": lambda t, x: x.sort(-1).values,
    "addmv": lambda t, x, y: x @ y,
    "int_sum": lambda t, x, d: x.sum(d),
    "int_max": lambda t, x: x.max(),
}
OPS = {
    **UNARY,
    **BINARY,
    **COMPARE,
    **INTEGER,
    **VIEWS,
    **REDUCE,
    **WHOLE,
    **ALONG,
    **WRITES,
    **WRITES_FROM,
    **OTHERS,
}


# -- making one ----------------------------------------------------------------------------------------------------


class Maker:
    """Grows a program, trying each step out on `torch`."""

    def __init__(self, seed: int, torch: Any) -> None:
        self.torch, self.rng = torch, random.Random(seed)
        rng = self.rng
        large = rng.random() < 0.15
        self.extents = [rng.choice(EXTENTS) for _ in range(3)]
        if rng.random() < 0.06:
            self.extents[0] = 0
        if large:
            self.extents[0] = rng.choice((100, 257, 300))
        shapes = [self.shape() for _ in range(rng.randint(1, 3))]
        if large:
            shapes[0] = rng.choice([(5000,), (17001,), (20000,), (130, 131), (33, 700), (3, 9001), (257, 64)])
        kinds = [rng.choice(("float32", "float32", "float32", "float64", "int64")) for _ in shapes]
        parameters = [self.shape() for _ in range(rng.randint(0, 2))]
        main = rng.choice(("float32", "float32", "float32", "float64"))
        self.program = Random(
            seed,
            [*zip(kinds, shapes), ("int64", (self.extents[0],))],
            [(main, s) for s in parameters],
            optimizer=rng.choice(("SGD", "SGD", "Adam", "none")),
            special=rng.random() < 0.1,
            keep_zeros=rng.random() < 0.15,
        )
        self.values: list[Any] = [*self.program.inputs(torch, 0), *self.program.fresh_parameters(torch)]

    def shape(self) -> tuple[int, ...]:
        shape = tuple(self.rng.choice((*self.extents, 1)) for _ in range(self.rng.choice((0, 1, 1, 2, 2, 2, 3))))
        return shape if math.prod(shape) <= 6000 else shape[:1]

    def pick(self, wanted: Callable[[Any], bool]) -> int | None:
        """A value, younger ones rather than older ones."""
        found = [k for k, v in enumerate(self.values) if wanted(v)]
        if not found:
            return None
        return found[-1] if self.rng.random() < 0.3 else self.rng.choice(found)

    def attempt(self, name: str, operands: tuple[int | None, ...], *settings: Any) -> bool:
        """Adds a step if it works and stays small."""
        if None in operands:
            return False
        step = Step(name, operands, settings)  # type: ignore[arg-type]
        try:
            value = OPS[name](self.torch, *[self.values[k] for k in operands], *settings)  # type: ignore[index]
        except (RuntimeError, IndexError, TypeError, ValueError, ArithmeticError):
            return False
        if not self.torch.is_tensor(value) or value.numel() > MOST:
            return name in WRITES or name in WRITES_FROM  # what was written stays written
        self.program.steps.append(step)
        self.values.append(value)
        return True

    def grow(self) -> bool:
        """One more step of a random family."""
        rng = self.rng
        families = [
            self.unary,
            self.unary,
            self.binary,
            self.binary,
            self.view,
            self.view,
            self.reduce,
            self.reduce,
            self.along,
            self.write,
            self.product,
            self.product,
            self.index,
            self.loss,
            self.truth,
            self.integer,
            self.joined,
            self.cast,
            self.norm,
        ]
        try:
            return rng.choice(families)()
        except RuntimeError:  # a view of several outputs that was written to
            return False

    def unary(self) -> bool:
        return self.attempt(self.rng.choice(list(UNARY)), (self.pick(is_float),))

    def partner(self, x: Any, wanted: Callable[[Any], bool]) -> int | None:
        return self.pick(lambda v: wanted(v) and fits(v.shape, x.shape))

    def binary(self) -> bool:
        a = self.pick(is_float)
        if a is None:
            return False
        pair = [a, self.partner(self.values[a], is_float)]
        self.rng.shuffle(pair)
        return self.attempt(self.rng.choice(list(BINARY)), tuple(pair))

    def view(self) -> bool:
        rng, k = self.rng, self.pick(lambda v: True)
        if k is None:
            return False
        shape = tuple(self.values[k].shape)
        n = len(shape)
        d = rng.randrange(n) if n else 0
        name = rng.choice(list(VIEWS))
        settings: dict[str, Any] = {
            "transpose": (d, rng.randrange(max(n, 1))),
            "reshape": (self.other_shape(shape),),
            "unsqueeze": (rng.randint(0, n),),
            "squeeze": (d,),
            "slice": (self.some_index(shape),),
            "expand": ((*[2] * rng.randint(0, 1), *[rng.choice((3, 4)) if e == 1 else e for e in shape]),),
            "flip": ((d,),),
            "chunk": (2, d, 0),
            "unbind": (d, 0),
            "roll": (1, d),
            "split": (max(1, shape[d] // 2) if n else 1, d, 0),
            "narrow": (d, 0, max(1, shape[d] // 2) if n else 1),
            "repeat": ((2, *[1] * max(n - 1, 0)),),
            "permute": (tuple(rng.sample(range(n), n)),),
        }
        return self.attempt(name, (k,), *settings.get(name, ()))

    def other_shape(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) > 1 and self.rng.random() < 0.5:
            d = self.rng.randrange(len(shape) - 1)
            return (*shape[:d], shape[d] * shape[d + 1], *shape[d + 2 :])
        for d, n in enumerate(shape):
            for factor in (2, 3):
                if n > factor and n % factor == 0:
                    return (*shape[:d], n // factor, factor, *shape[d + 1 :])
        return (*shape, 1)

    def some_index(self, shape: tuple[int, ...]) -> Any:
        """A basic index."""
        rng, parts = self.rng, []
        for n in shape[: rng.randint(1, max(len(shape), 1))]:
            parts.append(
                rng.choice(
                    [
                        slice(None),
                        slice(1, None),
                        slice(None, -1),
                        slice(None, None, 2),
                        slice(1, None, 3),
                        None,
                        ...,
                        0,
                        -1,
                    ]
                    if n
                    else [slice(None)]
                )
            )
        while parts.count(...) > 1:
            parts.remove(...)
        return tuple(parts)

    def dims(self, k: int | None) -> tuple[int, ...]:
        n = 0 if k is None else self.values[k].ndim
        return tuple(sorted(self.rng.sample(range(n), self.rng.randint(1, n)))) if n else ()

    def reduce(self) -> bool:
        k = self.pick(is_float)
        if self.rng.random() < 0.25:
            return self.attempt(self.rng.choice(list(WHOLE)), (k,))
        return self.attempt(self.rng.choice(list(REDUCE)), (k,), self.dims(k), self.rng.random() < 0.5)

    def along(self) -> bool:
        k = self.pick(lambda v: is_float(v) and v.ndim > 0)
        return k is not None and self.attempt(
            self.rng.choice(list(ALONG)), (k,), self.rng.randrange(self.values[k].ndim)
        )

    def write(self) -> bool:
        rng = self.rng
        k = self.pick(lambda v: is_float(v) and not (v.is_leaf and v.requires_grad))
        if k is None:
            return False
        shape = self.values[k].shape
        if rng.random() < 0.35:
            return self.attempt(rng.choice(list(WRITES)), (k,))
        if rng.random() < 0.5:
            y = self.pick(lambda v: is_float(v) and fits_into(v.shape, shape))
            return self.attempt(rng.choice(list(WRITES_FROM)), (k, y))
        index = self.some_index(shape)
        if rng.random() < 0.5:
            return self.attempt(rng.choice(("put_number", "add_at")), (k,), index, 0.5)
        try:
            part = self.values[k][index].shape
        except (IndexError, RuntimeError):
            return False
        return self.attempt("put", (k, self.pick(lambda v: is_float(v) and fits_into(v.shape, part))), index)

    def product(self) -> bool:
        rng = self.rng
        name = rng.choice(
            (
                "matmul",
                "linear",
                "affine",
                "addmm",
                "matmul_t",
                "matmul_lt",
                "outer",
                "einsum",
                "dot",
                "attention",
                "sdpa",
            )
        )
        a = self.pick(lambda v: is_float(v) and v.ndim > 0)
        if a is None or self.program.special:  # whether 0 * inf counts is BLAS's choice
            return False
        x = self.values[a]
        if name == "sdpa":
            return self.attempt(name, (a,))
        same = lambda v: is_float(v) and v.dtype == x.dtype  # noqa: E731
        b = self.pick(
            lambda v: (
                same(v)
                and v.ndim > 0
                and (
                    v.shape[-1] == x.shape[-1]
                    or name in ("outer", "matmul", "addmm", "matmul_lt")
                    and (v.ndim < 2 or v.shape[-2] == x.shape[-1 if name != "matmul_lt" else min(x.ndim - 1, 0)])
                )
            )
        )
        if name == "affine":
            c = (
                None
                if b is None or self.values[b].ndim != 2        # PyTorch has no bias for a vector of weights
                else self.pick(lambda v: same(v) and tuple(v.shape) == tuple(self.values[b].shape[:1]))
            )
            return self.attempt(name, (a, b, c)) or self.attempt("linear", (a, b))
        if name == "addmm":
            return self.attempt(name, (self.pick(lambda v: same(v) and v.ndim < 2), a, b)) or self.attempt(
                "matmul", (a, b)
            )
        return self.attempt(name, (a, b))

    def index(self) -> bool:
        rng, a, y = self.rng, self.pick(is_float), self.pick(is_int)
        if a is None or y is None:
            return False
        n = self.values[a].ndim
        name = rng.choice(("embedding", "gather", "index_select", "index", "one_hot", "scatter_add", "topk", "sort"))
        if name == "index_select":
            return self.attempt(name, (a, y), rng.randrange(max(n, 1)))
        if name in ("topk", "sort"):
            return self.attempt(name, (a,))
        return self.attempt(name, (y,) if name == "one_hot" else (a, y))

    def loss(self) -> bool:
        a = self.pick(lambda v: is_float(v) and v.ndim == 2)
        if a is None:
            return False
        y = self.pick(lambda v: is_int(v) and tuple(v.shape) == (self.values[a].shape[0],))
        return self.attempt(
            self.rng.choice(("cross_entropy", "cross_entropy_smooth", "nll", "cross_entropy_ignore")), (a, y)
        )

    def truth(self) -> bool:
        rng, m = self.rng, self.pick(lambda v: str(v.dtype).endswith("bool"))
        if m is None or rng.random() < 0.5:
            a = self.pick(is_float)
            return a is not None and self.attempt(
                rng.choice(list(COMPARE)), (a, self.partner(self.values[a], is_float))
            )
        name = rng.choice(
            ("mask", "masked_fill", "where", "bool_sum", "bool_float", "any", "all", "not", "mean_bool")
        )
        x = self.partner(self.values[m], is_float)
        if name in ("mask", "masked_fill"):
            return self.attempt(name, (x, m))
        if name == "where":
            return self.attempt(name, (m, x, self.partner(self.values[m], is_float)))
        return self.attempt(name, (m,), *((rng.randrange(max(self.values[m].ndim, 1)),) if name == "any" else ()))

    def integer(self) -> bool:
        a = self.pick(is_int)
        if a is None:
            return False
        if self.rng.random() < 0.2:
            return self.attempt("int_sum", (a,), 0) if self.rng.random() < 0.5 else self.attempt("int_max", (a,))
        return self.attempt(self.rng.choice(list(INTEGER)), (a, self.partner(self.values[a], is_int)))

    def joined(self) -> bool:
        a = self.pick(is_float)
        if a is None:
            return False
        b = self.pick(lambda v: is_float(v) and v.shape == self.values[a].shape)
        d = self.rng.randrange(max(self.values[a].ndim, 1))
        return self.attempt(self.rng.choice(("stack", "cat2")), (a, b), d)

    def cast(self) -> bool:
        k = self.pick(lambda v: not is_int(v))
        return self.attempt("cast", (k,), self.rng.choice(("float32", "float64")))

    def norm(self) -> bool:
        rng, a = self.rng, self.pick(lambda v: is_float(v) and v.ndim > 0)
        if a is None:
            return False
        last = self.pick(
            lambda v: (
                is_float(v)
                and v.ndim == 1
                and v.shape == self.values[a].shape[-1:]
                and v.dtype == self.values[a].dtype
            )
        )
        name = rng.choice(("layer_norm", "layer_norm_affine", "rms_norm", "batch_norm"))
        if name == "batch_norm":
            return self.attempt(name, (a,))
        if last is None or name == "layer_norm":
            return self.attempt("layer_norm", (a,))
        return self.attempt(name, (a, last, last) if name == "layer_norm_affine" else (a, last))


def is_float(v: Any) -> bool:
    return bool(v.is_floating_point())


def is_int(v: Any) -> bool:
    return str(v.dtype).endswith("int64")


def fits(a: Any, b: Any) -> bool:
    """Whether two shapes can be broadcast together."""
    return all(m == n or m == 1 or n == 1 for m, n in zip(reversed(a), reversed(b)))


def fits_into(a: Any, b: Any) -> bool:
    return len(a) <= len(b) and all(m == n or m == 1 for m, n in zip(reversed(a), reversed(b)))


def generate(seed: int, torch: Any, length: int | None = None) -> Random:
    """The program of a seed."""
    maker = Maker(seed, torch)
    rng = maker.rng
    for _ in range(length or rng.randint(3, 14)):
        maker.grow() or maker.grow()
    program = maker.program
    first = len(program.arguments) + len(program.parameters)
    made = range(first, len(maker.values))
    scored = [k for k in made if is_float(maker.values[k]) and maker.values[k].requires_grad]
    program.scored = [scored[-1], *rng.sample(scored, min(len(scored), 2))] if scored else []
    program.returned = sorted(set(rng.sample(made, min(len(made), 3))) | {*made[-1:]})
    return program


# -- making a failing one smaller ----------------------------------------------------------------------------------


def without(program: Random, k: int) -> Random | None:
    """The program without step k: who used its value uses its first operand."""
    first = len(program.arguments) + len(program.parameters)
    gone = first + k
    steps = program.steps
    if not steps[k].operands:
        return None
    stands = steps[k].operands[0]

    def renumbered(v: int) -> int:
        v = stands if v == gone else v
        return v - 1 if v > gone else v

    left = [replace(s, operands=tuple(map(renumbered, s.operands))) for i, s in enumerate(steps) if i != k]
    return replace(
        program,
        steps=left,
        scored=[renumbered(v) for v in program.scored if v != gone],
        returned=sorted({renumbered(v) for v in program.returned if renumbered(v) >= first or v != gone}),
    )


def shrunk(program: Random, fails: Callable[[Random], bool]) -> Random:
    """A smaller program that fails too."""
    changed = True
    while changed:
        changed = False
        for candidate in candidates(program):
            if candidate is not None and fails(candidate):
                program, changed = candidate, True
                break
    return program


def candidates(program: Random) -> Any:
    for k in range(len(program.steps) - 1, -1, -1):
        yield without(program, k)
    for name in ("scored", "returned"):
        numbers = getattr(program, name)
        for k in range(len(numbers)):
            if len(numbers) > (name == "scored"):
                yield replace(program, **{name: numbers[:k] + numbers[k + 1 :]})
    if program.optimizer != "none":
        yield replace(program, optimizer="none")
    if program.optimizer == "Adam":
        yield replace(program, optimizer="SGD")
    if program.special:
        yield replace(program, special=False)
    if program.keep_zeros:
        yield replace(program, keep_zeros=False)
