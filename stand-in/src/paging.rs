//! Pages of lists, and the `Link` header between them
//! (<https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api>).

use http::header::LINK;

use crate::answer::Answer;

const DEFAULT_SIZE: usize = 30;
const MAX_SIZE: usize = 100;

/// Which part of a list is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page<'a> {
    /// From 1.
    number: usize,
    size: usize,
    /// The other parameters as sent, `per_page` among them.
    others: Vec<&'a str>,
}

impl<'a> Page<'a> {
    /// Reads `page` and `per_page` (30, at most 100); what is no number counts as absent.
    pub(crate) fn parse(query: Option<&'a str>) -> Self {
        let pairs = || {
            query
                .unwrap_or_default()
                .split('&')
                .filter(|pair| !pair.is_empty())
        };
        let number = |name: &str| {
            pairs()
                .filter_map(|pair| pair.split_once('='))
                .find(|(key, _)| *key == name)
                .and_then(|(_, value)| value.parse::<usize>().ok())
                .filter(|number| *number > 0)
        };
        Self {
            number: number("page").unwrap_or(1),
            size: number("per_page").unwrap_or(DEFAULT_SIZE).min(MAX_SIZE),
            others: pairs().filter(|pair| !pair.starts_with("page=")).collect(),
        }
    }

    /// The page's items.
    pub(crate) fn of<T>(&self, all: Vec<T>) -> Vec<T> {
        let before = (self.number - 1).saturating_mul(self.size);
        all.into_iter().skip(before).take(self.size).collect()
    }

    /// Adds `Link` with `prev`, `next`, `last` and `first` as far as there are such pages; without any there is no `Link`.
    pub(crate) fn link(&self, answer: Answer, address: &str, count: usize) -> Answer {
        let last = count.div_ceil(self.size).max(1);
        let mut links = Vec::new();
        let mut link = |number: usize, relation: &str| {
            let page = format!("page={number}");
            let query = [self.others.as_slice(), &[page.as_str()]]
                .concat()
                .join("&");
            links.push(format!("<{address}?{query}>; rel=\"{relation}\""));
        };
        if self.number > 1 {
            link((self.number - 1).min(last), "prev");
        }
        if self.number < last {
            link(self.number + 1, "next");
            link(last, "last");
        }
        if self.number > 1 {
            link(1, "first");
        }
        if links.is_empty() {
            answer
        } else {
            answer.header(LINK, &links.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn a_link_leads_to_every_page_there_is() {
        for (query, expected) in [
            (
                None,
                Some("<u?page=2>; rel=\"next\", <u?page=3>; rel=\"last\""),
            ),
            (
                Some("per_page=40&page=2"),
                Some("<u?per_page=40&page=1>; rel=\"prev\", <u?per_page=40&page=1>; rel=\"first\""),
            ),
            (Some("per_page=100"), None),
            (Some("page=0&per_page=1000"), None),
        ] {
            let page = Page::parse(query);
            let answer = page.link(Answer::empty(StatusCode::OK), "u", 71);
            let link = answer.headers.get(LINK).map(|link| link.to_str().unwrap());
            assert_eq!(link, expected, "{query:?}");
        }
        let of = |query| Page::parse(Some(query)).of((1..=71).collect::<Vec<u32>>());
        assert_eq!(of("").len(), 30);
        assert_eq!(of("page=3"), (61..=71).collect::<Vec<_>>());
        assert!(of("page=4&per_page=30").is_empty());
        assert_eq!(of("per_page=999").len(), 71);
    }
}
