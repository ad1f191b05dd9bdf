//! `pipeline graph`: what hangs below what, and which model reads what.

use clap::ValueEnum;
use serde_json::json;

use super::super::error::Stop;
use super::super::session::Call;
use crate::error::Exit;
use crate::pipeline::models::{self, Model};
use crate::pipeline::{Folder, Spec};

/// Show resources below their parents, and models with what they read
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The pipeline; the one that `sync` runs if none is named
    name: Option<String>,
    /// The form: tree, mermaid, dot, json
    #[arg(long, value_name = "FORM", default_value = "tree", hide_possible_values = true)]
    format: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    Tree,
    Mermaid,
    Dot,
    Json,
}

/// Prints the graph.
pub(super) async fn run(args: &Args, call: &Call) -> Result<Exit, Stop> {
    let folder = super::folder(args.name.as_ref(), call).await?;
    let graph = Graph::read(&folder)?;
    let form = if call.screen.json { Form::Json } else { args.format };
    call.screen.result(match form {
        Form::Tree => graph.tree(),
        Form::Mermaid => graph.mermaid(),
        Form::Dot => graph.dot(),
        Form::Json => graph.json(),
    })?;
    Ok(Exit::Done)
}

/// What a pipeline is made of.
struct Graph {
    name: String,
    spec: Spec,
    models: Vec<Model>,
}

impl Graph {
    fn read(folder: &Folder) -> Result<Self, Stop> {
        let spec = Spec::read(folder)?;
        let models = models::plan(folder, &spec)?;
        Ok(Self { name: folder.name.clone(), spec, models })
    }

    /// From what to what, and why.
    fn edges(&self) -> Vec<(&str, &str, &'static str)> {
        let below = self
            .spec
            .resources
            .iter()
            .filter_map(|child| Some((child.parent.as_deref()?, child.name.as_str(), "parent")));
        let read = self.models.iter().flat_map(|model| {
            let name = model.name.as_str();
            let sources = model.sources.iter().map(move |source| (source.as_str(), name, "source"));
            sources.chain(model.reads.iter().map(move |read| (read.as_str(), name, "ref")))
        });
        below.chain(read).collect()
    }

    fn tree(&self) -> String {
        let mut text = format!("{}\n", self.name);
        self.branch(None, "", &mut text);
        text.push_str("\nmodels\n");
        for (index, model) in self.models.iter().enumerate() {
            let reads: Vec<&str> = model.sources.iter().chain(&model.reads).map(String::as_str).collect();
            let twig = if index + 1 == self.models.len() { "└─" } else { "├─" };
            text = text + twig + " " + &model.name + " <- " + &reads.join(", ") + "\n";
        }
        text
    }

    fn branch(&self, parent: Option<&str>, before: &str, text: &mut String) {
        let children = self.spec.resources.iter().filter(|child| child.parent.as_deref() == parent);
        let children: Vec<_> = children.collect();
        for (index, child) in children.iter().enumerate() {
            let last = index + 1 == children.len();
            let (twig, deeper) = if last { ("└─", "   ") } else { ("├─", "│  ") };
            *text = std::mem::take(text) + before + twig + " " + &child.name + "\n";
            self.branch(Some(&child.name), &format!("{before}{deeper}"), text);
        }
    }

    fn mermaid(&self) -> String {
        let resources = self.spec.resources.iter().map(|resource| format!("    {0}[({0})]\n", resource.name));
        let models = self.models.iter().map(|model| format!("    {0}[{0}]\n", model.name));
        let edges = self.edges().into_iter().map(|(from, to, _)| format!("    {from} --> {to}\n"));
        format!("graph LR\n{}", resources.chain(models).chain(edges).collect::<String>())
    }

    fn dot(&self) -> String {
        let mut text = format!("digraph \"{}\" {{\n    rankdir=LR;\n", self.name);
        for resource in &self.spec.resources {
            text = text + "    \"" + &resource.name + "\" [shape=cylinder];\n";
        }
        for model in &self.models {
            text = text + "    \"" + &model.name + "\" [shape=box];\n";
        }
        for (from, to, _) in self.edges() {
            text = text + "    \"" + from + "\" -> \"" + to + "\";\n";
        }
        text + "}\n"
    }

    fn json(&self) -> String {
        let resources =
            self.spec.resources.iter().map(|resource| json!({"name": resource.name, "kind": "resource"}));
        let models = self.models.iter().map(|model| json!({"name": model.name, "kind": "model"}));
        let edges =
            self.edges().into_iter().map(|(from, to, kind)| json!({"from": from, "to": to, "kind": kind}));
        let nodes: Vec<_> = resources.chain(models).collect();
        json!({"pipeline": self.name, "nodes": nodes, "edges": edges.collect::<Vec<_>>()}).to_string()
    }
}
