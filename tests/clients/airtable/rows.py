"""All rows of a table as pyairtable reads them, one JSON object a line: python rows.py URL BASE_ID TABLE"""

import json
import sys

from pyairtable import Api

url, base, table = sys.argv[1:4]
for record in Api("patSimulated.token", endpoint_url=url).table(base, table).all():
    print(json.dumps(record["fields"]))
