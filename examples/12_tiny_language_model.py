"""Two small language models over letters: counted bigrams, then an embedding with a hidden layer."""
import torch
from torch import nn
from torch.nn import functional as F

text = """the sun rose over the quiet harbour and the boats lay still on the water. an old man walked along
the wall, counted the boats as he did every morning, and found that one was missing. he smiled. his
daughter had gone out before the light, as he had done at her age, and she would be back with the
tide, with fish for the market and salt in her hair. he sat down on the wall and waited for the
tide."""
text = " ".join(text.split())

torch.manual_seed(1337)
chars = sorted(set(text))
stoi = {c: i for i, c in enumerate(chars)}
vocab_size = len(chars)
data = torch.tensor([stoi[c] for c in text])
print(len(text), "characters,", vocab_size, "of them different:", repr("".join(chars)))
print(data[:20])

print("-- bigrams by counting")
N = torch.ones(vocab_size, vocab_size)
for a, b in zip(data[:-1], data[1:]):
    N[a, b] += 1
P = N / N.sum(1, keepdim=True)
print(P[stoi["t"], stoi["h"]], -P[data[:-1], data[1:]].log().mean())
ix = stoi["t"]
out = ["t"]
for _ in range(40):
    ix = torch.multinomial(P[ix], num_samples=1, replacement=True).item()
    out.append(chars[ix])
print(repr("".join(out)))

print("-- an embedding of three letters and a hidden layer")
context = 3
X = torch.stack([data[i:i + context] for i in range(len(data) - context)])
Y = data[context:]
print(X.shape, Y.shape, X[:2])


class LanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, 8)
        self.hidden = nn.Linear(context * 8, 48)
        self.norm = nn.LayerNorm(48)
        self.out = nn.Linear(48, vocab_size)

    def forward(self, tokens):
        x = self.embedding(tokens).view(tokens.shape[0], -1)
        return self.out(self.norm(torch.tanh(self.hidden(x))))


model = LanguageModel()
print(model)
print(sum(p.numel() for p in model.parameters()), "parameters")
print(f"a guess costs {torch.tensor(float(vocab_size)).log():.4f}")
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
for step in range(151):
    batch = torch.randint(0, len(X), (64,))
    loss = F.cross_entropy(model(X[batch]), Y[batch])
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    if step % 50 == 0:
        print(f"step {step}, loss {loss.item():.3f}")

model.eval()
with torch.no_grad():
    print(f"loss over all {F.cross_entropy(model(X), Y).item():.3f}")
    tokens = [stoi[c] for c in "the"]
    for _ in range(60):
        logits = model(torch.tensor([tokens[-context:]]))
        tokens.append(torch.multinomial(F.softmax(logits, dim=-1), 1).item())
    print(repr("".join(chars[i] for i in tokens)))
