"""Runs an example; a failure is one sentence and exit code 1."""

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterator

from .refused import GatewayRefused


def run(main: Callable[[], Coroutine]) -> None:
    try:
        asyncio.run(main())
    except Exception as error:
        print(_explain(error), file=sys.stderr)
        sys.exit(1)


def _explain(error: BaseException) -> str:
    chain = list(_chain(error))
    plain = [one for one in chain if isinstance(one, GatewayRefused)]
    # Many errors repeat the message of their cause.
    return "; ".join(dict.fromkeys(str(one) or type(one).__name__ for one in plain or chain))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what caused it: libraries wrap errors, and task groups collect them."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _chain(one)
        return
    yield error
    if error.__cause__ is not None:
        yield from _chain(error.__cause__)
