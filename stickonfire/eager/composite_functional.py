"""What PyTorch publishes in nn.functional and as torch.<name> (some as methods, too): one list of names."""
from __future__ import annotations

from .functional import (
    bilinear,
    celu_,
    channel_shuffle,
    cosine_similarity,
    hardshrink,
    pairwise_distance,
    pdist,
    pixel_shuffle,
    pixel_unshuffle,
    prelu,
    relu_,
    rrelu,
    rrelu_,
    selu_,
    threshold_,
)

FUNCTIONS = (bilinear, celu_, channel_shuffle, cosine_similarity, hardshrink, pairwise_distance, pdist,
             pixel_shuffle,
             pixel_unshuffle, prelu, relu_, rrelu, rrelu_, selu_, threshold_)
METHODS = {"prelu": prelu, "hardshrink": hardshrink}
