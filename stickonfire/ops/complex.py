"""Complex numbers: their parts (views), conjugates and angles; making them of parts, or length and angle."""
from __future__ import annotations

from .common import EVERYWHERE
from .op import op

BOTH = ("stickonfire", "Tensor")


@op(publish=("stickonfire",), view="maybe", opmath=False)
def real(xp, input):
    """The real part: a view; a real tensor itself.

    Shape: (*) -> (*).   Source: PyTorch `real`.
    """
    return xp.real(input) if input.dtype.kind == "c" else input


@real.gradient("input")
def _(xp, g):
    return g


@op(publish=("stickonfire",), view="always", opmath=False)
def imag(xp, input):
    """The imaginary part: a view.

    Shape: (*) -> (*).   Raises: RuntimeError for real tensors.   Source: PyTorch `imag`.
    """
    if input.dtype.kind != "c":
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return xp.imag(input)


@imag.gradient("input")
def _(xp, g):
    return g * 1j


@op(publish=BOTH, view="maybe")
def conj(xp, input):
    """The complex conjugate; a real tensor itself. PyTorch conjugates lazily, we at once.

    Shape: (*) -> (*).   Source: PyTorch `conj`.
    """
    return xp.asarray(xp.conj(input))


@conj.gradient("input")
def _(xp, g):
    return xp.conj(g)


@op(publish=EVERYWHERE, view="maybe")
def conj_physical(xp, input):
    """The complex conjugate; a real tensor itself.

    Shape: (*) -> (*).   Source: PyTorch `conj_physical`.
    """
    return xp.asarray(xp.conj(input))


@conj_physical.gradient("input")
def _(xp, g):
    return xp.conj(g)


def identity(name):
    """A function that undoes PyTorch's lazy conjugation or negation: nothing is lazy here."""
    def forward(xp, input):
        return input
    forward.__doc__ = f"Itself: nothing is lazy here.\n\n    Shape: (*) -> (*).   Source: PyTorch `{name}`."
    made = op(name=name, publish=BOTH, view="always")(forward)

    def rule(xp, g):
        return g
    return made.gradient("input")(rule)


resolve_conj = identity("resolve_conj")
resolve_neg = identity("resolve_neg")


@op(publish=BOTH, promote="float")
def angle(xp, input):
    """The angle of a complex number; of a real one 0 or pi.

    Shape: (*) -> (*), real.   Source: PyTorch `angle`.
    """
    if input.dtype.kind == "c":
        return xp.arctan2(xp.imag(input), xp.real(input))
    angles = xp.where(input != input, input, xp.zeros_like(input))
    return xp.where(input < 0, xp.pi, angles).astype(input.dtype)


@angle.gradient("input")
def _(xp, g, input, input_dtype):
    if not input_dtype.is_complex:
        return xp.zeros_like(g)
    length = xp.abs(input)
    slope = input * 1j * (g / (length * length))
    return xp.where(length == 0, xp.zeros_like(slope), slope)


@op(publish=("stickonfire",), promote="match")
def complex(xp, real, imag):
    """The numbers with these parts.

    Shape: (*), (*) -> broadcast.   Raises: RuntimeError for other dtypes than floats, or different ones.
    Source: PyTorch `complex`.
    """
    if real.dtype.kind != "f" or imag.dtype.kind != "f":
        raise RuntimeError(f"Expected both inputs to be Half, Float or Double tensors but got {real.dtype} and "
                           f"{imag.dtype}")
    return xp.complex_of(real, imag)


@complex.gradient("real")
def _(xp, g):
    return xp.real(g)


@complex.gradient("imag")
def _(xp, g):
    return xp.imag(g)


@op(publish=("stickonfire",), promote="match")
def polar(xp, abs, angle):
    """The numbers with these lengths and angles.

    Shape: (*), (*) -> broadcast.   Raises: RuntimeError for other dtypes than floats, or different ones.
    Source: PyTorch `polar`.
    """
    if abs.dtype.kind != "f":
        raise RuntimeError(f"Expected both inputs to be Half, Float or Double tensors but got {abs.dtype} and "
                           f"{angle.dtype}")
    return xp.complex_of(abs * xp.cos(angle), abs * xp.sin(angle))


@polar.gradient("abs")
def _(xp, g, angle):
    return xp.real(g) * xp.cos(angle) + xp.imag(g) * xp.sin(angle)


@polar.gradient("angle")
def _(xp, g, out):
    return xp.real(xp.conj(g) * (out * 1j))


@op(publish=("stickonfire",), view="always", opmath=False)
def view_as_real(xp, input):
    """Complex numbers as pairs of their parts: a view.

    Shape: (*) -> (*, 2).   Raises: RuntimeError for real tensors.   Source: PyTorch `view_as_real`.
    """
    if input.dtype.kind != "c":
        raise RuntimeError(f"view_as_real is only supported for complex tensors, but got a tensor of scalar type: "
                           f"{input.dtype}")
    return xp.parts_of(input)


@view_as_real.gradient("input")
def _(xp, g):
    return xp.complex_of(g[..., 0], g[..., 1])


@op(publish=("stickonfire",), view="always", opmath=False)
def view_as_complex(xp, input):
    """Pairs of real and imaginary parts as complex numbers: a view.

    Shape: (*, 2) -> (*).   Raises: RuntimeError where the last dim is not 2, or not dense.
    Source: PyTorch `view_as_complex`.
    """
    if input.dtype.kind != "f" or input.dtype.itemsize < 4:
        raise RuntimeError("view_as_complex is only supported for half, float and double tensors, but got a tensor of "
                           f"scalar type: {input.dtype}")
    if input.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError("Tensor must have a last dimension of size 2")
    return xp.complex_over(input)


@view_as_complex.gradient("input")
def _(xp, g):
    return xp.stack([xp.real(g), xp.imag(g)], axis=-1)
