"""Things to do in another process."""

import os
import signal
import time


def double(number, tell):
    tell(1)
    return 2 * number


def fail(error, tell):
    raise error


def die(tell):
    os.kill(os.getpid(), signal.SIGKILL)


def interrupts_blocked(tell):
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def wait(tell):
    tell(0)
    time.sleep(600)
