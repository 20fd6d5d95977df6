"""For each op, the Python function one would write for it by hand.

`dispatch` is general and pays for it: arguments are bound, inputs looped over, rules asked what they
want. All of that is known when the op is declared. So the first call of an op writes a function with the op's
own signature in which the common case (tensors of one dtype, no special mode) is straight code, and
everything else is left to the general way. `source(op)` shows it.
"""
from __future__ import annotations

import itertools
import linecache
from collections.abc import Callable
from typing import Any

from ..backends.base import FAST, XP
from ..core import state
from ..core.state import modes
from ..ops.op import Op, Rule
from ..tape.node import next_number
from .dispatch import NUMBERS, several_outputs
from .fused import LARGE
from .fused import forward as fused
from .graph import OpNode, record
from .promotion import NO_PLAN, make_plan
from .tensor import INFERENCE, Tensor, make_view, new, version_cell
from .views import current_edge

serial = itertools.count()              # no two functions under one name, not even from two threads
REAL_NUMBERS = {int, float}              # the compiler adds its kind of float
FAST_CLASS = next(iter(FAST))           # the array class with shorter ways: the CPU's
General = Callable[..., Any]            # (op, args, kwargs) -> result


def specialized(op: Op, general: General, operator: bool = False, out: bool = True) -> Callable[..., Any]:
    """The function of an op: fast where it can be, `general` elsewhere. Both give the same results.

    operator: as a Python operator, which takes the operands alone. out: whether it takes `out=` and NumPy's spellings.
    """
    return compiled(op, source(op, operator, out), general)


def compiled(op: Op, text: str, general: General) -> Callable[..., Any]:
    """The function that a text defines, with the names such texts use."""
    filename = f"<op {text.split('(')[0].removeprefix('def ')} {next(serial)}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)      # tracebacks show it
    names: dict[str, Any] = {
        "op": op, "general": general, "forward": op.forward, "casts": op.casts, "XP": XP, "NUMBERS": NUMBERS,
        "modes": modes,
        "state": state, "new": new, "Tensor": Tensor, "OpNode": OpNode, "NO_PLAN": NO_PLAN, "next_number": next_number,
        "record": record, "make_view": make_view, "current_edge": current_edge, "learn": learn,
        "several_outputs": several_outputs, "unusual": unusual, "cell_of": version_cell,
        "defaults": op.defaults, "REAL_NUMBERS": REAL_NUMBERS, "INFERENCE": INFERENCE,
        "fast": fast_form(op), "fused": fused, "Fast": FAST_CLASS, "FLOAT32": FAST[FAST_CLASS].FLOAT32,
        "constants": tuple([tuple([op.defaults.get(key) for _, key in rule.wants]) for rule in op.rules])}
    exec(compile(text, filename, "exec"), names)
    return names[text.split("(")[0].removeprefix("def ")]


def fast_form(op: Op) -> Callable[..., Any] | None:
    """A backend's shorter way to an op's result."""
    return FAST[FAST_CLASS].FORWARDS.get(op.name)


def learn(op: Op, key: Any, arrays: list[Any]) -> None:
    """Finds out how an op treats a dtype, for the next call."""
    op.casts[key] = make_plan(op, XP[arrays[0].__class__], arrays)


def can_specialize(op: Op) -> bool:
    """Whether the common case of an op fits the mould: tensors first, one output."""
    known = ("input", "attr", "out", "shape", "needs")
    return (bool(op.tensors) and op.params[0] in op.tensors and not op.variadic and not op.returns
            and all(source in known for rule in op.rules for source, _ in rule.wants))


def source(op: Op, operator: bool = False, out: bool = True) -> str:
    """The text of an op's function."""
    arrays = [f"a{i}" for i in range(len(op.tensors))]
    if operator:
        lines = [f"def {op.name}({', '.join(op.tensors)}):"]
        attributes: list[str] = []
    else:
        lines = [f"def {op.name}({signature(op, out, out)}):", *unusual_arguments(op, out)]
        attributes = [f"{name}={name}" for name in op.attributes]
    slow = f"general(op, ({', '.join(op.tensors)},), {{}})" if operator else fall_back(op)
    given = (arrays if op.tensors_first else [f"{name}={a}" for name, a in zip(op.tensors, arrays)]) + attributes
    graph = op.differentiable and bool(op.rules)
    lines += ["    level = 0",
              "    if not state.plain:",
              "        level = modes.level",
              "        if level == 2:",
              f"            return {slow}",
              "    try:",
              *[f"        {line}" for i in range(len(arrays)) for line in load(op, i, graph, slow)],
              "    except AttributeError:",
              f"        return {slow}"]
    if op.promote != "none":
        lines += dtype_check(op, arrays, slow)
    lines += ["    kind = a0.__class__",
              "    try:",
              *[f"        {line}" for line in run_forward(op, given)],
              "    except (ValueError, TypeError, OverflowError, AttributeError, RuntimeError, IndexError):",
              f"        return {slow}               # says what is wrong",
              "    if result.__class__ is not kind:",
              "        if result.__class__ is tuple or result.__class__ is list:",
              f"            return several_outputs(op, ({', '.join(op.tensors)},), [{', '.join(arrays)}], "
              f"{attribute_dict(op, operator)}, result)",
              "        result = XP[kind].asarray(result)",
              *wrapping(op)]
    if graph:
        lines += recording(op, arrays, operator)
    return "\n".join([*lines, "    return out", ""])


def run_forward(op: Op, given: list[str]) -> list[str]:
    """Statements that compute the result, in the backend's own shorter way if it has one."""
    run = f"result = forward(XP[kind], {', '.join(given)})"
    quick = []
    if op.fused and op.rules:
        arrays = "".join([f"a{i}, " for i in range(len(op.tensors))])
        named = ", ".join([f"{n!r}: {n}" for n in op.attributes if f"{n}={n}" in given])
        quick.append(f"fused(op, ({arrays}), {{{named}}}) if a0.size >= {LARGE} and kind is Fast else None")
    if fast_form(op) is not None:
        values = ", ".join([argument.partition("=")[2] or argument for argument in given])
        quick.append(f"fast({values}) if native is FLOAT32 and kind is Fast else None")
    lines = [f"result = {way}" for way in quick]
    return [line for i, way in enumerate([*lines, run]) for line in
            ([way] if not i else ["if result is None:", f"    {way}"])]


def attribute_dict(op: Op, operator: bool) -> str:
    """The attributes as a dict."""
    return "op.attribute_defaults" if operator else f"{{{', '.join([f'{n!r}: {n}' for n in op.attributes])}}}"


def inplace_source(op: Op) -> str:
    """The text of the method `name_` of an op with an in-place kernel: fast where no gradient is wanted."""
    tensors = op.tensors
    arrays = [f"a{i}" for i in range(len(tensors))]
    attributes = "".join([f", {name}={name}" for name in op.attributes])
    lines = [f"def {op.name}_({signature(op, out=False)}):",
             "    level = 0 if state.plain else modes.level",
             f"    if others or level == 2 or {tensors[0]}.__class__ in NUMBERS:",
             f"        return general(op, {arguments(op)[:-1]}**others}})",
             "    try:",
             *[f"        {line}" for i in range(len(tensors)) for line in load_for_kernel(op, i)],
             "    except AttributeError:",
             f"        return {fall_back(op)}",
             "    native, shape = a0.dtype, a0.shape",
             f"    if native.kind != 'f' or native.itemsize == 2 or 0 in a0.strides or "
             f"{tensors[0]}._alias is INFERENCE:",
             f"        return {fall_back(op)}"]
    for i, name in enumerate(tensors):
        is_view = f"{name}._alias is not None and {name}._alias[1] is not None"     # may overlap another operand
        wanted = f"(level == 0 and {name}._edge is not None or {is_view})"
        if i == 0:
            lines += [f"    if {wanted}:", f"        return {fall_back(op)}"]
        else:
            lines += [f"    if a{i}.__class__ not in NUMBERS and (a{i}.dtype is not native or a{i}.shape != shape or "
                      f"{wanted}):",
                      f"        return {fall_back(op)}"]
    first = tensors[0]
    return "\n".join([*lines,
                      f"    op.kernel(XP[a0.__class__], {', '.join(arrays)}{attributes})",
                      f"    alias = {first}._alias",
                      "    if alias is None:",
                      f"        {first}._alias = [1], None, 0",
                      "    elif alias[0] is not None:",
                      "        alias[0][0] += 1",
                      f"    return {first}", ""])


def load_for_kernel(op: Op, i: int) -> list[str]:
    """Statements that fetch an operand of an in-place kernel: an array or a real number."""
    name = op.tensors[i]
    if i == 0 or not op.scalars:
        return [f"a{i} = {name}._array"]
    return [f"a{i} = {name} if {name}.__class__ in REAL_NUMBERS else {name}._array"]


def signature(op: Op, out: bool = True, others: bool = True) -> str:
    """The op's parameters with their defaults, `out=`, and whatever else is given (NumPy's spellings)."""
    parts = []
    for i, name in enumerate(op.params):
        if i == op.positional and not op.varargs:
            parts.append("*")
        parts.append(f"*{name}" if name == op.varargs else
                     f"{name}=defaults[{name!r}]" if name in op.defaults else name)
    if out and op.positional >= len(op.params) and not op.varargs:
        parts.append("*")
    return ", ".join([*parts, *["out=None"] * out, *["**others"] * others])


def arguments(op: Op) -> str:
    """The call's arguments again, for the general way."""
    positional = op.params[:op.positional]
    named = [f"{name!r}: {name}, " for name in op.params[op.positional:] if name != op.varargs]
    return f"({', '.join(positional)},), {{{''.join(named)}}}"


def unusual(op: Op, general: General, given: dict[str, Any], out: Any, others: dict[str, Any]) -> Any:
    """A call with keywords that the signature does not name: what was left at its default was not given."""
    named = {name: value for name, value in given.items()
             if not (name in op.defaults and value is op.defaults[name]) and not (name == op.varargs and value == ())}
    if out is not None:
        others["out"] = out
    return general(op, (), {**named, **others})


def fall_back(op: Op) -> str:
    return f"general(op, {arguments(op)})"


def unusual_arguments(op: Op, out: bool) -> list[str]:
    """`out=`, other spellings and spread sizes are sorted out by the general way."""
    given = ", ".join([f"{name!r}: {name}" for name in op.params])
    lines = ["    if others or out is not None:",
             f"        return unusual(op, general, {{{given}}}, out, others)"] if out else []
    if op.varargs:
        v = op.varargs
        lines += [f"    if len({v}) == 1 and {v}[0].__class__ is tuple:",
                  f"        {v} = {v}[0]",
                  f"    elif not {v}:",
                  f"        return general(op, ({', '.join(op.tensors)},), {{}})           # says what is missing",
                  f"    for n in {v}:",
                  "        if n.__class__ is not int:",
                  f"            return general(op, ({', '.join(op.tensors)}, *{v}), {{}})"]
        others = [name for name in op.attributes if name != v and name in op.params[:op.positional]]
        assert not others, f"{op.name}: a positional attribute beside *{v}"
    return lines


def load(op: Op, i: int, graph: bool, slow: str) -> list[str]:
    """Statements that fetch an input's array and edge (and may raise AttributeError)."""
    name = op.tensors[i]
    fetch = [f"a{i} = {name}._array"]
    if graph:
        fetch.append(f"e{i} = {name}._edge if {name}._alias is None or {name}._alias[1] is None else "
                     f"current_edge({name})")
    if name in op.defaults:
        return [f"a{i} = e{i} = None", f"if {name} is not None:", *[f"    {line}" for line in fetch]]
    if may_be_number(op, i):
        return ["key = native = a0.dtype", f"if {name}.__class__ in NUMBERS:", f"    a{i} = {name}", f"    e{i} = None",
                f"    key = native, {name}.__class__", "else:", *[f"    {line}" for line in fetch],
                f"    if a{i}.dtype is not native:", f"        return {slow}"]
    return fetch


def may_be_number(op: Op, i: int) -> bool:
    """Whether the fast way takes a Python number for an input: the second of two."""
    return bool(op.scalars) and len(op.tensors) == 2 and i == 1 and op.promote != "none"


def dtype_check(op: Op, arrays: list[str], slow: str) -> list[str]:
    """Goes the general way unless all inputs have one dtype that the op computes in."""
    counted = [i for i in range(len(arrays)) if i not in op.exempt]
    first, rest = counted[0], counted[1:]
    lines = [] if may_be_number(op, 1) else [f"    key = native = a{first}.dtype"]
    for i in rest:
        if not may_be_number(op, i):
            absent = f"a{i} is not None and " if op.tensors[i] in op.defaults else ""
            lines += [f"    if {absent}a{i}.dtype is not native:", f"        return {slow}"]
    return [*lines,
            "    plan = casts.get(key)",
            "    if plan is not NO_PLAN:",
            "        if plan is None:",
            f"            learn(op, key, [{', '.join(arrays)}])",
            f"        return {slow}"]


def wrapping(op: Op) -> list[str]:
    """Statements that make the output tensor."""
    plain = ["out = new(Tensor)", "out._array = result", "out._alias = None"]
    if not (op.differentiable and op.rules) or op.view:
        plain.append("out._edge = None")
    first = op.tensors[0]
    if op.view == "always":
        return [f"    out = make_view(result, {first})"]
    if op.view == "maybe":
        return ["    if XP[kind].shares_memory(result, a0):", f"        out = make_view(result, {first})",
                "    else:", *[f"        {line}" for line in plain]]
    return [f"    {line}" for line in plain]


def recording(op: Op, arrays: list[str], operator: bool) -> list[str]:
    """Statements that hang a node on the graph if an input has an edge."""
    edges = [f"e{i}" for i in range(len(arrays))]
    none = " and ".join([f"{e} is None" for e in edges])
    lines = [f"    if level or {none}:", *([] if op.view else ["        out._edge = None"]), "        return out"]
    if op.promote != "none" and not op.exempt:
        other_dtype = "result.dtype is not native"
    else:
        other_dtype = " or ".join([f"{e} is not None and {a}.dtype is not result.dtype" for e, a in zip(edges, arrays)])
    if not (op.opmath or op.view):
        other_dtype += " or result.dtype.itemsize == 2"
    lines += [f"    if {other_dtype}:",
              "        out._edge = None",
              f"        record(op, ({', '.join(op.tensors)},), [{', '.join(arrays)}], [{', '.join(edges)}], "
              f"{attribute_dict(op, operator)}, (out,))",
              "        return out",
              "    node = out._edge = new(OpNode)",
              "    node.number = next_number()",
              f"    node.parents = ({', '.join(edges)},)",
              "    node.op = op",
              "    node.shape = result.shape"]
    if operator and all(kind == "attr" for rule in op.rules for kind, _ in rule.wants):
        lines.append("    node.saved = constants")
    else:
        values = [saved(op, rule, edges, operator) for rule in op.rules]
        lines.append(f"    node.saved = ({' '.join([f'{value},' for value in values])})")
    return lines + versions(op, edges)


def active(op: Op, rule: Rule, edges: list[str]) -> str:
    """The condition under which a rule applies; empty if it always does."""
    if len(edges) == 1:
        return ""
    return " or ".join([f"{edges[i]} is not None" for i in rule.inputs])


def saved(op: Op, rule: Rule, edges: list[str], operator: bool) -> str:
    """The tuple of what a rule wants, None if it does not apply."""
    parts = []
    for kind, key in rule.wants:
        parts.append({"input": f"a{key}", "attr": f"defaults[{key!r}]" if operator else str(key), "out": "result",
                      "shape": f"getattr(a{key}, 'shape', ())",
                      "needs": f"({' '.join([f'{e} is not None,' for e in edges])})"}[kind])
    values = f"({' '.join([part + ',' for part in parts])})"
    condition = active(op, rule, edges)
    return f"({values} if {condition} else None)" if condition and parts else values


def versions(op: Op, edges: list[str]) -> list[str]:
    """Statements that note the versions of the saved tensors."""
    wanted: dict[str, list[str]] = {}
    for rule in op.rules:
        for kind, key in rule.wants:
            if kind in ("input", "out"):
                wanted.setdefault("out" if kind == "out" else op.tensors[key], []).append(active(op, rule, edges))
    terms = []
    for name, conditions in wanted.items():
        i = op.tensors.index(name) if name != "out" else -1
        guards = [] if "" in conditions else [f"({' or '.join(dict.fromkeys(conditions))})"]
        if name in op.defaults:
            guards.append(f"{name} is not None")
        if i >= 0 and may_be_number(op, i):
            guards.append(f"a{i}.__class__ not in NUMBERS")
        terms.append((name, " and ".join(guards)))
    if len(terms) == 1 and not terms[0][1]:
        return [*note(terms[0][0], "    "), "    node.versions = (cell, cell[0]),"]
    lines = ["    noted = []"] if terms else []
    for name, guard in terms:
        pad = "        " if guard else "    "
        lines += [*([f"    if {guard}:"] if guard else []), *note(name, pad), f"{pad}noted.append((cell, cell[0]))"]
    return [*lines, f"    node.versions = {'noted' if terms else '()'}"]


def note(name: str, pad: str) -> list[str]:
    """Statements that find a tensor's version cell."""
    return [f"{pad}alias = {name}._alias",
            f"{pad}if alias is None:",
            f"{pad}    {name}._alias = alias = [0], None, 0",
            f"{pad}cell = alias[0] or cell_of({name})"]
