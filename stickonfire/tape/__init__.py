"""Differentiation, without Tensor: nodes and the backward walk. Knows only the protocol in `node.py`."""
