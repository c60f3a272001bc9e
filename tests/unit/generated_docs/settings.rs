//! The tables of the book's page "Configuration", and `.env.example`, from `schema/settings.toml`.

use livekit_airtable::config::{Setting, SettingSection, plain_text, settings, wrapped};

use super::{between, is_current};

const PAGE: &str = "docs/src/configuration.md";
const EXAMPLE: &str = ".env.example";
/// The last sentence of the example's first part, which is written by hand and has what everybody sets.
const FIRST_PART: &str = "do not quote API_TOKEN, LINK_SECRET and EGRESS_WEBHOOK_SECRET.\n";

#[test]
fn the_book_has_all_settings() {
    let tables: String = settings().iter().map(table).collect();
    let begin = "<!-- begin: made from schema/settings.toml -->\n";
    is_current(
        PAGE,
        &between(PAGE, begin, "<!-- end -->", &format!("{tables}\n")),
    );
}

#[test]
fn the_example_has_all_settings() {
    let example = std::fs::read_to_string(EXAMPLE).unwrap();
    let (first, _) = example.split_once(FIRST_PART).unwrap();
    let mut text = format!("{first}{FIRST_PART}");
    for section in settings() {
        text += &lines(&section, first);
    }
    is_current(EXAMPLE, &text);
}

fn table(section: &SettingSection) -> String {
    let mut text = format!(
        "\n## {}\n\n| variable | default | meaning |\n| --- | --- | --- |\n",
        section.title
    );
    for Setting {
        names,
        default,
        unset,
        meaning,
        see,
    } in &section.settings
    {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let default = default.as_ref().map(|value| format!(" `{value}`"));
        let unset = unset.as_ref().map(|text| format!(" {text}"));
        let see = see.as_ref().map(|link| format!(". See {link}"));
        let meaning = format!("{meaning}{}", see.unwrap_or_default());
        let without = default.or(unset).unwrap_or_default();
        text += &format!("| {} |{without} | {meaning} |\n", names.join(", "));
    }
    text
}

/// The settings of a section that the first part does not have, as comments.
fn lines(section: &SettingSection, first: &str) -> String {
    let is_new = |name: &&String| !first.contains(&format!("\n{name}="));
    let mut text = String::new();
    for setting in &section.settings {
        let names: Vec<&String> = setting.names.iter().filter(is_new).collect();
        if names.is_empty() {
            continue;
        }
        let mut meaning = setting.sentence();
        if let Some(unset) = &setting.unset {
            meaning += &format!(". Default: {}", plain_text(unset));
        }
        for line in wrapped(&meaning, 118) {
            text += &format!("# {line}\n");
        }
        let value = setting.default.as_deref().unwrap_or_default();
        for name in names {
            text += &format!("#{name}={value}\n");
        }
    }
    match text.is_empty() {
        true => text,
        false => format!("\n# --- {} ---\n{text}", section.title),
    }
}
