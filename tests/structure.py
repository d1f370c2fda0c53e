"""Measures a tree of Python files by the rules of the project's style; each returns what breaks its rule."""

from __future__ import annotations

import ast
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median, quantiles

PACKAGE = "rainbow_probe"
LAYERS = (
    ("__main__",),
    ("cli",),
    ("commands",),
    ("arguments",),
    ("accounts", "bundling", "lan_arguments", "later_arguments", "mailing", "retelling", "serving"),
    ("serve", "watching"),
    ("demonstration", "explain", "looking_back", "responding", "ruling", "scheduling"),
    ("session", "second_look"),
    ("afterwards",),
    ("mail",),
    ("schedule",),
    ("amounts", "history", "lan", "outputs", "readiness", "selection"),
    ("bundle",),
    ("demo", "report", "responder", "runner"),
    ("followups", "judge", "plan", "turn_servers", "wayout"),
    ("rules",),
    ("checks",),
    ("net", "site"),
    ("sitefile",),
    ("options",),
    ("capacity", "data_folder"),
    ("catalogue", "evidence"),
    ("protocols",),
    ("explanations", "model"),
    ("measures",),
    ("ends", "language", "terms"),
)
"""From the top down: a module imports its own package and what stands below it, nothing beside or above."""
BARRED = {"checks": {"socket", "ssl", "time"}, "protocols": {"asyncio", "socket", "ssl", "time"}}
"""What a part must reach only through the parts below it."""

FUNCTION_MEDIAN, FUNCTION_NINE_TENTHS, FUNCTION_MOST = 5, 20, 40
FILE_MEDIAN, FILE_MOST = 120, 300

_SILENCED = r"(?:type|pyright): ?ignore\[[\w, -]+\]|noqa: ?[A-Z]+\d+(?:, ?[A-Z]+\d+)*|pragma: no (?:cover|branch)"
SUPPRESSION = re.compile(r"(?:type|pyright): ?ignore|noqa|pragma: no")
WITH_REASON = re.compile(rf"(?:{_SILENCED})(?!.*(?:{_SILENCED}))\s+(?:-|#)\s\S.{{3,}}")

Function = ast.FunctionDef | ast.AsyncFunctionDef


def sources(root: Path) -> list[Path]:
    """List all Python files under *root*, in a stable order."""
    return sorted(root.rglob("*.py"))


def upward_imports(root: Path, layers: Sequence[Sequence[str]] = LAYERS) -> list[str]:
    """List the imports, lazy ones too, that do not point down the *layers*; *root* is the package's folder."""
    rank = {name: depth for depth, layer in enumerate(layers) for name in layer}
    return [
        f"{file.relative_to(root)} imports {module}"
        for file in sources(root)
        for module in imported(parse(file))
        if (there := part_of(module)) and not points_down(rank, own_part(root, file), there)
    ]


def points_down(rank: Mapping[str, int], here: str, there: str) -> bool:
    """Tell whether part *here* may know part *there*; an unknown part may know nothing and be known by nobody."""
    return here == there or (here in rank and there in rank and rank[here] < rank[there])


def barred_imports(root: Path) -> list[str]:
    """List the imports of what a part must leave to the parts below it."""
    return [
        f"{file.relative_to(root)} imports {module}"
        for file in sources(root)
        for module in imported(parse(file))
        if module.split(".")[0] in BARRED.get(own_part(root, file), ())
    ]


def own_part(root: Path, file: Path) -> str:
    """Name the part of the package that *file* belongs to."""
    return file.relative_to(root).parts[0].removesuffix(".py")


def part_of(module: str) -> str:
    """Name the part of the package that *module* belongs to; empty for the package itself and for strangers."""
    names = module.split(".")
    return names[1] if names[0] == PACKAGE and len(names) > 1 else ""


def imported(tree: ast.Module) -> Iterator[str]:
    """Give every module that *tree* imports; of ``from rainbow_probe import x`` also ``rainbow_probe.x``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == PACKAGE:
            yield from (f"{PACKAGE}.{alias.name}" for alias in node.names if not alias.name.startswith("__"))
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "."


def long_functions(root: Path) -> list[str]:
    """List the functions over the limit, and the limits that all functions together break."""
    sizes = {f"{file.relative_to(root)}:{f.lineno} {f.name}": body_lines(f) for file, f in functions(root)}
    broken = [f"{name}: {size} lines" for name, size in sizes.items() if size > FUNCTION_MOST]
    counts = [*sizes.values(), 0, 0]
    if median(counts) > FUNCTION_MEDIAN:
        broken.append(f"the median function has {median(counts):g} lines, not {FUNCTION_MEDIAN}")
    if (ninth := quantiles(counts, n=10, method="inclusive")[-1]) > FUNCTION_NINE_TENTHS:
        longest = ", ".join(sorted(sizes, key=lambda name: -sizes[name])[:8])
        broken.append(f"nine tenths of the functions have up to {ninth:g} lines, not {FUNCTION_NINE_TENTHS}: {longest}")
    return broken


def functions(root: Path) -> Iterator[tuple[Path, Function]]:
    """Give every function and method under *root*, inner ones too, with its file."""
    for file in sources(root):
        for node in ast.walk(parse(file)):
            if isinstance(node, Function):
                yield file, node


def body_lines(function: Function) -> int:
    """Count the lines of the body after the docstring."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return (function.end_lineno or 0) - body[0].lineno + 1 if body else 0


def long_files(root: Path) -> list[str]:
    """List the files over the limit, and the median if it is."""
    sizes = {str(file.relative_to(root)): len(file.read_text().splitlines()) for file in sources(root)}
    broken = [f"{name}: {size} lines" for name, size in sizes.items() if size > FILE_MOST]
    if sizes and median(sizes.values()) > FILE_MEDIAN:
        broken.append(f"the median file has {median(sizes.values()):g} lines, not {FILE_MEDIAN}")
    return broken


def lines_of_code(root: Path) -> int:
    """Count the lines that are not blank, in all files under *root*."""
    return sum(bool(line.strip()) for file in sources(root) for line in file.read_text().splitlines())


def undocumented(root: Path) -> list[str]:
    """List the modules, and public classes, functions and methods in them, without a docstring."""
    missing: list[str] = []
    for file in sources(root):
        tree = parse(file)
        names = [node for node in public(tree) if ast.get_docstring(node) is None]
        missing += [f"{file.relative_to(root)}:{node.lineno} {node.name}" for node in names]
        missing += [str(file.relative_to(root))] * (ast.get_docstring(tree) is None)
    return missing


def public(scope: ast.Module | ast.ClassDef) -> Iterator[Function | ast.ClassDef]:
    """Give the public names that *scope* defines, and those inside its public classes."""
    for node in scope.body:
        if isinstance(node, Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


def unexplained(root: Path) -> list[str]:
    """List the comments that silence a tool without naming the rule and, after a dash, the reason."""
    return [
        f"{file.relative_to(root)}:{line} {comment}"
        for file in sources(root)
        if SUPPRESSION.search(file.read_text())  # reading tokens takes long
        for line, comment in comments(file)
        if SUPPRESSION.search(comment) and not WITH_REASON.search(comment)
    ]


def comments(file: Path) -> Iterator[tuple[int, str]]:
    """Give every comment of *file* with its line number."""
    with file.open("rb") as stream:
        for token in tokenize.tokenize(stream.readline):
            if token.type == tokenize.COMMENT:
                yield token.start[0], token.string


def parse(file: Path) -> ast.Module:
    """Parse *file*."""
    return ast.parse(file.read_text(), str(file))
