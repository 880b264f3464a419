"""The read-ahead keeps order, stays bounded, starts at once and cleans up."""

import threading

import pytest

from isa_cli.gallery.read_ahead import ReadAhead, batched


def test_results_come_in_order_whatever_finishes_first():
    first_may_finish = threading.Event()

    def work(number):
        if number == 0:
            first_may_finish.wait(10)
        elif number == 3:
            first_may_finish.set()
        return number * number

    with ReadAhead(range(50), work, workers=4, ahead=8) as results:
        assert list(results) == [n * n for n in range(50)]


def test_it_starts_before_anybody_asks():
    started = threading.Event()
    with ReadAhead([1], lambda _: started.set(), workers=1, ahead=1):
        assert started.wait(10)


def test_never_more_than_ahead_items_are_taken_from_the_source():
    taken = []

    def source():
        for number in range(100):
            taken.append(number)
            yield number

    with ReadAhead(source(), lambda n: n, workers=3, ahead=7) as results:
        assert len(taken) == 7
        for used, _ in enumerate(results, start=1):
            assert len(taken) <= used + 7


def test_the_source_is_pulled_from_the_consumers_thread():
    threads = set()

    def source():
        for number in range(20):
            threads.add(threading.get_ident())
            yield number

    with ReadAhead(source(), lambda n: n, workers=4, ahead=5) as results:
        assert len(list(results)) == 20
    assert threads == {threading.get_ident()}


def test_an_error_surfaces_at_its_place():
    with ReadAhead([1, 2, 0, 4], lambda n: 8 // n, workers=2, ahead=4) as results:
        assert next(results) == 8
        assert next(results) == 4
        with pytest.raises(ZeroDivisionError):
            next(results)


def test_leaving_early_finishes_what_runs_and_drops_what_has_not_started():
    done = []
    gate = threading.Event()

    def work(number):
        gate.wait(10)
        done.append(number)

    def open_gate_once_leaving(pool):
        while True:
            with pool._shutdown_lock:  # the queue is emptied under this lock
                if pool._shutdown:
                    return gate.set()

    with ReadAhead(range(100), work, workers=2, ahead=50) as results:
        opener = threading.Thread(target=open_gate_once_leaving, args=(results._pool,))
        opener.start()
    opener.join()
    assert len(done) <= 2
    assert not [t for t in threading.enumerate() if t.name.startswith("isa-feed")]


def test_batches_are_filled_by_weight_and_weightless_items_ride_along():
    items = ["x", "-", "x", "-", "-", "x", "x", "x"]
    batches = list(batched(items, lambda _: 2, lambda item: item == "x"))
    assert batches == [["x", "-", "x"], ["-", "-", "x", "x"], ["x"]]


def test_a_run_of_weightless_items_is_cut_too():
    assert [len(b) for b in batched("-" * 40, lambda _: 2, lambda _: 0)] == [16, 16, 8]


def test_the_next_batch_may_be_smaller():
    batches = batched(range(10), lambda done: 4 if done < 4 else 2, lambda _: 1)
    assert [len(batch) for batch in batches] == [4, 2, 2, 2]
