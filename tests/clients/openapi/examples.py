"""Reads an OpenAPI document from stdin; checks each example of a request or response against its schema, and prints how many."""

import json
import sys

from jsonschema_rs import Draft202012Validator

document = json.load(sys.stdin)
checked = 0


def resolved(value):
    while "$ref" in value:
        target = document
        for part in value["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        value = target
    return value


def check(name, content):
    global checked
    schema = {**content["schema"], "components": document["components"]}
    examples = [example["value"] for example in content.get("examples", {}).values()]
    if "example" in content:
        examples.append(content["example"])
    for example in examples:
        errors = [error.message for error in Draft202012Validator(schema, validate_formats=True).iter_errors(example)]
        assert not errors, (name, errors)
        checked += 1


for path, item in document["paths"].items():
    for method, operation in item.items():
        for kind, content in operation.get("requestBody", {}).get("content", {}).items():
            check((method, path, kind), content)
        for status, response in operation["responses"].items():
            for kind, content in resolved(response).get("content", {}).items():
                check((method, path, status, kind), content)
print(checked)
