//! The text of `tokens` and `oidc_rules`: entries of words.

/// The entries of `text`: one a line or separated by `;`, each of words with white space between them. A line that begins with `#` is a
/// comment. A value with blanks or a semicolon stands in double quotes. A `\n` in two characters ends a line as well:
/// some secret stores write it so.
///
/// # Errors
/// The number of the entry, from 1, that has a quote without its other.
pub fn entries(text: &str) -> Result<Vec<Vec<String>>, usize> {
    let mut entries = Vec::new();
    for line in text.replace("\\n", "\n").lines() {
        if line.trim_start().starts_with('#') {
            continue;
        }
        let (mut words, mut word, mut is_quoted) = (Vec::new(), String::new(), false);
        // The last one ends what the line ends.
        for c in line.chars().chain([';']) {
            match c {
                '"' => is_quoted = !is_quoted,
                c if is_quoted => word.push(c),
                c if c == ';' || c.is_whitespace() => {
                    if !word.is_empty() {
                        words.push(std::mem::take(&mut word));
                    }
                    if c == ';' && !words.is_empty() {
                        entries.push(std::mem::take(&mut words));
                    }
                }
                c => word.push(c),
            }
        }
        if is_quoted {
            return Err(entries.len() + 1);
        }
    }
    Ok(entries)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_lines_or_parts_of_one() {
        for (text, expected) in [
            ("", vec![]),
            (" ; ;\n\n", vec![]),
            ("a b", vec![vec!["a", "b"]]),
            ("a  b;c\td ", vec![vec!["a", "b"], vec!["c", "d"]]),
            (
                "a\r\nb\n# c d\n  # e;f\ng",
                vec![vec!["a"], vec!["b"], vec!["g"]],
            ),
            ("a\\nb c", vec![vec!["a"], vec!["b", "c"]]),
            ("a=\"x y; z\" b;c", vec![vec!["a=x y; z", "b"], vec!["c"]]),
            ("a=b#c", vec![vec!["a=b#c"]]),
        ] {
            assert_eq!(entries(text).unwrap(), expected, "{text:?}");
        }
        assert_eq!(entries("a;b \"c\nd\""), Err(2));
    }
}
