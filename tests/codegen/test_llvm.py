"""LLVM IR text to machine code: loading, errors, symbols."""
import ctypes
import subprocess
import sys

import numpy as np
import pytest

from stickonfire.codegen import llvm

pytestmark = pytest.mark.llvm
pytest.importorskip("llvmlite")

ADD_ONE = """
define void @add_one(ptr %args) {
  %x = load ptr, ptr %args
  %v = load <4 x float>, ptr %x, align 4
  %w = fadd <4 x float> %v, splat (float 1.0)
  store <4 x float> %w, ptr %x, align 4
  ret void
}
"""


def run(library, name, *cells):
    table = (ctypes.c_int64 * len(cells))(*cells)
    ctypes.CFUNCTYPE(None, ctypes.c_void_p)(library.address(name))(ctypes.addressof(table))
    return list(table)


def test_a_text_runs():
    array = np.arange(4, dtype=np.float32)
    run(llvm.load(ADD_ONE), "add_one", array.ctypes.data)
    assert array.tolist() == [1, 2, 3, 4]


def test_the_same_text_is_loaded_once():
    assert llvm.load(ADD_ONE) is llvm.load(ADD_ONE)


def test_equal_names_in_two_texts_do_not_clash():
    texts = [f"define void @f(ptr %a) {{\n  store i64 {n}, ptr %a\n  ret void\n}}\n" for n in (5, 6)]
    assert [run(llvm.load(text), "f", 0) for text in texts] == [[5], [6]]


def test_an_unknown_function_is_a_key_error():
    with pytest.raises(KeyError, match="no function 'nix'"):
        llvm.load(ADD_ONE).address("nix")


@pytest.mark.parametrize("text", ["define void @f( {", "define void @f() {\n  ret i32 1\n}\n"])
def test_a_wrong_text_says_what_is_wrong(text):
    with pytest.raises(RuntimeError, match="error"):
        llvm.load(text)


def test_assembly_is_readable():
    text = llvm.load(ADD_ONE).assembly()
    assert "add_one:" in text and "ret" in text


def test_a_loop_that_asks_is_vectorised():
    loop = """
define void @f(ptr %a) {
entry:
  br label %loop
loop:
  %i = phi i64 [ 0, %entry ], [ %j, %loop ]
  %p = getelementptr float, ptr %a, i64 %i
  %v = load float, ptr %p
  %w = fadd float %v, 1.0
  store float %w, ptr %p
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, 1024
  br i1 %more, label %loop, label %end, !llvm.loop !0
end:
  ret void
}
!0 = distinct !{!0, !1}
!1 = !{!"llvm.loop.vectorize.enable", i1 true}
"""
    assert "x float>" in str(llvm._optimised(loop))
    assert "x float>" not in str(llvm._optimised(loop.replace(", !llvm.loop !0", "")))


def test_symbols_can_be_added():
    seen = []
    callback = ctypes.CFUNCTYPE(None, ctypes.c_int64)(seen.append)
    llvm.add_symbol("test_symbol", ctypes.cast(callback, ctypes.c_void_p).value)
    text = """
declare void @test_symbol(i64)
define void @f(ptr %a) {
  call void @test_symbol(i64 42)
  ret void
}
"""
    run(llvm.load(text), "f", 0)
    assert seen == [42]


def test_symbols_on_demand_are_registered_once():
    calls = []

    def register():
        calls.append(1)
        llvm.add_symbol("test_provided", llvm.load(ADD_ONE).address("add_one"))

    llvm.provide(("test_provided",), register)
    for n in (1, 2):
        llvm.load(f"declare void @test_provided(ptr)\ndefine void @f{n}(ptr %a) {{\n"
                  "  call void @test_provided(ptr %a)\n  ret void\n}\n")
    assert calls == [1]


def test_the_host_knows_its_vectors():
    assert llvm.host().lanes32 in (4, 8, 16) and llvm.host().name


def test_an_old_llvmlite_counts_as_none(monkeypatch):
    for installed, answer in (("0.44.0", False), ("0.45.1", True), ("0.50.0rc1", True), ("1.0", True)):
        monkeypatch.setattr("importlib.metadata.version", lambda name, installed=installed: installed)
        llvm.available.cache_clear()
        assert llvm.available() is answer
    monkeypatch.undo()
    llvm.available.cache_clear()
    assert llvm.available()


def test_importing_the_room_does_not_import_llvmlite():
    program = "import sys, stickonfire.codegen.launch, stickonfire.codegen.vecmath; print('llvmlite' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
