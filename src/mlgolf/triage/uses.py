"""Uses of clocks, files, network, processes and the like, by the names of functions.

The tables name what the standard library and usual packages offer; what is reached in a roundabout
way, such as a function that is kept in a list, is found where it is named and not where it is used.
"""

import ast
from collections.abc import Iterator, Mapping

from mlgolf.triage.findings import Kind, Seen
from mlgolf.triage.imports import imported
from mlgolf.triage.syntax import Code, aliases, dotted_name, line_of

# By kind, dotted names: each stands for all that is below it, the longest one decides.
_BY_KIND: Mapping[Kind, str] = {
    Kind.CLOCK: """
        time timeit sched datetime.datetime.now datetime.datetime.today datetime.datetime.utcnow
        datetime.date.today os.times resource.getrusage torch.cuda.Event asyncio.sleep
    """,
    Kind.FILE: """
        io.open io.FileIO os.open os.listdir os.scandir os.walk os.remove os.rename os.replace
        os.unlink os.makedirs os.mkdir os.chmod os.link os.symlink os.stat os.read os.write os.pipe
        os.memfd_create os.getcwd os.chdir os.path.exists os.path.isfile os.path.getsize pathlib
        shutil tempfile glob fileinput mmap linecache sqlite3 dbm zipfile tarfile shelve
        numpy.load numpy.save numpy.savez numpy.memmap numpy.fromfile numpy.loadtxt
        numpy.genfromtxt numpy.savetxt torch.save torch.from_file safetensors h5py orbax
        pandas.read_csv pandas.read_parquet polars.read_csv polars.read_parquet joblib.Memory
        importlib.resources pkgutil
    """,
    Kind.NETWORK: """
        socket socketserver ssl select selectors http urllib ftplib smtplib poplib imaplib telnetlib
        xmlrpc requests httpx aiohttp urllib3 websockets websocket paramiko boto3 botocore gdown
        huggingface_hub transformers datasets kagglehub wandb mlflow grpc zmq redis torch.hub
        torch.distributed.rpc torchvision.datasets torchaudio.datasets sklearn.datasets.fetch_openml
        sklearn.datasets.fetch_20newsgroups sklearn.datasets.fetch_covtype os.sendfile
        asyncio.open_connection asyncio.start_server torch.utils.model_zoo
    """,
    Kind.PROCESS: """
        subprocess multiprocessing pty signal os.fork os.forkpty os.system os.popen os.kill
        os.killpg os.posix_spawn os.posix_spawnp os.execl os.execle os.execlp os.execv os.execve
        os.execvp os.spawnl os.spawnv os.spawnvp os.wait os.waitpid os.setsid os.setpgid os._exit
        os.nice os.sched_setscheduler os.sched_setaffinity os.setpriority os.unshare
        concurrent.futures.ProcessPoolExecutor torch.multiprocessing joblib.Parallel
        torch.distributed asyncio.create_subprocess_exec asyncio.create_subprocess_shell
        resource.setrlimit atexit
    """,
    Kind.THREAD: """
        threading _thread queue concurrent.futures.ThreadPoolExecutor threadpoolctl
        torch.set_num_threads torch.set_num_interop_threads numba.set_num_threads os.cpu_count
        os.sched_getaffinity
    """,
    Kind.NATIVE_CODE: """
        ctypes _ctypes cffi _cffi_backend numba triton llvmlite cython Cython pybind11
        torch.utils.cpp_extension torch.ops.load_library torch.classes.load_library
        numpy.ctypeslib jax.ffi jax.extend.ffi
    """,
    Kind.INTROSPECTION: """
        gc inspect traceback sys._getframe sys._current_frames sys.settrace sys.setprofile
        sys.modules sys.meta_path sys.path_hooks sys.path sys.getrefcount sys.excepthook
        sys.unraisablehook sys.addaudithook importlib builtins __main__ ast dis types.FrameType
        tracemalloc pdb bdb cProfile profile faulthandler
    """,
    Kind.DYNAMIC_CODE: """
        pickle _pickle dill cloudpickle marshal runpy code codeop types.CodeType
        types.FunctionType torch.load joblib.load importlib.util importlib.machinery
        builtins.exec builtins.eval builtins.compile zipimport torch.jit.load torch.package
        numpy.core.multiarray._reconstruct
    """,
    Kind.PATCHING: "unittest.mock",
    Kind.ENVIRONMENT: """
        os.environ os.environb os.getenv os.putenv os.unsetenv os.uname platform getpass pwd
        socket.gethostname os.getlogin os.getuid sys.argv locale jax.config
    """,
    Kind.DECODING: """
        base64 binascii zlib lzma bz2 gzip codecs uu quopri struct.unpack struct.iter_unpack
        numpy.frombuffer numpy.fromstring torch.frombuffer bytes.fromhex int.from_bytes array.array
        bytearray.fromhex
    """,
}
_KIND_OF = {name: kind for kind, names in _BY_KIND.items() for name in names.split()}
_BUILTINS = {
    "open": Kind.FILE, "exec": Kind.DYNAMIC_CODE, "eval": Kind.DYNAMIC_CODE,
    "compile": Kind.DYNAMIC_CODE, "__import__": Kind.DYNAMIC_CODE, "globals": Kind.INTROSPECTION,
    "locals": Kind.INTROSPECTION, "vars": Kind.INTROSPECTION, "breakpoint": Kind.INTROSPECTION,
    "__builtins__": Kind.INTROSPECTION, "__file__": Kind.FILE, "__loader__": Kind.INTROSPECTION,
    "__spec__": Kind.INTROSPECTION,
}
# Attributes that lead from an object to what it was not handed, whatever the object is.
_INTO_THE_INTERPRETER = frozenset("""
    __globals__ __builtins__ __subclasses__ __mro__ __bases__ __code__ __closure__ __defaults__
    __kwdefaults__ __dict__ __loader__ __spec__ __import__ __reduce__ __reduce_ex__ __self__
    __func__ __wrapped__ f_locals f_globals f_back f_builtins tb_frame tb_next gi_frame cr_frame
    ag_frame cell_contents co_consts co_code __doc__
""".split())
_METHODS = {
    Kind.FILE: "read_text read_bytes write_text write_bytes iterdir rglob unlink tofile savez",
    Kind.NETWORK: "urlopen urlretrieve from_pretrained load_state_dict_from_url",
    Kind.DECODING: "fromhex from_bytes",
}
_KIND_OF_METHOD = {name: kind for kind, names in _METHODS.items() for name in names.split()}
HANDED = ("workload", "game")  # what the player hands to a submission, by the usual names


def uses(code: Code) -> Iterator[Seen]:
    """Each use, by its dotted name; an import of such a module is one."""
    for name, line, within in imported(code):
        if kind := _kind_of(name.removesuffix(".*")):
            yield Seen(kind, name, line, within)
    known, inner = aliases(code), set()
    for node, within in code.nodes:
        if id(node) in inner:
            continue
        inner |= _below(node)
        for kind, what in _used(node, known):
            yield Seen(kind, what, line_of(node), within)


def _below(node: ast.AST) -> set[int]:
    """The expressions that an attribute is of: `os.environ` of `os.environ.get`."""
    found = set()
    while isinstance(node, ast.Attribute):
        node = node.value
        if isinstance(node, ast.Attribute | ast.Name):
            found.add(id(node))
    return found


def _used(node: ast.AST, known: dict[str, str]) -> Iterator[tuple[Kind, str]]:
    match node:
        case ast.Attribute() | ast.Name():
            yield from _named(node, known)
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_]):
            dotted = dotted_name(owner, known)
            if kind := _kind_of(f"{dotted}.{name}") if dotted else _of_attribute(name):
                yield kind, f"{dotted}.{name}".lstrip(".")
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, _, *_]):
            if dotted := dotted_name(owner, known):
                yield Kind.INTROSPECTION, f"getattr({dotted}, …) with a computed name"
        case ast.Call(func=ast.Name(id="setattr" | "delattr" as function), args=[owner, *rest]):
            if changed := _changed(owner, known):
                named = rest[0] if rest else None
                name = named.value if isinstance(named, ast.Constant) else "…"
                yield Kind.PATCHING, f"{function}({changed}, {str(name)[:60]!r})"
        case ast.Assign(targets=targets) | ast.Delete(targets=targets):
            for target in targets:
                yield from _assigned(target, known)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            yield from _assigned(target, known)


def _named(node: ast.Attribute | ast.Name, known: dict[str, str]) -> Iterator[tuple[Kind, str]]:
    if isinstance(node, ast.Name):
        if node.id in _BUILTINS and isinstance(node.ctx, ast.Load):
            yield _BUILTINS[node.id], node.id
    else:
        yield from _of_chain(node)
    dotted = dotted_name(node, known)
    if kind := _kind_of(dotted):
        yield kind, dotted


def _of_chain(node: ast.AST) -> Iterator[tuple[Kind, str]]:
    """What the attributes themselves say: `x.__globals__`, `workload._query`, `path.read_text`."""
    while isinstance(node, ast.Attribute):
        if kind := _of_attribute(node.attr):
            yield kind, f"….{node.attr}"
        owner = node.value
        if isinstance(owner, ast.Name):
            if owner.id in HANDED and node.attr.startswith("_"):
                yield Kind.INTROSPECTION, f"{owner.id}.{node.attr}, which is private"
            if owner.id in _BUILTINS and isinstance(owner.ctx, ast.Load):
                yield _BUILTINS[owner.id], owner.id
        node = owner


def _of_attribute(name: str) -> Kind | None:
    if name in _INTO_THE_INTERPRETER:
        return Kind.INTROSPECTION
    return _KIND_OF_METHOD.get(name)


def _assigned(target: ast.AST, known: dict[str, str]) -> Iterator[tuple[Kind, str]]:
    """An attribute, or an entry, of what is not the submission's own."""
    if isinstance(target, ast.Subscript):
        target = target.value
        if not isinstance(target, ast.Attribute):
            return
    if isinstance(target, ast.Attribute) and (owner := _changed(target.value, known)):
        yield Kind.PATCHING, f"sets {owner}.{target.attr}"


def _changed(owner: ast.AST, known: dict[str, str]) -> str:
    """An imported module or class, or what the player handed over; empty for anything else."""
    if isinstance(owner, ast.Name) and owner.id in HANDED:
        return owner.id
    return dotted_name(owner, known)


def _kind_of(dotted: str) -> Kind | None:
    """Of the longest name in the tables that it is, or lies below."""
    while dotted:
        if dotted in _KIND_OF:
            return _KIND_OF[dotted]
        dotted = dotted.rpartition(".")[0]
    return None
