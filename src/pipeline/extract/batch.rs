//! Reading the listings of many parents with few questions by GraphQL.
//!
//! A batch of parents is asked about in one question, one connection of each, and the rows of each land as
//! that parent's listing. A connection with more pages is followed by itself. What was too much for the
//! source is asked again in halves: first fewer parents, then fewer items of one. The size that worked is
//! remembered, for a week, because the limits behind it move. One question is under way at a time: GitHub
//! grants GraphQL no more than a second of its time for each second.

use std::collections::VecDeque;

use serde_json::{Value, json};

use super::listing::{Begin, Reading, Stop, broken, fetch};
use super::question::{self, Part, Shape};
use super::{Error, Extraction, Shared};
use crate::pipeline::load::Landing;
use crate::pipeline::outcome::End;
use crate::pipeline::source::{Page, PageRequest, Source, Target, Trouble};
use crate::pipeline::spec::{Graphql, Resource};
use crate::pipeline::store;

/// How long a size is remembered.
const WEEK: jiff::SignedDuration = jiff::SignedDuration::from_hours(7 * 24);

/// How much is asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    batch: usize,
    first: usize,
}

impl Size {
    /// Half of what was asked, for so many parents at once; `None` where there is no less.
    fn half(self, asked: usize) -> Option<Self> {
        match (asked, self.first) {
            (2.., _) => Some(Self { batch: asked / 2, ..self }),
            (_, 2..) => Some(Self { batch: 1, first: self.first / 2 }),
            _ => None,
        }
    }

    fn to_text(self, at: jiff::Timestamp) -> String {
        format!("{} {} {at}", self.batch, self.first)
    }

    /// What was remembered, unless that is long ago.
    fn of_text(text: &str, now: jiff::Timestamp) -> Option<Self> {
        let mut words = text.split(' ');
        let mut size = || words.next()?.parse().ok().filter(|size| *size > 0);
        let (batch, first) = (size()?, size()?);
        let at: jiff::Timestamp = words.next()?.parse().ok()?;
        (now.duration_since(at) < WEEK).then_some(Self { batch, first })
    }
}

/// A listing that waits for its turn.
struct Waiting<'a, S> {
    reading: Reading<'a, S>,
    /// The parent's id.
    id: Value,
    /// Where its connection goes on.
    after: Option<String>,
}

/// The listings of one resource on their way.
struct Batches<'a, S> {
    extraction: &'a Extraction<'a, S>,
    shared: &'a Shared,
    resource: &'a Resource,
    graphql: &'a Graphql,
    waiting: VecDeque<Waiting<'a, S>>,
    size: Size,
    /// Whether the size is less than what is known to work.
    is_new: bool,
    ends: Vec<End>,
    requests: u64,
}

impl<S: Source> Extraction<'_, S> {
    /// Reads listings to their ends; how many requests it took, and how each ended.
    pub(super) async fn batches(
        &self,
        resource: &Resource,
        (graphql, begins): (&Graphql, Vec<Begin>),
        shared: &Shared,
    ) -> Result<(u64, Vec<End>), Error> {
        let waiting = begins.into_iter().map(|begin| {
            let id = begin.parent.vars.get(&graphql.id).cloned().unwrap_or_default();
            Waiting { reading: self.reading(resource, begin, shared), id, after: None }
        });
        let known = store::fact(self.warehouse, &fact(resource))
            .and_then(|text| Size::of_text(&text, self.run.clock.now()));
        let mut batches = Batches {
            extraction: self,
            shared,
            resource,
            graphql,
            waiting: waiting.collect(),
            size: known.unwrap_or(Size { batch: graphql.batch, first: graphql.first }),
            is_new: false,
            ends: Vec::new(),
            requests: 0,
        };
        while !batches.waiting.is_empty() {
            batches.ask().await?;
        }
        Ok((batches.requests, batches.ends))
    }
}

/// The name under which the size of a resource's questions is remembered.
fn fact(resource: &Resource) -> String {
    format!("graphql {}", resource.name)
}

impl<S: Source> Batches<'_, S> {
    /// Asks about the next few.
    async fn ask(&mut self) -> Result<(), Error> {
        let alone = |waiting: &Waiting<'_, S>| waiting.after.is_some();
        let together =
            self.waiting.iter().take(self.size.batch).take_while(|waiting| !alone(waiting)).count();
        let asked = together.max(1);
        self.requests += 1;
        let target = self.question(asked);
        let request = PageRequest { resource: self.resource.name.clone(), target, accept: None, etag: None };
        let answer = match fetch(self.extraction, self.shared, request).await? {
            Ok((page, millis)) => {
                let shape = if self.graphql.connection.is_some() { Shape::Connection } else { Shape::Object };
                question::read(&page.body, (asked, shape)).map(|parts| (parts, millis))
            }
            Err(stop) => Err(stop),
        };
        match answer {
            Ok((parts, millis)) => {
                self.remember()?;
                let share = millis / asked as u64;
                for part in parts {
                    self.land(part, share).await?;
                }
                Ok(())
            }
            Err((Trouble::TooMuch, reason)) => {
                match self.size.half(asked) {
                    Some(half) => (self.size, self.is_new) = (half, true),
                    None => self.stop((Trouble::TooMuch, reason)),
                }
                Ok(())
            }
            Err(stop) => {
                self.stop(stop);
                Ok(())
            }
        }
    }

    /// The question about the first so many that wait.
    fn question(&self, asked: usize) -> Target {
        let some = || self.waiting.iter().take(asked);
        let ids: Vec<_> = some().map(|waiting| &waiting.id).collect();
        let after = self.waiting.front().and_then(|waiting| waiting.after.as_deref());
        let name = self.name(some());
        let variables = match self.graphql.connection {
            Some(_) => json!({"ids": ids, "first": self.size.first, "after": after}),
            None => json!({"ids": ids}),
        };
        Target::Question { name, query: self.graphql.query(), variables }
    }

    fn name<'w>(&self, some: impl Iterator<Item = &'w Waiting<'w, S>>) -> String
    where
        S: 'w,
    {
        let of = self.graphql.name().replacen('_', ".", 1);
        let (mut ids, mut after) = (Vec::new(), String::new());
        for waiting in some {
            ids.push(waiting.id.as_str().unwrap_or_default());
            after = waiting.after.as_ref().map(|after| format!("&after={after}")).unwrap_or_default();
        }
        format!("/graphql?of={of}&ids={}{after}", ids.join(","))
    }

    /// Lands what was said of the first that waits.
    async fn land(&mut self, part: Part, millis: u64) -> Result<(), Error> {
        let Some(mut waiting) = self.waiting.pop_front() else { return Ok(()) };
        let (body, next) = match part {
            Part::Ended(end) => {
                self.ends.push(end);
                return Ok(());
            }
            Part::Page(body, next) => (body, next),
        };
        let asked = Target::Link(self.name(std::iter::once(&waiting)));
        let page = Page { status: 200, body, next, ..Page::default() };
        match waiting.reading.landing(&asked, page, None) {
            Ok((landing, next)) => {
                self.shared.loader.land(Landing { millis, ..landing }).await?;
                match next {
                    Some(next) => {
                        waiting.after = Some(next.to_string());
                        self.waiting.push_back(waiting);
                    }
                    None => self.ends.push(End::Complete),
                }
            }
            Err(unreadable) => {
                let (trouble, reason) = broken(&asked, &unreadable);
                self.ends.push(End::Trouble(trouble, reason));
            }
        }
        Ok(())
    }

    /// Writes down the size that worked, where it is a new one.
    fn remember(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.is_new) {
            let text = self.size.to_text(self.extraction.run.clock.now());
            let name = fact(self.resource);
            self.extraction.warehouse.write(|writer| store::set_fact(writer, &name, &text))?;
        }
        Ok(())
    }

    /// Ends all that wait.
    fn stop(&mut self, (trouble, reason): Stop) {
        let waiting = std::mem::take(&mut self.waiting);
        self.ends.extend(waiting.iter().map(|_| End::Trouble(trouble, reason.clone())));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_go_down_to_one_item_of_one_parent() {
        let mut size = Size { batch: 25, first: 100 };
        let mut sizes = Vec::new();
        while let Some(half) = size.half(size.batch) {
            size = half;
            sizes.push((size.batch, size.first));
        }
        let expected =
            [(12, 100), (6, 100), (3, 100), (1, 100), (1, 50), (1, 25), (1, 12), (1, 6), (1, 3), (1, 1)];
        assert_eq!(sizes, expected);
        let alone = Size { batch: 25, first: 100 }.half(1);
        assert_eq!(alone, Some(Size { batch: 1, first: 50 }), "what was asked counts, not what could be");
    }

    #[test]
    fn a_size_is_remembered_for_a_week() {
        let at: jiff::Timestamp = "2026-11-22T10:00:00Z".parse().unwrap();
        let size = Size { batch: 6, first: 50 };
        assert_eq!(Size::of_text(&size.to_text(at), at), Some(size));
        assert_eq!(Size::of_text(&size.to_text(at), at + WEEK), None);
        for broken in ["", "6", "6 50", "0 50 2026-11-22T10:00:00Z", "x y z"] {
            assert_eq!(Size::of_text(broken, at), None, "{broken}");
        }
    }
}
