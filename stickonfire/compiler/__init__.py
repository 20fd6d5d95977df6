"""The compiler: one call of a function, listened to, becomes a program; the program becomes native code.

In the order in which a call travels: `trace.py` (arrays that tell what is done to them), `recorder.py` (who writes it down),
`capture.py` (around one call), `program.py` (what is written down), `expand.py` and `decompose.py` (functions in terms of
few), `simplify.py`, `fuse.py` (groups that become kernels), `lower.py` (kernels in the loop IR of `codegen/rows.py`),
`memory.py`, `build.py` (all put together), `execute.py` (guards, variants, the call itself). Public as `torch.compile`, in
`nn/compiled.py`. May import: core, codegen, backends, ops, tape, eager.
"""
