"""Floor 0: dtypes, devices, shapes, errors, state. Plain Python; imports nothing of ours.

Everything above may import from here. Start reading at `dtypes.py`.
"""
