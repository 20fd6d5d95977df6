"""Ready-made parametrizations: weight norm, spectral norm, orthogonal matrices.

Room: nn. May import: eager, this room. How a tensor becomes a function of others is in parametrize.py.
"""
from __future__ import annotations

from typing import Any

from ...eager import Tensor, allclose, cat, eye, finfo, geqrf, matrix_exp, mv, no_grad, orgqr, published, randn, vdot
from ...eager.functional import normalize
from ..module import Module
from .parametrize import register_parametrization
from .spectral_norm import as_matrix, output_dim
from .weight_norm import norm_except_dim, normed_weight

solve = published("linalg")["solve"]


def _tensor_of(module: Any, name: str) -> Tensor:
    weight = getattr(module, name, None)
    if not isinstance(weight, Tensor):
        raise ValueError(f"Module '{module}' has no parameter or buffer with name '{name}'")
    return weight


# -- weight norm ----------------------------------------------------------------------------------------

class _WeightNorm(Module):
    """g * v / |v|, from the norm g and the direction v."""

    def __init__(self, dim: int | None = 0) -> None:
        super().__init__()
        self.dim = -1 if dim is None else dim

    def forward(self, weight_g: Tensor, weight_v: Tensor) -> Tensor:
        return normed_weight(weight_v, weight_g, self.dim)

    def right_inverse(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        return norm_except_dim(weight, self.dim), weight


def weight_norm(module: Any, name: str = "weight", dim: int = 0) -> Any:
    """Makes a weight the product of its norm over all dims but `dim` (`original0`) and its direction (`original1`).

    Source: Salimans & Kingma 2016; PyTorch `nn.utils.parametrizations.weight_norm`.

    >>> from stickonfire import nn
    >>> list(weight_norm(nn.Linear(3, 2, bias=False)).state_dict())
    ['parametrizations.weight.original0', 'parametrizations.weight.original1']
    """
    register_parametrization(module, name, _WeightNorm(dim), unsafe=True)

    def read_older_names(state_dict: Any, prefix: str, *others: Any) -> None:
        keys = f"{prefix}{name}_g", f"{prefix}{name}_v"
        if all(key in state_dict for key in keys):
            for i, key in enumerate(keys):
                state_dict[f"{prefix}parametrizations.{name}.original{i}"] = state_dict.pop(key)

    module._register_load_state_dict_pre_hook(read_older_names)
    return module


# -- spectral norm --------------------------------------------------------------------------------------

class _SpectralNorm(Module):
    """W / (u^T W v), with u and v brought nearer to the singular vectors at every use in training."""

    _u: Tensor
    _v: Tensor

    def __init__(self, weight: Tensor, n_power_iterations: int = 1, dim: int = 0, eps: float = 1e-12) -> None:
        super().__init__()
        dims = weight.dim()
        if not -dims <= dim < dims:
            raise IndexError(f"Dimension out of range (expected to be in range of [-{dims}, {dims - 1}] but got {dim})")
        if n_power_iterations <= 0:
            raise ValueError("Expected n_power_iterations to be positive, but got "
                             f"n_power_iterations={n_power_iterations}")
        self.dim, self.eps = dim % dims, eps
        if dims > 1:
            self.n_power_iterations = n_power_iterations
            matrix = as_matrix(weight.detach(), self.dim)
            for name, size in zip(("_u", "_v"), matrix.shape):
                self.register_buffer(name, normalize(matrix.new_empty(size).normal_(0, 1), dim=0, eps=eps))
            self._power_method(matrix, 15)

    def _power_method(self, matrix: Tensor, count: int) -> None:
        with no_grad():
            for _ in range(count):
                self._u.copy_(normalize(mv(matrix, self._v), dim=0, eps=self.eps))
                self._v.copy_(normalize(mv(matrix.mH, self._u), dim=0, eps=self.eps))

    def forward(self, weight: Tensor) -> Tensor:
        if weight.dim() == 1:
            return normalize(weight, dim=0, eps=self.eps)
        matrix = as_matrix(weight, self.dim)
        if self.training:
            self._power_method(matrix, self.n_power_iterations)
        u, v = self._u.clone(), self._v.clone()     # backward wants them as they are now
        return weight / vdot(u, mv(matrix, v))

    def right_inverse(self, value: Tensor) -> Tensor:
        return value        # assigning sets the weight before it is normed


def spectral_norm(module: Any, name: str = "weight", n_power_iterations: int = 1, eps: float = 1e-12,
                  dim: int | None = None) -> Any:
    """Divides a weight by its largest singular value, estimated by power iteration.

    Raises: ValueError for a name that is no tensor of the module, IndexError for a dim that isn't there.
    Source: Miyato et al. 2018; PyTorch `nn.utils.parametrizations.spectral_norm`.
    """
    weight = _tensor_of(module, name)
    dim = output_dim(module) if dim is None else dim
    return register_parametrization(module, name, _SpectralNorm(weight, n_power_iterations, dim, eps))


# -- orthogonal matrices --------------------------------------------------------------------------------

MAPS = ("matrix_exp", "cayley", "householder")


def _is_orthogonal(q: Tensor) -> bool:
    """Whether the columns are orthonormal, to within rounding."""
    n, k = q.shape[-2:]
    return allclose(q.mH @ q, eye(k, dtype=q.dtype), atol=10.0 * n * finfo(q.dtype).eps)


def _made_orthogonal(a: Tensor) -> Tensor:
    """Q of the QR decomposition whose R has a positive diagonal."""
    form, tau = geqrf(a)
    return orgqr(form, tau) * form.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


class _Orthogonal(Module):
    """An orthogonal matrix out of any: by exponential, Cayley transform or reflections; times `base`, if there is one.

    Source: Lezcano-Casado & Martinez-Rubio 2019.
    """

    base: Any

    def __init__(self, weight: Tensor, orthogonal_map: str, *, use_trivialization: bool = True) -> None:
        super().__init__()
        if weight.is_complex() and orthogonal_map == "householder":
            raise ValueError("The householder parametrization does not support complex tensors.")
        self.shape = weight.shape
        self.orthogonal_map = orthogonal_map
        if use_trivialization:
            self.register_buffer("base", None)

    def forward(self, x: Tensor) -> Tensor:
        wide = x.shape[-2] < x.shape[-1]
        x = x.mT if wide else x
        q = self._reflected(x) if self.orthogonal_map == "householder" else self._rotated(x)
        if hasattr(self, "base"):
            q = self.base @ q
        return q.mT if wide else q

    def _rotated(self, x: Tensor) -> Tensor:
        """The exponential or Cayley transform of the skew-symmetric matrix that x's lower triangle makes."""
        n, k = x.shape[-2:]
        x = x.tril()
        if n != k:
            x = cat((x, x.new_zeros((n, n - k)).expand(*x.shape[:-2], -1, -1)), dim=-1)
        a = x - x.mH
        if self.orthogonal_map == "matrix_exp":
            q = matrix_exp(a)
        else:
            identity = eye(n, dtype=a.dtype)
            q = solve(identity - a * 0.5, identity + a * 0.5)
        return q[..., :k]

    def _reflected(self, x: Tensor) -> Tensor:
        """Reflections at the columns below the diagonal; the diagonal holds signs."""
        a = x.tril(diagonal=-1)
        tau = 2.0 / (1.0 + (a * a).sum(dim=-2))
        return orgqr(a, tau) * x.diagonal(dim1=-2, dim2=-1).int().unsqueeze(-2)

    def right_inverse(self, q: Tensor) -> Tensor:
        if q.shape != self.shape:
            raise ValueError(f"Expected a matrix or batch of matrices of shape {self.shape}. Got a tensor of shape "
                             f"{q.shape}.")
        with no_grad():
            wide = q.shape[-2] < q.shape[-1]
            tall = q.mT if wide else q
            if not hasattr(self, "base"):
                form = self._reflections_of(tall)
                return form.mT if wide else form
            self.base = self._completed(tall)
            start = q.new_zeros(q.shape)
            start.diagonal(dim1=-2, dim2=-1).fill_(-1.0)
            return start

    def _reflections_of(self, q: Tensor) -> Tensor:
        if self.orthogonal_map != "householder":
            raise NotImplementedError("It is not possible to assign to the matrix exponential or the Cayley "
                                      "parametrizations when use_trivialization=False.")
        form, tau = geqrf(q)
        diagonal = form.diagonal(dim1=-2, dim2=-1)
        diagonal.copy_(diagonal.sign() * (1 - 2 * (tau == 0).to(diagonal.dtype)))
        return form

    def _completed(self, q: Tensor) -> Tensor:
        """A square orthogonal matrix that begins with q's columns."""
        n, k = q.shape[-2:]
        if n == k:
            return q.clone() if _is_orthogonal(q) else _made_orthogonal(q)
        return _made_orthogonal(cat((q, randn(*q.shape[:-2], n, n - k, dtype=q.dtype)), dim=-1))


def orthogonal(module: Any, name: str = "weight", orthogonal_map: str | None = None, *,
               use_trivialization: bool = True) -> Any:
    """Keeps a matrix orthogonal, whatever the optimizer does: "matrix_exp", "cayley" or "householder".

    Raises: ValueError for a name that is no tensor of the module, fewer than two dims, or another map.
    Source: PyTorch `nn.utils.parametrizations.orthogonal`.

    >>> from stickonfire import eye, nn
    >>> w = orthogonal(nn.Linear(3, 3)).weight
    >>> bool((w @ w.T - eye(3)).abs().max() < 1e-5)
    True
    """
    weight = _tensor_of(module, name)
    if weight.dim() < 2:
        raise ValueError(f"Expected a matrix or batch of matrices. Got a tensor of {weight.dim()} dimensions.")
    if orthogonal_map is None:
        square = weight.shape[-2] == weight.shape[-1]
        orthogonal_map = "matrix_exp" if square or weight.is_complex() else "householder"
    if orthogonal_map not in MAPS:
        raise ValueError('orthogonal_map has to be one of "matrix_exp", "cayley", "householder". '
                         f"Got: {orthogonal_map}")
    function = _Orthogonal(weight, orthogonal_map, use_trivialization=use_trivialization)
    return register_parametrization(module, name, function, unsafe=True)
