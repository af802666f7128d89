# SPDX-License-Identifier: Apache-2.0
"""The operators' interface as an OpenRPC document (spec.open-rpc.org, 1.3.2), made from the table of methods."""

import inspect
from typing import Any

import msgspec

import switchroom
from switchroom.pbx.rpc.registry import METHODS, Method

_TEMPLATE = "#/components/schemas/{name}"


def document() -> dict[str, Any]:
    """All methods with their parameters, results, and what they need; JSON Schemas of all types that they use."""
    methods = [METHODS[name] for name in sorted(METHODS)]
    types: list[type[msgspec.Struct]] = [kind for method in methods for kind in (method.params, method.result)]
    found, schemas = msgspec.json.schema_components(types, ref_template=_TEMPLATE)
    return {
        "openrpc": "1.3.2",
        "info": {"title": "Switchroom", "version": switchroom.__version__, "license": {"name": "Apache-2.0"}},
        "methods": [
            _method(method, _resolve(found[2 * index], schemas), found[2 * index + 1])
            for index, method in enumerate(methods)
        ],
        "components": {"schemas": {name: schemas[name] for name in sorted(schemas)}},
    }


def _method(method: Method, params: dict[str, Any], result: dict[str, Any]) -> dict[str, Any]:
    needed = params.get("required", [])
    summary = (inspect.getdoc(method.run) or "").partition("\n")[0]
    return {
        "name": method.name,
        **({"summary": summary} if summary else {}),
        "paramStructure": "either",
        "params": [
            {"name": name, "required": name in needed, "schema": schema}
            for name, schema in params.get("properties", {}).items()
        ],
        "result": {"name": "result", "schema": result},
        "x-right": method.right,
        "x-changes": method.changes,
    }


def _resolve(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schemas[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    return found
