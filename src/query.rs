//! What a list of modules is asked for: the query of its address, and what it makes of all modules.
//!
//! The names are those of the public registry: <https://developer.hashicorp.com/terraform/registry/api-docs>.

use std::cmp::Reverse;

use url::form_urlencoded;

use crate::error::Error;
use crate::module::Namespace;
use crate::registry::index::Summary;
use crate::route::ListRoute;

/// The query of a list or a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// `q`: each of these has to be somewhere in a module; in lower case, as far as they are ASCII: tables for all of Unicode would be
    /// a hundredth of the component.
    words: Vec<String>,
    /// `namespace`
    namespace: Option<String>,
    /// `provider`: what a module's system is.
    provider: Option<String>,
    /// `verified`: nothing is, here.
    verified: bool,
    /// `offset`
    pub offset: usize,
    /// `limit`: 1 to 100.
    pub limit: usize,
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The modules of the page.
    pub modules: Vec<Summary>,
    /// Where it begins, and how many modules it may have.
    pub offset: usize,
    /// See there.
    pub limit: usize,
    /// Where the next one begins, if there is one, and its path and query.
    pub next: Option<(usize, String)>,
    /// The same of the one before.
    pub previous: Option<(usize, String)>,
}

impl Query {
    /// Reads the query of a request target. What is not known is left alone.
    ///
    /// # Errors
    /// [`Error::BadRequest`] for numbers that are none, and a search for nothing.
    pub fn parse(target: &str, route: &ListRoute) -> Result<Self, Error> {
        let mut query = Self {
            words: Vec::new(),
            namespace: None,
            provider: None,
            verified: false,
            offset: 0,
            limit: DEFAULT_LIMIT,
        };
        let text = target.split_once('?').map_or("", |it| it.1);
        for (name, value) in form_urlencoded::parse(text.as_bytes()).take(MAX_PARAMETERS) {
            match &*name {
                "q" => {
                    // Some clients put it in quotes.
                    let words = value.to_ascii_lowercase();
                    let words = words.split(|it: char| it.is_whitespace() || "'\"".contains(it));
                    let words = words.filter(|word| !word.is_empty());
                    query.words.extend(words.map(str::to_owned));
                    query.words.truncate(MAX_WORDS);
                }
                "namespace" => query.namespace = Some(value.into_owned()),
                "provider" => query.provider = Some(value.into_owned()),
                "verified" => query.verified = matches!(&*value, "true" | "1"),
                "offset" => {
                    let offset = value.parse().ok();
                    query.offset = offset.ok_or(Error::BadRequest(BAD_OFFSET))?;
                }
                "limit" => {
                    let limit = value.parse().ok().filter(|it| *it > 0);
                    let limit: usize = limit.ok_or(Error::BadRequest(BAD_LIMIT))?;
                    query.limit = limit.min(MAX_LIMIT);
                }
                _ => {}
            }
        }
        if *route == ListRoute::Search && query.words.is_empty() {
            return Err(Error::BadRequest(NO_WORDS));
        }
        Ok(query)
    }

    /// The page of those `modules` that it is for; of a search, what fits best goes first.
    #[must_use]
    pub fn page(&self, route: &ListRoute, modules: Vec<Summary>) -> Page {
        let is_searched = *route == ListRoute::Search;
        let mut found: Vec<(usize, Summary)> = modules
            .into_iter()
            .filter(|module| self.is_for(route, module))
            .filter_map(|module| {
                let score = if is_searched { self.score(&module)? } else { 0 };
                Some((score, module))
            })
            .collect();
        found.sort_by_key(|(score, _)| Reverse(*score));
        let count = found.len();
        let modules = found.into_iter().skip(self.offset).take(self.limit);
        let modules: Vec<Summary> = modules.map(|it| it.1).collect();
        let end = self.offset.saturating_add(self.limit);
        let other = |offset: usize| (offset, self.address(route, offset));
        Page {
            modules,
            offset: self.offset,
            limit: self.limit,
            next: (end < count).then(|| other(end)),
            previous: (self.offset > 0).then(|| other(self.offset.saturating_sub(self.limit))),
        }
    }

    fn is_for(&self, route: &ListRoute, module: &Summary) -> bool {
        let address = &module.address;
        let is_in = |namespace: &Namespace| *namespace == address.namespace;
        let is_of_route = match route {
            ListRoute::All | ListRoute::Search => true,
            ListRoute::Namespace(namespace) => is_in(namespace),
            ListRoute::Systems(namespace, name) => is_in(namespace) && *name == address.name,
        };
        let is_same = |wanted: &Option<String>, text: &str| {
            let mut wanted = wanted.iter();
            wanted.all(|it| it.eq_ignore_ascii_case(text))
        };
        is_of_route
            && !self.verified
            && is_same(&self.namespace, address.namespace.as_str())
            && is_same(&self.provider, address.system.as_str())
    }

    /// How well a module fits: each word counts for the best place that it is found in; `None` where one is nowhere.
    fn score(&self, module: &Summary) -> Option<usize> {
        let lower = |text: &str| text.to_ascii_lowercase();
        let address = &module.address;
        let name = lower(address.name.as_str());
        let (namespace, system) = (
            lower(address.namespace.as_str()),
            lower(address.system.as_str()),
        );
        let full = format!("{namespace}/{name}/{system}");
        let description = lower(&module.description);
        let score = |word: &String| {
            let is_topic = |topic: &String| topic.eq_ignore_ascii_case(word);
            let places = [
                (name == *word, 6),
                (name.starts_with(word), 5),
                (name.contains(word), 4),
                (system == *word || namespace == *word, 3),
                (module.topics.iter().any(is_topic), 3),
                (full.contains(word), 2),
                (description.contains(word), 1),
            ];
            places.iter().find(|(is_there, _)| *is_there).map(|it| it.1)
        };
        self.words.iter().map(score).sum()
    }

    fn address(&self, route: &ListRoute, offset: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &self.limit.to_string());
        query.append_pair("offset", &offset.to_string());
        if !self.words.is_empty() {
            query.append_pair("q", &self.words.join(" "));
        }
        for (name, value) in [("namespace", &self.namespace), ("provider", &self.provider)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        format!("{}?{}", route.path(), query.finish())
    }
}

const DEFAULT_LIMIT: usize = 15;
const MAX_LIMIT: usize = 100;
/// Each is looked for in every module.
const MAX_WORDS: usize = 10;
const MAX_PARAMETERS: usize = 20;
const BAD_OFFSET: &str = "`offset` is no number";
const BAD_LIMIT: &str = "`limit` is no number from 1 to 100";
const NO_WORDS: &str = "a search needs words: write e.g. `?q=network`";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::module::{ModuleAddress, Name};

    fn module(address: &str, description: &str) -> Summary {
        let parts: Vec<&str> = address.split('/').collect();
        let address = ModuleAddress::parse(parts[0], parts[1], parts[2]).unwrap();
        Summary {
            owner: address.namespace.clone(),
            address,
            source: String::new(),
            version: None,
            description: description.to_owned(),
            topics: vec!["tagged".to_owned()],
            pushed_at: String::new(),
            deprecation: None,
        }
    }

    #[test]
    fn a_page_is_what_was_asked_for() {
        let namespace = |text: &str| Namespace::parse(text).unwrap();
        let systems = ListRoute::Systems(namespace("ACME"), Name::parse("Network").unwrap());
        let (all, search) = (ListRoute::All, ListRoute::Search);
        for (route, query, expected, next, previous) in [
            (
                &all,
                "",
                "dns-aws network-aws network-google private-network-aws uber-aws",
                None,
                None,
            ),
            (
                &all,
                "?limit=2",
                "dns-aws network-aws",
                Some("/v1/modules?limit=2&offset=2"),
                None,
            ),
            (
                &all,
                "?limit=2&offset=1&provider=AWS&x=y",
                "network-aws private-network-aws",
                Some("/v1/modules?limit=2&offset=3&provider=AWS"),
                Some("/v1/modules?limit=2&offset=0&provider=AWS"),
            ),
            (
                &all,
                "?limit=1000&offset=5",
                "",
                None,
                Some("/v1/modules?limit=100&offset=0"),
            ),
            (&all, "?verified=true", "", None, None),
            (
                &all,
                "?verified=false&namespace=labs",
                "uber-aws",
                None,
                None,
            ),
            (
                &ListRoute::Namespace(namespace("labs")),
                "",
                "uber-aws",
                None,
                None,
            ),
            (&ListRoute::Namespace(namespace("none")), "", "", None, None),
            (&systems, "", "network-aws network-google", None, None),
            (
                &search,
                "?q=network",
                "network-aws network-google private-network-aws dns-aws",
                None,
                None,
            ),
            (
                &search,
                "?q=%27NETWORK%27+aws",
                "network-aws private-network-aws dns-aws",
                None,
                None,
            ),
            (&search, "?q=GR%C3%B6%C3%9Fe", "uber-aws", None, None),
            (&search, "?q=acme/dns", "dns-aws", None, None),
            (
                &search,
                "?q=tagged&limit=1",
                "dns-aws",
                Some("/v1/modules/search?limit=1&offset=1&q=tagged"),
                None,
            ),
            (&search, "?q=tagged+nothing", "", None, None),
        ] {
            let modules = vec![
                module("acme/dns/aws", "Zones and records of a network"),
                module("acme/network/aws", "VPC, subnets"),
                module("acme/network/google", ""),
                module("acme/private-network/aws", ""),
                module("labs/uber/aws", "Gr\u{f6}\u{df}e"),
            ];
            let target = format!("/{query}");
            let page = Query::parse(&target, route).unwrap().page(route, modules);
            let name = |it: &Summary| format!("{}-{}", it.address.name, it.address.system);
            let names: Vec<String> = page.modules.iter().map(name).collect();
            assert_eq!(names.join(" "), expected, "{route:?} {query}");
            let url = |it: &Option<(usize, String)>| it.as_ref().map(|it| it.1.clone());
            assert_eq!(url(&page.next).as_deref(), next, "{query}");
            assert_eq!(url(&page.previous).as_deref(), previous, "{query}");
        }
    }

    #[test]
    fn what_is_no_query_is_said() {
        for (query, problem) in [
            ("?limit=0&q=x", BAD_LIMIT),
            ("?limit=-1&q=x", BAD_LIMIT),
            ("?limit=ten&q=x", BAD_LIMIT),
            ("?offset=99999999999999999999999&q=x", BAD_OFFSET),
            ("", NO_WORDS),
            ("?q=%20", NO_WORDS),
        ] {
            let parsed = Query::parse(&format!("/{query}"), &ListRoute::Search);
            assert_eq!(parsed, Err(Error::BadRequest(problem)), "{query}");
        }
    }
}
