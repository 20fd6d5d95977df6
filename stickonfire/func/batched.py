"""What a function under `vmap` holds instead of a tensor: one sample, behind which stands a batch of them.

A `BatchedTensor` shows the shape of a sample; its `_array` is a `Batched`, which knows the *physical* tensor with the
whole batch in dim 0 and the *level*, the call of vmap it belongs to. Under nested calls the physical tensor is a
BatchedTensor of an outer level. Graphs only ever record physical tensors. Room: func. May import eager and below.
"""
from __future__ import annotations

from typing import Any, NoReturn

from ..backends.base import BY_ARRAY, XP, backend_for
from ..core.shapes import contiguous_strides
from ..eager.tensor import Tensor, namespace_of, new

NO_VALUE = ("vmap: It looks like you're calling .item() on a Tensor, or using it where Python wants a number, a bool "
            "or an array. Under vmap a tensor stands for all samples at once, so control flow cannot depend on its "
            "values. Use torch.where, or leave vmap out")


class Level:
    """One running call of vmap: its place in the nest, the size of its batch, how random ops draw."""

    __slots__ = ("number", "size", "randomness")

    def __init__(self, number: int, size: int, randomness: str) -> None:
        self.number, self.size, self.randomness = number, size, randomness


class Batched:
    """The array of one sample, as far as code above the ops asks for it: shape and dtype, but no elements."""

    __slots__ = ("physical", "level")

    def __init__(self, physical: Tensor, level: Level) -> None:
        self.physical, self.level = physical, level

    @property
    def shape(self) -> tuple[int, ...]:
        return self.physical._array.shape[1:]

    @property
    def ndim(self) -> int:
        return self.physical._array.ndim - 1

    @property
    def size(self) -> int:
        """As if there were one sample, even in an empty batch."""
        count = 1
        for n in self.shape:
            count *= n
        return count

    @property
    def dtype(self) -> Any:
        return self.physical._array.dtype

    @property
    def itemsize(self) -> int:
        return self.physical._array.itemsize

    @property
    def strides(self) -> tuple[int, ...]:
        return self.physical._array.strides[1:]

    def __len__(self) -> int:
        return self.shape[0]

    def min(self) -> Any:
        """The smallest element of all samples: index checks look at it."""
        return self.physical._array.min()

    def max(self) -> Any:
        return self.physical._array.max()

    def reshape(self, *shape: int) -> Any:
        """The elements of all samples: error codes are looked through so."""
        return self.physical._array.reshape(*shape)

    def item(self, *unused: Any, **options: Any) -> NoReturn:
        raise RuntimeError(NO_VALUE)

    tolist = all = any = copy = item

    def __array__(self, *unused: Any, **options: Any) -> NoReturn:
        raise RuntimeError(NO_VALUE)

    def __getitem__(self, index: tuple[Any, ...]) -> Any:
        """An array of the shape, if not the elements, that this index picks: writes look at it."""
        xp = backend_for(None).xp
        places = tuple([xp.zeros(i.shape, i.dtype) if i.__class__ is Batched else i for i in index])
        return xp.broadcast_to(xp.zeros(()), self.shape)[places]

    def __setitem__(self, index: Any, value: Any) -> NoReturn:
        raise ValueError("a batch is written through ops alone")


class BatchNamespace:
    """`xp` of batches: what needs no elements. The ops themselves run on physical tensors (`rules.py`)."""

    scalar_types = ()

    def dtype_of(self, a: Batched) -> Any:
        return a.physical.dtype

    def is_contiguous(self, a: Batched) -> bool:
        return a.strides == tuple([step * a.itemsize for step in contiguous_strides(a.shape)])

    def strides_as_promised(self, a: Batched) -> tuple[int, ...]:
        return namespace_of(a.physical).strides_as_promised(a.physical._array)[1:]

    def __getattr__(self, name: str) -> Any:
        found = getattr(backend_for(None).xp, name)
        if not callable(found):
            return found

        def call(*args: Any, **options: Any) -> Any:
            if any([a.__class__ is Batched for a in args]):
                raise NotImplementedError(f"vmap: {name} looks at the elements of a batched tensor. Compute this "
                                          "outside vmap, or write the batch dim out")
            return found(*args, **options)
        return call


class BatchedTensor(Tensor):
    """A tensor inside vmap; differentiated, and written to, through its physical tensor."""

    __slots__ = ()

    @property
    def requires_grad(self) -> bool:
        return self._array.physical.requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self.requires_grad_(value)

    def requires_grad_(self, requires_grad: bool = True) -> NoReturn:
        raise RuntimeError("You are attempting to call Tensor.requires_grad_() (or perhaps using "
                           "torch.autograd.functional.* APIs) inside of a function being transformed by vmap. This is "
                           "unsupported: use torch.func.grad, vjp, jacrev or hessian instead.")

    def backward(self, *unused: Any, **options: Any) -> NoReturn:
        raise RuntimeError("backward() called inside a functorch transform. This is not supported: use torch.func.grad "
                           "or vjp inside vmap, or call backward() on what vmap returns.")

    @property                                                   # type: ignore[misc]
    def grad(self) -> None:
        return None

    @property                                                   # type: ignore[misc]
    def data(self) -> Tensor:
        return self.detach()

    def detach(self) -> Tensor:
        return wrap(self._array.physical.detach(), self._array.level)

    def numpy(self, *, force: bool = False) -> NoReturn:
        raise RuntimeError(f"Cannot access data pointer of Tensor that doesn't have storage. {NO_VALUE}")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        self.numpy()

    def __dlpack__(self, **options: Any) -> NoReturn:
        self.numpy()

    def __deepcopy__(self, memo: dict[int, Any]) -> Tensor:
        return self.clone()                                     # type: ignore[attr-defined]

    def __repr__(self) -> str:
        text = "\n".join(["    " + line for line in repr(self._array.physical).splitlines()])
        return f"BatchedTensor(lvl={self._array.level.number}, bdim=0, value=\n{text}\n)"


def wrap(physical: Tensor, level: Level) -> Tensor:
    """The sample that a physical tensor, with the batch in dim 0, stands for."""
    t = new(BatchedTensor)
    t._array, t._edge, t._alias = Batched(physical, level), None, None
    return t


def level_of(t: Any) -> Level | None:
    """The innermost level a tensor is batched at; None for an ordinary one."""
    return t._array.level if isinstance(t, Tensor) and t._array.__class__ is Batched else None


def expose(t: Tensor, level: Level) -> Tensor:
    """A tensor with the batch of a level as its dim 0; one that is not batched there is expanded."""
    own = level_of(t)
    if own is level:
        return t._array.physical
    if own is not None and own.number > level.number:           # the batch of an inner level goes behind
        return wrap(expose(t._array.physical, level).transpose(0, 1), own)      # type: ignore[attr-defined]
    return t.unsqueeze(0).expand(level.size, *t.shape)          # type: ignore[attr-defined]


def hide(t: Tensor, level: Level) -> Tensor:
    """The reverse of `expose`: dim 0 becomes the batch of a level."""
    own = level_of(t)
    if own is not None and own.number > level.number:
        return wrap(hide(t._array.physical.transpose(0, 1), level), own)
    return wrap(t, level)


BY_ARRAY[Batched] = backend_for(None)
XP[Batched] = BatchNamespace()
__all__ = ["Batched", "BatchedTensor", "Level", "expose", "hide", "level_of", "wrap"]
