"""backward and grad: values, accumulation, errors, modes, and what graphs keep alive."""
from __future__ import annotations

import gc
import threading
import tracemalloc
import weakref

import pytest

import stickonfire as torch

REFUSED_TWICE = "Trying to backward through the graph a second time"


def leaf(*values, dtype=torch.float32):
    return torch.tensor(values, dtype=dtype, requires_grad=True)


def test_gradients_are_summed_over_uses_and_calls():
    x = leaf(1.0, 2.0)
    (x * x + x).sum().backward()
    assert x.grad.tolist() == [3.0, 5.0]
    before = x.grad
    (x * 10).sum().backward()
    assert x.grad is before and before.tolist() == [13.0, 15.0]


def test_the_order_of_accumulation_is_pytorchs():
    """float32 sums depend on it: the youngest use counts first."""
    x = leaf(1.0)
    y = x * 1
    (y * 1e8 + y * 1.0 + y * -1e8).sum().backward()             # -1e8 arrives first, then 1, then 1e8
    assert x.grad.item() == 0.0
    x.grad = None
    y = x * 1
    (y * 1.0 + (y * 1e8 + y * -1e8)).sum().backward()           # the bracket is older than the sum, younger than y * 1
    assert x.grad.item() == 1.0


def test_broadcasting_is_undone():
    a, b = torch.ones(2, 1, requires_grad=True), torch.ones(3, requires_grad=True)
    c = torch.tensor(2.0, requires_grad=True)
    (a * b * c).sum().backward()
    assert a.grad.tolist() == [[6.0], [6.0]] and b.grad.tolist() == [4.0] * 3 and c.grad.item() == 6.0
    assert [t.grad.shape for t in (a, b, c)] == [t.shape for t in (a, b, c)]


def test_gradients_have_the_dtype_of_their_tensor():
    x, d, i = leaf(1.0, 2.0), torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True), torch.tensor([5, 6])
    ((x * d) * i).sum().backward()
    assert x.grad.dtype is torch.float32 and x.grad.tolist() == [15.0, 24.0]
    assert d.grad.dtype is torch.float64 and d.grad.tolist() == [5.0, 12.0]


def test_bfloat16():
    pytest.importorskip("ml_dtypes")
    h, x = torch.ones(3, dtype=torch.bfloat16, requires_grad=True), leaf(1.0, 2.0, 3.0)
    (h * x).sum().backward()
    assert h.grad.dtype is torch.bfloat16 and h.grad.tolist() == [1.0, 2.0, 3.0] and x.grad.dtype is torch.float32


def test_what_has_no_gradient():
    x, unused = leaf(3.0, 1.0), leaf(1.0)
    values, places = x.sort()
    assert values.requires_grad and not places.requires_grad and not (x > 2).requires_grad
    values.sum().backward()
    assert unused.grad is None and x.grad.tolist() == [1.0, 1.0]
    with pytest.raises(RuntimeError, match="does not require grad and does not have a grad_fn"):
        torch.ones(()).backward()


def test_grad():
    x, y, z = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(0.0)
    a, b = torch.autograd.grad((x * y).sum(), [x, y])
    assert a.tolist() == [3.0, 4.0] and b.tolist() == [1.0, 2.0] and x.grad is None
    with pytest.raises(RuntimeError, match="appears to not have been used in the graph"):
        torch.autograd.grad((x * y).sum(), [x, z])
    assert torch.autograd.grad((x * y).sum(), [x, z], allow_unused=True)[1] is None
    assert torch.autograd.grad((x * y).sum(), [x, z], materialize_grads=True)[1].tolist() == [0.0]
    with pytest.raises(ValueError, match="Expected allow_unused to be True"):
        torch.autograd.grad(x.sum(), x, allow_unused=False, materialize_grads=True)
    with pytest.raises(RuntimeError, match="One of the differentiated Tensors does not require grad"):
        torch.autograd.grad(x.sum(), torch.ones(2))
    inner = x * 2
    g, = torch.autograd.grad((inner * inner).sum(), inner)
    assert g.tolist() == [4.0, 8.0]


def test_grad_of_several_outputs_and_batches():
    x = leaf(1.0, 2.0)
    g, = torch.autograd.grad([x * 2, x * x], x, [torch.ones(2), torch.tensor([1.0, 10.0])])
    assert g.tolist() == [4.0, 42.0]
    rows, = torch.autograd.grad(x * x, x, torch.eye(2), is_grads_batched=True)
    assert rows.tolist() == [[2.0, 0.0], [0.0, 4.0]]


def test_results_share_no_memory():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    given = torch.ones(2)
    a, b = torch.autograd.grad(x + y, [x, y], given)
    a.add_(1)
    assert b.tolist() == [1.0, 1.0] and given.tolist() == [1.0, 1.0]
    (x + y).backward(given)
    x.grad.add_(1)
    given.add_(5)
    assert x.grad.tolist() == [2.0, 2.0] and y.grad.tolist() == [1.0, 1.0]
    z = x.view(2)
    z.retain_grad()
    x.grad = None
    z.sum().backward()
    z.grad.add_(7)
    assert x.grad.tolist() == [1.0, 1.0]


def test_a_gradient_that_nobody_else_holds_is_not_copied(monkeypatch):
    from stickonfire.backends.cpu import xp
    x, w = torch.ones(5, 4), torch.ones(4, 3, requires_grad=True)
    copies = []
    monkeypatch.setattr(xp, "copy", lambda a, copy=xp.copy: copies.append(a.shape) or copy(a))
    (x @ w).sum().backward()
    assert w.grad.tolist() == [[5.0] * 3] * 4 and copies == []
    kept = []
    w.register_hook(kept.append)
    w.grad = None
    (x @ w).sum().backward()
    assert copies == [(4, 3)]
    w.grad.zero_()
    assert kept[0].sum().item() == 60.0


def test_gradients_are_laid_out_like_their_leaves():
    m = torch.ones(2, 3, requires_grad=True)
    (m.t() * torch.arange(6.0).reshape(3, 2)).sum().backward()
    assert m.grad.stride() == (3, 1) and m.grad.tolist() == [[0.0, 2.0, 4.0], [1.0, 3.0, 5.0]]


def test_backward_with_inputs():
    x, y = leaf(1.0), leaf(2.0)
    inner = x * 3
    (inner * y).sum().backward(inputs=[inner, x])
    assert (x.grad.item(), inner.grad.item(), y.grad) == (6.0, 2.0, None)
    with pytest.raises(RuntimeError, match="cannot be empty"):
        x.sum().backward(inputs=[])


def test_gradient_argument():
    x = leaf(1.0, 2.0)
    with pytest.raises(RuntimeError, match=r"only for scalar outputs\s.*shape\s+\[2\]"):
        (x * 2).backward()
    (x * 2).backward(torch.tensor([1.0, 10.0]))
    assert x.grad.tolist() == [2.0, 20.0]
    with pytest.raises(RuntimeError, match="Mismatch in shape"):
        (x * 2).backward(torch.ones(3))
    with pytest.raises(RuntimeError, match="only for real scalar"):
        torch.tensor(1j, requires_grad=True).clone().backward()
    with pytest.raises(TypeError, match="either Tensors or None"):
        (x * 2).backward([1.0, 1.0])


def test_second_backward():
    x = leaf(1.0, 2.0)
    for make in (lambda: x * x, lambda: x * 2, lambda: x.exp(), lambda: x ** 3):
        y = make().sum()
        y.backward()
        with pytest.raises(RuntimeError, match=REFUSED_TWICE):
            y.backward()
        z = make().sum()
        z.backward(retain_graph=True)
        z.backward()
    y = (x + 1).view(2).sum()                                   # nothing was saved, so nothing is missing
    y.backward()
    y.backward()


def test_higher_orders():
    x = leaf(1.0, 2.0, dtype=torch.float64)
    y = (x ** 4).sum()
    for factor in ([4.0, 32.0], [12.0, 48.0], [24.0, 48.0], [24.0, 24.0]):
        y, = torch.autograd.grad(y.sum(), x, create_graph=True)
        assert y.tolist() == factor


def test_create_graph_in_backward():
    x = leaf(2.0)
    (x ** 3).backward(create_graph=True)
    first, x.grad = x.grad, None
    assert first.requires_grad and first.item() == 12.0
    first.backward()
    assert x.grad.item() == 12.0
    x.grad = None


def test_leaves():
    x = leaf(1.0)
    y = x * 2
    assert x.is_leaf and not y.is_leaf and y.detach().is_leaf and x.grad_fn is None
    with pytest.raises(RuntimeError, match="only change requires_grad flags of leaf"):
        y.requires_grad_(False)
    with pytest.raises(RuntimeError, match=r"only Tensors of floating point.*int64"):
        torch.tensor([1]).requires_grad_()
    node = y.grad_fn.next_functions[0][0]
    assert node.variable is x and node.name() == "torch::autograd::AccumulateGrad"
    x.sum().backward()
    x.requires_grad_(False)
    assert x.grad.item() == 1.0 and not x.requires_grad


def test_assigned_gradients():
    x = leaf(1.0, 2.0)
    x.grad = torch.tensor([10.0, 10.0])
    x.sum().backward()
    assert x.grad.tolist() == [11.0, 11.0]
    del x.grad
    assert x.grad is None
    with pytest.raises(RuntimeError, match="different size"):
        x.grad = torch.ones(3)
    with pytest.raises(RuntimeError, match="different type"):
        x.grad = torch.ones(2, dtype=torch.float64)
    with pytest.raises(TypeError, match="expected to be a Tensor or None"):
        x.grad = 1.0
    with pytest.raises(RuntimeError, match="as its own grad"):
        x.grad = x


def test_the_graph_can_be_read():
    x, y = leaf(1.0, 2.0), leaf(3.0, 4.0)
    out = (x * y).exp().sum()
    assert out.grad_fn.name() == "SumBackward0"
    product = out.grad_fn.next_functions[0][0].next_functions[0][0]
    assert product._saved_self.tolist() == [1.0, 2.0] and product._saved_other is not y
    assert product._saved_other.tolist() == y.tolist() and product._saved_other.requires_grad
    assert out.grad_fn.next_functions[0][0]._saved_result.tolist() == (x * y).exp().tolist()
    product.metadata["note"] = "here"
    assert product.metadata == {"note": "here"}
    out.backward()
    with pytest.raises(RuntimeError, match=REFUSED_TWICE):
        product._saved_self
    with pytest.raises(AttributeError, match="_nonsense"):
        product._nonsense
    a, b = (x * 1).unbind()
    assert (a.output_nr, b.output_nr) == (0, 1)


def test_gradient_edges():
    x = leaf(1.0, 2.0)
    y = x * 3
    edge = torch.autograd.graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn and edge.output_nr == 0
    g, = torch.autograd.grad((y * y).sum(), edge)
    assert g.tolist() == [6.0, 12.0]
    torch.autograd.backward(edge, torch.ones(2))
    assert x.grad.tolist() == [3.0, 3.0]
    with pytest.raises(RuntimeError, match="does not require gradients"):
        torch.autograd.graph.get_gradient_edge(torch.ones(1))


# -- modes ---------------------------------------------------------------------------------------------------------


def test_modes():
    x = leaf(1.0)
    with torch.no_grad():
        assert not (x * 2).requires_grad
        with torch.enable_grad():
            assert (x * 2).requires_grad
        with torch.set_grad_enabled(True):
            assert torch.is_grad_enabled()
        assert not torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    assert not (x * 2).requires_grad
    torch.set_grad_enabled(True)
    for decorate in (torch.no_grad(), torch.no_grad, torch.set_grad_enabled(False), torch.inference_mode()):
        assert not decorate(lambda: x * 2)().requires_grad
    assert torch.is_grad_enabled()


def test_a_mode_ends_with_an_exception():
    with pytest.raises(ZeroDivisionError), torch.no_grad():
        1 / 0
    assert torch.is_grad_enabled()


def test_modes_on_generators():
    @torch.no_grad()
    def numbers():
        received = yield torch.is_grad_enabled()
        yield torch.is_grad_enabled(), received
        return "end"

    steps = numbers()
    assert next(steps) is False and torch.is_grad_enabled()
    assert steps.send("sent") == (False, "sent") and torch.is_grad_enabled()
    with pytest.raises(StopIteration, match="end"):
        next(steps)


def test_each_thread_has_its_modes():
    x, seen = leaf(1.0), {}

    def other():
        seen["before"] = (x * 2).requires_grad
        with torch.inference_mode():
            seen["inside"] = (x * 2).requires_grad
    with torch.no_grad():
        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
        assert not (x * 2).requires_grad
    assert seen == {"before": True, "inside": False} and (x * 2).requires_grad


def test_backward_in_several_threads():
    def work(results, i):
        x = torch.full((50,), float(i), requires_grad=True)
        for _ in range(20):
            (x * x).sum().backward()
        results[i] = x.grad[0].item()
    results = {}
    threads = [threading.Thread(target=work, args=(results, i)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {i: 40.0 * i for i in range(4)}


def test_inference_mode():
    x = leaf(1.0, 2.0)
    with torch.inference_mode():
        y = torch.ones(2)
        z = x * 2
        with torch.enable_grad():
            assert not (x * 2).requires_grad
        y.add_(1)
    assert y.is_inference() and z.is_inference() and not x.is_inference() and not z.requires_grad
    for use in (lambda: x * y, lambda: y.add_(1), lambda: y.requires_grad_(), lambda: y._version):
        with pytest.raises(RuntimeError, match="[Ii]nference"):
            use()
    (x + y).sum().backward()                                    # nothing of y is saved
    assert (y + 1).tolist() == [3.0, 3.0]
    with torch.inference_mode(False):
        assert (x * 2).requires_grad


# -- anomaly mode --------------------------------------------------------------------------------------------------


def test_anomaly_mode_names_the_forward_line():
    with pytest.warns(UserWarning, match="Anomaly Detection has been enabled"):
        mode = torch.autograd.detect_anomaly()
    with mode:
        x = leaf(0.0)
        root = x.sqrt()  # the line to be named
        loss = (root * 0).sum()
        with pytest.warns(UserWarning, match="the line to be named"), pytest.raises(RuntimeError) as caught:
            loss.backward()
    assert str(caught.value) == "Function 'SqrtBackward0' returned nan values in its 0th output."
    note = caught.value.__notes__[0]
    assert "Error detected in SqrtBackward0" in note and "the line to be named" in note and "graph.py" not in note
    assert not torch.is_anomaly_enabled()


def test_anomaly_mode_explains_other_errors_too():
    with torch.autograd.set_detect_anomaly(True, check_nan=False):
        x = leaf(1.0)
        y = x * 1
        z = y.exp()  # saved here
        z.add_(1)
        with pytest.warns(UserWarning, match="saved here"), pytest.raises(RuntimeError, match="modified by an inplace"):
            z.backward()
        w = (x - x).sqrt()
        (w * 0).sum().backward()
        assert x.grad.isnan().all()
        assert torch.is_anomaly_enabled() and not torch.is_anomaly_check_nan_enabled()


# -- what is kept --------------------------------------------------------------------------------------------------


def nodes_of(out):
    """Weak references to all nodes of a tensor's graph, with their names."""
    found, stack = {}, [out.grad_fn]
    while stack:
        node = stack.pop()
        if node is not None and id(node) not in found:
            found[id(node)] = node.name(), weakref.ref(node)
            stack += [parent for parent, _ in node.next_functions]
    return list(found.values())


def write_to_views(x):
    y = x * 1
    v, w = y[:2], y[1:]
    v.mul_(3)
    w.add_(v[0])
    return y.exp_()


def write_in_a_loop(x):
    out = torch.zeros(4)
    for i in range(1, 4):
        out[i] = out[i - 1] + x[i]
    return out * x


def hooked(x):
    y = x * 2
    y.register_hook(lambda g: g * 1)
    y.grad_fn.register_hook(lambda inputs, outputs: None)
    y.retain_grad()
    x.register_post_accumulate_grad_hook(lambda t: None)
    return y.exp()


def several_outputs(x):
    values, _ = x.sort()
    a, b = values.split(2)
    return torch.cat([a * b, b])


def second_order(x):
    return torch.autograd.grad((x.exp() * x).sum(), x, create_graph=True)[0]


GRAPHS = (lambda x: x * 2 + x.exp() / x, write_to_views, write_in_a_loop, hooked, several_outputs, second_order)


@pytest.mark.parametrize("backward", [True, False])
@pytest.mark.parametrize("make", GRAPHS)
def test_graphs_are_freed_by_reference_counting(make, backward):
    gc.collect()
    gc.disable()
    try:
        x = torch.ones(4, requires_grad=True)
        out = make(x)
        nodes = nodes_of(out)
        if backward:
            out.sum().backward()
        del out, x
        assert [name for name, node in nodes if node() is not None] == []
    finally:
        gc.enable()


@pytest.mark.parametrize("backward", [True, False])
def test_long_chains(backward):
    x = torch.ones(2, requires_grad=True)
    y = x
    for _ in range(100_000):
        y = y + 1
    watch = weakref.ref(y.grad_fn.next_functions[0][0])
    gc.disable()
    try:
        if backward:
            y.sum().backward()
            assert x.grad.tolist() == [1.0, 1.0]
        del y
        assert watch() is None
    finally:
        gc.enable()


def held_by(make):
    """Bytes that a graph keeps beside its result."""
    x = torch.ones(1000, 250, requires_grad=True)
    make(x)
    gc.collect()
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        y = make(x)
        return tracemalloc.get_traced_memory()[0] - before - y.element_size() * y.numel()
    finally:
        tracemalloc.stop()


def test_what_ops_save():
    size = 1000 * 250 * 4
    assert held_by(lambda x: x + 1) < 10_000                            # nothing
    assert held_by(lambda x: (x + x) + (x - x)) < 10_000
    assert held_by(lambda x: x.view(-1).reshape(250, 1000).t().sum()) < 10_000
    assert held_by(lambda x: x.exp() + 1) == pytest.approx(size, rel=0.01)     # the result of exp
    assert held_by(lambda x: x * x) < 10_000                            # its inputs, which are there anyway
    assert held_by(lambda x: (x * 2) + 1) < 10_000                      # the factor
    assert held_by(lambda x: x.exp().sin() + 1) == pytest.approx(size, rel=0.01)      # one array, for both


def test_a_training_loop_does_not_grow():
    x = torch.ones(20, requires_grad=True)

    def step():
        y = ((x * x).exp() + x).tanh().clone()
        y[0] = y[1] * 2
        y.sum().backward()
        x.grad = None
    gc.disable()
    try:
        for _ in range(50):
            step()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(200):
            step()
        assert tracemalloc.get_traced_memory()[0] - before < 2000
    finally:
        tracemalloc.stop()
        gc.enable()


def test_backward_inside_backward():
    x = leaf(2.0)
    seen = []

    def hook(g):
        y = leaf(3.0)
        with torch.enable_grad():
            (y * y).backward()
        seen.append(y.grad.item())
    x.register_hook(hook)
    (x * x).backward()
    assert seen == [6.0] and x.grad.item() == 4.0
