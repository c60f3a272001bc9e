"""pyairtable against the stand-in: python check.py URL BASE_ID

The stand-in must run without limits (--requests-per-second 0 --token-requests-per-second 0). Prints one line per check; exits 1 if
a check fails.
"""

import base64
import datetime
import http.server
import queue
import sys
import threading
import uuid

import requests
from pyairtable import Api
from pyairtable.formulas import match
from pyairtable.models.webhook import WebhookNotification

URL, BASE = sys.argv[1:3]
failed = 0


def check(name, passed, seen=None):
    global failed
    print(f"{'ok  ' if passed else 'FAIL'} pyairtable {name}" + ("" if passed else f": {seen!r}"))
    failed += not passed


def refused(call):
    """Status and error object of a rejected request, or None."""
    try:
        call()
    except requests.HTTPError as error:
        body = error.response.json()
        return error.response.status_code, body.get("error", body)
    return None


api = Api("patSimulated.token", endpoint_url=URL)
base = api.base(BASE)

# Schema.
check("whoami", api.whoami()["id"].startswith("usr"))
check("bases", BASE in [b.id for b in api.bases()])
name = f"Calls / pyairtable {uuid.uuid4().hex[:8]}"
table = base.create_table(name, [
    {"name": "Call ID", "type": "singleLineText"},
    {"name": "Status", "type": "singleSelect", "options": {"choices": [{"name": "Live"}, {"name": "Complete"}]}},
    {"name": "Started", "type": "dateTime", "options": {
        "timeZone": "utc", "dateFormat": {"name": "iso"}, "timeFormat": {"name": "24hour"}}},
    {"name": "Duration", "type": "duration", "options": {"durationFormat": "h:mm:ss"}},
    {"name": "Size", "type": "number", "options": {"precision": 0}},
    {"name": "Caller", "type": "phoneNumber"},
    {"name": "Recording URL", "type": "url"},
    {"name": "Seen", "type": "checkbox", "options": {"icon": "check", "color": "greenBright"}},
], description="made by a check")
schema = table.schema()
check("create_table", schema.name == name and schema.field("Call ID").id == schema.primary_field_id, schema)
check("create_table keeps options", schema.field("Status").options.choices[1].name == "Complete")
field = table.create_field("Recording", "multipleAttachments", description="files")
check("create_field", field.id.startswith("fld") and field.type == "multipleAttachments", field)
schema = table.schema(force=True)
note = table.create_field("Note", "multilineText")
note.name = "Notes"
note.save()
check("rename a field", "Notes" in [f.name for f in table.schema(force=True).fields])
check("base.schema", name in [t.name for t in base.schema(force=True).tables])

# Create.
row = table.create({
    "Call ID": "RM_1", "Status": "Live", "Started": "2026-01-02T03:04:05Z", "Duration": 61, "Size": 4096,
    "Caller": "+15550100", "Recording URL": "https://example.com/a?b=c", "Seen": True, "Notes": "",
})
check("create", row["id"].startswith("rec") and row["fields"]["Started"] == "2026-01-02T03:04:05.000Z", row)
check("empty cells are left out", "Notes" not in row["fields"], row)
check("get", table.get(row["id"]) == row)
many = table.batch_create([{"Call ID": f"RM_{n}", "Size": n} for n in range(2, 26)])
check("batch_create in tens", [r["fields"]["Size"] for r in many] == list(range(2, 26)))
by_id = table.create({schema.field("Call ID").id: "RM_ids"}, use_field_ids=True)
check("field ids in request and response", by_id["fields"] == {schema.field("Call ID").id: "RM_ids"}, by_id)
table.delete(by_id["id"])

# Upsert.
result = table.batch_upsert(
    [{"fields": {"Call ID": "RM_new", "Size": 1}}, {"fields": {"Call ID": "RM_1", "Status": "Complete"}}],
    key_fields=["Call ID"])
check("upsert creates and updates", len(result["createdRecords"]) == 1 and result["updatedRecords"] == [row["id"]], result)
check("upsert answers in order", [r["fields"]["Call ID"] for r in result["records"]] == ["RM_new", "RM_1"], result)
check("upsert leaves other cells", result["records"][1]["fields"]["Duration"] == 61, result)
again = table.batch_upsert([{"fields": {"Call ID": "RM_new", "Size": 2}}], key_fields=["Call ID"])
check("upsert again updates", again["createdRecords"] == [] and again["updatedRecords"] == result["createdRecords"], again)

empty = table.batch_upsert([{"fields": {"Call ID": None, "Size": 3}}], key_fields=["Call ID"])
check("upsert of an empty key creates", len(empty["createdRecords"]) == 1, empty)
table.batch_delete(empty["createdRecords"])

# Attachments and comments. pyairtable always uploads to content.airtable.com, whatever the endpoint.
content = bytes(range(256)) * 4
upload = api.post(
    f"{URL}/v0/{BASE}/{row['id']}/Recording/uploadAttachment",
    json={"contentType": "audio/mpeg", "filename": "a.mp3", "file": base64.encodebytes(content).decode()})
uploaded = upload["fields"][field.id][0]
check("upload_attachment", (uploaded["size"], uploaded["type"]) == (len(content), "audio/mpeg"), upload)
check("an attachment's bytes", requests.get(uploaded["url"]).content == content)
me = api.whoami()["id"]
table.add_comment(row["id"], f"Call back, @[{me}]")
comment = table.comments(row["id"])[0]
check("comment", comment.author.id == me and comment.mentioned[me].id == me, comment)
comment.text = "Done"
comment.save()
check("comment changed", table.comments(row["id"])[0].text == "Done")
comment.delete()
check("comment deleted", table.comments(row["id"]) == [])

# List.
check("all over pages", len(table.all(page_size=7)) == 26)
pages = list(table.iterate(page_size=20))
check("iterate", [len(p) for p in pages] == [20, 6], [len(p) for p in pages])
check("formula match", [r["id"] for r in table.all(formula=match({"Call ID": "RM_1"}))] == [row["id"]])
found = table.all(formula=match({"Call ID": "RM_1", "Status": "Complete"}))
check("formula AND", len(found) == 1, found)
check("formula OR NOT", len(table.all(formula="OR({Call ID}='RM_2', AND({Size}=3, NOT({Seen})))")) == 2)
check("formula RECORD_ID", len(table.all(formula=f"RECORD_ID()='{row['id']}'")) == 1)
check("formula BLANK", len(table.all(formula="{Status}=BLANK()")) == 25)
long = "OR(" + ",".join(f"{{Call ID}}='{uuid.uuid4()}'" for _ in range(400)) + ",{Call ID}='RM_3')"
check("long formula by POST listRecords", len(table.all(formula=long, fields=["Size"])) == 1)
ordered = table.all(sort=["-Size"], fields=["Size"], max_records=2)
check("sort, fields, max_records", [r["fields"] for r in ordered] == [{"Size": 4096}, {"Size": 25}], ordered)
options = {"view": "Grid view", "cell_format": "json", "time_zone": "utc", "user_locale": "en-ie", "page_size": 9}
check("every option by GET", len(table.all(**options)) == 26)
check("every option by POST", len(table.all(formula=long, **options)) == 1)
moment = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=datetime.timezone.utc)
dated = table.create({"Call ID": "Ann's \"new\" call", "Started": moment.isoformat()})
check("formula match of a time", table.first(formula=match({"Started": moment}))["id"] == dated["id"])
check("formula match with quotes", table.first(formula=match({"Call ID": dated["fields"]["Call ID"]}))["id"] == dated["id"])
check("formula FIND in a time", len(table.all(formula="FIND('2026-01-02', {Started})")) == 2)
either = match({"Call ID": "RM_1", "Size": 5}, match_any=True)
check("formula match_any", len(table.all(formula=either)) == 2)
mixed = table.batch_upsert(
    [{"id": dated["id"], "fields": {"Size": 1}}, {"fields": {"Call ID": "RM_new"}}], key_fields=["Call ID"], replace=True)
check("upsert by id and by key, replacing", [r["fields"] for r in mixed["records"]] == [{"Size": 1}, {"Call ID": "RM_new"}], mixed)
table.delete(dated["id"])
check("first", table.first(formula="{Size}=5")["fields"]["Call ID"] == "RM_5")
check("table by id and in any case", len(base.table(schema.id).all(max_records=1)) == 1
      and len(api.table(BASE, name.upper()).all(max_records=1)) == 1)

# Links, and what is looked up through them: pyairtable's formulas of the linked table's cells.
lines = base.create_table(f"Lines {uuid.uuid4().hex[:8]}", [{"name": "Name", "type": "singleLineText"}])
link = table.create_field("Line", "multipleRecordLinks", options={"linkedTableId": lines.id})
inverse = lines.schema(force=True).field(link.options.inverse_link_field_id)
check("create_field of links makes both sides", inverse.options.inverse_link_field_id == link.id, inverse)
desk = lines.create({"Name": "front desk"})
linked = table.create({"Call ID": "RM_linked", "Line": [desk["id"]]})
check("a link from the other side", lines.get(desk["id"])["fields"][inverse.name] == [linked["id"]])
check("typecast links by name", table.update(linked["id"], {"Line": ["hall"]}, typecast=True)["fields"]["Line"]
      == [lines.first(formula=match({"Name": "hall"}))["id"]])
check("a removed link", inverse.name not in lines.get(desk["id"])["fields"])
table.delete(linked["id"])
check("a deleted record's links", all(inverse.name not in r["fields"] for r in lines.all()))
code = table.create_field("Code", "barcode")
check("a barcode", table.update(row["id"], {"Code": {"text": "7"}})["fields"]["Code"] == {"text": "7"}, code)
direct = requests.get(f"{URL}/v0/{BASE}/{schema.id}", params={"filterByFormula": long}, headers={"Authorization": "Bearer patX"})
check("a URL that is too long", direct.status_code == 414, direct)

# Webhooks.
notified = queue.Queue()


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.send_response(204)
        self.end_headers()
        notified.put((body, self.headers["x-airtable-content-mac"]))

    def log_message(self, *_):
        pass


receiver = http.server.HTTPServer(("127.0.0.1", 0), Receiver)
threading.Thread(target=receiver.serve_forever, daemon=True).start()
hook = base.add_webhook(f"http://127.0.0.1:{receiver.server_port}/", {"options": {"filters": {
    "dataTypes": ["tableData"], "recordChangeScope": schema.id}}})
reported = table.create({"Size": 77})
notification = WebhookNotification.from_request(*notified.get(timeout=20), hook.mac_secret_base64)
check("a webhook's notification", (notification.base.id, notification.webhook.id) == (BASE, hook.id), notification)
webhook = base.webhook(hook.id)
webhook.disable_notifications()
table.delete(reported["id"])
payloads = list(webhook.payloads())
changes = [payload.changed_tables_by_id[schema.id] for payload in payloads]
size = changes[0].created_records_by_id[reported["id"]].cell_values_by_field_id[schema.field("Size").id]
check("a webhook's payloads", size == 77 and changes[1].destroyed_record_ids == [reported["id"]], payloads)
check("a webhook's cursor", list(webhook.payloads(cursor=2)) == payloads[1:])
webhook.extend_expiration()
webhook.delete()
check("a webhook deleted", hook.id not in [w.id for w in base.webhooks()])

# Update, delete.
check("update", table.update(row["id"], {"Size": 7})["fields"]["Size"] == 7)
check("update clears with None", "Caller" not in table.update(row["id"], {"Caller": None})["fields"])
check("replace", table.update(row["id"], {"Call ID": "RM_1"}, replace=True)["fields"] == {"Call ID": "RM_1"})
updated = table.batch_update([{"id": r["id"], "fields": {"Size": 0}} for r in many[:12]])
check("batch_update", all(r["fields"]["Size"] == 0 for r in updated))
check("typecast makes a choice", table.create({"Status": "Failed"}, typecast=True)["fields"]["Status"] == "Failed"
      and "Failed" in [c.name for c in table.schema(force=True).field("Status").options.choices])
check("delete", table.delete(row["id"]) == {"id": row["id"], "deleted": True})
check("batch_delete", [r["deleted"] for r in table.batch_delete([r["id"] for r in many])] == [True] * 24)

# Errors.
status, error = refused(lambda: table.create({"Nope": 1}))
check("unknown field", (status, error["type"]) == (422, "UNKNOWN_FIELD_NAME") and "Nope" in error["message"], error)
status, error = refused(lambda: table.create({"Size": "many"}))
check("wrong type", error["type"] == "INVALID_VALUE_FOR_COLUMN" and '"Size"' in error["message"], error)
status, error = refused(lambda: table.create({"Status": "Nowhere"}))
check("unknown choice", error["type"] == "INVALID_MULTIPLE_CHOICE_OPTIONS" and "Nowhere" in error["message"], error)
before = len(table.all())
refused(lambda: table.batch_create([{"Call ID": "good"}, {"Size": "bad"}]))
check("all or nothing", len(table.all()) == before)
status, error = refused(lambda: table.batch_update([{"id": row["id"], "fields": {}}]))
check("missing row in a batch", (status, error["type"]) == (422, "ROW_DOES_NOT_EXIST"), error)
status, error = refused(lambda: table.get(row["id"]))
check("missing row alone", (status, error["type"]) == (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"), error)
status, error = refused(lambda: api.table(BASE, "No table").all())
check("unknown table", (status, error["type"]) == (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"), error)
status, error = refused(lambda: api.table("appNobodysBase000", name).all())
check("unknown base", (status, error["type"]) == (403, "INVALID_PERMISSIONS_OR_MODEL_NOT_FOUND"), error)
status, error = refused(lambda: table.all(formula="{Nope}=1"))
check("bad formula", (status, error["type"]) == (422, "INVALID_FILTER_BY_FORMULA"), error)
status, error = refused(lambda: base.create_table(name, [{"name": "A", "type": "singleLineText"}]))
check("duplicate table", (status, error["type"]) == (422, "DUPLICATE_TABLE_NAME"), error)
status, error = refused(lambda: Api("nonsense", endpoint_url=URL).table(BASE, name).all())
check("bad token", (status, error["type"]) == (401, "AUTHENTICATION_REQUIRED"), error)

sys.exit(1 if failed else 0)
