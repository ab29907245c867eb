"""The choice of threads: by the seconds of steps, at the start and when the pace changes."""

from collections.abc import Callable

import pytest
import torch

from seq2point.system.device import count_kernel_threads
from seq2point.training import thread_choice
from seq2point.training.thread_choice import ThreadChoice

Seconds = Callable[[int], float]


class Clock:
    """A clock that the test moves; half of the time other work has the processor."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds

    def thread_time(self) -> float:
        return self.seconds / 2


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(thread_choice, "time", clock)
    return clock


def run(choice: ThreadChoice, clock: Clock, steps: int, seconds: Seconds) -> list[int]:
    """The threads that each of so many steps had, which take so many seconds by their number."""
    used = []
    for _ in range(steps):
        choice.begin_step()
        used.append(count_kernel_threads())
        clock.seconds += seconds(used[-1])
        choice.end_step()
    return used


def shared(threads: int) -> float:
    """The seconds of a step where the threads share its work."""
    return 1 / threads


def disturbed(threads: int) -> float:
    """The seconds where they wait for each other."""
    return 3.0 if threads == 1 else 4.0


def test_the_faster_number_is_chosen_and_torch_has_one_thread_beside_the_kernels(clock: Clock):
    torch.set_num_threads(3)
    for seconds, chosen in ((shared, 4), (disturbed, 1)):
        choice = ThreadChoice(4, by_kernels=True, fixed=False)
        with choice.hold():
            used = run(choice, clock, 20, seconds)
            assert torch.get_num_threads() == 1
        assert set(used[:9]) == {1, 2, 4}
        assert set(used[9:]) == {chosen}
        assert not choice.decides
        assert choice.measure_processor_share() == pytest.approx(0.5)
    assert torch.get_num_threads() == count_kernel_threads() == 3
    torch.set_num_threads(1)


def test_other_work_that_comes_and_goes_changes_the_choice(clock: Clock):
    choice = ThreadChoice(2, by_kernels=True, fixed=False)
    with choice.hold():
        assert run(choice, clock, 100, shared)[-1] == 2
        assert run(choice, clock, 1000, disturbed)[-1] == 1
        assert run(choice, clock, 1000, shared)[-1] == 2


def test_a_steady_pace_is_left_alone(clock: Clock):
    choice = ThreadChoice(2, by_kernels=True, fixed=False)
    with choice.hold():
        assert set(run(choice, clock, 2000, shared)[6:]) == {2}


def test_a_number_that_is_many_times_slower_is_tried_once(clock: Clock):
    choice = ThreadChoice(2, by_kernels=True, fixed=False)
    with choice.hold():
        used = run(choice, clock, 30, lambda threads: 1.0 if threads == 1 else 50.0)
    assert used.count(2) == 1


def test_a_number_that_the_user_gave_stays(clock: Clock):
    choice = ThreadChoice(2, by_kernels=True, fixed=True)
    with choice.hold():
        assert set(run(choice, clock, 100, disturbed)) == {2}
    assert choice.measure_processor_share() is None


def test_without_the_kernels_the_threads_are_torchs(clock: Clock):
    choice = ThreadChoice(2, by_kernels=False, fixed=False)
    with choice.hold():
        run(choice, clock, 20, shared)
        assert torch.get_num_threads() == count_kernel_threads() == 2
