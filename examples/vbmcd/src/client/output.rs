//! Rows of values as tables for people and as JSON, YAML, CSV or plain values for programs.

use std::io::{self, Write};

use clap::{Args, ValueEnum};
use serde_json::{Map, Value};

use super::ClientError;

/// How rows are printed.
#[derive(Args, Clone, Debug, Default)]
pub struct OutputArgs {
    /// Form of the output.
    #[arg(short, long, value_enum, default_value_t)]
    pub format: Format,
    /// Only this column; may be given several times.
    #[arg(short, long = "column", value_name = "COLUMN")]
    pub columns: Vec<String>,
}

/// Form of the output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// A table for people.
    #[default]
    Table,
    /// An array of objects.
    Json,
    /// A list of maps.
    Yaml,
    /// A line with the names of the columns, and one for each row.
    Csv,
    /// The values alone, a line for each row.
    Value,
}

/// Rows with named columns.
#[derive(Debug)]
pub(super) struct Rows {
    columns: Vec<&'static str>,
    /// Those that are printed if nobody chooses.
    usual: Vec<&'static str>,
    rows: Vec<Vec<Value>>,
}

impl Rows {
    /// Rows of which all columns are printed.
    pub(super) fn new(columns: &[&'static str]) -> Self {
        Self {
            columns: columns.to_vec(),
            usual: columns.to_vec(),
            rows: Vec::new(),
        }
    }

    /// Only these columns are printed if nobody chooses others.
    pub(super) fn usually(mut self, usual: &[&'static str]) -> Self {
        self.usual = usual.to_vec();
        self
    }

    /// Adds a row, a value for each column.
    pub(super) fn push(&mut self, row: Vec<Value>) {
        self.rows.push(row);
    }

    /// Prints the rows to standard output.
    pub(super) fn print(&self, arguments: &OutputArgs) -> Result<(), ClientError> {
        let mut output = io::BufWriter::new(io::stdout().lock());
        self.write(arguments, &mut output)?;
        output.flush().map_err(ClientError::Print)
    }

    fn write(&self, arguments: &OutputArgs, output: &mut impl Write) -> Result<(), ClientError> {
        let chosen = self.chosen(&arguments.columns)?;
        let names: Vec<_> = chosen
            .iter()
            .filter_map(|i| self.columns.get(*i).copied())
            .collect();
        let rows: Vec<Vec<&Value>> = self
            .rows
            .iter()
            .map(|row| chosen.iter().filter_map(|i| row.get(*i)).collect())
            .collect();
        let written = match arguments.format {
            Format::Table => table(&names, &rows, output),
            Format::Json => serde_json::to_writer_pretty(&mut *output, &objects(&names, &rows))
                .map_err(io::Error::from)
                .and_then(|()| writeln!(output)),
            Format::Yaml => serde_saphyr::to_string(&objects(&names, &rows))
                .map_err(io::Error::other)
                .and_then(|text| output.write_all(text.as_bytes())),
            Format::Csv => csv(&names, &rows, output),
            Format::Value => rows.iter().try_for_each(|row| {
                let line: Vec<_> = row.iter().map(|value| text(value)).collect();
                writeln!(output, "{}", line.join(" "))
            }),
        };
        written.map_err(ClientError::Print)
    }

    /// Numbers of the columns to print.
    fn chosen(&self, wanted: &[String]) -> Result<Vec<usize>, ClientError> {
        let usual: Vec<_> = self.usual.iter().map(|name| (*name).to_owned()).collect();
        let wanted = if wanted.is_empty() { &usual } else { wanted };
        let find = |name: &String| {
            let mut columns = self.columns.iter();
            let found = columns.position(|column| column.eq_ignore_ascii_case(name));
            found.ok_or_else(|| {
                let known = self.columns.join(", ");
                ClientError::Arguments(format!("there is no column `{name}`; there is: {known}"))
            })
        };
        wanted.iter().map(find).collect()
    }
}

fn objects(names: &[&str], rows: &[Vec<&Value>]) -> Vec<Map<String, Value>> {
    let object = |row: &Vec<&Value>| {
        let pairs = names.iter().zip(row);
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).clone()))
            .collect()
    };
    rows.iter().map(object).collect()
}

fn csv(names: &[&str], rows: &[Vec<&Value>], output: &mut impl Write) -> io::Result<()> {
    let mut writer = csv::WriterBuilder::new()
        .quote_style(csv::QuoteStyle::NonNumeric)
        .from_writer(output);
    writer.write_record(names)?;
    for row in rows {
        writer.write_record(row.iter().map(|value| text(value)))?;
    }
    writer.flush()
}

fn table(names: &[&str], rows: &[Vec<&Value>], output: &mut impl Write) -> io::Result<()> {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|value| printable(&text(value))).collect())
        .collect();
    let width = |i: usize, name: &str| {
        let cells = rows.iter().filter_map(|row| row.get(i));
        cells
            .map(|cell| cell.chars().count())
            .max()
            .unwrap_or(0)
            .max(name.chars().count())
    };
    let widths: Vec<_> = names.iter().enumerate().map(|(i, name)| width(i, name)).collect();
    let line = |cells: &[String]| {
        let padded = cells
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!(" {cell:<width$} "));
        format!("|{}|", padded.collect::<Vec<_>>().join("|"))
    };
    let rule: Vec<_> = widths.iter().map(|width| "-".repeat(width + 2)).collect();
    let rule = format!("+{}+", rule.join("+"));
    let head: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
    writeln!(output, "{rule}\n{}\n{rule}", line(&head))?;
    for row in &rows {
        writeln!(output, "{}", line(row))?;
    }
    // A table without rows is closed by one rule.
    if rows.is_empty() {
        Ok(())
    } else {
        writeln!(output, "{rule}")
    }
}

/// A value as plain text.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        // As Python writes them, whose programs these tables come from.
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    }
}

/// A text that cannot steer a terminal.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(format: Format, columns: &[&str]) -> Result<String, ClientError> {
        let mut rows = Rows::new(&["Domain name", "Port", "Origin"]).usually(&["Domain name", "Port"]);
        rows.push(vec!["node-0".into(), 6230.into(), "added".into()]);
        rows.push(vec!["a, \"b\"\u{1b}[31m".into(), 6231.into(), Value::Null]);
        let columns = columns.iter().map(|&column| column.to_owned()).collect();
        let mut output = Vec::new();
        rows.write(&OutputArgs { format, columns }, &mut output)?;
        Ok(String::from_utf8(output).unwrap())
    }

    #[test]
    fn a_table_has_rules_and_cannot_steer_the_terminal() {
        let expected = "+-------------+------+\n\
                        | Domain name | Port |\n\
                        +-------------+------+\n\
                        | node-0      | 6230 |\n\
                        | a, \"b\"\u{fffd}[31m | 6231 |\n\
                        +-------------+------+\n";
        assert_eq!(printed(Format::Table, &[]).unwrap(), expected);
    }

    #[test]
    fn programs_read_the_other_forms() {
        let json: Value = serde_json::from_str(&printed(Format::Json, &[]).unwrap()).unwrap();
        assert_eq!(json[0]["Domain name"], "node-0");
        assert_eq!(json[1]["Port"], 6231);
        let csv = printed(Format::Csv, &[]).unwrap();
        assert!(
            csv.starts_with("\"Domain name\",\"Port\"\n\"node-0\",6230\n\"a, \"\"b\"\""),
            "{csv}"
        );
        let yaml = printed(Format::Yaml, &["port"]).unwrap();
        assert_eq!(yaml, "- Port: 6230\n- Port: 6231\n");
        assert_eq!(
            printed(Format::Value, &["ORIGIN", "Port"]).unwrap(),
            "added 6230\n 6231\n"
        );
        let error = printed(Format::Value, &["Colour"]).unwrap_err().to_string();
        assert!(error.contains("`Colour`") && error.contains("Origin"), "{error}");
    }
}
