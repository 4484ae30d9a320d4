"""`python -m liaison_sdk build`: a component of the connector in a folder.

The folder holds `connector.json` and the module that names a `connector`. The component
has no manifest yet: `liaison connector pack` puts it in, and judges what came out.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from .connector import Connector, interfaces

PACKAGE = Path(__file__).parent
COMPILER = "componentize-py"
ENTRY = "liaison_entry"
WORLD = "component"
IMPORTS = ["log", "clock", "random", "http"]
"""What every component may ask its host for."""
IMPORTS_ON_DEMAND = ["files", "mail", "crypto"]
"""And what only one does that imports the module of that name."""


def main() -> int:
    # Nothing beside the author's files.
    sys.dont_write_bytecode = True
    parser = argparse.ArgumentParser(prog="python -m liaison_sdk")
    commands = parser.add_subparsers(required=True, metavar="command")
    build = commands.add_parser("build", help="make a component of a connector")
    build.add_argument("folder", nargs="?", type=Path, default=Path("."))
    build.add_argument("--module", default="connector", help="the module that names `connector`")
    build.add_argument("--to", type=Path, help="default: target/<id>.component.wasm")
    arguments = parser.parse_args()
    return _build(arguments.folder, arguments.module, arguments.to)


def _build(folder: Path, module: str, to: Path | None) -> int:
    folder = folder.resolve()
    if to is None:
        manifest = json.loads((folder / "connector.json").read_text("utf-8"))
        to = folder / "target" / f"{manifest['id']}.component.wasm"
    compiler = shutil.which(COMPILER, path=str(Path(sys.executable).parent)) or COMPILER
    names = _interfaces(folder, module)
    to.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        wit = _world(Path(scratch), names)
        (Path(scratch) / f"{ENTRY}.py").write_text(_entry(module))
        command = [compiler, "-q", "-d", str(wit), "-w", WORLD, "componentize", "--stub-wasi"]
        for path in (scratch, folder, PACKAGE.parent):
            command += ["-p", str(path)]
        made = Path(scratch) / "component.wasm"
        done = subprocess.run([*command, "-o", str(made), ENTRY], check=False)
        if done.returncode:
            return done.returncode
        shutil.move(made, to)
    print(to)
    return 0


def _entry(module: str) -> str:
    """What is run while the component is made; it too leaves nothing beside the files."""
    lines = [
        "import sys",
        "sys.dont_write_bytecode = True",
        "from liaison_sdk.component import exports",
        f"from {module} import connector",
        "globals().update(exports(connector))",
    ]
    return "\n".join(lines)


def _interfaces(folder: Path, module: str) -> list[str]:
    sys.path.insert(0, str(folder))
    connector = importlib.import_module(module).connector
    if not isinstance(connector, Connector):
        raise SystemExit(f"`connector` in {module} is no liaison_sdk.Connector")
    return interfaces(connector)


def _world(scratch: Path, names: list[str]) -> Path:
    """The contract with one world more: what this connector exports, and nothing else."""
    contract = next(it for it in (PACKAGE / "wit", _repository()) if it.is_dir())
    wit = scratch / "wit"
    shutil.copytree(contract, wit)
    exports = "".join(f"  export {name};\n" for name in ["connection", *names])
    wanted = [name for name in IMPORTS_ON_DEMAND if f"{__package__}.{name}" in sys.modules]
    imports = "".join(f"  import {name};\n" for name in [*IMPORTS, *wanted])
    (wit / "component.wit").write_text(
        f"package liaison:connector@0.1.0;\nworld {WORLD} {{\n{imports}{exports}}}\n"
    )
    return wit


def _repository() -> Path:
    """Where the contract is while the package is used from a clone."""
    return PACKAGE.parent.parent / "liaison-sdk" / "wit" / "since-v0.1.0"


if __name__ == "__main__":
    sys.exit(main())
