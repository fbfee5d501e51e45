//! Patterns of paths.

/// `*` stands for any run of characters.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(text) = text.strip_prefix(start) else {
        return false;
    };
    // The shortest match of every middle part leaves the most for those after it.
    let mut text = text;
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some((_, after)) = text.split_once(part) else {
            return false;
        };
        text = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_in_a_fault_s_path_stands_for_any_run_of_characters() {
        for (pattern, path, expected) in [
            ("*", "/anything", true),
            ("/repos/a/b", "/repos/a/b", true),
            ("/repos/a/b", "/repos/a/b/c", false),
            (
                "/repos/*/zipball/*",
                "/repos/a/b/zipball/refs/tags/v1",
                true,
            ),
            ("/repos/*/zipball/*", "/repos/a/b/git/tags/x", false),
            ("*/installation", "/orgs/acme/installation", true),
            ("*/installation", "/orgs/acme/installations", false),
            ("/a*b*b", "/ab", false),
        ] {
            assert_eq!(glob(pattern, path), expected, "{pattern} on {path}");
        }
    }
}
