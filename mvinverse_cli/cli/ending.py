"""The signals that end the program, and leave its files whole."""

import signal

ENDING = [signal.SIGINT, signal.SIGTERM]
if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:  # nohup ignores it
    ENDING.append(signal.SIGHUP)  # the terminal is closed, the connection is gone
