"""Special functions of the CPU backend, gathered from the files of their families.

The backend's `xp` and the rules in `ops/` take them from here. All take arrays (any strides, 0-d and empty
included) and return new arrays of the same floating type; integers become float32. None of them issues a
warning. `igamma`, `igammac`, `psi` and the `modified_bessel_i*` are PyTorch's further names for functions
below.
"""

from __future__ import annotations

from .special_activation import (
    gelu,
    gelu_grad,
    gelu_tanh,
    gelu_tanh_grad,
    log_sigmoid,
    mish,
    sigmoid,
    softplus,
)
from .special_bessel import (
    airy_ai,
    bessel_j0,
    bessel_j1,
    bessel_y0,
    bessel_y1,
    i0,
    i0e,
    i1,
    i1e,
    modified_bessel_k0,
    modified_bessel_k1,
    scaled_modified_bessel_k0,
    scaled_modified_bessel_k1,
    spherical_bessel_j0,
)
from .special_elementary import entr, logit, sinc, xlog1py, xlogy
from .special_erf import erf, erfc, erfcx, erfinv, log_ndtr, ndtr, ndtri
from .special_gamma import digamma, lgamma, polygamma, zeta
from .special_gammainc import gammainc, gammaincc
from .special_orthogonal import (
    chebyshev_polynomial_t,
    chebyshev_polynomial_u,
    chebyshev_polynomial_v,
    chebyshev_polynomial_w,
    hermite_polynomial_h,
    hermite_polynomial_he,
    laguerre_polynomial_l,
    legendre_polynomial_p,
    shifted_chebyshev_polynomial_t,
    shifted_chebyshev_polynomial_u,
    shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from .special_reparameterized import dirichlet_grad as _dirichlet_grad
from .special_reparameterized import standard_gamma_grad as _standard_gamma_grad

igamma, igammac, psi = gammainc, gammaincc, digamma
modified_bessel_i0, modified_bessel_i1 = i0, i1

__all__ = [
    "_dirichlet_grad", "_standard_gamma_grad", "airy_ai", "bessel_j0", "bessel_j1", "bessel_y0", "bessel_y1",
    "chebyshev_polynomial_t",
    "chebyshev_polynomial_u", "chebyshev_polynomial_v", "chebyshev_polynomial_w", "digamma", "entr",
    "erf", "erfc", "erfcx", "erfinv", "gammainc", "gammaincc", "gelu", "gelu_grad", "gelu_tanh",
    "gelu_tanh_grad", "hermite_polynomial_h", "hermite_polynomial_he", "i0", "i0e", "i1", "i1e", "igamma",
    "igammac", "laguerre_polynomial_l", "legendre_polynomial_p", "lgamma", "log_ndtr", "log_sigmoid",
    "logit", "mish", "modified_bessel_i0", "modified_bessel_i1", "modified_bessel_k0",
    "modified_bessel_k1", "ndtr", "ndtri", "polygamma", "psi", "scaled_modified_bessel_k0",
    "scaled_modified_bessel_k1", "shifted_chebyshev_polynomial_t", "shifted_chebyshev_polynomial_u",
    "shifted_chebyshev_polynomial_v", "shifted_chebyshev_polynomial_w", "sigmoid", "sinc", "softplus",
    "spherical_bessel_j0", "xlog1py", "xlogy", "zeta",
]
