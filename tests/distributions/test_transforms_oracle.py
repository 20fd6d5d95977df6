"""Transforms and the constraint registry against PyTorch."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("torch")
from tests.distributions.oracle import both

pytestmark = pytest.mark.oracle

REALS = "x([[0.3, -1.2, 0.7], [2.0, 0.1, -0.4]])"
MATRIX = "x([[0.3, -1.2], [0.7, 0.5]])"
TRANSFORMS = [
    ("D.AbsTransform()", REALS), ("D.AffineTransform(0.5, -2.0)", REALS),
    ("D.AffineTransform(x([0.5, 1.0, 2.0]), x([2.0, -3.0, 1.0]))", REALS),
    ("D.AffineTransform(0.5, x([2.0, 3.0, 1.0]), event_dim=1)", REALS),
    ("D.CatTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)], dim=1, lengths=[1, 2])", REALS),
    ("D.CatTransform([D.ExpTransform(), D.identity_transform])", REALS),
    ("D.CatTransform([D.IndependentTransform(D.ExpTransform(), 1), D.IndependentTransform(D.TanhTransform(), 1)])",
     REALS),
    ("D.ComposeTransform([D.AffineTransform(1.0, 2.0), D.ExpTransform()])", REALS),
    ("D.ComposeTransform([D.AffineTransform(1.0, 2.0), D.StickBreakingTransform()])", REALS),
    ("D.ComposeTransform([])", REALS), ("D.CorrCholeskyTransform()", REALS),
    ("D.CumulativeDistributionTransform(D.Normal(0.5, 2.0))", REALS), ("D.ExpTransform()", REALS),
    ("D.ExpTransform().inv", "x([0.3, 1.2])"), ("D.IndependentTransform(D.ExpTransform(), 1)", REALS),
    ("D.LowerCholeskyTransform()", MATRIX), ("D.PositiveDefiniteTransform()", MATRIX),
    ("D.PowerTransform(x([2.0, -1.0]))", "x([0.3, 1.2])"),
    ("D.ReshapeTransform((3,), (3, 1))", REALS), ("D.SigmoidTransform()", REALS), ("D.SoftmaxTransform()", REALS),
    ("D.SoftplusTransform()", REALS), ("D.StackTransform([D.ExpTransform(), D.AffineTransform(1.0, 2.0)])", REALS),
    ("D.StackTransform([D.ExpTransform(), D.TanhTransform(), D.identity_transform], dim=-1)", REALS),
    ("D.StickBreakingTransform()", REALS), ("D.TanhTransform()", REALS), ("D.Transform()", REALS),
]
CONSTRAINTS = [
    "real", "positive", "nonnegative", "unit_interval", "interval(-1.0, 2.0)", "half_open_interval(0.0, 3.0)",
    "less_than(2.0)", "greater_than(-1.0)", "greater_than_eq(1.0)", "real_vector", "independent(positive, 1)",
    "simplex",
    "corr_cholesky", "lower_cholesky", "positive_definite", "positive_semidefinite", "boolean", "one_hot",
    "cat([positive, real], 0, [1, 1])", "stack([positive, unit_interval])",
]


@pytest.mark.parametrize(("transform", "x"), TRANSFORMS)
def test_transform(transform: str, x: str) -> None:
    text = f"({transform}, {x})"
    ask: dict[str, Any] = {
        "repr": lambda t, x: (repr(t), t.bijective),
        "domain": lambda t, x: repr(t.domain), "codomain": lambda t, x: repr(t.codomain),
        "event_dim": lambda t, x: t.event_dim, "sign": lambda t, x: t.sign,
        "y": lambda t, x: t(x), "x": lambda t, x: t.inv(t(x)),
        "log_abs_det_jacobian": lambda t, x: t.log_abs_det_jacobian(x, t(x)),
        "inverse's": lambda t, x: t.inv.log_abs_det_jacobian(t(x), x),
        "inverse": lambda t, x: (repr(t.inv), repr(t.inv.domain), t.inv.inv is t, t == t, t == t.inv),
        "shapes": lambda t, x: (tuple(t.forward_shape(x.shape)), tuple(t.inverse_shape(t.forward_shape(x.shape)))),
        "no dims": lambda t, x: tuple(t.forward_shape(x.shape[:0])),
        "cached": lambda t, x: (lambda c: (c(x), c.inv(c(x)) is x, repr(c)))(t.with_cache()),
        "checks": lambda t, x: (t.domain.check(x), t.codomain.check(t(x))),
        "hash": lambda t, x: hash(t),
    }
    for what, question in ask.items():
        both(text, lambda m, question=question: question(*m.law), 1e-6, what)


@pytest.mark.parametrize("constraint", CONSTRAINTS)
@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
def test_registry(registry: str, constraint: str) -> None:
    def made(m: Any) -> Any:
        region = eval(constraint, vars(m.torch.distributions.constraints).copy())
        return getattr(m.torch.distributions, registry)(region), region
    x = MATRIX if constraint.startswith(("lower", "positive_")) else "x([0.3, -1.2, 0.7])"
    x = "x([0.3, -1.2])" if constraint.startswith(("cat", "stack")) else x
    both(x, lambda m: repr(made(m)[0]), where="repr")
    both(x, lambda m: made(m)[0](m.law), 1e-6, "y")
    both(x, lambda m: made(m)[1].check(made(m)[0](m.law)), where="inside")


def test_equality() -> None:
    pairs = ["D.AffineTransform(0.0, 1.0) == D.AffineTransform(0, 1)", "D.ExpTransform() == D.ExpTransform()",
             "D.AffineTransform(0.0, 1.0) == D.AffineTransform(x([0.0, 1.0]), 1.0)",
             "D.ExpTransform() == D.TanhTransform()", "D.PowerTransform(x(2.0)) == D.PowerTransform(x(2.0))",
             "D.ExpTransform().inv == D.ExpTransform().inv",
             "D.ComposeTransform([D.ExpTransform()]) == D.ExpTransform()",
             "D.ComposeTransform([D.ExpTransform()]) == D.ComposeTransform([D.ExpTransform()])",
             "D.IndependentTransform(D.ExpTransform(), 1) == D.IndependentTransform(D.ExpTransform(), 1)"]
    for text in pairs:
        both(text, lambda m: m.law, where="equal")
        both(text.replace("==", "!="), lambda m: m.law, where="unequal")
