"""Parity: the graph at work. Hooks and their order, views, writes in place, modes, higher orders, gradient edges."""

from __future__ import annotations

import pytest

from tests.helpers.oracle import same

X = "x = torch.tensor([1., 2., 3.], requires_grad=True); "
M = "m = torch.arange(6.).reshape(2,3).requires_grad_(); "

SNIPPETS = [
    X + "seen=[]; y=x*2; z=y*3; x.register_hook(lambda g: seen.append('x')); "
    "y.register_hook(lambda g: seen.append('y')); z.register_hook(lambda g: "
    "seen.append('z')); z.sum().backward(); seen",
    "a=torch.ones(2,requires_grad=True); b=torch.ones(2,requires_grad=True); seen=[]; "
    "a.register_hook(lambda g: seen.append('a')); b.register_hook(lambda g: "
    "seen.append('b')); c=a*2; c.register_hook(lambda g: seen.append('c')); d=c*b; "
    "d.sum().backward(); seen",
    "a=torch.ones(2,requires_grad=True); b=torch.ones(2,requires_grad=True); seen=[]; "
    "a.register_post_accumulate_grad_hook(lambda t: seen.append('a')); "
    "b.register_post_accumulate_grad_hook(lambda t: seen.append('b')); c=a*2; "
    "c.register_hook(lambda g: seen.append('c')); d=c*b; e=d+a; e.sum().backward(); seen",
    X + "y=x*2; seen=[]; y.grad_fn.register_prehook(lambda go: seen.append('pre')); "
    "y.register_hook(lambda g: seen.append('tensor')); y.grad_fn.register_hook(lambda "
    "gi,go: seen.append('post')); y.retain_grad(); y.sum().backward(); seen, y.grad",
    X + "y=x*2; y.grad_fn.register_prehook(lambda go: (go[0]*10,)); y.retain_grad(); "
    "y.sum().backward(); y.grad, x.grad",
    X + "y=x*2; y.grad_fn.register_hook(lambda gi,go: (gi[0]*10, None) if len(gi)==2 else "
    "(gi[0]*10,)); y.sum().backward(); x.grad",
    X + "y=x*x; y.grad_fn.register_hook(lambda gi,go: (gi[0]*10, gi[1])); y.sum().backward(); x.grad",
    X + "y=x*x; y.grad_fn.register_hook(lambda gi,go: (gi[0],)); y.sum().backward(); x.grad",
    X + "y=x*2; h=y.register_hook(lambda g: g*2); h2=y.register_hook(lambda g: g+1); "
    "h.remove(); h.remove(); y.sum().backward(); x.grad",
    X + "y=x*2; y.register_hook(lambda g: g.mul_(3)) ; y.sum().backward(); x.grad",
    X + "x.register_hook(lambda g: None); x.sum().backward(); x.grad",
    X + "seen=[]; x.register_hook(lambda g: seen.append(torch.is_grad_enabled())); "
    "(x*x).sum().backward(); (x*x).sum().backward(create_graph=True); seen",
    X + "y=x*2; y.retain_grad(); y.add_(1); y.sum().backward(); y.grad",
    X + "y=x*2; y.retain_grad(); y.mul_(3); y.sum().backward(); y.grad, x.grad",
    X + "y=x*2; y.register_hook(lambda g: g*10); y.mul_(3); y.sum().backward(); x.grad",
    X + "y=x*2; y.retain_grad(); y.sum().backward(retain_graph=True); y.sum().backward(); y.grad",
    X + "y=x*2; y.retain_grad(); y.retains_grad, x.retains_grad",
    X + "def hook(t):\n    t.add_(t.grad, alpha=-1); "
    "t.grad=None\nx.register_post_accumulate_grad_hook(hook); (x*x).sum().backward(); x, "
    "x.grad",
    X + "y=x*2; y.register_post_accumulate_grad_hook(lambda t: None)",
    X + "y=x*2; y.backward(torch.ones(3), inputs=[y]); y.grad, x.grad",
    X + "y=x*2; z=y*3; z.sum().backward(inputs=[x,y]); y.grad, x.grad",
    X + "(x*2).sum().backward(inputs=[])",
    X + "(x*2).sum().backward(inputs=x); x.grad",
    X + "y=x*2; torch.autograd.backward([y.sum(), y.sum()]); x.grad",
    X + "y=x*2; torch.autograd.backward([y, y], [torch.ones(3), torch.ones(3)]); x.grad",
    X + "x.backward(torch.ones(3)); x.grad",
    X + "x.backward(torch.ones(3)); x.backward(torch.ones(3)); x.grad",
    X + "g=torch.ones(3); x.backward(g); g.add_(5); x.grad",
    "a=torch.ones(2,requires_grad=True); b=torch.ones(2,requires_grad=True); "
    "(a+b).sum().backward(); a.grad.add_(1); a.grad, b.grad",
    "a=torch.ones(2,requires_grad=True); b=torch.ones(2,requires_grad=True); "
    "(a+b).backward(torch.ones(2)); a.grad.add_(1); a.grad, b.grad",
    M + "m.t().sum().backward(); m.grad.stride()",
    M + "(m.t()*torch.arange(6.).view(3,2)).sum().backward(); m.grad, m.grad.stride()",
    M + "m.expand(4,2,3).sum().backward(); m.grad",
    M + "m[0].sum().backward(); m.grad",
    M + "m[:,1:].sum().backward(); m.grad",
    X + "y=x*x; z=y.sum(); z.backward(); z.backward()",
    X + "y=x+x; z=y.sum(); z.backward(); z.backward(); x.grad",
    X + "y=x*2; z=y.sum(); z.backward(); z.backward(); x.grad",
    X + "y=x.exp(); y.sum().backward(); torch.autograd.grad(y.sum(), x)",
    X + "y=x*x; torch.autograd.grad(y.sum(), y), torch.autograd.grad(y.sum(), x)",
    X + "z=x.detach(); z.requires_grad, z.is_leaf, z.grad_fn",
    X + "torch.autograd.grad(x, x, torch.ones(3))",
    X + "torch.autograd.grad(x.sum(), [x, x])",
    X + "torch.autograd.grad((x*2,(x*3)), x, (torch.ones(3), torch.ones(3)))",
    X + "torch.autograd.grad((x*2).sum(), x, allow_unused=False, materialize_grads=True)",
    X + "torch.autograd.grad(x*x, x, torch.eye(3), is_grads_batched=True)",
    X + "torch.autograd.grad((x*x).sum(), x, create_graph=True)[0].requires_grad",
    X + "torch.autograd.grad((x*x).sum(), x, grad_outputs=[None])",
    X + "i=torch.tensor([1,2]); torch.autograd.grad(x.sum(), i)",
    X + "d=torch.ones(3,dtype=torch.float64,requires_grad=True); (x*d).sum().backward(); x.grad, d.grad",
    X + "d=torch.tensor(2.,dtype=torch.float64,requires_grad=True); (x*d).sum().backward(); x.grad, d.grad",
    X + "i=torch.tensor([1,2,3]); (x*i).sum().backward(); x.grad",
    X + "h=torch.ones(3,dtype=torch.bfloat16,requires_grad=True); (x*h).sum().backward(); x.grad, h.grad",
    "h=torch.ones(3,dtype=torch.bfloat16,requires_grad=True); (h*h*1.01).sum().backward(); h.grad",
    "h=torch.ones(3,dtype=torch.float16,requires_grad=True); (h.exp()*h).sum().backward(); h.grad",
    X + "c=torch.tensor([1+1j,2j,3.],requires_grad=True); (x*c).abs().sum().backward(); x.grad, c.grad",
    X + "y=x.to(torch.complex64); (y*1j).imag.sum().backward(); x.grad",
    X + "x.double().float().bfloat16().sum().backward(); x.grad",
    X + "(x.int()).requires_grad",
    "s=torch.tensor(2.,requires_grad=True); (s*s).backward(); s.grad",
    "s=torch.tensor(2.,requires_grad=True); (s*s*s+s).backward(); s.grad",
    "s=torch.tensor(2.,requires_grad=True); (s*torch.ones(2,3)).sum().backward(); s.grad",
    "s=torch.ones(1,3,requires_grad=True); (s*torch.ones(4,2,3)).sum().backward(); s.grad",
    "s=torch.ones(0,3,requires_grad=True); s.sum().backward(); s.grad",
    "s=torch.ones(2,1,requires_grad=True); (s+torch.ones(2,3)).sum().backward(); s.grad",
    X + "v,i=x.sort(); i.requires_grad, v.requires_grad, (v*torch.arange(3.)).sum().backward(), x.grad",
    X + "v,i=x.topk(2); v.sum().backward(); x.grad",
    X + "a,b,c=x.unbind(); (a*b).backward(); x.grad",
    X + "a,b=x.split(2); b.sum().backward(); x.grad",
    X + "y=x*1; y[0]=y[1]; (y*y).sum().backward(); x.grad",
    X + "y=x*1; y[1:]=y[:-1].clone(); (y*y).sum().backward(); x.grad",
    X + "y=x*1; y[y>1.5]=0; y.sum().backward(); x.grad",
    X + "y=x*1; y[[0,2]]=x[[2,0]]*3; y.sum().backward(); x.grad",
    X + "y=torch.zeros(3); y[1]=x[0]*2; y.requires_grad, y.grad_fn is not None, y.sum().backward(), x.grad",
    X + "y=torch.zeros(2,3); y[0]=x; y[1]=x*2; (y*torch.arange(6.).view(2,3)).sum().backward(); x.grad",
    X + "y=torch.zeros(2,3); y[:,0]=x[0]; y[...,1]+=x[1]; y.sum().backward(); x.grad",
    X + "y=x*1; v=y[:2]; w=y[1:]; v.mul_(2); w.mul_(3); y.sum().backward(); x.grad, v, w",
    X + "y=x*1; v=y[:2]; y.mul_(2); v.grad_fn.name(), v.sum().backward(), x.grad",
    X + "y=x*1; v=y.view(3,1); v.add_(1); y.grad_fn.name(), v.grad_fn.name(), y._version, v._version",
    X + "y=x*1; v=y[:2]; v2=v[1:]; v2.fill_(7); y.grad_fn.name(); (y*y).sum().backward(); x.grad",
    X + "y=x*1; v=y[:2]; z=(v*v).sum(); y.add_(1); z.backward()",
    X + "y=x*1; v=y[:2]; z=(v*v).sum(); w=y[2:]; w.add_(1); z.backward()",
    X + "y=x*1; d=y.detach(); z=(y*y).sum(); d.add_(1); z.backward()",
    X + "y=x*1; z=(y*y).sum(); y.data.add_(1); z.backward(); x.grad",
    X + "y=x.view(3); y.add_(1)",
    X + "y=x*1\nwith torch.no_grad():\n    v=y[:2]\nv.add_(1); y.sum().backward(); x.grad",
    X + "y=x*1\nwith torch.no_grad():\n    v=y[:2]\nv.mul_(x[:2])",
    X + "y=x*1; v=y[:2]\nwith torch.no_grad():\n    y.mul_(5)\nv.sum().backward(); x.grad",
    X + "y=x*1; y.zero_(); y.sum().backward(); x.grad",
    X + "y=x*1; y.copy_(x*4); y.sum().backward(); x.grad",
    X + "y=torch.ones(3); y.copy_(x); y.requires_grad, y.grad_fn.name()",
    X + "y=x*1; y.copy_(torch.ones(3)); y.requires_grad, y.sum().backward(), x.grad",
    X + "y=x*1; y.t_() if False else None; y.unsqueeze_(0); y.sum().backward(); x.grad, y.shape",
    X + "y=x*2; y.requires_grad_(False)",
    X + "y=torch.ones(3); y.requires_grad_(); y.mul_(2)",
    X + "y=torch.ones(3); v=y[:2]; v.requires_grad_(); (v*3).sum().backward(); v.grad, y.requires_grad",
    X + "y=x.unbind()[0]; y.add_(1)",
    X + "y=(x*1).unbind(); y[0].add_(1)",
    X + "y=(x*1).chunk(3); y[0].mul_(1)",
    X + "y=x*1; a,b=y.split([1,2]); y.mul_(2); a.sum()",
    X + "y=x.expand(2,3); y.add_(1)",
    X + "y=(x*1).expand(2,3); y.add_(1)",
    "y=torch.ones(3).expand(2,3); y.add_(1)",
    X + "y=x*1; y.detach_(); y.requires_grad",
    X + "y=x*1; v=y[:2]; v.detach_()",
    X + "y=x*1; y.set_(torch.ones(3)) if False else 0",
    X + "y=x*1; y.resize_(2)",
    M + "y=m*1; y.t()[0].mul_(10); y.sum().backward(); m.grad",
    M + "y=m*1; y.diagonal().mul_(3); y.sum().backward(); m.grad",
    M + "y=m*1; y[:,::2]*=3; y.sum().backward(); m.grad, y",
    M + "y=(m*1).t(); v=y[1:]; v.mul_(2); y.sum().backward(); m.grad",
    M + "y=m.clone(); y.view(-1)[2]=5; y.view(3,2)[0].mul_(2); (y**2).sum().backward(); m.grad, y",
    M + "y=m.clone(); for_=[y[i].mul_(i+1) for i in range(2)]; y.sum().backward(); m.grad",
    M + "b=torch.zeros(2,3); b+=m; b*=m; b.sum().backward(); m.grad",
    X + "y=x.clone(); y+=y; y.sum().backward(); x.grad",
    X + "y=x.clone(); y.div_(2).sub_(1).pow_(2); y.sum().backward(); x.grad",
    X + "y=x.clone(); y.sigmoid_().mul_(2); y.sum().backward(); x.grad",
    X + "y=x.clone(); y.sigmoid_(); y.mul_(2).sum().backward()",
    X + "y=x.clone(); y.clamp_(1.5,2.5); y.sum().backward(); x.grad",
    X + "y=x.clone(); y.masked_fill_(y>2,0); y.sum().backward(); x.grad",
    X + "y=x.clone(); y.index_add_(0,torch.tensor([0]),x[1:2]); y.sum().backward(); x.grad",
    X + "y=x.clone(); y.index_put_((torch.tensor([0]),),x[1:2],accumulate=True); y.sum().backward(); x.grad",
    X + "y=x.clone(); y.scatter_(0,torch.tensor([0]),x[1:2]); y.sum().backward(); x.grad",
    X + "g,=torch.autograd.grad((x**3).sum(),x,create_graph=True); g.sum().backward(); x.grad",
    X + "g,=torch.autograd.grad((x[0]*x[1]*x[2]),x,create_graph=True); (g*g).sum().backward(); x.grad",
    M + "w=torch.ones(3,2,requires_grad=True); "
    "g,=torch.autograd.grad((m@w).tanh().sum(),m,create_graph=True); "
    "g.pow(2).sum().backward(); m.grad, w.grad",
    M + "y=m.softmax(1); g,=torch.autograd.grad((y*y).sum(),m,create_graph=True); "
    "g.pow(2).sum().backward(); m.grad",
    M + "y=m.clone(); y[0]=m[1]**2; "
    "g,=torch.autograd.grad((y**3).sum(),m,create_graph=True); g.sum().backward(); m.grad",
    X + "y=x.sort()[0]; g,=torch.autograd.grad((y**3).sum(),x,create_graph=True); g.sum().backward(); x.grad",
    X + "(x*x).sum().backward(create_graph=True); g=x.grad; x.grad=None; g.sum().backward(); x.grad",
    X + "(x*x).sum().backward(create_graph=True); (x*x).sum().backward(); x.grad",
    X + "y=(x*x); g,=torch.autograd.grad(y,x,x,create_graph=True); g.sum().backward(); x.grad",
    X + "with torch.no_grad():\n    with torch.enable_grad():\n        y=x*2\n    "
    "z=x*2\ny.requires_grad,z.requires_grad",
    X + "with torch.set_grad_enabled(False):\n    y=x*2\ny.requires_grad,(x*2).requires_grad",
    X + "@torch.no_grad()\ndef f(t):\n    return t*2\nf(x).requires_grad, f.__name__",
    X + "@torch.no_grad\ndef f(t):\n    return t*2\nf(x).requires_grad",
    X + "@torch.no_grad()\ndef f(t):\n    yield torch.is_grad_enabled()\n    yield "
    "torch.is_grad_enabled()\ng=f(x); a=next(g); b=torch.is_grad_enabled(); c=next(g); "
    "a,b,c",
    X + "@torch.set_grad_enabled(False)\ndef f(t):\n    return t*2\nf(x).requires_grad, "
    "torch.is_grad_enabled()",
    X + "@torch.inference_mode()\ndef f(t):\n    return t*2\nf(x).is_inference()",
    X + "@torch.inference_mode\ndef f(t):\n    return t*2\nf(x).is_inference()",
    X + "with torch.inference_mode():\n    y=x*2\ny.requires_grad, y.is_inference(), y.grad_fn",
    X + "with torch.inference_mode():\n    y=torch.ones(3)\nx*y",
    X + "with torch.inference_mode():\n    y=torch.ones(3)\n(x+y).sum().backward(); x.grad",
    X + "with torch.inference_mode(False):\n    y=x*2\ny.requires_grad",
    X + "with torch.inference_mode():\n    with torch.inference_mode(False):\n        "
    "y=x*2\ny.requires_grad, y.is_inference()",
    X + "with torch.inference_mode():\n    with torch.enable_grad():\n        y=x*2\ny.requires_grad",
    X + "with torch.inference_mode():\n    y=torch.ones(3)\ny.requires_grad_()",
    X + "with torch.inference_mode():\n    y=torch.ones(3)\ny.view(3).add_(1)",
    X + "with torch.inference_mode():\n    y=torch.ones(3)\ny.clone().requires_grad_().sum().backward()",
    X + "with torch.inference_mode():\n    x.view(3).is_inference(), (x+1).is_inference(), "
    "x.is_inference()",
    X + "y=torch.ones(3)\nwith torch.inference_mode():\n    y.add_(1)\ny, y._version",
    "torch.ones(3, requires_grad=True).int().requires_grad",
    "torch.tensor([1], requires_grad=True)",
    "torch.ones(3).requires_grad_().is_leaf",
    "x=torch.ones(3); x.requires_grad=True; x.requires_grad=False; x.requires_grad",
    "x=torch.ones(3,requires_grad=True); x.sum().backward(); x.requires_grad_(False); "
    "x.grad, x.requires_grad",
    X + "x.grad=torch.ones(3); x.grad.zero_(); x.grad",
    X + "del x.grad; x.grad",
    X + "x.data=torch.ones(2); (x*2).sum().backward(); x.grad",
    X + "x.data=x.data.double(); x.dtype, x.requires_grad",
    X + "y=x*2; y.data=torch.zeros(3); y.sum().backward(); x.grad, y",
    X + "x.sum().backward(); x.data=torch.ones(2); x.grad",
    X + "x.detach().zero_(); x",
    X + "x.sum().backward(); g=x.grad; x.sum().backward(); g is x.grad, g",
    X + "x.grad=x; ",
    X + "torch.autograd.Variable(torch.ones(2), requires_grad=True)",
    X + "(x*2).grad_fn.next_functions[1]",
    X + "x.sum().grad_fn.next_functions",
    X + "(x+1).grad_fn.next_functions[0][0].next_functions",
    X + "y=x*3; y.output_nr, x.unbind()[1].output_nr",
    X + "x.exp().grad_fn._saved_result",
    X + "y=x.exp(); y.sum().backward(); y.grad_fn._saved_result",
    X + "y=(x*2); y.grad_fn.metadata['a']=1; y.grad_fn.metadata",
    X + "e=torch.autograd.graph.get_gradient_edge(x*2); e.output_nr, e.node.name()",
    X + "y=x*2; e=torch.autograd.graph.get_gradient_edge(y); torch.autograd.grad(y.sum(), e)",
    "torch.autograd.graph.get_gradient_edge(torch.ones(2))",
    X + "torch.autograd.graph.increment_version(x); x._version",
    X + "w=torch.ones(3); y=x*w; torch.autograd.graph.increment_version(w); y.sum().backward()",
    X + "seen=[]\nwith torch.autograd.graph.saved_tensors_hooks(lambda t: "
    "(seen.append(t.requires_grad), t*2)[1], lambda t: t):\n    y=x*x\ny.sum().backward(); "
    "x.grad",
    X + "with torch.autograd.graph.save_on_cpu():\n    y=x*x\ny.sum().backward(); x.grad",
    X + "with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: 5):\n    "
    "y=x*x\ny.sum().backward(); x.grad",
    X + "with torch.autograd.graph.disable_saved_tensors_hooks('no'):\n    with "
    "torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):\n        y=x*x",
    X + "with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):\n    "
    "y=x**3\ng,=torch.autograd.grad(y.sum(),x,create_graph=True); "
    "torch.autograd.grad(g.sum(),x)",
    X + "with torch.autograd.detect_anomaly():\n    (x*0).sqrt().sum().backward()\n    "
    "z=((x*0).sqrt()*0).sum(); z.backward()",
    X + "with torch.autograd.set_detect_anomaly(True):\n    y=(x-x).sqrt(); (y*0).sum().backward()",
    X + "with torch.autograd.set_detect_anomaly(True, check_nan=False):\n    y=(x-x).sqrt(); "
    "(y*0).sum().backward()\nx.grad",
    "torch.autograd.set_detect_anomaly(True); a=torch.is_anomaly_enabled(); "
    "torch.autograd.set_detect_anomaly(False); a",
    "c=torch.tensor([1+2j],requires_grad=True); (c*c.conj()).sum().backward()",
    "c=torch.tensor([1+2j],requires_grad=True); torch.view_as_real(c*2).sum().backward(); c.grad",
    "c=torch.tensor([1+2j],requires_grad=True); (c*2).backward(torch.tensor([1j])); c.grad",
]


@pytest.mark.parametrize("snippet", SNIPPETS)
def test_graph(snippet):
    for word in ("with ", "def ", "@"):                 # a block needs a line of its own
        snippet = snippet.replace(f"; {word}", f"\n{word}").replace(f";  \n{word}", f"\n{word}")
    same(snippet)
