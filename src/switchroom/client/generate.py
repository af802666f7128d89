# SPDX-License-Identifier: Apache-2.0
"""Writes `methods.py`, the typed client, out of an OpenRPC document: that of this version, or of a running exchange.

python -m switchroom.client.generate              # writes it in its place
python -m switchroom.client.generate --check      # says whether it is true; status 1 when it is not
"""

import keyword
import sys
from pathlib import Path
from typing import Any

from switchroom.pbx.rpc import methods as _methods
from switchroom.pbx.rpc.openrpc import document

PLACE = Path(__file__).parent / "methods.py"
_HEAD = '''# SPDX-License-Identifier: Apache-2.0
"""The methods and types of the operators' interface. Made by `python -m switchroom.client.generate`: do not edit."""

from typing import Any, Literal

import msgspec

from switchroom.client.connection import Connection

'''
_PLAIN = {
    "string": "str",
    "integer": "int",
    "number": "float",
    "boolean": "bool",
    "null": "None",
    "object": "dict[str, Any]",
}
_INDENT = "    "

assert _methods  # importing them fills the table


def source(described: dict[str, Any]) -> str:
    """The module for a document."""
    schemas = described["components"]["schemas"]
    methods = [method for method in described["methods"] if not method["name"].startswith(("rpc.discover", "events.s"))]
    needed: dict[str, None] = {}
    for method in methods:
        _collect(method["result"]["schema"], schemas, needed)
        for param in method["params"]:
            _collect(param["schema"], schemas, needed)
    parts = [_HEAD]
    parts += [_struct(name, schemas[name]) for name in needed]
    parts.append('class Client(Connection):\n    """All methods of the exchange."""\n')
    parts += [_method(method) for method in methods]
    return "\n".join(parts)


def _collect(schema: Any, schemas: dict[str, Any], found: dict[str, None]) -> None:
    """The names of the types that a schema uses, in an order in which they can be defined."""
    if isinstance(schema, list):
        for item in schema:
            _collect(item, schemas, found)
    elif isinstance(schema, dict):
        name = schema.get("$ref", "").rpartition("/")[2]
        if name and name not in found and _is_struct(schemas[name]):
            _collect(schemas[name], schemas, found)
            found[name] = None
        for key, value in schema.items():
            if key not in ("default", "enum", "discriminator"):
                _collect(value, schemas, found)


def _is_struct(schema: dict[str, Any]) -> bool:
    """Records of the journal, which are told apart by their tag, stay as JSON has them."""
    return "properties" in schema and "enum" not in schema["properties"].get("type", {})


def _struct(name: str, schema: dict[str, Any]) -> str:
    lines = [f"class {_name(name)}(msgspec.Struct, frozen=True, kw_only=True):"]
    if text := schema.get("description"):
        lines += [f'{_INDENT}"""{_one_line(text)}"""', ""]
    needed = schema.get("required", [])
    for field, kind in schema["properties"].items():
        shown = _type(kind)
        python = _python(field)
        if field in needed:
            value = f' = msgspec.field(name="{field}")' if python != field else ""
        else:
            value = f" = {_default(kind)}" if python == field else f' = msgspec.field(default=None, name="{field}")'
            shown = shown if "None" in shown or not value.endswith("= None") else f"{shown} | None"
        lines.append(f"{_INDENT}{python}: {shown}{value}")
    if len(lines) == 1:
        lines.append(f"{_INDENT}pass")
    return "\n".join([*lines, "", ""])


def _method(method: dict[str, Any]) -> str:
    result = _type(method["result"]["schema"])
    params = sorted(method["params"], key=lambda param: not param["required"])
    arguments = []
    for param in params:
        kind = _type(param["schema"])
        optional = "" if param["required"] else " = None"
        kind = kind if not optional or "None" in kind else f"{kind} | None"
        arguments.append(f"{_python(param['name'])}: {kind}{optional}")
    star = ", *, " + ", ".join(arguments) if arguments else ""
    names = [(param["name"], _python(param["name"])) for param in params]
    given = ", ".join(f'"{name}": {python}' for name, python in names)
    text = _one_line(method.get("summary") or method["name"])
    return (
        f"{_INDENT}async def {method['name'].replace('.', '_').replace('-', '_')}(self{star}) -> {result}:\n"
        f'{_INDENT * 2}"""{text}"""\n'
        f'{_INDENT * 2}return await self.call("{method["name"]}", {{{given}}}, {result})\n'
    )


def _type(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return _name(name) if _is_struct(document_schemas()[name]) else "dict[str, Any]"
    if "enum" in schema:
        return f"Literal[{', '.join(map(repr, schema['enum']))}]"
    if "anyOf" in schema:
        kinds = list(dict.fromkeys(_type(kind) for kind in schema["anyOf"]))
        if kinds.count("dict[str, Any]") and len([kind for kind in kinds if kind[0].isupper()]):
            return "dict[str, Any]"
        return " | ".join(kinds)
    if schema.get("type") == "array":
        items = schema.get("items", {})
        return f"list[{_type(items) if items else 'Any'}]"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        inner = schema["additionalProperties"]
        return f"dict[str, {_type(inner) if inner else 'Any'}]"
    return _PLAIN.get(str(schema.get("type")), "Any")


def _default(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    kind = _type(schema)
    if isinstance(default, dict) and not kind.startswith("dict"):
        return f"msgspec.field(default_factory={kind})"
    if isinstance(default, (list, tuple)):
        return "msgspec.field(default_factory=list)"
    if isinstance(default, dict):
        return "msgspec.field(default_factory=dict)"
    return repr(default)


_SCHEMAS: dict[str, Any] = {}


def document_schemas() -> dict[str, Any]:
    """The types of the document, made once."""
    if not _SCHEMAS:
        _SCHEMAS.update(document()["components"]["schemas"])
    return _SCHEMAS


def _name(name: str) -> str:
    return "".join(part if part[:1].isupper() else part.capitalize() for part in name.replace(".", "_").split("_"))


def _python(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def _one_line(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split()).replace('"""', "'''").replace("\\", "\\\\")[:100]


def main(arguments: list[str]) -> int:
    """Write the module, or check it."""
    made = source(document())
    if arguments[:1] == ["--check"]:
        same = _bare(PLACE.read_text(encoding="utf-8")) == _bare(made)
        if not same:
            print("src/switchroom/client/methods.py is not what the methods say; run make client", file=sys.stderr)
        return 0 if same else 1
    PLACE.write_text(made, encoding="utf-8")
    return 0


def _bare(text: str) -> str:
    """Without what a formatter changes."""
    return "".join(text.split()).replace(",)", ")").replace(",]", "]").replace(",}", "}").replace("'", '"')


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
