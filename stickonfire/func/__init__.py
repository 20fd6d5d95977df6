"""PyTorch's `torch.func`: functions that take functions and return functions. Loaded when first used.

`vmap` maps over a batch, `grad` and kin differentiate, `functional_call` makes a module a function of its parameters;
docs/func.md explains how they work. Room: func, floor 2. May import eager and nn.
"""
from . import rules_index, rules_linear, rules_recurrent, rules_shape  # noqa: F401  (they register rules)
from .jacobians import hessian, jacfwd, jacrev
from .modules import functional_call, stack_module_state
from .transforms import grad, grad_and_value, jvp, linearize, vjp
from .vmap import vmap

__all__ = ["functional_call", "grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "linearize",
           "stack_module_state", "vjp", "vmap"]
