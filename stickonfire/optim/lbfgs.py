"""L-BFGS: Newton's direction from the last few changes of gradient and weights, without a Hessian.

    s_k = w_(k+1) - w_k,  y_k = g_(k+1) - g_k,  rho_k = 1 / (y_k s_k)
    d = -H g by the two-loop recursion over the last history_size pairs,    w = w + t d

t is lr, or what a line search under the strong Wolfe conditions finds.
Nocedal (1980), "Updating Quasi-Newton Matrices with Limited Storage"; Nocedal and Wright (2006), "Numerical
Optimization", algorithms 3.5, 3.6 and 7.4. May import: eager, and optimizer.py, common.py of this room.
"""
from collections.abc import Callable
from typing import Any, NamedTuple

from ..eager import Tensor, cat, enable_grad, no_grad, view_as_real
from .common import number, scalar
from .optimizer import Optimizer, ParamsT


class LBFGS(Optimizer):
    """Limited-memory BFGS; `step` needs a closure and calls it up to `max_eval` times.

    Raises: ValueError for more than one group; RuntimeError for a line search other than "strong_wolfe".
    Source: PyTorch `torch.optim.LBFGS`.

    >>> import stickonfire as torch
    >>> w = torch.tensor([3.0, -1.0], requires_grad=True)
    >>> optimizer = torch.optim.LBFGS([w], line_search_fn="strong_wolfe")
    >>> def closure():
    ...     optimizer.zero_grad()
    ...     loss = ((w - torch.tensor([1.0, 2.0])) ** 2).sum()
    ...     loss.backward()
    ...     return loss
    >>> optimizer.step(closure).item()
    13.0
    >>> [round(x, 4) for x in w.tolist()]
    [1.0, 2.0]
    """

    def __init__(self, params: ParamsT, lr: float | Tensor = 1, max_iter: int = 20,
                 max_eval: int | None = None, tolerance_grad: float = 1e-7, tolerance_change: float = 1e-9,
                 history_size: int = 100, line_search_fn: str | None = None) -> None:
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not lr >= 0.0:
            raise ValueError(f"Invalid learning rate: {lr}")
        super().__init__(params, {
            "lr": lr, "max_iter": max_iter, "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad, "tolerance_change": tolerance_change,
            "history_size": history_size, "line_search_fn": line_search_fn})
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")

    @no_grad()
    def step(self, closure: Callable[[], Any]) -> Any:      # type: ignore[override]
        """Up to `max_iter` iterations; returns the loss before the first."""
        group = self.param_groups[0]
        params = group["params"]
        state = self.state[params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with enable_grad():
            first_loss = closure()
        loss = float(first_loss)
        grad = _flat_gradient(params)
        state["func_evals"] += 1
        evaluations, iterations = 1, 0
        if grad.abs().max() <= group["tolerance_grad"]:
            return first_loss
        while iterations < group["max_iter"]:
            iterations += 1
            state["n_iter"] += 1
            direction = _direction(state, grad, group["history_size"])
            _remember_gradient(state, grad)
            state["prev_loss"] = previous_loss = loss
            t = state["t"] = scalar(group["lr"])
            if state["n_iter"] == 1:
                t = state["t"] = min(1.0, 1.0 / grad.abs().sum()) * t
            slope = grad.dot(direction)
            if slope > -group["tolerance_change"]:
                break
            last = iterations == group["max_iter"]
            point, used = _advance(closure, params, direction, _Point(0, loss, grad, slope), t, group,
                                   group["max_eval"] - evaluations, last)
            state["t"], loss, grad = point.t, point.loss, point.grad
            evaluations += used
            state["func_evals"] += used
            if last or evaluations >= group["max_eval"] or _converged(group, point, direction, previous_loss):
                break
        return first_loss


class _Point(NamedTuple):
    """A place on the line searched: w + t d, the loss and gradient there, and the slope along d."""

    t: Any
    loss: float
    grad: Tensor
    slope: Any


def _direction(state: dict[str, Any], grad: Tensor, history_size: int) -> Tensor:
    """Minus the approximate inverse Hessian times the gradient, from the pairs remembered in `state`."""
    if state["n_iter"] == 1:
        state.update(d=grad.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
        return state["d"]
    changes, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
    y = grad.sub(state["prev_flat_grad"])
    s = state["d"].mul(state["t"])
    ys = y.dot(s)
    if ys > 1e-10:
        if len(changes) == history_size:
            for memory in (changes, steps, ro):
                memory.pop(0)
        changes.append(y)
        steps.append(s)
        ro.append(1.0 / ys)
        state["H_diag"] = ys / y.dot(y)
    al = state.setdefault("al", [None] * history_size)
    q = grad.neg()
    for i in reversed(range(len(changes))):
        al[i] = steps[i].dot(q) * ro[i]
        q.add_(changes[i], alpha=-number(al[i]))
    r = q.mul(state["H_diag"])
    for i in range(len(changes)):
        r.add_(steps[i], alpha=number(al[i] - changes[i].dot(r) * ro[i]))
    state["d"] = r
    return r


def _remember_gradient(state: dict[str, Any], grad: Tensor) -> None:
    if state.get("prev_flat_grad") is None:
        state["prev_flat_grad"] = grad.clone()
    else:
        state["prev_flat_grad"].copy_(grad)


def _advance(closure: Callable[[], Any], params: list[Tensor], direction: Tensor, start: _Point, t: Any,
             group: dict[str, Any], evaluations_left: int, last: bool) -> tuple[_Point, int]:
    """Moves the parameters along the direction; the point reached, and how often the closure was called."""
    if group["line_search_fn"] is None:
        _move(params, t, direction)
        if last:
            return start._replace(t=t), 0
        return _Point(t, *_evaluate(closure, params), None), 1
    if group["line_search_fn"] != "strong_wolfe":
        raise RuntimeError("only 'strong_wolfe' is supported")
    origin = [p.clone() for p in params]

    def look(t: Any) -> _Point:
        _move(params, t, direction)
        loss, grad = _evaluate(closure, params)
        for p, value in zip(params, origin, strict=True):
            p.copy_(value)
        return _Point(t, loss, grad, grad.dot(direction))

    point, used = _strong_wolfe(look, start, t, direction.abs().max(), group["tolerance_change"],
                                evaluations_left)
    _move(params, point.t, direction)
    return point, used


def _converged(group: dict[str, Any], point: _Point, direction: Tensor, previous_loss: float) -> bool:
    return bool(point.grad.abs().max() <= group["tolerance_grad"]
                or direction.mul(point.t).abs().max() <= group["tolerance_change"]
                or abs(point.loss - previous_loss) < group["tolerance_change"])


def _evaluate(closure: Callable[[], Any], params: list[Tensor]) -> tuple[float, Tensor]:
    with enable_grad():
        loss = closure()
    return float(loss), _flat_gradient(params)


def _flat_gradient(params: list[Tensor]) -> Tensor:
    """All gradients in one vector; complex ones as pairs of reals."""
    parts = []
    for p in params:
        part = p.new_zeros(p.numel()) if p.grad is None else p.grad.reshape(-1)
        parts.append(view_as_real(part).reshape(-1) if part.is_complex() else part)
    return cat(parts, 0)


def _move(params: list[Tensor], t: Any, direction: Tensor) -> None:
    offset = 0
    for p in params:
        target = view_as_real(p) if p.is_complex() else p
        numel = target.numel()
        target.add_(direction[offset:offset + numel].view_as(target), alpha=number(t))
        offset += numel


def _strong_wolfe(look: Callable[[Any], _Point], start: _Point, t: Any, longest: Any, tolerance_change: float,
                  max_tries: int, c1: float = 1e-4, c2: float = 0.9) -> tuple[_Point, int]:
    """A point that lowers the loss enough and flattens the slope enough, and how often `look` was called."""

    def too_high(point: _Point) -> Any:
        return point.loss > start.loss + c1 * point.t * start.slope

    def flat(point: _Point) -> Any:
        return abs(point.slope) <= -c2 * start.slope

    bracket, tries, done = _bracket(look, start, t, max_tries, too_high, flat)
    stalled = False
    low, high = (0, 1) if bracket[0].loss <= bracket[-1].loss else (1, 0)
    while not done and tries < max_tries:
        left, right = bracket
        if abs(right.t - left.t) * longest < tolerance_change:
            break
        t, stalled = _inside(left.t, right.t, _cubic_minimum(left, right), stalled)
        point = look(t)
        tries += 1
        if too_high(point) or point.loss >= bracket[low].loss:
            bracket[high] = point
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        if flat(point):
            done = True
        elif point.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = point
    return bracket[low], tries + 1


def _bracket(look: Callable[[Any], _Point], start: _Point, t: Any, max_tries: int, too_high: Callable,
             flat: Callable) -> tuple[list[_Point], int, bool]:
    """Walks on until two points enclose a minimum or one is good enough: points, more looks, good enough?"""
    previous, point = start, look(t)
    tries = 0
    while tries < max_tries:
        if too_high(point) or (tries > 1 and point.loss >= previous.loss):
            return [previous, point], tries, False
        if flat(point):
            return [point], tries, True
        if point.slope >= 0:
            return [previous, point], tries, False
        bounds = point.t + 0.01 * (point.t - previous.t), point.t * 10
        previous, point = point, look(_cubic_minimum(previous, point, bounds))
        tries += 1
    return [start, point], tries, False


def _inside(a: Any, b: Any, t: Any, stalled: bool) -> tuple[Any, bool]:
    """`t`, a tenth of the bracket inwards if it sticks to an edge for the second time or lies outside."""
    smallest, largest = min([a, b]), max([a, b])
    margin = 0.1 * (largest - smallest)
    if min(largest - t, t - smallest) >= margin:
        return t, False
    if not (stalled or t >= largest or t <= smallest):
        return t, True
    return (largest - margin if abs(t - largest) < abs(t - smallest) else smallest + margin), False


def _cubic_minimum(a: _Point, b: _Point, bounds: tuple[Any, Any] | None = None) -> Any:
    """The minimum, within bounds, of the cubic through two points with their slopes; else the middle."""
    lower, upper = bounds or ((a.t, b.t) if a.t <= b.t else (b.t, a.t))
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 ** 2 - a.slope * b.slope
    if not square >= 0:
        return (lower + upper) / 2.0
    d2 = square.sqrt()
    if a.t <= b.t:
        t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        t = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(t, lower), upper)
