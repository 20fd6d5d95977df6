"""PyTorch's spelling `torch.autograd.graph`: a list of names."""
from ..eager.graph_tools import (
    GradientEdge,
    disable_saved_tensors_hooks,
    get_gradient_edge,
    increment_version,
    save_on_cpu,
    saved_tensors_hooks,
)
from ..tape.node import Node

__all__ = [
    "GradientEdge", "Node", "disable_saved_tensors_hooks", "get_gradient_edge", "increment_version", "save_on_cpu",
    "saved_tensors_hooks"]
