"""Products of matrices and vectors. BLAS does the work; the gradients are products again.

Sums with a product (`addmm` and its kin) are in `matmul_add.py`; `einsum`, `tensordot` and others made of these in
`eager/composite_products.py`. Imports `op` alone.
"""
from __future__ import annotations

from .op import op

BOTH = ("stickonfire", "Tensor")


def adjoint(xp, a):
    """Conjugate transpose of the last two dims."""
    return xp.conj(a.T if a.ndim == 2 else xp.swapaxes(a, -1, -2))


def refuse_bools(name, a):
    """PyTorch has no products of bools."""
    if a.dtype.kind == "b":
        raise NotImplementedError(f"\"{name}\" not implemented for 'Bool'. Cast the tensors first, as with .int()")


@op(publish=(*BOTH, "linalg"), promote="match")
def matmul(xp, input, other):
    """Matrix product; vectors count as one row or column, leading dims are batches and broadcast.

    Shape: (*, N, K), (*, K, M) -> (*, N, M).   Raises: RuntimeError unless the inner sizes agree.
    Source: PyTorch `matmul`.
    """
    if input.dtype.kind == "b" or not input.ndim or not other.ndim:
        refuse_scalars(input, other)
        refuse_bools("addmm_impl_cpu_", input)
    try:
        return xp.product(input, other)
    except ValueError as error:
        if input.shape[-1] != (other.shape[-2] if other.ndim > 1 else other.shape[0]):
            raise mismatch("matmul", input, other) from None
        raise error


def refuse_scalars(input, other):
    """Raises PyTorch's error for tensors without dims."""
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError("both arguments to matmul need to be at least 1D, but they are "
                           f"{input.ndim}D and {other.ndim}D")


def mismatch(name, a, b):
    """The error for inner sizes that disagree."""
    if a.ndim == 2 and b.ndim == 2:
        text = f"mat1 and mat2 shapes cannot be multiplied ({a.shape[0]}x{a.shape[1]} and {b.shape[0]}x{b.shape[1]})"
    elif a.ndim == 1 and b.ndim == 1:
        text = (f"inconsistent tensor size, expected tensor [{a.shape[0]}] and src [{b.shape[0]}] to have the same "
                f"number of elements, but got {a.shape[0]} and {b.shape[0]} elements respectively")
    elif b.ndim == 1:
        text = f"size mismatch, got input ({a.shape[-2]}), mat ({a.shape[-2]}x{a.shape[-1]}), vec ({b.shape[0]})"
    else:
        text = (f"Expected size for first two dimensions of batch2 tensor to match: got {list(a.shape)} and "
                f"{list(b.shape)}")
    hint = " Transpose one of them with .mT?" if b.ndim > 1 and a.shape[-1] == b.shape[-1] else ""
    return RuntimeError(f"{text}. In {name}(): the last size of {list(a.shape)} must equal the "
                        f"{'second to last' if b.ndim > 1 else 'only'} size of {list(b.shape)}.{hint}")


@matmul.gradient("input")
def _(xp, g, other, input_shape):
    if other.ndim == 1:
        return xp.expand_dims(g, -1) * xp.conj(other) if len(input_shape) > 1 else g * xp.conj(other)
    if len(input_shape) == 1:
        rows = xp.squeeze(xp.product(xp.expand_dims(g, -2), adjoint(xp, other)), -2)
        return xp.sum(rows, axis=tuple(range(g.ndim - 1)))
    return xp.product(g, adjoint(xp, other))


@matmul.gradient("other")
def _(xp, g, input, other_shape):
    if input.ndim == 1:
        columns = xp.expand_dims(xp.conj(input), -1)
        return columns * xp.expand_dims(g, -2) if len(other_shape) > 1 else g * xp.conj(input)
    if len(other_shape) == 1:
        if input.ndim == 2:
            return xp.product(adjoint(xp, input), g)
        flat = xp.reshape(input, (-1, input.shape[-1]))
        return xp.product(adjoint(xp, flat), xp.reshape(g, (-1,)))
    if len(other_shape) == 2 and input.ndim > 2:        # one matrix for the whole batch: one large product
        rows, columns = xp.reshape(input, (-1, input.shape[-1])), xp.reshape(g, (-1, g.shape[-1]))
        return xp.product(adjoint(xp, rows), columns)
    return xp.product(adjoint(xp, input), g)


@op(publish=BOTH, promote="match")
def mm(xp, input, mat2):
    """Product of two matrices.

    Shape: (N, K), (K, M) -> (N, M).   Raises: RuntimeError for other shapes.   Source: PyTorch `mm`.
    """
    check_matrices("mm", input, mat2)
    return xp.product(input, mat2)


def check_matrices(name, a, b):
    """Raises unless both are matrices that can be multiplied."""
    for position, matrix in (("self", a), ("mat2", b)):
        if matrix.ndim != 2:
            raise RuntimeError(f"{position} must be a matrix. In {name}(): got {list(a.shape)} and {list(b.shape)}; "
                               "use matmul for vectors and batches")
    if a.shape[1] != b.shape[0]:
        raise mismatch(name, a, b)
    refuse_bools("addmm_impl_cpu_", a)


@op(publish=BOTH, promote="match")
def bmm(xp, input, mat2):
    """Products of matrices, pair by pair.

    Shape: (B, N, K), (B, K, M) -> (B, N, M).   Raises: RuntimeError for other shapes.   Source: PyTorch `bmm`.
    """
    check_batches("bmm", input, mat2)
    return xp.product(input, mat2)


def check_batches(name, a, b):
    """Raises unless both are batches of matrices that can be multiplied."""
    for position, batch in (("batch1", a), ("batch2", b)):
        if batch.ndim != 3:
            raise RuntimeError(f"{position} must be a 3D tensor. In {name}(): got {list(a.shape)} and {list(b.shape)}; "
                               "use matmul for other numbers of dims")
    if a.shape[0] != b.shape[0] or a.shape[2] != b.shape[1]:
        raise RuntimeError(f"Expected size for first two dimensions of batch2 tensor to be: [{a.shape[0]}, "
                           f"{a.shape[2]}] but got: [{b.shape[0]}, {b.shape[1]}]. In {name}()")
    refuse_bools("baddbmm", a)


for _product in (mm, bmm):
    @_product.gradient("input")
    def _(xp, g, mat2):
        return xp.product(g, adjoint(xp, mat2))

    @_product.gradient("mat2")
    def _(xp, g, input):
        return xp.product(adjoint(xp, input), g)


@op(publish=BOTH, promote="match")
def mv(xp, input, vec):
    """Product of a matrix and a vector. Shape: (N, K), (K) -> (N).   Source: PyTorch `mv`."""
    check_matrix_and_vector("mv", input, vec)
    return xp.product(input, vec)


def check_matrix_and_vector(name, matrix, vec):
    if matrix.ndim != 2 or vec.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got {vec.ndim}, {matrix.ndim}, {vec.ndim}. In "
                           f"{name}(): the matrix is {list(matrix.shape)}, the vector {list(vec.shape)}")
    if matrix.shape[1] != vec.shape[0]:
        raise mismatch(name, matrix, vec)
    refuse_bools("addmv_impl_cpu", matrix)


@mv.gradient("input")
def _(xp, g, vec):
    return xp.expand_dims(g, -1) * xp.conj(vec)


@mv.gradient("vec")
def _(xp, g, input):
    return xp.product(adjoint(xp, input), g)


@op(publish=BOTH, promote="match")
def dot(xp, input, tensor):
    """Sum of products of two vectors. Shape: (N), (N) -> ().   Source: PyTorch `dot`."""
    check_vectors("dot", input, tensor)
    return xp.product(input, tensor)


def check_vectors(name, a, b):
    if a.ndim != 1 or b.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {a.ndim}D and {b.ndim}D tensors. In {name}(): use matmul or "
                           "sum")
    if a.shape != b.shape:
        raise mismatch(name, a, b)
    refuse_bools(name, a)


@dot.gradient("input")
def _(xp, g, tensor):
    return g * xp.conj(tensor)


@dot.gradient("tensor")
def _(xp, g, input):
    return g * xp.conj(input)


@op(publish=BOTH, promote="match")
def vdot(xp, input, other):
    """Sum of products of two vectors, the first one conjugated. Shape: (N), (N) -> ().   Source: PyTorch `vdot`."""
    check_vectors("vdot", input, other)
    return xp.product(xp.conj(input), other)


@vdot.gradient("input")
def _(xp, g, other):
    return xp.conj(g) * other


@vdot.gradient("other")
def _(xp, g, input):
    return g * input


@op(publish=BOTH, aliases=("ger",), promote="same", opmath=False, grad_name="MulBackward0")
def outer(xp, input, vec2):
    """Products of each element of one vector with each of another.

    Shape: (N), (M) -> (N, M).   Source: PyTorch `outer`.
    """
    for position, vector in (("self", input), ("vec2", vec2)):
        if vector.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {position}, but got {vector.ndim}-D")
    return xp.expand_dims(input, 1) * vec2


@outer.gradient("input")
def _(xp, g, vec2):
    return xp.product(g, xp.conj(vec2))


@outer.gradient("vec2")
def _(xp, g, input):
    return xp.product(g.T, xp.conj(input))


@op(publish=("nn.functional",), promote="match", grad_name="AddmmBackward0")
def linear(xp, input, weight, bias=None):
    """input @ weight.T + bias.

    Shape: (*, in), (out, in), (out) -> (*, out).   Source: PyTorch `nn.functional.linear`.
    """
    if input.ndim == 0 or weight.ndim not in (1, 2) or input.shape[-1] != weight.shape[-1]:
        raise shapes_disagree(input, weight)
    return xp.affine(input, weight, bias)


def shapes_disagree(input, weight):
    rows = 1 if input.ndim < 2 else input.size // max(input.shape[-1], 1)
    return RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({rows}x{input.shape[-1] if input.ndim else 0} and "
                        f"{weight.shape[-1] if weight.ndim else 0}x{weight.shape[0] if weight.ndim else 0}). In "
                        f"linear(input {list(input.shape)}, weight {list(weight.shape)}): the last size of the input "
                        "must be the layer's in_features")


@linear.gradient("input")
def _(xp, g, weight):
    if weight.ndim == 1:
        return xp.expand_dims(g, -1) * xp.conj(weight)
    return xp.product(g, xp.conj(weight))


@linear.gradient("weight")
def _(xp, g, input, weight_shape):
    rows = xp.conj(input if input.ndim == 2 else xp.reshape(input, (-1, input.shape[-1])))
    if len(weight_shape) == 1:
        return xp.product(xp.reshape(g, (-1,)), rows)
    columns = g if g.ndim == 2 else xp.reshape(g, (-1, g.shape[-1]))
    return xp.product(columns.T, rows)


@linear.gradient("bias")
def _(xp, g):
    return g
