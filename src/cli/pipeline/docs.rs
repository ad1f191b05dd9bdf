//! `pipeline docs`: Markdown of what a pipeline's tables and models hold, from the pipeline's own words.

use std::path::{Path, PathBuf};

use super::super::error::Stop;
use super::super::session::Call;
use crate::error::Exit;
use crate::pipeline::data_tests::{self, DataTest};
use crate::pipeline::models::{self, Model};
use crate::pipeline::spec::{ModelKind, Resource};
use crate::pipeline::{Folder, Spec};

/// Write down in Markdown what its tables, columns, models and tests mean
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The pipeline; the one that `sync` runs if none is named
    name: Option<String>,
    /// Write it to this file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Prints or writes the page.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let folder = super::folder(args.name.as_ref(), call).await?;
    let page = page(&folder)?;
    match &args.out {
        Some(out) => {
            let path = call.dir.join(out);
            crate::fs::write(&path, page.as_bytes())?;
            call.screen.mention(format!("wrote {}", path.display()));
        }
        None => call.screen.result(page)?,
    }
    Ok(Exit::Done)
}

fn page(folder: &Folder) -> Result<String, Stop> {
    let spec = Spec::read(folder)?;
    let models = models::plan(folder, &spec)?;
    let tests = data_tests::read(folder, &spec)?;
    let mut page = format!("# {}\n\n{}\n\n## Tables\n", spec.name, spec.description);
    for resource in &spec.resources {
        page.push_str(&table(resource));
    }
    page.push_str("\n## Models\n");
    for model in &models {
        page.push_str(&view(model));
    }
    page.push_str("\n## Tests\n\n");
    page.extend(tests.iter().map(|test| line(folder, test)));
    Ok(page)
}

fn table(resource: &Resource) -> String {
    let mut text = format!("\n### {}\n\n{}.", resource.name, resource.description.trim_end_matches('.'));
    let above = resource.parent.as_ref().map(|parent| format!(", for each row of `{parent}`"));
    let default = if resource.default { "" } else { " It is read when it is chosen." };
    let (path, above) = (&resource.path, above.unwrap_or_default());
    text = text
        + " From `"
        + path
        + "`"
        + &above
        + "; key `"
        + &resource.key.join("`, `")
        + "`."
        + default
        + "\n\n";
    if resource.columns.is_empty() {
        return text + "Its columns follow from the data.\n";
    }
    text.push_str("| column | type | what it is |\n|---|---|---|\n");
    for (own, theirs) in &resource.inherit {
        text = text + "| `" + own + "` | | `" + theirs + "` of the row above |\n";
    }
    for column in &resource.columns {
        let kind = column.kind.sql().to_lowercase();
        text = text + "| `" + &column.name + "` | " + &kind + " | " + &cell(&column.description) + " |\n";
    }
    text
}

fn view(model: &Model) -> String {
    let kind = match model.options.kind {
        ModelKind::View => "A view".to_owned(),
        ModelKind::Table => "A table".to_owned(),
        ModelKind::Incremental => {
            format!("A table that grows, by the key `{}`,", model.options.key.join("`, `"))
        }
    };
    let reads: Vec<_> = model.sources.iter().chain(&model.reads).map(|name| format!("`{name}`")).collect();
    let mut text =
        format!("\n### {}\n\n{}\n\n{kind} of {}.\n", model.name, model.description, reads.join(", "));
    let columns = model.options.columns.iter();
    let rows: Vec<_> = columns.map(|(name, about)| format!("| `{name}` | {} |\n", cell(about))).collect();
    if !rows.is_empty() {
        text = text + "\n| column | what it is |\n|---|---|\n" + &rows.concat();
    }
    text
}

fn line(folder: &Folder, test: &DataTest) -> String {
    let place = Path::new(&test.place);
    let place = place.strip_prefix(&folder.place).unwrap_or(place);
    format!("- {} (`{}`)\n", test.name, place.display())
}

/// Text in a cell of a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").split_whitespace().collect::<Vec<_>>().join(" ")
}
