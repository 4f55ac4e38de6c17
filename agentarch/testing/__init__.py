"""What every executor promises, as tests: run them against your own.

```python
from agentarch.testing import ExecutorConformance

class TestMine(ExecutorConformance):
    def make_executor(self):
        return MyExecutor()
```

and `pytest` does the rest. Nothing here needs more than the executor contract (`agentarch.execution.contract`).
"""

from agentarch.execution.sample import small_job
from agentarch.testing.executors import SOUND, ExecutorConformance

__all__ = ["SOUND", "ExecutorConformance", "small_job"]
