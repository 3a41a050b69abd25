"""What code uses, found by the names of functions wherever they were imported from."""

import pytest
from reads import read, whats

from mlgolf.triage.findings import Kind


@pytest.mark.parametrize(
    ("kind", "code", "what"),
    [
        (Kind.CLOCK, "import time\ntime.perf_counter()", "time.perf_counter"),
        (Kind.CLOCK, "from time import monotonic as now\nnow()", "time.monotonic"),
        (Kind.CLOCK, "import datetime as d\nd.datetime.now()", "datetime.datetime.now"),
        (Kind.FILE, "open('x')", "open"),
        (Kind.FILE, "import numpy as np\nnp.load('w.npy')", "numpy.load"),
        (Kind.FILE, "p.read_text()", "….read_text"),
        (Kind.NETWORK, "import urllib.request", "urllib.request"),
        (Kind.NETWORK, "model = M.from_pretrained('x')", "….from_pretrained"),
        (Kind.PROCESS, "import os\nos.fork()", "os.fork"),
        (Kind.PROCESS, "import os\ngetattr(os, 'system')('ls')", "os.system"),
        (Kind.PROCESS, "import subprocess as s\nrun = s.run\nrun(['ls'])", "subprocess.run"),
        (Kind.THREAD, "from threading import Thread", "threading.Thread"),
        (Kind.NATIVE_CODE, "import ctypes", "ctypes"),
        (Kind.NATIVE_CODE, "__import__('cffi')", "cffi"),
        (Kind.INTROSPECTION, "import gc\ngc.get_objects()", "gc.get_objects"),
        (Kind.INTROSPECTION, "import sys\nsys._getframe(1).f_locals", "sys._getframe"),
        (Kind.INTROSPECTION, "f.__globals__['x']", "….__globals__"),
        (Kind.INTROSPECTION, "getattr(f, '__globals__')", "__globals__"),
        (Kind.INTROSPECTION, "workload._query", "workload._query, which is private"),
        (Kind.INTROSPECTION, "import os\nvars(os)['system']('ls')", "vars"),
        (Kind.INTROSPECTION, "import sys\nsys.modules['os'].system('ls')", "sys.modules"),
        (Kind.INTROSPECTION, "c = next(f.f_locals['link']._channel for f in frames)", "….f_locals"),
        (Kind.INTROSPECTION, "().__class__.__base__.__subclasses__()", "….__subclasses__"),
        (Kind.DYNAMIC_CODE, "exec('x = 1')", "exec"),
        (Kind.DYNAMIC_CODE, "import torch\ntorch.load('w.pt')", "torch.load"),
        (Kind.DYNAMIC_CODE, "import pickle", "pickle"),
        (Kind.PATCHING, "import torch\ntorch.nn.Linear.forward = f",
         "sets torch.nn.Linear.forward"),
        (Kind.PATCHING, "from torch import nn\nsetattr(nn, 'Linear', f)",
         "setattr(torch.nn, 'Linear')"),
        (Kind.PATCHING, "workload.loss_fn = f", "sets workload.loss_fn"),
        (Kind.ENVIRONMENT, "import os\nos.environ['A'] = '1'", "os.environ"),
        (Kind.ENVIRONMENT, "from os import environ\nenviron.get('A')", "os.environ.get"),
        (Kind.DECODING, "from base64 import b85decode\nb85decode(x)", "base64.b85decode"),
    ],
)
def test_a_use_is_named_by_where_it_was_imported_from(kind, code, what):
    assert what in whats(kind, code)


@pytest.mark.parametrize(
    "code",
    [
        "model.eval()\nmodel.compile()",  # methods of its own objects
        "self.open = 1\nself.time = 2",
        "import torch\nloss.backward()\ntorch.optim.AdamW(p)",
        "def f(input, time): return time + input",
        '"""time.time() and open() in a docstring"""',
        "# os.system in a comment",
    ],
)
def test_ordinary_training_code_has_no_findings(code):
    assert read(code).findings == ()


def test_a_finding_has_its_lines_and_functions():
    code = "import time\ndef update_params():\n    time.time()\n\n\nclass A:\n    t = time.time()\n"
    (found,) = [f for f in read(code).of_kind(Kind.CLOCK) if f.what == "time.time"]
    assert (found.lines, found.within, found.count) == ((3, 7), ("update_params", "A"), 2)
    assert found.place == "submission.py, lines 3, 7 (update_params, A)"


def test_imports_are_sorted_by_where_modules_come_from():
    found = read("import os, torch, helper, stranger\nfrom . import more", helper_py="", more_py="")
    assert found.imports.as_json() == {
        "standard": ["os"], "known": ["torch"], "own": ["helper", "more"], "other": ["stranger"],
    }
    assert [f.what.partition(":")[0] for f in found.of_kind(Kind.IMPORT)] == ["stranger"]


def test_imports_of_what_measures_a_submission_are_named():
    code = "from mlgolf.player import harness\nfrom mlgolf.torch import gradients"
    assert whats(Kind.IMPORT, code) == [
        "mlgolf.player.harness: a part of mlgolf that is not for submissions"
    ]


def test_what_a_star_imports_is_said_to_be_unknown():
    assert whats(Kind.IMPORT, "from os import *")[0].startswith("os.*: all names at once")


@pytest.mark.parametrize(
    ("code", "what"),
    [
        ("x = 'criteo1tb'", "workload criteo1tb: the string 'criteo1tb'"),
        ("if w == 'imagenet_vit_mini': pass",
         "workload imagenet_vit: the string 'imagenet_vit_mini'"),
        ("fineweb_path = 1", "data set fineweb: the name fineweb_path"),
        ("workload.has_reached_validation_target(x)",
         "held-out split validation: the name has_reached_validation_target"),
        ("TestSplit()", "held-out split test: the name TestSplit"),
    ],
)
def test_names_of_workloads_data_sets_and_held_out_splits_are_found(code, what):
    assert whats(Kind.MENTION, code) == [what]


@pytest.mark.parametrize("code", ["latest = fastest", "x = 'attestation'", "'the test split'"])
def test_words_within_words_and_docstrings_name_no_split(code):
    assert whats(Kind.MENTION, code) == []
