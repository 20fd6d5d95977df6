"""Special functions to which PyTorch gives no gradient: Bessel functions, Airy's, orthogonal polynomials.

The kernels are the backend's (`backends/cpu/special_bessel.py`, `special_orthogonal.py`).
"""
from __future__ import annotations

from .op import Op, op
from .special import same_floats


def of_one(name: str, doc: str) -> Op:
    """A function of one number."""
    def forward(xp, input):
        return getattr(xp, name)(input)
    forward.__doc__ = f"{doc}\n\n    Shape: (*) -> (*).   Source: PyTorch `special.{name}`."
    return op(name=name, publish=("special",), promote="float", differentiable=False)(forward)


def of_order(name: str, doc: str) -> Op:
    """A polynomial of a number and a degree."""
    def forward(xp, input, n):
        return getattr(xp, name)(*same_floats(xp, input, n))
    source = f"Source: PyTorch `special.{name}`."
    forward.__doc__ = f"{doc} of degree n, at input.\n\n    Shape: (*), (*) -> broadcast.   {source}"
    return op(name=name, publish=("special",), promote="float", scalars="some", differentiable=False)(forward)


airy_ai = of_one("airy_ai", "Airy's function Ai.")
bessel_j0 = of_one("bessel_j0", "The Bessel function of the first kind, order 0.")
bessel_j1 = of_one("bessel_j1", "The Bessel function of the first kind, order 1.")
bessel_y0 = of_one("bessel_y0", "The Bessel function of the second kind, order 0.")
bessel_y1 = of_one("bessel_y1", "The Bessel function of the second kind, order 1.")
modified_bessel_i0 = of_one("modified_bessel_i0", "The modified Bessel function of the first kind, order 0.")
modified_bessel_i1 = of_one("modified_bessel_i1", "The modified Bessel function of the first kind, order 1.")
modified_bessel_k0 = of_one("modified_bessel_k0", "The modified Bessel function of the second kind, order 0.")
modified_bessel_k1 = of_one("modified_bessel_k1", "The modified Bessel function of the second kind, order 1.")
scaled_modified_bessel_k0 = of_one("scaled_modified_bessel_k0", "exp(input) times modified_bessel_k0.")
scaled_modified_bessel_k1 = of_one("scaled_modified_bessel_k1", "exp(input) times modified_bessel_k1.")
spherical_bessel_j0 = of_one("spherical_bessel_j0", "The spherical Bessel function of the first kind, order 0.")

KINDS = (("t", "first"), ("u", "second"), ("v", "third"), ("w", "fourth"))
chebyshev = [of_order(f"chebyshev_polynomial_{k}", f"Chebyshev's polynomial of the {kind} kind")
             for k, kind in KINDS]
shifted = [of_order(f"shifted_chebyshev_polynomial_{k}", f"Chebyshev's polynomial of the {kind} kind on [0, 1],")
           for k, kind in KINDS]
hermite_polynomial_h = of_order("hermite_polynomial_h", "The physicists' Hermite polynomial")
hermite_polynomial_he = of_order("hermite_polynomial_he", "The probabilists' Hermite polynomial")
laguerre_polynomial_l = of_order("laguerre_polynomial_l", "The Laguerre polynomial")
legendre_polynomial_p = of_order("legendre_polynomial_p", "The Legendre polynomial")
