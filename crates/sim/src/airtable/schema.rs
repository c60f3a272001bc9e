//! The metadata API: whoami, bases, tables, fields.

use serde_json::{Value, json};

use super::base::{Base, Field, Table};
use super::links::{self, LINKS};
use super::refusal::{Outcome, Refusal};
use super::user::user;
use super::webhook::Webhooks;
use super::{field_options, ids};

/// `GET /v0/meta/whoami`.
pub(super) fn whoami() -> Outcome {
    Ok(json!({"id": user()["id"]}))
}

/// `GET /v0/meta/bases`.
pub(super) fn bases(bases: &[Base]) -> Outcome {
    let print =
        |base: &Base| json!({"id": base.id, "name": base.name, "permissionLevel": "create"});
    Ok(json!({"bases": bases.iter().map(print).collect::<Vec<_>>()}))
}

/// `GET /v0/meta/bases/{base}`: a base without collaborators.
pub(super) fn collaborators(base: &Base) -> Outcome {
    Ok(json!({
        "id": base.id, "name": base.name, "createdTime": ids::now(), "permissionLevel": "create",
        "workspaceId": "wspSimulated00001", "interfaces": {},
        "groupCollaborators": {"baseCollaborators": [], "workspaceCollaborators": []},
        "individualCollaborators": {"baseCollaborators": [], "workspaceCollaborators": []},
        "inviteLinks": {"baseInviteLinks": [], "workspaceInviteLinks": []},
    }))
}

/// `DELETE /v0/meta/bases/{base}`.
pub(super) fn delete_base(bases: &mut Vec<Base>, id: &str) -> Outcome {
    bases.retain(|base| base.id != id);
    Ok(json!({"id": id, "deleted": true}))
}

/// `POST /v0/meta/bases` `{"name","workspaceId","tables"}`.
pub(super) fn create_base(bases: &mut Vec<Base>, body: &Value) -> Outcome {
    let workspace = body["workspaceId"].as_str().unwrap_or_default();
    let (Some(name), true) = (body["name"].as_str(), ids::is_id(workspace, "wsp")) else {
        return Err(bad_request("name and workspaceId are needed"));
    };
    let mut base = Base {
        id: ids::fresh("app"),
        name: name.to_owned(),
        tables: Vec::new(),
        webhooks: Webhooks::default(),
        record_limit: None,
        full_words: None,
    };
    for table in body["tables"].as_array().into_iter().flatten() {
        create_table(&mut base, table)?;
    }
    if base.tables.is_empty() {
        return Err(bad_request("a base needs at least one table"));
    }
    let answer = json!({"id": base.id, "tables": tables(&base)?["tables"]});
    bases.push(base);
    Ok(answer)
}

/// `GET /v0/meta/bases/{base}/tables`.
pub(super) fn tables(base: &Base) -> Outcome {
    let tables: Vec<Value> = base.tables.iter().map(Table::schema).collect();
    Ok(json!({"tables": tables}))
}

/// `POST …/tables` `{"name","description"?,"fields"}`: the first field becomes the primary one.
pub(super) fn create_table(base: &mut Base, body: &Value) -> Outcome {
    let name = free_table_name(base, body, None)?;
    let fields = body["fields"]
        .as_array()
        .filter(|fields| !fields.is_empty());
    let fields = fields.ok_or_else(|| bad_request("a table needs at least one field"))?;
    let mut made: Vec<Field> = Vec::new();
    for field in fields {
        made.push(new_field(&made, field)?);
    }
    if matches!(
        made[0].kind.as_str(),
        "singleSelect" | "multipleSelects" | "checkbox" | "rating" | "multipleAttachments"
    ) {
        let message = format!(
            "Type {} cannot be the type of the primary field",
            made[0].kind
        );
        return Err(Refusal::invalid("INVALID_PRIMARY_FIELD_TYPE", message));
    }
    let at = base.tables.len();
    let links: Vec<Field> = made.iter().filter(|f| f.kind == LINKS).cloned().collect();
    base.tables.push(Table::new(name, description(body), made));
    for field in links {
        links::establish(base, at, field)?;
    }
    Ok(base.tables[at].schema())
}

/// `PATCH …/tables/{table}`: name and description.
pub(super) fn update_table(base: &mut Base, id_or_name: &str, body: &Value) -> Outcome {
    let table = base.table(id_or_name).map_err(|_| no_table(id_or_name))?;
    let id = table.id.clone();
    let name = match body.get("name") {
        Some(_) => free_table_name(base, body, Some(&id))?,
        None => table.name.clone(),
    };
    let table = base.table_mut(&id)?;
    table.name = name;
    if body.get("description").is_some() {
        table.description = description(body);
    }
    Ok(table.schema())
}

/// `POST …/tables/{table}/fields` `{"name","type","description"?,"options"?}`.
pub(super) fn create_field(base: &mut Base, table: &str, body: &Value) -> Outcome {
    let at = base.tables.iter().position(|t| t.id == table);
    let at = at.ok_or_else(|| no_table(table))?;
    let fields = &mut base.tables[at].fields;
    let field = new_field(fields, body)?;
    fields.push(field.clone());
    if field.kind == LINKS {
        links::establish(base, at, field)?;
    }
    Ok(json!(base.tables[at].fields.last()))
}

/// `PATCH …/fields/{field}`: name and description; a type or options cannot be changed.
pub(super) fn update_field(base: &mut Base, table: &str, id: &str, body: &Value) -> Outcome {
    let table = table_by_id(base, table)?;
    let settable = |key: &String| key == "name" || key == "description";
    let keys = body.as_object().map(|body| body.keys().all(settable));
    if keys != Some(true) {
        return Err(bad_request(
            "only name and description of a field can be changed",
        ));
    }
    let name = match body.get("name") {
        Some(name) => Some(free_field_name(&table.fields, name, Some(id))?),
        None => None,
    };
    let field = table.fields.iter_mut().find(|f| f.id == id);
    let field = field.ok_or_else(Refusal::forbidden)?;
    if let Some(name) = name {
        field.name = name;
    }
    if body.get("description").is_some() {
        field.description = description(body);
    }
    Ok(json!(field))
}

/// A new choice of a select field.
pub(super) fn choice(name: &str) -> Value {
    json!({"id": ids::fresh("sel"), "name": name, "color": "blueLight2"})
}

/// Adds the ids that a request or a seed leaves out: of the field and of its choices.
pub(super) fn with_ids(mut field: Field) -> Field {
    if field.id.is_empty() {
        field.id = ids::fresh("fld");
    }
    let choices = field.options.as_mut().and_then(|o| o.get_mut("choices"));
    for given in choices.and_then(Value::as_array_mut).into_iter().flatten() {
        let mut complete = choice("");
        for (key, value) in given.as_object().into_iter().flatten() {
            complete[key] = value.clone();
        }
        *given = complete;
    }
    field
}

fn new_field(others: &[Field], body: &Value) -> Result<Field, Refusal> {
    let name = free_field_name(others, &body["name"], None)?;
    let kind = body["type"].as_str().unwrap_or_default().to_owned();
    let options = body.get("options").filter(|options| !options.is_null());
    let options = field_options::check(&name, &kind, options)?;
    Ok(with_ids(Field {
        id: String::new(),
        name,
        kind,
        description: description(body),
        options,
    }))
}

fn description(body: &Value) -> Option<String> {
    let text = body["description"].as_str();
    text.filter(|text| !text.is_empty()).map(str::to_owned)
}

fn free_table_name(base: &Base, body: &Value, own: Option<&str>) -> Result<String, Refusal> {
    let name = body["name"].as_str().unwrap_or_default().trim();
    if name.is_empty() {
        return Err(bad_request("a table needs a name"));
    }
    let others = base.tables.iter().filter(|t| Some(t.id.as_str()) != own);
    if others.into_iter().any(|t| t.is(name)) {
        let message = format!("Cannot have two tables with the name \"{name}\"");
        return Err(Refusal::invalid("DUPLICATE_TABLE_NAME", message));
    }
    Ok(name.to_owned())
}

fn free_field_name(fields: &[Field], name: &Value, own: Option<&str>) -> Result<String, Refusal> {
    let name = name.as_str().unwrap_or_default().trim();
    let lower = name.to_lowercase();
    let mut others = fields.iter().filter(|f| Some(f.id.as_str()) != own);
    if name.is_empty() || others.any(|f| f.name.to_lowercase() == lower) {
        let message = format!("Duplicate or empty field name: \"{name}\"");
        return Err(Refusal::invalid("DUPLICATE_OR_EMPTY_FIELD_NAME", message));
    }
    Ok(name.to_owned())
}

/// Finds a table by id: for fields the metadata API takes no table names.
fn table_by_id<'a>(base: &'a mut Base, id: &str) -> Result<&'a mut Table, Refusal> {
    let found = base.tables.iter_mut().find(|t| t.id == id);
    found.ok_or_else(|| no_table(id))
}

fn no_table(id: &str) -> Refusal {
    Refusal::new(404, "TABLE_NOT_FOUND", format!("Could not find table {id}"))
}

fn bad_request(why: &str) -> Refusal {
    let message = format!("Invalid request: {why}");
    Refusal::invalid("INVALID_REQUEST_UNKNOWN", message)
}
