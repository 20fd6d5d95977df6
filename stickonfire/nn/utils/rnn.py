"""Sequences of different lengths in one tensor: padded, or packed for the recurrent layers.

Room: nn. May import: eager. Packed: the elements of step 0 of all sequences that are long enough, then those of step 1,
and so on, the longest sequence first.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from ...eager import Tensor, arange, as_tensor, empty_like, int64


class PackedSequence_(NamedTuple):
    """The fields of a PackedSequence."""

    data: Any
    batch_sizes: Any
    sorted_indices: Any
    unsorted_indices: Any


class PackedSequence(PackedSequence_):
    """Sequences of different lengths, step by step: what the recurrent layers take in place of a padded tensor.

    `batch_sizes` says how many sequences reach each step, `sorted_indices` in which order they are, and
    `unsorted_indices` where each one is. Made by `pack_padded_sequence` and `pack_sequence`.
    Source: PyTorch `nn.utils.rnn.PackedSequence`.
    """

    def __new__(cls, data: Any, batch_sizes: Any = None, sorted_indices: Any = None,
                unsorted_indices: Any = None) -> PackedSequence:
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        if batch_sizes is None:
            if not (isinstance(data, (list, tuple)) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _changed(self, data: Any) -> PackedSequence:
        return self if data is self.data else type(self)(data, *self[1:])

    def to(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same sequences with the data converted, as by `Tensor.to`."""
        return self._changed(self.data.to(*args, **kwargs))

    def cpu(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same sequences on the CPU."""
        return self._changed(self.data.cpu(*args, **kwargs))

    def cuda(self, *args: Any, **kwargs: Any) -> PackedSequence:
        """The same sequences on a CUDA device. Raises: what `Tensor.cuda` raises where there is none."""
        return self._changed(self.data.cuda(*args, **kwargs))

    def pin_memory(self) -> PackedSequence:
        """The same sequences in pinned memory."""
        return self._changed(self.data.pin_memory())

    @property
    def is_cuda(self) -> bool:
        """Whether the data is on a CUDA device."""
        return self.data.is_cuda

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return self.data.is_pinned()


def _converting(name: str) -> Any:
    def convert(self: PackedSequence) -> PackedSequence:
        return self._changed(getattr(self.data, name)())
    convert.__name__, convert.__doc__ = name, f"The same sequences with the data as {name}."
    return convert


for _name in ("double", "float", "half", "long", "int", "short", "char", "byte"):
    setattr(PackedSequence, _name, _converting(_name))


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """Where each number of a permutation stands. Source: PyTorch `invert_permutation`.

    >>> from stickonfire import tensor
    >>> invert_permutation(tensor([2, 0, 1]))
    tensor([1, 2, 0])
    """
    if permutation is None:
        return None
    return empty_like(permutation).scatter_(0, permutation, arange(permutation.numel()))


def pack_padded_sequence(input: Tensor, lengths: Any, batch_first: bool = False,
                         enforce_sorted: bool = True) -> PackedSequence:
    """Packs sequences that are padded to equal length; `enforce_sorted` demands the longest first.

    Shape: (T, B, *), or (B, T, *) if batch_first, and B lengths -> data (sum of lengths, *).
    Raises: RuntimeError for lengths that are not positive, not sorted, or not as many as sequences.
    Source: PyTorch `pack_padded_sequence`.

    >>> from stickonfire import tensor
    >>> pack_padded_sequence(tensor([[1, 2, 3], [4, 0, 0]]), [3, 1], batch_first=True).data
    tensor([1, 4, 2, 3])
    """
    lengths = as_tensor(lengths, dtype=int64)
    order = None
    if not enforce_sorted:
        lengths, order = lengths.sort(descending=True)
        input = input.index_select(0 if batch_first else 1, order)
    rows = input.transpose(0, 1) if batch_first else input
    _check_lengths(rows, lengths)
    longest = int(lengths[0])
    reached = arange(longest).unsqueeze(1) < lengths                # (longest, B)
    return PackedSequence(rows[:longest][reached], reached.sum(1), order, None)


def _check_lengths(rows: Tensor, lengths: Tensor) -> None:
    if rows.numel() == 0:
        raise RuntimeError(f"Cannot pack empty tensors. pack_padded_sequence got one of shape {list(rows.shape)}")
    if lengths.dim() != 1 or lengths.shape[0] != rows.shape[1]:
        raise RuntimeError(f"Expected `len(lengths)` to be equal to batch_size, but got {lengths.numel()} "
                           f"(batch_size={rows.shape[1]})")
    if int(lengths.min()) <= 0:
        raise RuntimeError("Length of all samples has to be greater than 0, but found an element in 'lengths' that is "
                           "<= 0")
    if bool((lengths[1:] > lengths[:-1]).any()):
        raise RuntimeError("`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You can "
                           "pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to sidestep this "
                           "requirement if you do not need ONNX exportability.")
    if int(lengths[0]) > rows.shape[0]:
        raise RuntimeError(f"Expected sequence length to be at most {rows.shape[0]}, the size of the padded tensor, "
                           f"but got {int(lengths[0])}")


def pad_packed_sequence(sequence: PackedSequence, batch_first: bool = False, padding_value: float = 0.0,
                        total_length: int | None = None) -> tuple[Tensor, Tensor]:
    """The inverse of `pack_padded_sequence`: the padded tensor and the lengths.

    Shape: data (sum of lengths, *) -> (T, B, *), or (B, T, *) if batch_first, and (B).
    Raises: ValueError for a `total_length` below the longest sequence.   Source: PyTorch `pad_packed_sequence`.
    """
    data, sizes = sequence.data, sequence.batch_sizes
    longest, batch = sizes.shape[0], int(sizes[0])
    if total_length is not None and total_length < longest:
        raise ValueError("Expected total_length to be at least the length of the longest sequence in input, but got "
                         f"total_length={total_length} and max sequence length being {longest}")
    reached = arange(batch) < sizes.unsqueeze(1)                    # (longest, B)
    lengths = reached.sum(0)
    padded = data.new_full((total_length or longest, batch, *data.shape[1:]), padding_value)
    steps, places = reached.nonzero(as_tuple=True)
    padded = padded.index_put((steps, places), data)
    back = sequence.unsorted_indices
    if back is not None:
        padded, lengths = padded.index_select(1, back), lengths[back]
    return (padded.transpose(0, 1) if batch_first else padded), lengths


def pack_sequence(sequences: Iterable[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Packs a list of sequences. Shape: B times (L_i, *).   Source: PyTorch `pack_sequence`.

    >>> from stickonfire import tensor
    >>> pack_sequence([tensor([1, 2]), tensor([3])])
    PackedSequence(data=tensor([1, 3, 2]), batch_sizes=tensor([2, 1]), sorted_indices=None, unsorted_indices=None)
    """
    parts = list(sequences)
    lengths = as_tensor([part.shape[0] for part in parts])
    return pack_padded_sequence(pad_sequence(parts), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The inverse of `pack_sequence`. Source: PyTorch `unpack_sequence`."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


def pad_sequence(sequences: Tensor | Iterable[Tensor], batch_first: bool = False, padding_value: float = 0.0,
                 padding_side: str = "right") -> Tensor:
    """Stacks sequences, the shorter ones filled up with `padding_value`.

    Shape: N times (L_i, *) -> (L, N, *), or (N, L, *) if batch_first, L being the longest.
    Raises: RuntimeError for no sequence, or a side other than left and right.
    Source: PyTorch `pad_sequence`.

    >>> import stickonfire
    >>> pad_sequence([stickonfire.ones(3), stickonfire.ones(1)], batch_first=True)
    tensor([[1., 1., 1.],
            [1., 0., 0.]])
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError("pad_sequence: Expected iterable for input sequences, but got arg of type: "
                           f"{type(sequences)}")
    parts = tuple(sequences)
    if not parts:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(f"Expected padding_side to be one of left or right, but got {padding_side}.")
    longest = max(part.shape[0] for part in parts)
    padded = parts[0].new_full((len(parts), longest, *parts[0].shape[1:]), padding_value)
    for position, part in enumerate(parts):
        start = 0 if padding_side == "right" else longest - part.shape[0]
        padded[position, start:start + part.shape[0]] = part
    return padded if batch_first else padded.transpose(0, 1).contiguous()


def unpad_sequence(padded_sequences: Any, lengths: Any, batch_first: bool = False) -> list[Tensor]:
    """The inverse of `pad_sequence`, given the lengths. Source: PyTorch `unpad_sequence`."""
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    positions = arange(rows.shape[1])
    return [row[positions < length] for row, length in zip(rows, lengths)]
