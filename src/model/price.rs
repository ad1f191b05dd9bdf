//! What models cost: a dated table that ships, and the one calculation.
//!
//! Prices are US dollars per million tokens as the providers listed them on [`AS_OF`]. The user's
//! additions win over the table. A model that is in neither has no price, and its cost is unknown,
//! never zero. Sources: the providers' price pages, litellm 1.109.1, genai-prices 0.2.3.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;

use super::event::Usage;
use crate::artifact::Usd;
use crate::config::settings::{ModelFacts, Retired};

/// The day the table was made.
pub const AS_OF: &str = "2026-11-22";

/// One line: ids, then input, output, cache write (five minutes), cache read, then tokens of context.
type Line = (&'static [&'static str], [f64; 4], u64);

const CLAUDE: &[Line] = &[
    (&["claude-opus-5-5"], [4.0, 20.0, 5.0, 0.20], 1_000_000),
    (&["claude-sonnet-5-5"], [2.0, 10.0, 2.5, 0.10], 1_000_000),
    (&["claude-haiku-5-5"], [0.10, 0.50, 0.125, 0.01], 1_000_000),
    (&["claude-fable-5-2", "claude-mythos-5-2"], [8.0, 40.0, 10.0, 0.20], 1_000_000),
    (&["claude-fable-5-1", "claude-mythos-5-1"], [10.0, 50.0, 12.5, 0.25], 1_000_000),
    (
        &["claude-opus-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6"],
        [5.0, 25.0, 6.25, 0.50],
        1_000_000,
    ),
    (&["claude-sonnet-5"], [2.0, 10.0, 2.5, 0.20], 1_000_000),
    (&["claude-sonnet-4-6"], [3.0, 15.0, 3.75, 0.30], 1_000_000),
    (&["claude-opus-4-5", "claude-opus-4-5-20251101"], [5.0, 25.0, 6.25, 0.50], 200_000),
    (&["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"], [3.0, 15.0, 3.75, 0.30], 200_000),
    (&["claude-haiku-4-5", "claude-haiku-4-5-20251001"], [1.0, 5.0, 1.25, 0.10], 200_000),
    (
        &["claude-opus-4-1", "claude-opus-4-1-20250805", "claude-opus-4-20250514", "claude-3-opus-20240229"],
        [15.0, 75.0, 18.75, 1.50],
        200_000,
    ),
    (&["claude-sonnet-4-20250514", "claude-3-7-sonnet-20250219"], [3.0, 15.0, 3.75, 0.30], 200_000),
    (&["claude-3-5-haiku-20241022"], [0.80, 4.0, 1.0, 0.08], 200_000),
];

/// The provider lists cache reads for the first of these only; the others count reads as fresh input,
/// an upper bound. Writes to the cache cost 1.25 times the input since generation 5.6.
const GPT: &[Line] = &[
    (&["gpt-6.1-sol"], [2.0, 10.0, 2.5, 0.10], 1_050_000),
    (&["gpt-6.1-terra"], [1.0, 5.0, 1.25, 1.0], 1_050_000),
    (&["gpt-6-astra"], [10.0, 50.0, 12.5, 10.0], 1_050_000),
    (&["gpt-6-luna"], [0.10, 0.50, 0.125, 0.10], 1_050_000),
    (&["gpt-5.4-mini"], [0.75, 4.5, 0.75, 0.75], 1_050_000),
];

/// The prompt size above which GPT models cost double for every input token.
const GPT_ABOVE: u64 = 272_000;

/// Above this prompt size every token of `claude-haiku-5-5` costs five times as much.
const HAIKU_ABOVE: (u64, [f64; 4]) = (100_000, [0.50, 2.50, 0.625, 0.05]);

/// Models whose requests fail from a day on: ids, the day, the model to take instead.
const RETIRED: &[(&[&str], &str, &str)] = &[
    (&["claude-opus-4-1", "claude-opus-4-1-20250805"], "2026-08-05", "claude-opus-5-5"),
    (&["claude-opus-4-20250514"], "2026-06-15", "claude-opus-5-5"),
    (&["claude-sonnet-4-20250514"], "2026-06-15", "claude-sonnet-5-5"),
    (&["claude-3-opus-20240229"], "2026-01-05", "claude-opus-5-5"),
    (&["claude-3-7-sonnet-20250219"], "2026-02-19", "claude-sonnet-5-5"),
    (&["claude-3-5-haiku-20241022"], "2026-02-19", "claude-haiku-5-5"),
    (&["claude-sonnet-4-5", "claude-sonnet-4-5-20250929"], "2026-11-30", "claude-sonnet-5-5"),
];

/// Short names and the models they mean.
pub const ALIASES: &[(&str, &str)] =
    &[("opus", "claude-opus-5-5"), ("sonnet", "claude-sonnet-5-5"), ("haiku", "claude-haiku-5-5")];

/// The shipped table, by model id.
pub fn table() -> BTreeMap<String, ModelFacts> {
    CLAUDE
        .iter()
        .chain(GPT)
        .flat_map(|line| line.0.iter().map(|id| ((*id).to_owned(), facts(id, line))))
        .collect()
}

fn facts(id: &str, (_, [input, output, cache_write, cache_read], context): &Line) -> ModelFacts {
    let tier = match id {
        "claude-haiku-5-5" => Some(HAIKU_ABOVE),
        _ if id.starts_with("gpt-") => {
            Some((GPT_ABOVE, [input * 2.0, *output, cache_write * 2.0, cache_read * 2.0]))
        }
        _ => None,
    };
    let retired = RETIRED.iter().find(|(ids, ..)| ids.contains(&id));
    ModelFacts {
        input: *input,
        output: *output,
        cache_write: *cache_write,
        cache_read: *cache_read,
        context: *context,
        above_tokens: tier.map(|(tokens, _)| tokens),
        above: tier.map(|(_, prices)| prices),
        retired: retired
            .map(|(_, on, successor)| Retired { on: (*on).into(), successor: (*successor).into() }),
    }
}

/// The model that a short name means; any other name means itself.
pub fn resolve(model: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == model).map_or(model, |(_, id)| id)
}

/// What a reply cost.
pub fn cost(facts: &ModelFacts, usage: &Usage) -> Usd {
    let plain = [facts.input, facts.output, facts.cache_write, facts.cache_read];
    let [input, output, cache_write, cache_read] = match (facts.above_tokens, facts.above) {
        (Some(limit), Some(above)) if usage.all_input() > limit => above,
        _ => plain,
    };
    let counted = [
        (usage.input, input),
        (usage.output, output),
        (usage.cache_write, cache_write),
        (usage.cache_read, cache_read),
    ];
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    let millionths: f64 = counted.iter().map(|(tokens, price)| *tokens as f64 * price).sum();
    Usd(millionths / 1e6)
}

/// Whether requests to a model fail at `now`, and what to take instead. A day that does not parse
/// counts as past.
pub fn retired(facts: &ModelFacts, now: Timestamp) -> Option<&Retired> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    facts.retired.as_ref().filter(|retired| retired.on.parse::<Date>().map_or(true, |on| on <= today))
}

/// The known model or short name nearest to `model`, if one is near.
pub(super) fn nearest<'a>(model: &str, known: impl Iterator<Item = &'a String>) -> Option<String> {
    let aliases = ALIASES.iter().map(|(alias, _)| (*alias).to_owned());
    let scored = known.cloned().chain(aliases).map(|id| (strsim::jaro_winkler(model, &id), id));
    scored.filter(|(score, _)| *score >= 0.8).max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, id)| id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(model: &str, usage: [u64; 4], dollars: f64) {
        let [input, output, cache_write, cache_read] = usage;
        let table = table();
        let found = cost(&table[model], &Usage { input, output, cache_write, cache_read });
        assert!((found.0 - dollars).abs() < 1e-9, "{model}: {} is not {dollars}", found.0);
    }

    #[test]
    fn costs_count_every_kind_of_token() {
        check("claude-opus-5-5", [1_000_000, 0, 0, 0], 4.0);
        check("claude-opus-5-5", [1_000, 500, 2_000, 10_000], 0.004 + 0.01 + 0.01 + 0.002);
        check("claude-sonnet-5-5", [0, 1_000_000, 0, 1_000_000], 10.10);
        check("claude-haiku-5-5", [100_000, 0, 0, 0], 0.01);
        check("claude-haiku-5-5", [100_000, 0, 0, 1], 0.050_000_05);
        check("gpt-6.1-sol", [300_000, 1_000, 0, 0], 1.21);
    }

    #[test]
    fn a_model_is_retired_from_its_day_on() {
        let table = table();
        let at = |model: &str, day: &str| {
            let now = format!("{day}T00:00:00Z").parse().unwrap();
            retired(&table[model], now).map(|retired| retired.successor.clone())
        };
        assert_eq!(at("claude-opus-4-1-20250805", "2026-11-22").as_deref(), Some("claude-opus-5-5"));
        assert_eq!(at("claude-sonnet-4-20250514", "2026-11-22").as_deref(), Some("claude-sonnet-5-5"));
        assert_eq!(at("claude-sonnet-4-5", "2026-11-29"), None);
        assert_eq!(at("claude-sonnet-4-5", "2026-11-30").as_deref(), Some("claude-sonnet-5-5"));
        assert_eq!(at("claude-opus-5-5", "2026-11-30"), None);
    }

    #[test]
    fn successors_and_short_names_are_in_the_table() {
        let table = table();
        let successors = RETIRED.iter().map(|(.., successor)| *successor);
        for id in successors.chain(ALIASES.iter().map(|(_, id)| *id)) {
            assert!(table.get(id).is_some_and(|facts| facts.retired.is_none()), "{id}");
        }
    }

    #[test]
    fn the_nearest_model_is_near() {
        let table = table();
        assert_eq!(nearest("claude-opus-5.5", table.keys()).as_deref(), Some("claude-opus-5-5"));
        assert_eq!(nearest("sonet", table.keys()).as_deref(), Some("sonnet"));
        assert_eq!(nearest("qwen3:8b", table.keys()), None);
    }
}
