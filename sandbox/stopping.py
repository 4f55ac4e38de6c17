"""When training ends before its last step: it has diverged, or it cannot learn anything."""

import math

from inside import Refused

DIVERGED_TIMES, DIVERGED_SHARE = 5.0, 0.2
"""A run has diverged once its loss was so many times what it began with, or what guessing gives, whichever is more, at
each step of so great a share of all."""

FLAT_SHARE = 0.25
"""A run is flat once so great a share of its steps has passed, from the first, without any gradient at all."""

FEWEST_STEPS = 10
"""Both take at least so many."""


class Course:
    """Follows the loss of one run.

    Only a gradient of exactly nothing counts as flat; a loss that has not fallen does not, for slow learners look the
    same. Measured: one run of the mixer on parity at rung 1 is at the loss of guessing, 0.691, at 60% of its steps and
    ends at 0.655; when its readout begins at zero, and so its loss there, one run that learns is 3.6 standard errors
    below its beginning at that point and one that hardly does 0.7, too near to tell them apart. No seed design on
    recall, copy, parity or series at rungs 1 and 2 ever had 1.1 times the loss that it began with, so that none comes
    near diverging by the rule below.

    Args:
        steps: of the whole run.
        n_outputs: classes.
    """

    def __init__(self, steps: int, n_outputs: int) -> None:
        self._steps = steps
        self._guessing = math.log(max(n_outputs, 2))
        self._limit = math.inf
        self._high = 0
        self._had_gradient = False

    def is_flat(self, step: int, loss: float, gradient_norm: float) -> bool:
        """Take one step in, counted from 0, and return whether nothing was learnt and nothing will be.

        Args:
            step: that was done.
            loss: of its batch, finite.
            gradient_norm: of all parameters together, before it was clipped; 0 when there was none.

        Raises:
            Refused: the run has diverged.
        """
        if step == 0:
            self._limit = DIVERGED_TIMES * max(loss, self._guessing)
        self._high = self._high + 1 if loss > self._limit else 0
        if self._high >= self._enough(DIVERGED_SHARE):
            raise Refused(
                f"training diverged: the loss was above {self._limit:.3g}, {DIVERGED_TIMES:g} times where it began, "
                f"at each of the {self._high} steps up to step {step + 1} of {self._steps}; scale the outputs of its "
                "parts down, or normalise them"
            )
        self._had_gradient |= gradient_norm != 0
        return not self._had_gradient and step + 1 >= self._enough(FLAT_SHARE)

    def _enough(self, share: float) -> int:
        return max(FEWEST_STEPS, math.ceil(share * self._steps))
