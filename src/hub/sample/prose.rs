//! What people of the sample account write, ready to stand in JSON: titles of issues, and bodies.

use super::shape::text;
use super::spread::{choice, mix};

const VERBS: [&str; 8] = ["Fix", "Speed up", "Document", "Test", "Simplify", "Retry", "Log", "Split"];
const THINGS: [&str; 10] = [
    "the importer",
    "the cursor of a listing",
    "paging",
    "the loader",
    "the \\\"since\\\" parameter",
    "sign-in",
    "the changelog",
    "the schema of issues",
    "the café menu",
    "the nightly job",
];
const CASES: [&str; 8] = [
    "when a page is empty",
    "on slow networks",
    "for very large accounts",
    "after a restart",
    "on Windows",
    "when two rows share a second",
    "without a token",
    "before the next release",
];

/// Sentences as JSON writes them, with what trips up readers: quotes, line ends, accents, other scripts.
const SENTENCES: [&str; 24] = [
    "I can reproduce this on the latest release with the default settings. ",
    "The second page repeats the last row of the first one.\\n\\n",
    "Here is what the log says: `cursor moved from 41 to 43`. ",
    "It worked before the upgrade, so I suspect the new retry policy. ",
    "\\n- [ ] write a test that fails\\n- [x] find the cause\\n",
    "Thanks for the quick answer! ",
    "We see \\\"connection reset by peer\\\" about once a day, always at night. ",
    "```rust\\nlet rows = table.rows().filter(|row| row.is_new()).count();\\n```\\n",
    "Naïve counting gives 99 instead of 100 — off by one, as usual… ",
    "In my opinion this belongs into a change of its own. ",
    "| column | type |\\n|---|---|\\n| id | bigint |\\n| at | timestamp |\\n\\n",
    "Could you try again with `--verbose` and attach what it prints? ",
    "> The documentation says that the value is optional.\\n\\n",
    "日本語のタイトルでも同じ問題が起きます。 ",
    "The path was `C:\\\\data\\\\import.csv`, with blanks at the end of lines. ",
    "Closing and opening it again helps for a while, then it comes back. ",
    "This is blocked until the schema is settled, see the discussion above. ",
    "Measured on two cores: 41 seconds before, 12 seconds after. 🚀 ",
    "I would rather keep the old name and add an alias. ",
    "Looks good to me apart from the two remarks in the diff. ",
    "Memory stays flat now, even for the account with a million rows. ",
    "As far as I can tell nobody depends on the order of these keys. ",
    "The same happens for repositories that were renamed or moved. ",
    "Let us take this up after the release; nothing is lost until then. ",
];

/// Writes the title of an issue, without quotes.
pub(super) fn title(seed: u64, into: &mut Vec<u8>) {
    for (salt, words) in [(1, VERBS.as_slice()), (2, &THINGS), (3, &CASES)] {
        text(into, words.get(choice(seed ^ (salt << 50), words.len())).unwrap_or(&""));
        text(into, if salt < 3 { " " } else { "" });
    }
}

/// Writes a body of from `least` to `most` sentences, without quotes.
pub(super) fn body(seed: u64, (least, most): (usize, usize), into: &mut Vec<u8>) {
    let mut luck = mix(seed);
    for _ in 0..least + choice(seed ^ (4 << 50), most - least + 1) {
        luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let sentence = (luck >> 33) as usize % SENTENCES.len();
        text(into, SENTENCES.get(sentence).unwrap_or(&""));
    }
}
