"""All recurrent layers in one list, as `torch.nn.modules.rnn` has them.

Room: nn. The layers are in recurrent.py and recurrent_cells.py.
"""
from .recurrent import GRU, LSTM, RNN, RNNBase
from .recurrent_cells import GRUCell, LSTMCell, RNNCell, RNNCellBase

__all__ = ["GRU", "LSTM", "RNN", "GRUCell", "LSTMCell", "RNNBase", "RNNCell", "RNNCellBase"]
