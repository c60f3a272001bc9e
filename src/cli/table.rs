//! Tables for people: columns as wide as what is in them, and nothing in them that a terminal would obey.

use std::fmt;

/// The widest that a column may be, but for the last one.
const WIDEST: usize = 48;

pub struct Table {
    /// The head first.
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new(head: &[&str]) -> Table {
        let head = head.iter().map(|name| (*name).to_owned());
        Table {
            rows: vec![head.collect()],
        }
    }

    pub fn push<const N: usize>(&mut self, cells: [&str; N]) {
        self.rows
            .push(cells.iter().map(|cell| clean(cell)).collect());
    }

    pub fn is_empty(&self) -> bool {
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

/// Text from outside on one line.
pub fn clean(text: &str) -> String {
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
    fn columns_line_up_and_terminals_are_not_told_anything() {
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
