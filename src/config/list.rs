//! Lists in one variable.

/// The items of a list, which commas or line breaks separate. Commas inside braces and brackets belong to an item.
pub(super) fn items(text: &str) -> Vec<&str> {
    let (mut items, mut start) = (Vec::new(), 0);
    let (mut braces, mut in_brackets) = (0_usize, false);
    for (at, c) in text.char_indices() {
        match c {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            '[' => in_brackets = true,
            ']' => in_brackets = false,
            '\n' | '\r' => {}
            ',' if braces == 0 && !in_brackets => {}
            _ => continue,
        }
        if matches!(c, ',' | '\n' | '\r') {
            items.push(&text[start..at]);
            start = at + 1;
        }
    }
    items.push(&text[start..]);
    let items = items.into_iter().map(str::trim);
    items.filter(|item| !item.is_empty()).collect()
}
