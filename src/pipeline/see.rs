//! The command by which a person looks at all the rows of a query, wherever these lie.
//!
//! Names and SQL come from a repository; each is one word to the shell, whatever it holds.

use std::path::Path;

/// Where the rows of a query lie.
#[derive(Debug, Clone, Copy)]
pub enum See<'a> {
    /// In the person's own warehouse.
    Own,
    /// In a warehouse of a cassette that is kept in this file.
    Kept(&'a Path),
    /// In a warehouse of a cassette that goes with the test; the command keeps it first.
    Passing {
        /// The pipeline.
        pipeline: &'a str,
        /// The cassette.
        cassette: &'a str,
    },
}

impl See<'_> {
    /// What to type.
    pub(super) fn command(self, sql: &str) -> String {
        let query = query(sql);
        match self {
            Self::Own => query,
            Self::Kept(file) => format!("PLANWRIGHT_WAREHOUSE={} {query}", word(&file.display().to_string())),
            Self::Passing { pipeline, cassette } => {
                let (pipeline, file) = (word(pipeline), word(&format!("DIR/{cassette}.duckdb")));
                format!("planwright test {pipeline} --keep DIR; PLANWRIGHT_WAREHOUSE={file} {query}")
            }
        }
    }
}

fn query(sql: &str) -> String {
    let line: Vec<_> = sql.lines().map(|line| line.split("--").next().unwrap_or_default()).collect();
    let line = line.join(" ").split_whitespace().collect::<Vec<_>>().join(" ");
    format!("planwright query {}", quoted(&line))
}

/// A word, quoted where the shell would read something else in it.
fn word(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    if text.chars().all(plain) { text.to_owned() } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_fits_where_the_rows_lie_and_names_stay_words() {
        let sql = "SELECT a -- why\nFROM t\n  WHERE b = 'x'";
        let query = r"planwright query 'SELECT a FROM t WHERE b = '\''x'\'''";
        assert_eq!(See::Own.command(sql), query);
        let kept = See::Kept(Path::new("/a b/one.duckdb")).command(sql);
        assert_eq!(kept, format!("PLANWRIGHT_WAREHOUSE='/a b/one.duckdb' {query}"));
        let passing = See::Passing { pipeline: "mine", cassette: "$(x)" }.command(sql);
        let expected =
            format!("planwright test mine --keep DIR; PLANWRIGHT_WAREHOUSE='DIR/$(x).duckdb' {query}");
        assert_eq!(passing, expected);
    }
}
