"""Products of matrices and vectors. BLAS does the work; the gradients are products again."""
from __future__ import annotations

from .op import op

BOTH = ("stickonfire", "Tensor")


def transposed(xp, a):
    """Conjugate transpose of the last two dims."""
    return xp.conj(xp.swapaxes(a, -1, -2))


@op(publish=(*BOTH, "linalg"), promote="match")
def matmul(xp, input, other):
    """Matrix product; vectors count as one row or column, leading dims are batches and broadcast.

    Shape: (*, N, K), (*, K, M) -> (*, N, M).   Raises: RuntimeError unless the inner sizes agree.   Source: PyTorch `matmul`.
    """
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{input.ndim}D and {other.ndim}D")
    inner = other.shape[-2] if other.ndim > 1 else other.shape[0]
    if input.shape[-1] != inner:
        raise mismatch("matmul", input, other)
    return xp.product(input, other)


def mismatch(name, a, b):
    """The error for inner sizes that disagree."""
    if a.ndim == 2 and b.ndim == 2:
        text = f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"
    elif a.ndim == 1 and b.ndim == 1:
        text = (f"inconsistent tensor size, expected tensor [{a.shape[0]}] and src [{b.shape[0]}] to have the same number of "
                f"elements, but got {a.shape[0]} and {b.shape[0]} elements respectively")
    elif b.ndim == 1:
        text = f"size mismatch, got input ({a.shape[-2]}), mat ({a.shape[-2]}x{a.shape[-1]}), vec ({b.shape[0]})"
    else:
        text = f"Expected size for first two dimensions of batch2 tensor to match: got {list(a.shape)} and {list(b.shape)}"
    hint = " Transpose one of them with .mT?" if b.ndim > 1 and a.shape[-1] == b.shape[-1] else ""
    return RuntimeError(f"{text}. In {name}(): the last size of {list(a.shape)} must equal the "
                        f"{'second to last' if b.ndim > 1 else 'only'} size of {list(b.shape)}.{hint}")


@matmul.gradient("input")
def _(xp, g, other, input_shape):
    if other.ndim == 1:
        return xp.expand_dims(g, -1) * xp.conj(other) if len(input_shape) > 1 else g * xp.conj(other)
    if len(input_shape) == 1:
        return xp.sum(xp.squeeze(xp.matmul(xp.expand_dims(g, -2), transposed(xp, other)), -2), axis=tuple(range(g.ndim - 1)))
    return xp.matmul(g, transposed(xp, other))


@matmul.gradient("other")
def _(xp, g, input, other_shape):
    if input.ndim == 1:
        columns = xp.expand_dims(xp.conj(input), -1)
        return columns * xp.expand_dims(g, -2) if len(other_shape) > 1 else g * xp.conj(input)
    if len(other_shape) == 1:
        product = xp.conj(input) * xp.expand_dims(g, -1)
        return xp.sum(product, axis=tuple(range(product.ndim - 1)))
    if len(other_shape) == 2 and input.ndim > 2:        # one matrix for the whole batch: one large product
        rows, columns = xp.reshape(input, (-1, input.shape[-1])), xp.reshape(g, (-1, g.shape[-1]))
        return xp.matmul(transposed(xp, rows), columns)
    return xp.matmul(transposed(xp, input), g)


@op(publish=BOTH, promote="match")
def mm(xp, input, mat2):
    """Product of two matrices. Shape: (N, K), (K, M) -> (N, M).   Source: PyTorch `mm`."""
    for name, a in (("self", input), ("mat2", mat2)):
        if a.ndim != 2:
            raise RuntimeError(f"{name} must be a matrix, but mm() got {list(input.shape)} and {list(mat2.shape)}")
    if input.shape[1] != mat2.shape[0]:
        raise mismatch("mm", input, mat2)
    return xp.product(input, mat2)


@op(publish=BOTH, promote="match")
def bmm(xp, input, mat2):
    """Products of matrices, pair by pair. Shape: (B, N, K), (B, K, M) -> (B, N, M).   Source: PyTorch `bmm`."""
    if input.ndim != 3 or mat2.ndim != 3:
        raise RuntimeError(f"batch1 must be a 3D tensor, and batch2 too, but bmm() got {list(input.shape)} and "
                           f"{list(mat2.shape)}")
    if input.shape[0] != mat2.shape[0] or input.shape[2] != mat2.shape[1]:
        raise RuntimeError("Expected size for first two dimensions of batch2 tensor to be: "
                           f"[{input.shape[0]}, {input.shape[2]}] but got: [{mat2.shape[0]}, {mat2.shape[1]}].")
    return xp.product(input, mat2)


for _product in (mm, bmm):
    @_product.gradient("input")
    def _(xp, g, mat2):
        return xp.matmul(g, transposed(xp, mat2))

    @_product.gradient("mat2")
    def _(xp, g, input):
        return xp.matmul(transposed(xp, input), g)


@op(publish=BOTH, promote="match")
def mv(xp, input, vec):
    """Product of a matrix and a vector. Shape: (N, K), (K) -> (N).   Source: PyTorch `mv`."""
    if input.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {input.ndim}, {vec.ndim} dims in mv({list(input.shape)}, "
                           f"{list(vec.shape)})")
    if input.shape[1] != vec.shape[0]:
        raise mismatch("mv", input, vec)
    return xp.product(input, vec)


@mv.gradient("input")
def _(xp, g, vec):
    return xp.expand_dims(g, -1) * xp.conj(vec)


@mv.gradient("vec")
def _(xp, g, input):
    return xp.matmul(transposed(xp, input), g)


@op(publish=BOTH, promote="match")
def dot(xp, input, tensor):
    """Sum of products of two vectors. Shape: (N), (N) -> ().   Source: PyTorch `dot`."""
    if input.ndim != 1 or tensor.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {input.ndim}D and {tensor.ndim}D tensors")
    if input.shape != tensor.shape:
        raise mismatch("dot", input, tensor)
    return xp.product(input, tensor)


@dot.gradient("input")
def _(xp, g, tensor):
    return g * xp.conj(tensor)


@dot.gradient("tensor")
def _(xp, g, input):
    return g * xp.conj(input)


@op(publish=("nn.functional",), promote="match", grad_name="AddmmBackward0")
def linear(xp, input, weight, bias=None):
    """input @ weight.T + bias. Shape: (*, in), (out, in), (out) -> (*, out).   Source: PyTorch `nn.functional.linear`."""
    if input.ndim == 0 or weight.ndim not in (1, 2) or input.shape[-1] != weight.shape[-1]:
        raise shapes_disagree(input, weight)
    out = xp.affine(input, weight, bias)
    return out


def shapes_disagree(input, weight):
    rows = 1 if input.ndim < 2 else input.size // max(input.shape[-1], 1)
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input.shape[-1] if input.ndim else 0} and "
                        f"{weight.shape[-1] if weight.ndim else 0}x{weight.shape[0] if weight.ndim else 0}). In "
                        f"linear(input {list(input.shape)}, weight {list(weight.shape)}): the last size of the input must be "
                        "the layer's in_features")


@linear.gradient("input")
def _(xp, g, weight):
    if weight.ndim == 1:
        return xp.expand_dims(g, -1) * xp.conj(weight)
    return xp.matmul(g, xp.conj(weight))


@linear.gradient("weight")
def _(xp, g, input, weight_shape):
    rows = xp.reshape(xp.conj(input), (-1, input.shape[-1]))
    if len(weight_shape) == 1:
        return xp.matmul(xp.reshape(g, (-1,)), rows)
    return xp.matmul(xp.swapaxes(xp.reshape(g, (-1, g.shape[-1])), 0, 1), rows)


@linear.gradient("bias")
def _(xp, g):
    return g
