//! How many tokens a text will cost, estimated without a tokenizer.
//!
//! Budgets must hold for every provider, so the estimate leans to the high side: 3.5 bytes a token for
//! ASCII (code is denser than prose), one token for every other character.

/// Estimates the tokens of a text. Zero only for an empty text.
pub fn estimate(text: &str) -> u64 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let other = text.chars().count().saturating_sub(ascii);
    let tokens = (ascii * 2).div_ceil(7) + other;
    tokens as u64
}

/// The longest start of `text`, in whole lines, that fits into `budget` tokens.
pub fn head(text: &str, budget: u64) -> &str {
    let mut used = 0;
    let mut end = 0;
    for line in text.split_inclusive('\n') {
        used += estimate(line);
        if used > budget {
            break;
        }
        end += line.len();
    }
    text.get(..end).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimates_lean_high_and_heads_are_whole_lines() {
        assert_eq!(estimate(""), 0);
        assert_eq!(estimate("x"), 1);
        assert_eq!(estimate("fn main() {}"), 4);
        assert_eq!(estimate("数据管道"), 4);
        assert_eq!(head("one\ntwo\nthree\n", 4), "one\ntwo\n");
        assert_eq!(head("a very long line without end", 2), "");
    }
}
