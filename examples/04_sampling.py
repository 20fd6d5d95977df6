"""Probability by counting: coins, dice, normal numbers, shuffles."""
import torch

torch.manual_seed(1)

print("-- coins")
heads = sum(int(torch.rand(()) > 0.5) for _ in range(100))
print("heads, tails:", [heads, 100 - heads])
fair = torch.tensor([0.5, 0.5])
for n in (10, 100, 10000):
    draws = torch.multinomial(fair, n, replacement=True)
    print(n, torch.bincount(draws, minlength=2) / n)

print("-- dice")
rolls = torch.multinomial(torch.ones(6) / 6, 500, replacement=True)
counts = torch.nn.functional.one_hot(rolls, 6).cumsum(dim=0)
estimates = counts / counts.sum(dim=1, keepdim=True)
for n in (1, 5, 50, 500):
    print(n, estimates[n - 1])
print(torch.multinomial(torch.tensor([0.1, 0.2, 0.3, 0.4]), 3))
print(torch.randint(1, 7, (12,)))

print("-- normal numbers")
sample = torch.randn(1000)
print(sample.mean(), sample.std(), (sample.abs() < 1).float().mean())
print(torch.normal(2.0, 3.0, size=(2, 4)))
print(torch.normal(torch.arange(3.0), torch.tensor([0.1, 1.0, 10.0])))
print(torch.empty(5).uniform_(-1, 1))
print(torch.bernoulli(torch.full((2, 8), 0.3)))
print(torch.empty(4).exponential_(2.0))

print("-- shuffling")
print(torch.randperm(10))
generator = torch.Generator().manual_seed(7)
print(torch.randperm(5, generator=generator), torch.rand(2, generator=generator))
state = torch.get_rng_state()
first = torch.rand(3)
torch.set_rng_state(state)
print(torch.equal(first, torch.rand(3)), torch.initial_seed())

print("-- Monte Carlo: pi, and the central limit")
points = torch.rand(20000, 2)
print(4 * (points.square().sum(dim=1) < 1).float().mean())
means = torch.rand(1000, 12).sum(dim=1) - 6
print(torch.histc(means, bins=8, min=-4, max=4))
