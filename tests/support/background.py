"""Calls in the background."""

import threading


def in_background(function, *arguments) -> tuple[threading.Thread, list]:
    """Call a function in a thread; what it returns or raises goes into the list."""
    outcome: list = []

    def call():
        try:
            outcome.append(function(*arguments))
        except BaseException as error:
            outcome.append(error)

    thread = threading.Thread(target=call)
    thread.start()
    return thread, outcome
