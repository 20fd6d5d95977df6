"""Kullback-Leibler divergences: `torch.distributions.kl`. Importing it enters all formulas.

Room: distributions. A list; the search is in `kl_registry.py`, the formulas in the other `kl_*.py`.
"""
from . import kl_cross, kl_matrices, kl_same  # noqa: F401  (enter their formulas)
from .kl_registry import _KL_REGISTRY, kl_divergence, register_kl

__all__ = ["_KL_REGISTRY", "kl_divergence", "register_kl"]
