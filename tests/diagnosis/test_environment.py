from mlgolf.diagnosis.environment import trial_environment


def test_one_thread_has_the_allocator_and_the_threads_of_a_trial():
    found = trial_environment(1, {"HOME": "/home/me", "XLA_FLAGS": "mine"})
    assert found["MALLOC_TRIM_THRESHOLD_"] == "-1"
    assert found["OMP_NUM_THREADS"] == found["NPROC"] == "1"
    assert "multi_thread_eigen=false" in found["XLA_FLAGS"]
    assert found["HOME"] == "/home/me"


def test_several_threads_differ_in_their_number_alone():
    found = trial_environment(4, {"XLA_FLAGS": "mine"})
    assert found["OMP_NUM_THREADS"] == found["NPROC"] == "4"
    assert found["XLA_FLAGS"] == "mine"
    assert found["MALLOC_TRIM_THRESHOLD_"] == "-1"


def test_a_gpu_that_is_here_stays_in_sight():
    assert trial_environment(1, {}).keys().isdisjoint({"CUDA_VISIBLE_DEVICES", "JAX_PLATFORMS"})
