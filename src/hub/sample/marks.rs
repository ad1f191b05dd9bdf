//! What issues are marked with: labels, people, milestones, and what was done to them; and who starred what.

use super::account::Account;
use super::scene::Scene;
use super::spread::mix;

/// A label's name, its name in addresses, its colour, its description.
pub(super) const LABELS: [[&str; 4]; 8] = [
    ["bug", "bug", "d73a4a", "Something is not working as it should"],
    ["dependencies", "dependencies", "0366d6", "What others release, and we take"],
    ["documentation", "documentation", "0075ca", "Improvements or additions to documentation"],
    ["enhancement", "enhancement", "a2eeef", "New feature or request"],
    ["good first issue", "good%20first%20issue", "7057ff", "Good for newcomers"],
    ["help wanted", "help%20wanted", "008672", "Extra attention is needed"],
    ["performance", "performance", "fbca04", "Slower or bigger than it needs to be"],
    ["question", "question", "d876e3", "Further information is requested"],
];

/// Milestones of every repository.
pub(super) const MILESTONES: usize = 3;

/// The labels of an issue: none to three of them.
pub(super) fn labels_of(seed: u64) -> impl Iterator<Item = usize> {
    let count = [0, 1, 1, 1, 2, 2, 2, 3].get((seed >> 8) as usize % 8).copied().unwrap_or(0);
    (0..count).map(move |nth| ((seed >> 16) as usize + 3 * nth) % LABELS.len())
}

/// Who an issue is assigned to: one of six has somebody.
pub(super) fn assigned_of(seed: u64) -> Option<usize> {
    seed.is_multiple_of(6).then(|| Account::author(mix(seed)))
}

/// The milestone of an issue: one of eight has one.
pub(super) const fn milestone_of(nth: usize) -> Option<usize> {
    if nth % 8 == 5 { Some(nth / 8 % MILESTONES) } else { None }
}

/// Open and closed issues in a milestone of a repository.
pub(super) fn in_milestone(account: Account, repo: usize, part: usize) -> (usize, usize) {
    let (step, begin) = (8 * MILESTONES, 8 * part + 5);
    let count = account.deal().held(repo).saturating_sub(begin).div_ceil(step);
    // Five steps come back to the same place among open and closed.
    let open = |times: usize| (0..times).filter(|time| Account::is_open(begin + time * step)).count();
    let open = count / 5 * open(5) + open(count % 5);
    (open, count - open)
}

/// What a person is to the repositories.
pub(super) fn association(user: usize) -> &'static str {
    match user {
        0 => "OWNER",
        1..=3 => "MEMBER",
        4..=9 => "CONTRIBUTOR",
        _ => "NONE",
    }
}

/// Whether the account's owner starred a repository: one of three.
pub(super) const fn is_starred(repo: usize) -> bool {
    repo.is_multiple_of(3)
}

/// When the issue was last touched before any change; closed ones were closed then.
pub(super) fn settled(scene: &Scene<'_>) -> i64 {
    scene.account.settled(scene.account.deal().thing((scene.repo, scene.nth)))
}

/// What was done to an issue, comments left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum What {
    /// It got this label.
    Labeled(usize),
    /// It was assigned to somebody.
    Assigned,
    /// It was closed.
    Closed,
}

impl What {
    /// Things that can be done to one issue: as many as there are labels, and two more.
    pub(super) const MOST: usize = LABELS.len() + 2;

    /// What was done to an issue when it was opened.
    pub(super) fn at_first(scene: &Scene<'_>) -> impl Iterator<Item = Self> + use<> {
        labels_of(scene.seed).map(Self::Labeled).chain(assigned_of(scene.seed).map(|_user| Self::Assigned))
    }

    /// What was done to it at the end.
    pub(super) fn at_last(scene: &Scene<'_>) -> Option<Self> {
        (!scene.is_open()).then_some(Self::Closed)
    }

    /// Its place among all that can be done to an issue.
    pub(super) fn place(self) -> usize {
        match self {
            Self::Labeled(part) => part,
            Self::Assigned => LABELS.len(),
            Self::Closed => LABELS.len() + 1,
        }
    }

    /// The label it is about.
    pub(super) const fn label(self) -> Option<usize> {
        if let Self::Labeled(part) = self { Some(part) } else { None }
    }

    /// As GitHub calls it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Labeled(_) => "labeled",
            Self::Assigned => "assigned",
            Self::Closed => "closed",
        }
    }
}
