"""The names under which programs find mixed precision and torch.func; each is loaded when first asked for."""
from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import sys, warnings
import stickonfire.compat
stickonfire.compat.install()
import torch
assert not [name for name in sys.modules if name.startswith(("stickonfire.func", "stickonfire.amp"))]
warnings.simplefilter("ignore")
from torch.cuda.amp import GradScaler, autocast
from torch.cpu.amp import autocast as on_cpu
from torch.amp import autocast as any_device, custom_fwd
from torch.func import functional_call, grad, vmap
from torch import vmap as same
import torch.cuda.amp as amp
assert torch.cuda.amp is amp and torch.cuda.amp.autocast is autocast and torch.autocast is any_device
assert same is vmap and torch.func.grad is grad and torch.GradScaler is torch.amp.GradScaler
scaler = GradScaler()
w = torch.ones(2, requires_grad=True)
optimizer = torch.optim.SGD([w], lr=0.1)
with autocast():
    loss = (w * w).sum()
scaler.scale(loss).backward()
scaler.step(optimizer)
scaler.update()
print(w.tolist(), issubclass(on_cpu, any_device))
"""


def test_programs_find_them():
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split("] ") == ["[0.800000011920929, 0.800000011920929", "True\n"]
