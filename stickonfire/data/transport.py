"""Objects through a pipe, without copying large arrays into the pickle.

A message is a pickle (protocol 5), preceded by the sizes of the buffers that follow it: the memory of its
tensors and NumPy arrays, sent as it lies. The receiver reads each into fresh, writable memory. Used by
workers.py and pool.py. May import: eager, numpy.
"""
import io
import os
import pickle
import sys
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from ..eager import Tensor, bfloat16, from_numpy, int16

PIPE_BYTES = 1 << 20
F_SETPIPE_SZ = 1031         # Linux; fcntl names it only since Python 3.10 on some platforms


def widen(connection: Connection) -> None:
    """Gives a pipe room for a megabyte, so that one side need not wait for the other every 64 KiB."""
    if sys.platform != "linux":
        return
    import fcntl  # there is no such module on Windows
    try:
        fcntl.fcntl(connection.fileno(), F_SETPIPE_SZ, PIPE_BYTES)
    except OSError:                     # an administrator's limit: the pipe stays as it is
        pass


def pack(message: Any) -> list[Any]:
    """The parts of a message, ready for `send`: a pickle and the buffers it refers to."""
    buffers: list[pickle.PickleBuffer] = []
    stream = io.BytesIO()
    _Pickler(stream, protocol=5, buffer_callback=buffers.append).dump(message)
    return [stream.getbuffer(), *(buffer.raw() for buffer in buffers)]


def send(connection: Connection, parts: list[Any]) -> None:
    """Sends what `pack` made."""
    connection.send_bytes(np.array([part.nbytes for part in parts], np.int64).tobytes())
    for part in parts:
        if sys.platform == "win32":
            connection.send_bytes(part)
            continue
        rest = memoryview(part)         # straight to the pipe: seven times as fast as send_bytes
        while rest:
            rest = rest[os.write(connection.fileno(), rest):]


def receive(connection: Connection) -> Any:
    """Receives one message. Raises EOFError or OSError if the other side is gone."""
    parts: list[Any] = []
    for size in np.frombuffer(connection.recv_bytes(), np.int64):
        part: Any = np.empty(size, np.uint8)
        parts.append(part)
        if sys.platform == "win32":
            connection.recv_bytes_into(part)
            continue
        rest = memoryview(part)
        while rest:
            count = os.readv(connection.fileno(), [rest])
            if count == 0:
                raise EOFError
            rest = rest[count:]
    return pickle.loads(parts[0], buffers=parts[1:])


class _Pickler(pickle.Pickler):
    """Sends plain tensors as NumPy arrays, whose memory stays out of the pickle."""

    def reducer_override(self, obj: Any) -> Any:
        if type(obj) is not Tensor:
            return NotImplemented
        if obj.requires_grad and not obj.is_leaf:
            raise RuntimeError("Cowardly refusing to serialize non-leaf tensor which requires_grad, since "
                               "autograd does not support crossing process boundaries.  If you just want to "
                               "transfer the data, call detach() on the tensor before serializing (e.g., "
                               "putting it on the queue).")
        plain = obj.detach()
        is_bfloat16 = plain.dtype is bfloat16
        array = (plain.view(int16) if is_bfloat16 else plain).numpy()
        return _tensor, (array, is_bfloat16, obj.requires_grad)


def _tensor(array: np.ndarray, is_bfloat16: bool, requires_grad: bool) -> Tensor:
    result = from_numpy(array)
    if is_bfloat16:
        result = result.view(bfloat16)
    return result.requires_grad_() if requires_grad else result
