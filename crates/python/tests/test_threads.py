"""Other threads and processes beside a computation."""

import os
import signal
import sys
import threading

import numpy as np
import pytest


def test_another_thread_runs_meanwhile_and_can_end_it(tiny):
    """The second thread can run only while `predict` is without the interpreter's lock: it waits
    until this one is about to call, and the lock changes hands by no clock. What it does is
    Ctrl-C, without which `predict` would take thirty million samples."""
    model, x, _ = tiny
    endless = np.broadcast_to(x[0], (30_000_000, 3))
    gate = threading.Lock()
    gate.acquire()
    ran = []

    def interrupt():
        gate.acquire()
        ran.append(True)
        os.kill(os.getpid(), signal.SIGINT)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    # A process that a shell started in the background ignores Ctrl-C.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            gate.release()
            model.predict(endless, threads=1)
            assert False, "it was not interrupted"
    finally:
        sys.setswitchinterval(interval)
        signal.signal(signal.SIGINT, handler)
    thread.join()
    assert ran == [True]


def test_threads_share_a_model(tiny):
    model, x, y = tiny
    found = [None] * 4

    def predict(index):
        found[index] = model.predict(np.concatenate([x] * 5000), threads=1)

    threads = [threading.Thread(target=predict, args=(index,)) for index in range(len(found))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for own in found:
        np.testing.assert_array_equal(own, np.concatenate([y] * 5000))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_process_that_has_computed_may_fork(tiny):
    model, x, y = tiny
    np.testing.assert_array_equal(model.predict(x, threads=2), y)
    child = os.fork()
    if child == 0:
        # A child that waits for threads that it does not have would wait forever.
        signal.alarm(60)
        os._exit(0 if np.array_equal(model.predict(x, threads=2), y) else 1)
    _, status = os.waitpid(child, 0)
    assert status == 0
