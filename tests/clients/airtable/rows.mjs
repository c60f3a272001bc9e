// Prints all rows of a table, read with airtable.js, as JSON: node rows.mjs URL BASE_ID TABLE, in a folder with node_modules/airtable.
import { createRequire } from "node:module";

const Airtable = createRequire(`${process.cwd()}/`)("airtable");
const [endpointUrl, baseId, table] = process.argv.slice(2);
const base = new Airtable({ apiKey: "patSimulated.token", endpointUrl }).base(baseId);
const records = await base(table).select().all();
console.log(JSON.stringify(records.map((record) => ({ ...record.fields, id: record.id }))));
