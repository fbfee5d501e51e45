//! The variables that the component reads: from flags, the environment and a file, in this order of precedence.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use crate::StartError;

/// `LANDFALL_VARIABLE_GITHUB_APP_ID` sets `github_app_id`.
const ENVIRONMENT_PREFIX: &str = "LANDFALL_VARIABLE_";

/// Bytes of the longest name that an error repeats.
const LONGEST_NAME: usize = 40;

/// Names with their values. Names follow Spin's rule, so that one configuration fits every host: lower-case letters,
/// digits and single underscores, a letter first. `Debug` prints names alone, since values may be secrets.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Variables(BTreeMap<String, String>);

impl Variables {
    /// These names with these values; of a name that comes twice, the last counts.
    ///
    /// # Errors
    /// When a name breaks the rule.
    pub fn new<N: Into<String>, V: Into<String>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Result<Self, StartError> {
        let mut variables = Self::default();
        for (name, value) in pairs {
            variables.insert(&name.into(), value.into())?;
        }
        Ok(variables)
    }

    /// What a person configured: `flags` (`NAME=VALUE`, the last of a name counts) over `environment`
    /// (`LANDFALL_VARIABLE_<NAME>`) over the TOML `file`.
    ///
    /// # Errors
    /// When a flag has no `=`, a name breaks the rule, a value isn't UTF-8, or the file can't be read or isn't a flat
    /// table of strings, integers, booleans and lists of strings.
    pub fn collect(
        flags: &[String],
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        file: Option<&Path>,
    ) -> Result<Self, StartError> {
        let mut variables = Self::default();
        if let Some(path) = file {
            let shown = path.display();
            let text = std::fs::read_to_string(path).map_err(|error| {
                StartError::Variables(format!("can't read the variables file {shown}: {error}"))
            })?;
            variables.read_toml(&text, &shown.to_string())?;
        }
        for (name, value) in environment {
            variables.read_environment(&name, value)?;
        }
        for flag in flags {
            // Not the flag itself: without its `=` it may be the secret alone.
            let (name, value) = flag.split_once('=').ok_or_else(|| {
                StartError::Variables(
                    "--variable takes NAME=VALUE; the one given has no `=`".to_owned(),
                )
            })?;
            variables.insert(name, value.to_owned())?;
        }
        Ok(variables)
    }

    /// The value of `name`, where one was set. An empty value is a value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// These of them.
    pub(crate) fn only(&self, names: &[&str]) -> Self {
        let kept = self
            .0
            .iter()
            .filter(|(name, _)| names.contains(&name.as_str()));
        Self(
            kept.map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
        )
    }

    /// All of them, and these.
    pub(crate) fn with<const N: usize>(&self, pairs: [(&str, &str); N]) -> Self {
        let mut variables = self.0.clone();
        variables.extend(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())));
        Self(variables)
    }

    /// Every name with its value, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The names that the component does not ask for, each with the one that was probably meant: a misspelt variable would
    /// otherwise be as good as none.
    #[must_use]
    pub fn unknown(&self) -> Vec<(&str, Option<&'static str>)> {
        let unknown = self.0.keys().filter(|name| !KNOWN.contains(&name.as_str()));
        let meant = |name: &str| {
            let similar = KNOWN
                .iter()
                .map(|known| (strsim::jaro_winkler(name, known), *known));
            let best = similar.max_by(|a, b| a.0.total_cmp(&b.0));
            best.filter(|(similarity, _)| *similarity > 0.85)
                .map(|(_, known)| known)
        };
        unknown.map(|name| (name.as_str(), meant(name))).collect()
    }

    fn insert(&mut self, name: &str, value: String) -> Result<(), StartError> {
        if !is_name(name) {
            // What is longer than any name is a value without one, perhaps a secret in base64.
            let shown = if name.len() <= LONGEST_NAME {
                format!("`{name}`")
            } else {
                "what is before `=`".to_owned()
            };
            let mend = mended(name).filter(|_| name.len() <= LONGEST_NAME);
            return Err(StartError::Variables(format!(
                "{shown} can't be a variable's name: names are lower-case letters, digits and single underscores, \
                 a letter first{}",
                mend.map_or_else(String::new, |mend| format!("; write `{mend}`"))
            )));
        }
        self.0.insert(name.to_owned(), value);
        Ok(())
    }

    fn read_environment(&mut self, name: &OsString, value: OsString) -> Result<(), StartError> {
        let Some(rest) = name
            .to_str()
            .and_then(|name| name.strip_prefix(ENVIRONMENT_PREFIX))
        else {
            return Ok(());
        };
        if rest.chars().any(|c| c.is_ascii_lowercase()) {
            return Err(StartError::Variables(format!(
                "the environment variable {ENVIRONMENT_PREFIX}{rest} must be in upper case: write {ENVIRONMENT_PREFIX}{}",
                rest.to_ascii_uppercase()
            )));
        }
        let value = value.into_string().map_err(|_| {
            StartError::Variables(format!(
                "the value of the environment variable {ENVIRONMENT_PREFIX}{rest} isn't UTF-8"
            ))
        })?;
        self.insert(&rest.to_ascii_lowercase(), value)
    }

    fn read_toml(&mut self, text: &str, path: &str) -> Result<(), StartError> {
        // `message` and a line number: the error's own text quotes the line, which may hold a secret.
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
            let before = error
                .span()
                .and_then(|span| text.get(..span.start))
                .unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            StartError::Variables(format!(
                "the variables file {path} isn't TOML, line {line}: {}; text of several lines stands between \"\"\"",
                error.message()
            ))
        })?;
        for (name, value) in table {
            let value = toml_value(value).ok_or_else(|| {
                StartError::Variables(format!(
                    "`{name}` in the variables file {path} must be a string, an integer, true, false or a list of strings"
                ))
            })?;
            self.insert(&name, value)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

pub(crate) fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && !name.contains("__")
        && !name.ends_with('_')
}

/// The name that was probably meant.
fn mended(name: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase().replace(['-', '.', ' '], "_");
    let words: Vec<&str> = lower.split('_').filter(|word| !word.is_empty()).collect();
    Some(words.join("_")).filter(|mended| is_name(mended))
}

fn toml_value(value: toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(truth) => Some(truth.to_string()),
        toml::Value::Array(items) => {
            let items: Option<Vec<String>> = items
                .into_iter()
                .map(|item| match item {
                    toml::Value::String(text) => Some(text),
                    _ => None,
                })
                .collect();
            Some(items?.join("\n"))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// What the component asks for, as in `docs/configuration.md` and `spin.toml`.
const KNOWN: [&str; 29] = [
    "allowed_owners",
    "anonymous_read",
    "archive_cache_bytes",
    "archive_cache_entries",
    "base_url",
    "cache_error_seconds",
    "cache_fresh_seconds",
    "cache_negative_seconds",
    "cache_stale_seconds",
    "catalogue_repository",
    "direct_download",
    "github_api_url",
    "github_app_id",
    "github_archive_hosts",
    "github_installation_id",
    "github_private_key",
    "github_reserve_percent",
    "github_token",
    "max_archive_bytes",
    "modules",
    "moved_tags",
    "oidc_audience",
    "oidc_issuers",
    "oidc_rules",
    "repository_names",
    "tokens",
    "url_signing_key",
    "url_signing_key_previous",
    "webhook_secret",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(pairs: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        pairs
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn file(text: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), text).unwrap();
        file
    }

    fn refusal(result: Result<Variables, StartError>) -> String {
        result.unwrap_err().to_string()
    }

    #[test]
    fn the_known_variables_are_those_of_the_spin_manifest_and_of_the_documentation() {
        let manifest: toml::Table = include_str!("../../spin.toml").parse().unwrap();
        let declared: Vec<&str> = manifest["variables"]
            .as_table()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        assert_eq!(declared, KNOWN);
        let documentation = include_str!("../../docs/configuration.md");
        for name in KNOWN {
            assert!(documentation.contains(&format!("| `{name}` |")), "{name}");
        }
    }

    #[test]
    fn a_misspelt_variable_is_told_apart() {
        let pairs = [
            ("anonymous_reads", "x"),
            ("baseurl", "x"),
            ("base_url", "x"),
            ("colour", "x"),
        ];
        let variables = Variables::new(pairs).unwrap();
        let meant = [
            ("anonymous_reads", Some("anonymous_read")),
            ("baseurl", Some("base_url")),
            ("colour", None),
        ];
        assert_eq!(variables.unknown(), meant);
    }

    #[test]
    fn a_flag_beats_the_environment_and_the_environment_beats_the_file() {
        let file = file("a = 'file'\nb = 'file'\nc = 'file'\n");
        let environment = environment(&[
            ("LANDFALL_VARIABLE_A", "env"),
            ("LANDFALL_VARIABLE_B", "env"),
            ("PATH", "/bin"),
        ]);
        let flags = ["a=first".to_owned(), "a=flag=with=equals".to_owned()];
        let variables = Variables::collect(&flags, environment, Some(file.path())).unwrap();
        let pairs: Vec<_> = variables.iter().collect();
        assert_eq!(
            pairs,
            [("a", "flag=with=equals"), ("b", "env"), ("c", "file")]
        );
    }

    #[test]
    fn names_are_spins() {
        for name in ["a", "github_app_id", "oidc2_issuer", "a_1"] {
            assert!(is_name(name), "{name}");
        }
        for name in ["", "_a", "a_", "a__b", "A", "1a", "a-b", "ä", "a b"] {
            assert!(!is_name(name), "{name}");
        }
    }

    #[test]
    fn a_bad_name_is_refused_with_the_mend() {
        let error = refusal(Variables::new([("GitHub-App__ID", "1")]));
        assert!(error.ends_with("; write `github_app_id`"), "{error}");
        let error = refusal(Variables::collect(
            &[],
            environment(&[("LANDFALL_VARIABLE_base_url", "x")]),
            None,
        ));
        assert!(
            error.ends_with("write LANDFALL_VARIABLE_BASE_URL"),
            "{error}"
        );
    }

    #[test]
    fn a_flag_without_a_value_is_refused_and_not_repeated() {
        let error = refusal(Variables::collect(&["ghp_secret".to_owned()], [], None));
        assert!(
            error.contains("NAME=VALUE") && !error.contains("ghp_secret"),
            "{error}"
        );
        let key = format!("{}==", "LS0tLS1CRUdJTi".repeat(9));
        let error = refusal(Variables::collect(&[key], [], None));
        assert!(!error.to_ascii_lowercase().contains("ls0t"), "{error}");
    }

    #[test]
    fn a_file_holds_strings_integers_booleans_and_lists_of_strings() {
        let file =
            file("id = 7\nopen = true\nowners = ['acme', 'umbrella']\nkey = '''\nline\n'''\n");
        let variables = Variables::collect(&[], [], Some(file.path())).unwrap();
        let pairs: Vec<_> = variables.iter().collect();
        assert_eq!(
            pairs,
            [
                ("id", "7"),
                ("key", "line\n"),
                ("open", "true"),
                ("owners", "acme\numbrella")
            ]
        );
    }

    #[test]
    fn a_bad_file_is_refused_by_name_and_line_without_its_values() {
        for text in ["a = 1.5", "a = [1]", "a = {b = 'c'}", "[a]\nb = 'c'"] {
            let error = refusal(Variables::collect(&[], [], Some(file(text).path())));
            assert!(error.contains("`a`"), "{error}");
        }
        let error = refusal(Variables::collect(
            &[],
            [],
            Some(file("a = 'x'\nkey = hidden'\n").path()),
        ));
        assert!(
            error.contains("line 2") && !error.contains("hidden"),
            "{error}"
        );
        let error = refusal(Variables::collect(
            &[],
            [],
            Some(Path::new("/nowhere/v.toml")),
        ));
        assert!(error.contains("/nowhere/v.toml"), "{error}");
    }

    #[test]
    fn debug_prints_no_value() {
        let variables = Variables::new([("github_token", "secret")]).unwrap();
        assert_eq!(format!("{variables:?}"), r#"{"github_token"}"#);
    }
}
