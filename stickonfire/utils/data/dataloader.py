"""`torch.utils.data.dataloader`: names of stickonfire/data/ under PyTorch's file name."""
from ...data import DataLoader, default_collate, default_convert, get_worker_info

__all__ = ["DataLoader", "default_collate", "default_convert", "get_worker_info"]
