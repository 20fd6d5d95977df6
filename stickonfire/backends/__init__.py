"""Arrays, launching, random generators, memory: the only rooms that know an array library.

`base.py` is the contract and the registry; `cpu/` fulfils it with NumPy.
"""
