"""Reads tables with pyairtable: one request per line of JSON on stdin, one response per line on stdout.

Request: {"url", "token", "base", "table"} for all rows of a table; with "key" ({column: value}) for the rows with these
values; with "id" for the record with this ID. Response: {"rows": [{…cells by column, "id"}]}, or {"error": "…"}.
"""

import json
import sys

import requests
from pyairtable import Api
from pyairtable.formulas import match


def records(table, asked):
    if "id" not in asked:
        return table.all(formula=match(asked["key"])) if "key" in asked else table.all()
    try:
        return [table.get(asked["id"])]
    except requests.HTTPError as error:
        # Airtable answers the same for a missing record and for one that the token may not read.
        if error.response.status_code == 403:
            return []
        raise


def answer(asked):
    api = Api(asked["token"], endpoint_url=asked["url"], timeout=(10, 60))
    api.session.trust_env = False
    with api.session:
        found = records(api.table(asked["base"], asked["table"]), asked)
        return {"rows": [{**record["fields"], "id": record["id"]} for record in found]}


for line in sys.stdin:
    try:
        reported = answer(json.loads(line))
    except Exception as error:
        reported = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps(reported), flush=True)
