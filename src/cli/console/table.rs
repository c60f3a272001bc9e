//! Tables for people: columns as wide as their content, and no control characters for the terminal.

use std::fmt;

/// Characters of the widest column; the last one has no limit.
const WIDEST: usize = 48;

/// A head and rows of the same number of cells.
pub(in crate::cli) struct Table {
    /// The header first.
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table without rows.
    pub(in crate::cli) fn new(head: &[&str]) -> Table {
        let head = head.iter().map(|name| (*name).to_owned());
        Table {
            rows: vec![head.collect()],
        }
    }

    /// Adds a row of as many cells as the head has.
    pub(in crate::cli) fn push<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows
            .push(cells.iter().map(|cell| clean(cell)).collect());
    }

    /// Whether there are no rows.
    pub(in crate::cli) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows[0].len();
        let width = |column: usize| {
            let widths = self.rows.iter().map(|row| row[column].chars().count());
            widths.max().unwrap_or(0).min(WIDEST)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &self.rows {
            let last = columns - 1;
            let cells = row.iter().zip(&widths).take(last);
            let line: String = cells.map(|(cell, width)| fit(cell, *width)).collect();
            writeln!(f, "{}", format!("{line}{}", row[last]).trim_end())?;
        }
        Ok(())
    }
}

/// Text from outside, on one line and without control characters.
pub(in crate::cli) fn clean(text: &str) -> String {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(plain).collect()
}

fn fit(cell: &str, width: usize) -> String {
    let length = cell.chars().count();
    if length <= width {
        return format!("{cell}{}  ", " ".repeat(width - length));
    }
    let start: String = cell.chars().take(width - 1).collect();
    format!("{start}…  ")
}

#[cfg(test)]
mod tests {
    use super::Table;

    #[test]
    fn columns_line_up_and_control_characters_are_removed() {
        let mut table = Table::new(&["CALL", "ROOM", "ERROR"]);
        table.push(["RM_1", "\x1b[31mred\n", ""]);
        table.push(["RM_22", &"é".repeat(60), "why"]);
        let lines = format!("{table}");
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines[0], format!("CALL   ROOM{}  ERROR", " ".repeat(44)));
        assert_eq!(lines[1], "RM_1    [31mred");
        assert_eq!(lines[2], format!("RM_22  {}…  why", "é".repeat(47)));
    }
}
