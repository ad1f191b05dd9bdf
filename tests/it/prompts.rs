//! The prompts that ship are the prompts there are.

use std::collections::BTreeSet;
use std::path::Path;

use planwright::prompts::Name;

#[test]
fn every_file_is_a_prompt_and_every_prompt_a_file() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
    let files =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = Name::ALL.iter().map(|name| name.file().to_owned());
    assert_eq!(files.collect::<BTreeSet<_>>(), names.collect::<BTreeSet<_>>());
}

#[test]
fn no_prompt_is_empty() {
    for name in Name::ALL {
        assert!(name.shipped().trim().len() > 3, "{}", name.file());
    }
}
