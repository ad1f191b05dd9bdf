//! Which repositories a sync gathers, as the pipeline takes it: the starred ones as their names.

use serde::Deserialize;

use super::{Error, Server};
use crate::artifact::{Events, RepoChoice, Repos};
use crate::github::{Client, Terms};
use crate::pipeline::choice::Choice;

/// A repository among those that somebody starred.
#[derive(Debug, Deserialize)]
struct Starred {
    full_name: String,
}

/// What is chosen. The starred ones cost a request for each hundred.
pub(super) async fn choose(
    server: Server<'_>,
    repos: &[RepoChoice],
    events: &Events,
) -> Result<Choice, Error> {
    let says_starred = |said: &RepoChoice| {
        matches!(said, RepoChoice::With(Repos::Starred) | RepoChoice::Without(Repos::Starred))
    };
    let starred = match server {
        Server::Github(client) if repos.iter().any(says_starred) => starred(client, events).await?,
        _ => Vec::new(),
    };
    let (mut names, mut patterns, mut without) = (Vec::new(), Vec::new(), Vec::new());
    for said in repos {
        match said {
            RepoChoice::With(Repos::Named(name)) => names.push(name.to_string()),
            RepoChoice::With(Repos::Like(pattern)) => patterns.push(pattern.clone()),
            RepoChoice::With(Repos::Starred) => names.extend_from_slice(&starred),
            RepoChoice::Without(Repos::Named(name)) => without.push(name.to_string()),
            RepoChoice::Without(Repos::Like(pattern)) => without.push(pattern.clone()),
            RepoChoice::Without(Repos::Starred) => without.extend_from_slice(&starred),
        }
    }
    let narrows = repos.iter().any(|said| matches!(said, RepoChoice::With(_)));
    let choice = if narrows { Choice::only(names, &patterns)? } else { Choice::default() };
    Ok(choice.without(&without)?)
}

/// The names of the repositories that the token's owner starred.
async fn starred(client: &Client, events: &Events) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    let per_page = [("per_page".to_owned(), "100".to_owned())];
    let mut page = client.page("/user/starred", &per_page, Terms::default()).await?;
    let mut requests = 1;
    loop {
        let unreadable = |source| Error::Starred { source };
        let repos: Vec<Starred> = serde_json::from_slice(&page.body).map_err(unreadable)?;
        names.extend(repos.into_iter().map(|repo| repo.full_name));
        let Some(next) = page.next else { break };
        page = client.page_at(&next, Terms::default()).await?;
        requests += 1;
    }
    let (of, to) = (names.len(), requests);
    events.note(format!("{of} starred repositories, found with {to} requests"));
    Ok(names)
}
