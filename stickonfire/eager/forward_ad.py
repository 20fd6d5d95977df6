"""Forward-mode derivatives as PyTorch spells them: dual numbers inside a `dual_level`.

A dual tensor is an ordinary one that the tape records, and a tangent that is kept aside. Its tangent's way through a
function is found afterwards, as the reverse derivative of the reverse derivative (see docs/func.md). Loaded with
`torch.autograd.forward_ad`. Room: eager.
"""
from __future__ import annotations

import threading
from typing import Any, NamedTuple

from ..core.state import set_recording
from ..tape.engine import reachable
from .autograd import grad
from .graph import AccumulateGrad
from .modes import enable_grad, is_grad_enabled
from .namespace import zeros_like
from .tensor import Tensor
from .views import current_edge


class Duals(threading.local):
    """The open level's dual tensors with their tangents; None outside any level."""

    pairs: list[tuple[Tensor, Tensor]] | None = None
    recording = True                # whether graphs were recorded before the level was opened


duals = Duals()


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` returns; the tangent is None for a tensor that depends on no dual one."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Opens a level. Graphs are recorded inside, even if it is opened under `no_grad`.

    Raises: RuntimeError if one is open.   Source: PyTorch `autograd.forward_ad.enter_dual_level`.
    """
    if duals.pairs is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment. torch.func.jvp nests")
    duals.pairs, duals.recording = [], set_recording(True)
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Closes the level: its tangents are gone.

    Raises: RuntimeError if none is open.   Source: PyTorch `autograd.forward_ad.exit_dual_level`.
    """
    if duals.pairs is None:
        raise RuntimeError("Trying to exit a forward AD level that was not the last one that was created: "
                           "there is none")
    duals.pairs = None
    set_recording(duals.recording)


class dual_level:
    """A context in which tensors may have tangents.   Source: PyTorch `autograd.forward_ad.dual_level`.

    >>> import stickonfire as torch
    >>> import stickonfire.autograd.forward_ad as fwAD
    >>> with fwAD.dual_level():
    ...     x = fwAD.make_dual(torch.tensor(2.), torch.tensor(1.))
    ...     fwAD.unpack_dual(x ** 3).tangent
    tensor(12.)
    """

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(self, *exc: object) -> None:
        exit_dual_level()


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Tensor:
    """A tensor over the same memory that has a tangent.

    Raises: RuntimeError outside a level, or for a tangent of another size; ValueError for integers.
    Source: PyTorch `autograd.forward_ad.make_dual`.
    """
    if duals.pairs is None:
        raise RuntimeError("Trying to create a dual Tensor for forward AD but no level exists, make sure to "
                           "enter_dual_level() first.")
    for name, t in (("primal", tensor), ("tangent", tangent)):
        if not (t.is_floating_point() or t.is_complex()):
            raise ValueError(f"Expected {name} to be floating point or complex, but got: {t.dtype}")
    if tensor.shape != tangent.shape:
        raise RuntimeError("Trying to set a forward gradient that has a different size than that of the original "
                           f"Tensor, this is not supported. Tensor is of size {list(tensor.shape)} while the given "
                           f"forward gradient is of size {list(tangent.shape)}.")
    with enable_grad():
        dual = tensor.view_as(tensor) if tensor.requires_grad else tensor.detach().requires_grad_()
    duals.pairs.append((dual, tangent))
    return dual


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """A tensor's values, and its tangent.

    Raises: RuntimeError under `no_grad` inside the level, where no tangent is followed.
    Source: PyTorch `autograd.forward_ad.unpack_dual`.
    """
    outside = duals.recording and is_outside(tensor)
    primal = tensor.view_as(tensor) if outside else tensor.detach()
    if duals.pairs and not tensor.requires_grad and not is_grad_enabled():
        raise RuntimeError("unpack_dual: under no_grad inside a dual level no tangent is followed, so this tensor's is "
                           "not known. Open no_grad around the dual level, or use enable_grad() or torch.func.jvp")
    if not duals.pairs or not tensor.requires_grad:
        return UnpackedDualTensor(primal, None)
    inputs = [dual for dual, _ in duals.pairs]
    with enable_grad():
        weight = zeros_like(tensor).requires_grad_()
        found = grad(tensor, inputs, weight, create_graph=True, allow_unused=True)
        used = [(g, t) for g, (_, t) in zip(found, duals.pairs) if g is not None]
        if not used:
            return UnpackedDualTensor(primal, None)
        tracked = [(g, t) for g, t in used if g.requires_grad]
        pushed = grad([g for g, _ in tracked], weight, [t for _, t in tracked], create_graph=True, retain_graph=True,
                      allow_unused=True)[0] if tracked else None
    tangent = zeros_like(tensor) if pushed is None else pushed
    return UnpackedDualTensor(primal, tangent if outside else tangent.detach())


def is_outside(tensor: Tensor) -> bool:
    """Whether a tensor belongs to a graph beyond its dual inputs'."""
    mine = {id(dual._edge) for dual, _ in duals.pairs or ()}
    return any([id(edge) not in mine for edge in leaves_of(tensor)])


def leaves_of(tensor: Tensor) -> list[Any]:
    """The leaves that a tensor was computed from."""
    edge = current_edge(tensor)
    return [] if edge is None else [node for node in reachable([edge]) if isinstance(node, AccumulateGrad)]
