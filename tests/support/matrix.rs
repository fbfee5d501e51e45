//! The fault matrix: each route, in each state of what is known, with each fault. A cell is what the client sees, and
//! what GitHub was asked, before the answer and behind it.

use std::fmt::Write as _;

use super::github::Trouble;
use super::lists::LIST;
use super::module_details::EXACT;
use super::scenario::{Ask, Got, Scenario, StoreKind};
use super::scenarios::{ARCHIVE, DOWNLOAD, MINT, VERSIONS, get, minted, scenario};

/// The cells of one route.
pub struct Table {
    pub name: &'static str,
    pub cells: Vec<Cell>,
}

pub struct Cell {
    pub name: String,
    /// What is asked last is what it is about.
    pub scenario: Scenario,
}

/// What goes wrong when the last request is made.
#[derive(Clone, Copy)]
enum Fault {
    GitHub(Trouble),
    Store(StoreKind),
    /// Seconds by which the clock jumps.
    Clock(i64),
}

const FAULTS: [(&str, Fault); 19] = [
    ("none", Fault::GitHub(Trouble::None)),
    ("down", Fault::GitHub(Trouble::Down)),
    ("5xx", Fault::GitHub(Trouble::Fails)),
    ("401", Fault::GitHub(Trouble::Unauthorized)),
    ("403 permission", Fault::GitHub(Trouble::Forbidden)),
    ("403 page", Fault::GitHub(Trouble::Blocked)),
    ("403 limit", Fault::GitHub(Trouble::Limited)),
    ("429 secondary", Fault::GitHub(Trouble::Secondary)),
    ("404", Fault::GitHub(Trouble::NotFound)),
    ("timeout", Fault::GitHub(Trouble::Slow)),
    ("half body", Fault::GitHub(Trouble::HalfBody)),
    ("HTML", Fault::GitHub(Trouble::Html)),
    ("empty list", Fault::GitHub(Trouble::EmptyList)),
    ("store: no get", Fault::Store(StoreKind::FailsToRead)),
    ("store: no set", Fault::Store(StoreKind::FailsToWrite)),
    ("store: neither", Fault::Store(StoreKind::Fails)),
    ("store: corrupt", Fault::Store(StoreKind::Corrupts)),
    ("clock +10 min", Fault::Clock(600)),
    ("clock -10 min", Fault::Clock(-600)),
];

/// What is known, and how old it is.
const STATES: [(&str, Option<i64>); 4] = [
    ("cold", None),
    ("fresh", Some(1)),
    ("stale", Some(61)),
    ("expired", Some(4000)),
];

pub fn tables() -> Vec<Table> {
    vec![
        table("fault_matrix_versions", VERSIONS, &get(VERSIONS), as_it_is),
        table("fault_matrix_download", DOWNLOAD, &get(VERSIONS), as_it_is),
        table("fault_matrix_archive", ARCHIVE, &get(VERSIONS), as_it_is),
        table(
            "fault_matrix_kept_archive",
            ARCHIVE,
            &get(ARCHIVE),
            as_it_is,
        ),
        table("fault_matrix_list", LIST, &get(LIST), Scenario::listed),
        table(
            "fault_matrix_details",
            EXACT,
            &get(EXACT),
            Scenario::described,
        ),
    ]
}

fn as_it_is(scenario: Scenario) -> Scenario {
    scenario
}

/// `before` is what makes things known.
fn table(
    name: &'static str,
    target: &str,
    before: &Ask,
    prepare: fn(Scenario) -> Scenario,
) -> Table {
    let mut cells = Vec::new();
    for (state, age) in STATES {
        for (fault, what) in FAULTS {
            let mut last = get(target).after(age.unwrap_or(0));
            match what {
                Fault::GitHub(trouble) => last = last.trouble(trouble),
                Fault::Store(store) => last = last.store(store),
                Fault::Clock(seconds) => last.after += seconds,
            }
            let mut requests: Vec<Ask> = age.iter().map(|_| before.clone()).collect();
            requests.push(last);
            let scenario = prepare(scenario(name, requests).variable("repository_names", "{name}"))
                .on(MINT, [minted("ghs_one"), minted("ghs_two")]);
            cells.push(Cell {
                name: format!("{state:<8} {fault:<15}"),
                scenario,
            });
        }
    }
    Table { name, cells }
}

impl Cell {
    /// Writes a cell down: what came of the last request, and what GitHub was asked since the one before.
    pub fn note(&self, lines: &mut String, got: &Got) {
        let calls = self.scenario.github.take_calls();
        let header = |name: &str| {
            let found = got.headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.as_str())
        };
        let what = match got.status {
            _ if got.is_broken => "broken off".to_owned(),
            200 if got.body.starts_with(b"PK") => "the archive".to_owned(),
            200 => {
                let text = String::from_utf8_lossy(&got.body);
                let versions = text.matches("\"version\":\"");
                let unknown = text.matches("\"version\":\"\"");
                format!("{} versions", versions.count() - unknown.count())
            }
            204 => {
                let location = header("x-terraform-get").unwrap_or_default();
                format!(
                    "{} as it was",
                    if location.ends_with(ARCHIVE) {
                        "location"
                    } else {
                        "NOT"
                    }
                )
            }
            _ => String::from_utf8_lossy(&got.body).to_string(),
        };
        let also: Vec<String> = ["retry-after", "x-landfall-warning"]
            .into_iter()
            .filter_map(|name| Some(format!(" [{name}: {}]", header(name)?)))
            .collect();
        let calls: Vec<&str> = calls.iter().map(|call| short(call)).collect();
        writeln!(
            lines,
            "{} {} {what}{} ({})",
            self.name,
            got.status,
            also.concat(),
            calls.join(" ")
        )
        .unwrap();
    }
}

/// What a call is about.
fn short(call: &str) -> &str {
    for (part, word) in [
        (
            "matching-refs/tags",
            if call.ends_with("not changed") {
                "304"
            } else {
                "tags"
            },
        ),
        ("/installation by", "lookup"),
        ("/installation/repositories", "page"),
        ("/git/trees/", "folders"),
        ("/access_tokens", "mint"),
        ("/zipball/", "zipball"),
        ("repos/acme/vpc by", "repository"),
        ("codeload", "codeload"),
    ] {
        if call.contains(part) {
            return word;
        }
    }
    call
}
