"""The checker is checked: right gradients pass, a rule wrong by 0.1% is caught, in both modes and orders."""
from __future__ import annotations

import pytest

import stickonfire as torch
from stickonfire.autograd import Function, GradcheckError, gradcheck, gradgradcheck

MODES = pytest.mark.parametrize("fast_mode", [False, True])


def numbers(*shape, dtype=torch.float64):
    return torch.randn(shape, dtype=dtype, generator=torch.Generator().manual_seed(1)).requires_grad_()


def scaled(factor, second=1.0):
    """sin with a gradient that is wrong by a factor, and a second one that is wrong by another."""
    class Cos(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.cos()

        @staticmethod
        def backward(ctx, g):
            return -g * ctx.saved_tensors[0].sin() * second

    class Sin(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            return g * Cos.apply(ctx.saved_tensors[0]) * factor
    return Sin.apply


@MODES
def test_right_gradients_pass(fast_mode):
    a, b = numbers(2, 3), numbers(3)
    assert gradcheck(lambda a, b: a * b.exp(), (a, b), fast_mode=fast_mode)
    assert gradcheck(lambda a, b: (a @ b, a.sum(0) * b), (a, b), fast_mode=fast_mode)
    assert gradcheck(lambda a, n: a ** n, (a, 3), fast_mode=fast_mode)
    assert gradcheck(lambda a: a.t()[1:], a.detach().t().requires_grad_(), fast_mode=fast_mode)
    assert gradcheck(lambda a: a.sum(), numbers(0, 3), fast_mode=fast_mode)
    assert gradcheck(lambda a: a * a, numbers(), fast_mode=fast_mode)
    assert gradgradcheck(lambda a, b: (a * b).tanh(), (a, b), fast_mode=fast_mode)
    assert gradgradcheck(lambda a: a ** 3, a, numbers(2, 3), fast_mode=fast_mode)
    assert gradgradcheck(lambda a: (a * a, a.exp()), a, gen_non_contig_grad_outputs=True, fast_mode=fast_mode)


@MODES
def test_complex(fast_mode):
    z, x = numbers(3, dtype=torch.complex128), numbers(3)
    assert gradcheck(lambda z: z * z, z, fast_mode=fast_mode)
    assert gradcheck(lambda z: z * z.conj(), z, fast_mode=fast_mode)
    assert gradcheck(lambda z: z.abs(), z, fast_mode=fast_mode)
    assert gradcheck(lambda z, x: z * x + x, (z, x), fast_mode=fast_mode)
    assert gradcheck(lambda z: z.real ** 2 + z.imag, z, fast_mode=fast_mode)
    assert gradgradcheck(lambda z: z * z, z, fast_mode=fast_mode)
    assert not gradcheck(lambda z: z.detach().conj() * z, z, raise_exception=False, fast_mode=fast_mode)


@MODES
def test_a_rule_wrong_by_a_thousandth_is_caught(fast_mode):
    options = {"rtol": 1e-4, "fast_mode": fast_mode}
    x = torch.tensor([0.3, -0.4, 1.1, 0.2], dtype=torch.float64, requires_grad=True)
    assert gradcheck(scaled(1.0), x, **options) and gradgradcheck(scaled(1.0), x, **options)
    with pytest.raises(GradcheckError, match="Jacobian mismatch for output 0 with respect to input 0"):
        gradcheck(scaled(1.001), x, **options)
    assert gradcheck(scaled(1.0, 1.001), x, **options)
    with pytest.raises(GradcheckError, match="Jacobian mismatch"):
        gradgradcheck(scaled(1.0, 1.001), x, **options)
    assert gradcheck(scaled(1.001), x, raise_exception=False, **options) is False


def test_the_message_shows_both_jacobians():
    with pytest.raises(GradcheckError) as caught:
        gradcheck(scaled(2.0), torch.zeros(1, dtype=torch.float64, requires_grad=True))
    assert "numerical:tensor([[1.0000]]" in str(caught.value) and "analytical:tensor([[2.]]" in str(caught.value)
    assert isinstance(caught.value, RuntimeError)


def test_a_missing_gradient_is_caught():
    x = numbers(3)
    with pytest.raises(GradcheckError):
        gradcheck(lambda x: x.detach() * x, x)
    with pytest.raises(GradcheckError, match="expected to be zero"):
        gradcheck(lambda x: x.detach() * 2, x)
    assert gradcheck(lambda x: torch.ones(2, dtype=torch.float64), x)


def test_the_second_of_two_inputs_and_outputs_is_named():
    with pytest.raises(GradcheckError, match="for output 1 with respect to input 1"):
        gradcheck(lambda a, b: (a * b, a + scaled(2.0)(b)), (numbers(2), numbers(2)))


def test_nondeterminism():
    calls = []

    class Drifting(Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            calls.append(1)
            return g * (2 + 1e-7 * len(calls))
    x = numbers(2)
    with pytest.raises(GradcheckError, match="Backward is not reentrant"):
        gradcheck(Drifting.apply, x)
    assert gradcheck(Drifting.apply, x, nondet_tol=1e-3)


def test_missing_output_gradients():
    class Pair(Function):
        @staticmethod
        def forward(ctx, x):
            ctx.set_materialize_grads(False)
            return x * 2, x * 3

        @staticmethod
        def backward(ctx, g, h):
            return g * 2 + h * 3                                # fails if one is None
    x = numbers(2)
    with pytest.raises((GradcheckError, TypeError)):
        gradcheck(Pair.apply, x)


def test_inputs():
    with pytest.raises(ValueError, match="at least one input tensor to require gradient"):
        gradcheck(lambda x: x, torch.ones(2, dtype=torch.float64))
    with pytest.warns(UserWarning, match="not a double precision"):
        gradcheck(lambda x: x * 2, torch.ones(2, requires_grad=True), eps=1e-2, atol=1e-2)
    with pytest.raises(RuntimeError, match="stride 0"):
        gradcheck(lambda x: x, torch.ones(1, dtype=torch.float64).expand(3).requires_grad_())
    with pytest.raises(NotImplementedError, match="forward-mode"):
        gradcheck(lambda x: x, numbers(2), check_forward_ad=True)
    x = numbers(3)
    before = x.tolist()
    gradcheck(lambda x: x * 2, x)
    gradcheck(lambda x: x * 2, x, fast_mode=True)
    assert x.tolist() == before and x.grad is None and x._version == 0
    assert gradcheck(lambda x: x * 2, x, check_grad_dtypes=True)
