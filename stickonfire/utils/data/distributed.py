"""`torch.utils.data.distributed`: names of stickonfire/data/ under PyTorch's file name."""
from ...data import DistributedSampler

__all__ = ["DistributedSampler"]
