//! The prompts that ship are the prompts there are.

use std::collections::BTreeSet;
use std::path::Path;

use planwright::prompts::{Name, Prompts};
use serde_json::json;

#[test]
fn every_file_is_a_prompt_and_every_prompt_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = Name::ALL.iter().map(|name| name.file().to_owned());
    assert_eq!(files.collect::<BTreeSet<_>>(), names.collect::<BTreeSet<_>>());
}

#[test]
fn a_planner_that_sees_every_file_is_not_told_to_explore() {
    let prompts = Prompts::new(None);
    for whole in [true, false] {
        let values = json!({"test": "make test", "goal": "g", "context": "c", "whole": whole});
        let texts = [Name::Planner, Name::PlannerGoal].map(|name| prompts.render(name, &values).unwrap());
        assert_eq!(texts.each_ref().map(|text| text.contains("Explore")), [!whole; 2], "{texts:?}");
        assert_eq!(texts.each_ref().map(|text| text.contains("Every file of the project")), [whole; 2]);
        assert!(texts[0].contains("\n2. Reason from first principles"), "{}", texts[0]);
    }
}

#[test]
fn no_prompt_is_empty() {
    for name in Name::ALL {
        assert!(name.shipped().trim().len() > 3, "{}", name.file());
    }
}
