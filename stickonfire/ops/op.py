"""`Op` and the decorator that declares one: an op is its forward, its gradient rules and a few facts.

    @op(publish=("stickonfire", "Tensor", "Tensor_"), promote="same")
    def mul(xp, input, other):
        return xp.multiply(input, other)

    @mul.gradient("input")
    def _(xp, g, other):
        return g * xp.conj(other)

An unannotated parameter of the forward is a tensor, an annotated one an attribute. A gradient rule
names, as its parameters, what it wants kept: tensor inputs, attributes, `out` (the first output),
`outs` (all of them), `needs` (which inputs want a gradient), `<input>_shape`, `<input>_dtype` and
`<input>_geometry` (shape, strides in elements, address in elements), also of `out`. What no rule asks
for is not saved. A rule returns the naive gradient: the engine undoes broadcasting and casts.
A rule may return `g` itself, a view, or a fresh array; never a saved array.
"""
from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

REGISTRY: dict[str, Op] = {}

PROMOTIONS = ("same", "float", "match", "none")


class Rule:
    """A gradient rule and what it wants: `wants[k]` says where its k-th argument comes from."""

    __slots__ = ("function", "inputs", "wants")

    def __init__(self, function: Callable[..., Any], inputs: tuple[int, ...], op: Op) -> None:
        self.function, self.inputs = function, inputs
        code = function.__code__
        self.wants = tuple(_source(name, op) for name in code.co_varnames[2:code.co_argcount])

    def idle(self, edges: Sequence[Any]) -> bool:
        """Whether none of the inputs this rule leads to wants a gradient."""
        for i in self.inputs:
            if edges[i] is not None:
                return False
        return True


def _source(name: str, op: Op) -> tuple[str, Any]:
    if name in op.tensors:
        return "input", op.tensors.index(name)
    if name in ("out", "outs", "needs"):
        return name, None
    if name in op.attributes:
        return "attr", name
    stem, _, fact = name.rpartition("_")
    if stem in op.tensors and fact in ("shape", "dtype", "geometry"):
        return fact, op.tensors.index(stem)
    if name == "out_geometry":
        return "geometry", -1
    raise TypeError(f"gradient rule of {op.name}: nothing is called '{name}'; there are "
                    f"{', '.join((*op.tensors, *op.attributes, 'out', 'outs', 'needs'))}, and <input>_shape, "
                    f"<input>_dtype")


class Op:
    """A declared op. Built by the decorator `op`; executed by `eager.dispatch`."""

    def __init__(self, forward: Callable[..., Any], *, name: str, publish: Sequence[str], aliases: Sequence[str],
                 promote: str, exempt: Sequence[str], opmath: bool, stepwise: bool, view: str, returns: str,
                 scalars: bool | str, variadic: bool, varargs: str, differentiable: bool, grad_name: str,
                 fused: bool) -> None:
        code = forward.__code__
        names = code.co_varnames[1:code.co_argcount + code.co_kwonlyargcount]
        annotated = forward.__annotations__
        self.forward, self.name, self.__doc__ = forward, name, forward.__doc__
        self.module, self.line = forward.__module__, code.co_firstlineno
        self.params = names                                             # all, in order
        self.positional = code.co_argcount - 1                          # how many may be given by position
        self.tensors = tuple(n for n in names if n not in annotated)
        self.attributes = tuple(n for n in names if n in annotated)
        self.defaults = _defaults(forward, names)
        self.attribute_defaults = {n: self.defaults[n] for n in self.attributes if n in self.defaults}
        self.required = tuple(n for n in names if n not in self.defaults)
        self.tensors_first = names[:len(self.tensors)] == self.tensors
        positional = names[:self.positional]                            # the least that may be given by position alone
        self.least = 1 + max([i for i, n in enumerate(positional) if n not in self.defaults], default=-1)
        if any(n not in self.defaults for n in names[self.positional:]):
            self.least = self.positional + 1                            # a keyword is required
        self.publish, self.aliases = tuple(publish), tuple(aliases)
        self.promote, self.opmath = promote, opmath and promote != "none"
        self.widens = self.opmath and not stepwise                      # rules on 16-bit floats run in float32
        self.exempt = frozenset(self.tensors.index(n) for n in exempt)  # inputs that keep their dtype
        self.view, self.returns, self.scalars = view, returns, scalars
        self.variadic, self.varargs, self.differentiable, self.fused = variadic, varargs, differentiable, fused
        self.grad_name = grad_name or "".join(part.capitalize() for part in name.split("_")) + "Backward0"
        self.rules: tuple[Rule, ...] = ()
        self.kernel: Callable[..., Any] | None = None                   # in-place form, if there is a faster one
        self.admit: Callable[..., None] | None = None                   # refuses dtypes, when a plan is made
        self.casts: dict[Any, Any] = {}                                 # filled by eager.promotion
        self.backward: Callable[[Any, Any, Any], Any] | None = None     # the rules in one, made by eager.graph
        self.quick: dict[type, Callable[..., Any]] | None = None        # shorter forms of it, by array class
        self.ties = False                       # whether its gradient depends on saved tensors in name only
        self.keeps_numbers = False              # whether a rule may keep a number; set beside `backward`

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join(self.params)})>"

    def gradient(self, *inputs: str) -> Callable[[Callable[..., Any]], Op]:
        """Declares the rule for the named inputs; none named: for all, as a tuple if there are several."""
        def declare(function: Callable[..., Any]) -> Op:
            indices = tuple(self.tensors.index(n) for n in inputs or self.tensors)
            self.rules += (Rule(function, indices, self),)
            return self
        return declare

    def admission(self) -> Callable[[Callable[..., None]], Op]:
        """Declares a check of dtypes, run once for each combination: `check(common, kinds)` raises or returns."""
        def declare(function: Callable[..., None]) -> Op:
            self.admit = function
            return self
        return declare

    def inplace(self) -> Callable[[Callable[..., Any]], Op]:
        """Declares a kernel that writes into its first array: `kernel(xp, input, ...)`, same dtypes and shape."""
        def declare(function: Callable[..., Any]) -> Op:
            self.kernel = function
            return self
        return declare


def _defaults(forward: Callable[..., Any], names: tuple[str, ...]) -> dict[str, Any]:
    given = forward.__defaults__ or ()
    positional = names[:forward.__code__.co_argcount - 1]
    return dict(zip(positional[len(positional) - len(given):], given)) | (forward.__kwdefaults__ or {})


def op(*, publish: Sequence[str] = (), aliases: Sequence[str] = (), name: str = "", promote: str = "none",
       exempt: Sequence[str] = (), opmath: bool = True, stepwise: bool = False, view: str = "", returns: str = "",
       scalars: bool | str = False, variadic: bool = False, varargs: str = "", differentiable: bool = True,
       grad_name: str = "", fused: bool = False) -> Callable[[Callable[..., Any]], Op]:
    """Declares the decorated forward `f(xp, *tensors, *attributes)` as an op.

    publish: where users find it: "stickonfire", "Tensor", "Tensor_" (in-place method `name_`), "nn.functional",
        "linalg", "special", "fft"; "special.expit" publishes under another name.
    aliases: further names in each of those places.
    promote: "same" brings the tensors to their common dtype, "float" also integers to the default float, "match"
        demands equal dtypes, "none" leaves all as they are. `exempt` names inputs that keep theirs.
    opmath: whether float16 and bfloat16 are computed in float32 and rounded once (not for "none").
    stepwise: whether gradient rules round 16-bit floats after each step, as PyTorch does, where it shows.
    view: "always" or "maybe" if the output may share the first input's memory.
    returns: names of the outputs, as "values indices"; they come back as a named tuple.
    scalars: whether Python numbers may stand for tensors; "rest": for all but the first, "some": for all but one.
    variadic: whether the first parameter is a sequence of tensors.
    varargs: the attribute that may be spread over the arguments, as in `view(2, 3)`.
    differentiable: False for an op that has no gradient by its nature.
    grad_name: PyTorch's name of the node where it isn't derived from the op's.
    fused: whether the op, on large arrays, is to run as one native program (`eager/fused.py`).
    """
    if promote not in PROMOTIONS:
        raise ValueError(f"promote must be one of {PROMOTIONS}, not {promote!r}")

    def declare(forward: Callable[..., Any]) -> Op:
        key = name or forward.__name__
        if key in REGISTRY:
            raise ValueError(f"op {key} is declared twice: {REGISTRY[key].module} and {forward.__module__}")
        REGISTRY[key] = Op(forward, name=key, publish=publish, aliases=aliases, promote=promote, exempt=exempt,
                           opmath=opmath, stepwise=stepwise, view=view, returns=returns, scalars=scalars,
                           variadic=variadic, varargs=varargs, differentiable=differentiable, grad_name=grad_name,
                           fused=fused)
        return REGISTRY[key]
    return declare
