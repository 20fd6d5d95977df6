"""The threads that kernels share: `sof_parallel`, `sof_thread`, `sof_threads`. Room `codegen`; may import core only.

A kernel calls `sof_parallel(body, args, n, grain)`, and `body(args, begin, end)` runs over [0, n) in pieces on several
threads. They are plain system threads that execute the machine code below and never touch Python, so the GIL does not
concern them. How it works:

- *Waking.* A job is announced by counting up `generation`. Workers watch that number for some 50 us (*spinning*: a
  reaction within a microsecond, at the price of a busy processor) and then sleep on a condition variable.
- *Sharing.* [0, n) is cut into some four pieces a thread. Each thread first takes the pieces of its own share, the same
  part of the array in every kernel, so that its cache has them; then it helps itself to the others' shares.
- *Finishing.* A job needs nobody but its caller: who comes late finds the gate closed. `gate` counts who is inside and
  holds the bit CLOSED; the caller closes it when no piece is left and waits for those inside.
- *Nesting.* A second caller, be it a body or another Python thread, finds `busy` taken and runs its loop by itself.

Threads are made natively at the first job. After `fork` a child has none, so it starts anew.
"""
from __future__ import annotations

import ctypes
import functools
import os
import platform
import time
from pathlib import Path

from ..core.config import environment, switches
from . import llvm

MOST_THREADS = 256
CLOSED = 1 << 32
PIECES_PER_THREAD = 4
SYMBOLS = ("sof_parallel", "sof_thread", "sof_threads")
LIBC = ("pthread_create", "pthread_join", "pthread_setspecific", "pthread_getspecific", "pthread_mutex_init",
        "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_cond_init", "pthread_cond_wait",
        "pthread_cond_broadcast", "sched_yield")
PAUSES = {"x86_64": "call void @llvm.x86.sse2.pause()", "AMD64": "call void @llvm.x86.sse2.pause()",
          "aarch64": "call void @llvm.aarch64.hint(i32 1)", "arm64": "call void @llvm.aarch64.hint(i32 1)"}

# What a system without POSIX threads gets.
SERIAL = """
define void @sof_parallel(ptr %body, ptr %args, i64 %n, i64 %grain) {
  call void %body(ptr %args, i64 0, i64 %n)
  ret void
}
define i64 @sof_thread() {
  ret i64 0
}
define i64 @sof_threads() {
  ret i64 1
}
"""

# Each variable has a cache line of its own (64 bytes): a write to one must not disturb who reads another.
PARALLEL = """
@generation = internal global [8 x i64] zeroinitializer, align 64
@gate = internal global [8 x i64] [i64 {CLOSED}, i64 0, i64 0, i64 0, i64 0, i64 0, i64 0, i64 0], align 64
@sleepers = internal global [8 x i64] zeroinitializer, align 64
@busy = internal global [8 x i64] zeroinitializer, align 64
@job = internal global { ptr, ptr, i64, i64, i64, [3 x i64] } zeroinitializer, align 64     ; body args n piece pieces
@taken = internal global [{MOST} x [8 x i64]] zeroinitializer, align 64     ; of each share: the next piece
@setup = internal global { i64, i64, i64, i64, i64, [3 x i64] } { i64 1, i64 0, i64 0, i64 0, i64 0,
  [3 x i64] zeroinitializer }, align 64                                     ; threads, spins, key, started, quit
@handles = internal global [{MOST} x i64] zeroinitializer, align 64
@mutex = internal global [16 x i64] zeroinitializer, align 64
@awake = internal global [16 x i64] zeroinitializer, align 64

declare i32 @pthread_create(ptr, ptr, ptr, ptr)
declare i32 @pthread_join(i64, ptr)
declare i32 @pthread_setspecific(i64, ptr)
declare ptr @pthread_getspecific(i64)
declare i32 @pthread_mutex_init(ptr, ptr)
declare i32 @pthread_mutex_lock(ptr)
declare i32 @pthread_mutex_unlock(ptr)
declare i32 @pthread_cond_init(ptr, ptr)
declare i32 @pthread_cond_wait(ptr, ptr)
declare i32 @pthread_cond_broadcast(ptr)
declare i32 @sched_yield()

define i64 @sof_threads() {
  %n = load i64, ptr @setup
  ret i64 %n
}

define i64 @sof_thread() {                      ; 0 for every thread that is not a worker
  %key = load i64, ptr getelementptr (i64, ptr @setup, i64 2)
  %p = call ptr @pthread_getspecific(i64 %key)
  %i = ptrtoint ptr %p to i64
  ret i64 %i
}

define void @pauses(i64 %n) {                   ; lets Python measure how long a pause is
  br label %loop
loop:
  %i = phi i64 [ 0, %0 ], [ %j, %loop ]
  {PAUSE}
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %n
  br i1 %more, label %loop, label %end
end:
  ret void
}

define internal void @wake() {
  %a = call i32 @pthread_mutex_lock(ptr @mutex)
  %b = call i32 @pthread_cond_broadcast(ptr @awake)
  %c = call i32 @pthread_mutex_unlock(ptr @mutex)
  ret void
}

; runs pieces until none is left, beginning with the share of thread %me
define internal void @work(i64 %me) {
  %body = load ptr, ptr @job
  %args = load ptr, ptr getelementptr (i64, ptr @job, i64 1)
  %n = load i64, ptr getelementptr (i64, ptr @job, i64 2)
  %piece = load i64, ptr getelementptr (i64, ptr @job, i64 3)
  %pieces = load i64, ptr getelementptr (i64, ptr @job, i64 4)
  %threads = load i64, ptr @setup
  br label %shares
shares:
  %s = phi i64 [ 0, %0 ], [ %s1, %next ]
  %all = icmp eq i64 %s, %threads
  br i1 %all, label %end, label %share
share:
  %sum = add i64 %me, %s
  %over = icmp sge i64 %sum, %threads
  %wrapped = sub i64 %sum, %threads
  %whose = select i1 %over, i64 %wrapped, i64 %sum
  %counter = getelementptr [8 x i64], ptr @taken, i64 %whose
  %product = mul i64 %pieces, %whose
  %from = sdiv i64 %product, %threads
  %product1 = add i64 %product, %pieces
  %to = sdiv i64 %product1, %threads
  br label %take
take:
  %t = atomicrmw add ptr %counter, i64 1 monotonic
  %mine = add i64 %from, %t
  %have = icmp slt i64 %mine, %to
  br i1 %have, label %run, label %next
run:
  %begin = mul i64 %mine, %piece
  %stop = add i64 %begin, %piece
  %end.at = call i64 @llvm.smin.i64(i64 %stop, i64 %n)
  call void %body(ptr %args, i64 %begin, i64 %end.at)
  br label %take
next:
  %s1 = add i64 %s, 1
  br label %shares
end:
  ret void
}

define internal ptr @worker(ptr %number) {
  %me = ptrtoint ptr %number to i64
  %key = load i64, ptr getelementptr (i64, ptr @setup, i64 2)
  %set = call i32 @pthread_setspecific(i64 %key, ptr %number)
  br label %idle
idle:
  %seen = phi i64 [ 0, %0 ], [ %now, %late ], [ %now, %worked ]
  %spins = load i64, ptr getelementptr (i64, ptr @setup, i64 1)
  br label %spin
spin:
  %i = phi i64 [ 0, %idle ], [ %i1, %again ]
  %g = load atomic i64, ptr @generation acquire, align 8
  %news = icmp ne i64 %g, %seen
  br i1 %news, label %woken, label %again
again:
  {PAUSE}
  %i1 = add i64 %i, 1
  %patient = icmp slt i64 %i1, %spins
  br i1 %patient, label %spin, label %sleep
sleep:      ; first count as a sleeper, then look once more: a caller does it the other way round, so one sees the other
  %l = call i32 @pthread_mutex_lock(ptr @mutex)
  %in = atomicrmw add ptr @sleepers, i64 1 seq_cst
  br label %asleep
asleep:
  %h = load atomic i64, ptr @generation seq_cst, align 8
  %still = icmp eq i64 %h, %seen
  br i1 %still, label %wait, label %up
wait:
  %w = call i32 @pthread_cond_wait(ptr @awake, ptr @mutex)
  br label %asleep
up:
  %out = atomicrmw sub ptr @sleepers, i64 1 seq_cst
  %u = call i32 @pthread_mutex_unlock(ptr @mutex)
  br label %woken
woken:
  %now = load atomic i64, ptr @generation acquire, align 8
  %quit = load atomic i64, ptr getelementptr (i64, ptr @setup, i64 4) acquire, align 8
  %leave = icmp ne i64 %quit, 0
  br i1 %leave, label %end, label %enter
enter:
  %before = atomicrmw add ptr @gate, i64 1 acquire
  %closed = icmp sge i64 %before, {CLOSED}
  br i1 %closed, label %late, label %inside
late:
  %o = atomicrmw sub ptr @gate, i64 1 release
  br label %idle
inside:
  call void @work(i64 %me)
  br label %worked
worked:
  %p = atomicrmw sub ptr @gate, i64 1 release
  br label %idle
end:
  ret ptr null
}

define internal void @start() {                 ; runs under `busy`
  store atomic i64 0, ptr @generation seq_cst, align 8
  %m = call i32 @pthread_mutex_init(ptr @mutex, ptr null)
  %c = call i32 @pthread_cond_init(ptr @awake, ptr null)
  store i64 1, ptr getelementptr (i64, ptr @setup, i64 3)
  br label %loop
loop:
  %i = phi i64 [ 1, %0 ], [ %j, %made ]
  %threads = load i64, ptr @setup
  %more = icmp slt i64 %i, %threads
  br i1 %more, label %make, label %end
make:
  %handle = getelementptr i64, ptr @handles, i64 %i
  %number = inttoptr i64 %i to ptr
  %failed = call i32 @pthread_create(ptr %handle, ptr null, ptr @worker, ptr %number)
  %ok = icmp eq i32 %failed, 0
  br i1 %ok, label %made, label %fewer
made:
  %j = add i64 %i, 1
  br label %loop
fewer:                                          ; the system gives no more: go on with those there are
  store i64 %i, ptr @setup
  br label %end
end:
  ret void
}

define void @sof_parallel(ptr %body, ptr %args, i64 %n, i64 %grain) {
  %configured = load i64, ptr @setup
  %alone = icmp sle i64 %configured, 1
  %small = icmp sle i64 %n, %grain
  %plain = or i1 %alone, %small
  br i1 %plain, label %serial, label %try
serial:
  call void %body(ptr %args, i64 0, i64 %n)
  ret void
try:
  %pair = cmpxchg ptr @busy, i64 0, i64 1 acquire monotonic
  %first = extractvalue { i64, i1 } %pair, 1
  br i1 %first, label %first.time, label %serial
first.time:
  %started = load i64, ptr getelementptr (i64, ptr @setup, i64 3)
  %running = icmp ne i64 %started, 0
  br i1 %running, label %cut, label %begin
begin:
  call void @start()
  br label %cut
cut:
  %threads = load i64, ptr @setup               ; only now does nobody change it
  %wanted = mul i64 %threads, {PIECES}
  %up = add i64 %n, %wanted
  %up1 = sub i64 %up, 1
  %even = sdiv i64 %up1, %wanted
  %piece = call i64 @llvm.smax.i64(i64 %even, i64 %grain)
  %sum = add i64 %n, %piece
  %sum1 = sub i64 %sum, 1
  %pieces = sdiv i64 %sum1, %piece
  store ptr %body, ptr @job
  store ptr %args, ptr getelementptr (i64, ptr @job, i64 1)
  store i64 %n, ptr getelementptr (i64, ptr @job, i64 2)
  store i64 %piece, ptr getelementptr (i64, ptr @job, i64 3)
  store i64 %pieces, ptr getelementptr (i64, ptr @job, i64 4)
  br label %clear
clear:
  %i = phi i64 [ 0, %cut ], [ %j, %clear ]
  %counter = getelementptr [8 x i64], ptr @taken, i64 %i
  store atomic i64 0, ptr %counter monotonic, align 8
  %j = add i64 %i, 1
  %more = icmp slt i64 %j, %threads
  br i1 %more, label %clear, label %open
open:
  %g = atomicrmw sub ptr @gate, i64 {CLOSED} release
  %e = atomicrmw add ptr @generation, i64 1 seq_cst
  %s = load atomic i64, ptr @sleepers seq_cst, align 8
  %any = icmp sgt i64 %s, 0
  br i1 %any, label %call, label %work
call:
  call void @wake()
  br label %work
work:
  call void @work(i64 0)
  %c = atomicrmw add ptr @gate, i64 {CLOSED} acq_rel
  br label %join
join:
  %k = phi i64 [ 0, %work ], [ %k1, %hold ], [ %k1, %give.way ]
  %inside = load atomic i64, ptr @gate acquire, align 8
  %empty = icmp eq i64 %inside, {CLOSED}
  br i1 %empty, label %done, label %stay
stay:
  %k1 = add i64 %k, 1
  %long = icmp sgt i64 %k1, 2000
  br i1 %long, label %give.way, label %hold
hold:
  {PAUSE}
  br label %join
give.way:                                       ; more threads than processors: let the others finish
  %y = call i32 @sched_yield()
  br label %join
done:
  store atomic i64 0, ptr @busy release, align 8
  ret void
}

; ends the workers and sets numbers for the next ones; 0 if a job is running
define i64 @resize(i64 %threads, i64 %spins, i64 %key) {
  %pair = cmpxchg ptr @busy, i64 0, i64 1 acquire monotonic
  %first = extractvalue { i64, i1 } %pair, 1
  br i1 %first, label %begin, label %refuse
refuse:
  ret i64 0
begin:
  %started = load i64, ptr getelementptr (i64, ptr @setup, i64 3)
  %running = icmp ne i64 %started, 0
  br i1 %running, label %stop, label %set
stop:
  store atomic i64 1, ptr getelementptr (i64, ptr @setup, i64 4) seq_cst, align 8
  %e = atomicrmw add ptr @generation, i64 1 seq_cst
  call void @wake()
  br label %loop
loop:
  %i = phi i64 [ 1, %stop ], [ %j, %joining ]
  %n = load i64, ptr @setup
  %more = icmp slt i64 %i, %n
  br i1 %more, label %joining, label %set
joining:
  %at = getelementptr i64, ptr @handles, i64 %i
  %handle = load i64, ptr %at
  %r = call i32 @pthread_join(i64 %handle, ptr null)
  %j = add i64 %i, 1
  br label %loop
set:
  store i64 0, ptr getelementptr (i64, ptr @setup, i64 4)
  store i64 0, ptr getelementptr (i64, ptr @setup, i64 3)
  store i64 %threads, ptr @setup
  store i64 %spins, ptr getelementptr (i64, ptr @setup, i64 1)
  store i64 %key, ptr getelementptr (i64, ptr @setup, i64 2)
  store atomic i64 0, ptr @busy release, align 8
  ret i64 1
}

define void @forked() {                         ; in a child process: nobody else is here
  store i64 0, ptr getelementptr (i64, ptr @setup, i64 3)
  store i64 0, ptr getelementptr (i64, ptr @setup, i64 4)
  store i64 {CLOSED}, ptr @gate
  store i64 0, ptr @sleepers
  store i64 0, ptr @busy
  %key = load i64, ptr getelementptr (i64, ptr @setup, i64 2)
  %set = call i32 @pthread_setspecific(i64 %key, ptr null)
  ret void
}
"""


def _text() -> str:
    values = {"{CLOSED}": CLOSED, "{MOST}": MOST_THREADS, "{PIECES}": PIECES_PER_THREAD,
              "{PAUSE}": PAUSES.get(platform.machine(), "")}
    text = PARALLEL
    for name, value in values.items():
        text = text.replace(name, str(value))
    return text


@functools.cache
def _libc() -> dict[str, int] | None:
    """Addresses of the system's functions; None where there are no POSIX threads."""
    try:
        libc = ctypes.CDLL(None)
        return {name: ctypes.cast(getattr(libc, name), ctypes.c_void_p).value or 0 for name in LIBC}
    except (AttributeError, OSError, TypeError):
        return None


@functools.cache
def _key() -> int:
    """The key under which each worker finds its own number."""
    key = ctypes.c_ulong(0)
    if ctypes.CDLL(None).pthread_key_create(ctypes.byref(key), None):
        raise RuntimeError("pthread_key_create: the system has no thread-specific keys left")
    return key.value


@functools.cache
def _library() -> llvm.Library:
    addresses = _libc()
    for name, address in (addresses or {}).items():
        llvm.add_symbol(name, address)
    return llvm.load(SERIAL if addresses is None else _text())


def _call(name: str, *numbers: int) -> int:
    types = [ctypes.c_int64] * len(numbers)
    return int(ctypes.CFUNCTYPE(ctypes.c_int64, *types)(_library().address(name))(*numbers))


def _register() -> None:
    """Makes the three functions known to all texts loaded from here on."""
    for name in SYMBOLS:
        llvm.add_symbol(name, _library().address(name))
    switches.on_threads.append(resize)
    if _libc() is not None:
        _apply(threads())
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=lambda: _call("forked"))


@functools.cache
def cores() -> int:
    """How many cores this process may use: neither hyperthreads nor what a container's quota denies count."""
    allowed = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else set(range(os.cpu_count() or 1))
    places = set()
    for cpu in allowed:
        topology = Path(f"/sys/devices/system/cpu/cpu{cpu}/topology")
        try:
            places.add(((topology / "physical_package_id").read_text(), (topology / "core_id").read_text()))
        except OSError:
            places.add((str(cpu), ""))
    try:
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        quota_cores = -(-int(quota) // int(period))
    except (OSError, ValueError):       # no such file, or "max"
        quota_cores = len(places)
    return max(1, min(len(places), quota_cores, MOST_THREADS))


def threads() -> int:
    """How many threads kernels use: what was set, else STICKONFIRE_THREADS or OMP_NUM_THREADS, else one a core."""
    if switches.threads is not None:
        return min(switches.threads, cores())
    asked = environment("STICKONFIRE_THREADS") or os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    return min(int(asked), cores()) if asked.isdigit() and int(asked) > 0 else cores()


@functools.cache
def _spins() -> int:
    """How many pauses fill the time a worker watches before it sleeps. Processors differ twentyfold in this."""
    count, best = 2000, float("inf")
    _call("pauses", 1)
    for _ in range(3):
        start = time.perf_counter()
        _call("pauses", count)
        best = min(best, time.perf_counter() - start)
    return max(1, int(float(environment("STICKONFIRE_SPIN_US")) * 1e-6 / best * count))


def _apply(count: int) -> bool:
    return bool(_call("resize", count, _spins(), _key()))


def resize(count: int) -> None:
    """Lets kernels use `count` threads from here on, at most one a core.

    Raises: RuntimeError while a kernel is running.
    """
    before, switches.threads = switches.threads, count
    if _library.cache_info().currsize and _libc() is not None and not _apply(threads()):
        switches.threads = before
        raise RuntimeError("the number of threads cannot change while a kernel is running; call this afterwards")


llvm.provide(SYMBOLS, _register)
