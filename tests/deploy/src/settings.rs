//! Variables, as the component reads them.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use http::{Request, Response};
use landfall::config::Config;
use landfall::host::{Host, HostError, Limits, Source};

/// Variables, and nothing else of a host.
pub(crate) struct Settings(pub(crate) BTreeMap<String, String>);

impl Settings {
    /// Lines of `name=value`; those that begin with `#` are comments.
    pub(crate) fn of_lines(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
        let pairs = lines.map(|line| {
            let (name, value) = line
                .split_once('=')
                .unwrap_or_else(|| panic!("`{line}` has no `=`"));
            (name.to_owned(), value.to_owned())
        });
        Self(pairs.collect())
    }

    /// TOML with one text for each name, which is what programs that know nothing of Landfall take.
    pub(crate) fn of_toml(text: &str) -> Self {
        let table: toml::Table = text.parse().unwrap();
        let pairs = table.into_iter().map(|(name, value)| {
            let value = value
                .as_str()
                .unwrap_or_else(|| panic!("`{name}` is no text"));
            (name, value.to_owned())
        });
        Self(pairs.collect())
    }

    /// With what only the one who runs it has: the App's key, and a token.
    pub(crate) fn with_secrets(mut self) -> Self {
        let key = crate::documents::file("stand-in/test-only-app-key.pem");
        self.0.insert("github_private_key".to_owned(), key);
        let token = format!("ci sha256:{}", "0123456789abcdef".repeat(4));
        self.0.insert("tokens".to_owned(), token);
        self
    }

    /// What the component makes of it, or what it finds wrong.
    pub(crate) fn load(&self) -> Config {
        Config::load(self).unwrap_or_else(|problems| panic!("\n{}", problems.join("\n")))
    }
}

impl Host for Settings {
    type Source = Nothing;

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    async fn sleep(&self, _: Duration) {}

    fn random(&self, _: &mut [u8]) {}

    fn variable(&self, name: &str) -> Result<Option<String>, HostError> {
        Ok(self.0.get(name).cloned())
    }

    fn get(&self, _: &str) -> Option<Vec<u8>> {
        None
    }

    fn set(&self, _: &str, _: &[u8]) {}

    async fn send(&self, _: Request<Vec<u8>>, _: Limits) -> Result<Response<Nothing>, HostError> {
        panic!("a configuration is read without a request");
    }

    fn log(&self, _: &str) {}
}

/// A body that never comes.
pub(crate) struct Nothing;

impl Source for Nothing {
    async fn read(&mut self, _: usize) -> Result<Vec<u8>, HostError> {
        Ok(Vec::new())
    }

    fn wait_at_most(&mut self, _: Duration) {}

    async fn skip(&mut self, _: u64) -> Result<u64, HostError> {
        Ok(0)
    }
}
