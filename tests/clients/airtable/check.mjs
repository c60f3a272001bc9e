// airtable.js against the stand-in: node check.mjs URL BASE_ID, in a folder with node_modules/airtable.
// The stand-in must run without limits (--requests-per-second 0 --token-requests-per-second 0). Prints one line per check; exits 1
// if a check fails.

import { createRequire } from "node:module";

const Airtable = createRequire(`${process.cwd()}/`)("airtable");
const [url, baseId] = process.argv.slice(2);
let failed = 0;

function check(name, passed, seen) {
  console.log(`${passed ? "ok  " : "FAIL"} airtable.js ${name}${passed ? "" : `: ${JSON.stringify(seen)}`}`);
  if (!passed) failed += 1;
}

async function refused(promise) {
  try {
    await promise;
    return {};
  } catch (error) {
    return error;
  }
}

// airtable.js has no metadata API.
const name = `Calls / airtable.js ${Date.now()}`;
const made = await fetch(`${url}/v0/meta/bases/${baseId}/tables`, {
  method: "POST",
  headers: { authorization: "Bearer patSimulated.token", "content-type": "application/json" },
  body: JSON.stringify({
    name,
    fields: [
      { name: "Call ID", type: "singleLineText" },
      { name: "Status", type: "singleSelect", options: { choices: [{ name: "Live" }, { name: "Complete" }] } },
      { name: "Size", type: "number", options: { precision: 0 } },
    ],
  }),
});
check("(table made)", made.status === 200, await made.clone().text());
const schema = await made.json();

const base = new Airtable({ apiKey: "patSimulated.token", endpointUrl: url }).base(baseId);
const table = base(name);

const one = await table.create({ "Call ID": "RM_1", Status: "Live", Size: 1 });
check("create one", one.getId().startsWith("rec") && one.get("Size") === 1, one._rawJson);
const ten = await table.create([...Array(10).keys()].map((n) => ({ fields: { "Call ID": `RM_${n + 2}`, Size: n + 2 } })));
check("create ten", ten.length === 10 && ten[9].get("Size") === 11);
check("find", (await table.find(one.id)).get("Call ID") === "RM_1");

const pages = [];
await table.select({ pageSize: 4, sort: [{ field: "Size", direction: "desc" }] }).eachPage((records, next) => {
  pages.push(records.map((r) => r.get("Size")));
  next();
});
check("eachPage in order", JSON.stringify(pages) === "[[11,10,9,8],[7,6,5,4],[3,2,1]]", pages);
const some = await table.select({ filterByFormula: "AND({Size}>3, NOT({Call ID}='RM_5'))", maxRecords: 3, fields: ["Size"] }).all();
check("formula, maxRecords, fields", some.map((r) => r.get("Size")).join() === "4,6,7" && some[0].get("Call ID") === undefined);
const long = `OR(${Array(1200).fill("{Call ID}='nobody'").join()},RECORD_ID()='${one.id}')`;
check("long formula by POST listRecords", (await table.select({ filterByFormula: long }).firstPage()).length === 1);
// Node's fetch encodes a quote as three characters, airtable.js counts one: a URL within its own limit exceeds Airtable's.
const quoted = `OR(${Array(740).fill("{Size}=''").join()})`;
const tooLong = await refused(table.select({ filterByFormula: quoted }).firstPage());
check("a URL that is too long", tooLong.statusCode === 414 && tooLong.error === "UNEXPECTED_ERROR", tooLong);
check("field ids", Object.keys((await table.select({ returnFieldsByFieldId: true }).firstPage())[0].fields)[0].startsWith("fld"));
check("table by id", (await base(schema.id).select().all()).length === 11);

check("update one", (await table.update(one.id, { Status: "Complete" })).get("Status") === "Complete");
const two = await table.update(ten.slice(0, 2).map((r) => ({ id: r.id, fields: { Size: 0 } })));
check("update many", two.every((r) => r.get("Size") === 0 && r.get("Call ID")));
check("replace", (await table.replace(one.id, { "Call ID": "RM_1" })).get("Status") === undefined);
const upserted = await table.update(
  [{ fields: { "Call ID": "RM_1", Size: 5 } }, { fields: { "Call ID": "RM_new" } }],
  { performUpsert: { fieldsToMergeOn: ["Call ID"] } },
);
check("upsert", upserted.length === 2 && upserted[0].id === one.id && upserted[1].get("Call ID") === "RM_new");
check("destroy one", (await table.destroy(one.id)).id === one.id);
check("destroy many", (await table.destroy(ten.map((r) => r.id))).length === 10);

let error = await refused(table.create({ Nope: 1 }));
check("unknown field", error.statusCode === 422 && error.error === "UNKNOWN_FIELD_NAME", error);
error = await refused(table.create([{ fields: { Size: "many" } }]));
check("wrong type", error.error === "INVALID_VALUE_FOR_COLUMN" && error.message.includes('"Size"'), error);
error = await refused(table.create({ Status: "Nowhere" }));
check("unknown choice", error.error === "INVALID_MULTIPLE_CHOICE_OPTIONS", error);
check("typecast", (await table.create({ Status: "Nowhere" }, { typecast: true })).get("Status") === "Nowhere");
error = await refused(table.create(Array(11).fill({ fields: {} })));
check("eleven records", error.statusCode === 422 && error.error === "INVALID_RECORDS", error);
error = await refused(table.find(one.id));
check("missing row", error.statusCode === 403, error);
error = await refused(new Airtable({ apiKey: "nonsense", endpointUrl: url }).base(baseId)(name).select().firstPage());
check("bad token", error.statusCode === 401 && error.error === "AUTHENTICATION_REQUIRED", error);

process.exit(failed ? 1 : 0);
