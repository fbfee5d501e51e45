//! What a request is a part of: `traceparent`, as W3C has it, and all that is none.

use super::scenario::{Ask, Scenario};
use super::scenarios::{ARCHIVE, COMMIT, DOWNLOAD, TAGS, VERSIONS, get, scenario, tags};

const ID: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const SPAN: &str = "00f067aa0ba902b7";
const OTHER_ID: &str = "0af7651916cd43dd8448eb211c80319c";
const OTHER_SPAN: &str = "b7ad6b7169203331";

/// A trace and its span, where the request has one that counts.
pub fn of(ask: &Ask) -> Option<(&'static str, &'static str)> {
    let mut sent = ask.headers.iter().filter(|it| it.0 == "traceparent");
    let value = &sent.next()?.1;
    let is_good = sent.next().is_none() && good().contains(value);
    is_good.then(|| {
        if value.contains(ID) {
            (ID, SPAN)
        } else {
            (OTHER_ID, OTHER_SPAN)
        }
    })
}

pub fn all() -> Vec<Scenario> {
    let list = |versions: &[&'static str]| {
        let versions: Vec<_> = versions.iter().map(|it| (*it, "commit", COMMIT)).collect();
        tags(&versions)
    };
    let [first, second, ..] = good();
    let asks = |values: Vec<String>| values.into_iter().map(|it| part_of(get(VERSIONS), &it));
    vec![
        // Of the calls before an answer and behind it, and of none after that.
        scenario(
            "a_trace_is_in_every_line_that_it_is_the_cause_of",
            [
                part_of(get(VERSIONS), &first),
                part_of(get(VERSIONS), &second).after(61),
                get(VERSIONS).after(61),
                part_of(get(DOWNLOAD), &second),
                part_of(get(ARCHIVE), &first),
            ],
        )
        .variable("repository_names", "{name}")
        .on(TAGS, [list(&["v1.2.0"]), list(&["v1.2.0", "v1.3.0"])]),
        scenario("every_good_traceparent_counts", asks(good().to_vec())),
        scenario("no_other_traceparent_counts", asks(bad())),
        scenario(
            "two_traceparents_are_none",
            [part_of(part_of(get(VERSIONS), &first), &second)],
        ),
    ]
}

/// A request with a `traceparent`. It is written down without it: a proxy may shorten what is long.
fn part_of(ask: Ask, traceparent: &str) -> Ask {
    let mut ask = ask;
    ask.headers.push(("traceparent", traceparent.to_owned()));
    let label: String = traceparent.chars().take(80).collect();
    Ask {
        label: Some(format!("traceparent {label}")),
        ..ask
    }
}

fn good() -> [String; 6] {
    [
        format!("00-{ID}-{SPAN}-01"),
        format!("00-{OTHER_ID}-{OTHER_SPAN}-00"),
        format!("00-{ID}-{SPAN}-ff"),
        format!("01-{ID}-{SPAN}-01"),
        format!("cc-{ID}-{SPAN}-01-what-the-future-will-be-like"),
        format!("fe-{ID}-{SPAN}-01-"),
    ]
}

fn bad() -> Vec<String> {
    vec![
        "00".to_owned(),
        "none".to_owned(),
        format!("00-{ID}-{SPAN}"),
        format!("00-{ID}-{SPAN}-"),
        format!("00-{ID}-{SPAN}-1"),
        format!("00-{ID}-{SPAN}-001"),
        format!("00-{ID}-{SPAN}-0A"),
        format!("00-{ID}-{SPAN}-.1"),
        format!("00-{ID}-{SPAN}-01-"),
        format!("00-{ID}-{SPAN}-01-more"),
        format!("00-{ID}-{SPAN}-01."),
        format!("cc-{ID}-{SPAN}-01.what-the-future-will-not-be-like"),
        format!("cc-{ID}-{SPAN}-011"),
        format!("ff-{ID}-{SPAN}-01"),
        format!("FF-{ID}-{SPAN}-01"),
        format!("0-{ID}-{SPAN}-011"),
        format!("000-{ID}-{SPAN}-1"),
        format!(".0-{ID}-{SPAN}-01"),
        format!("00-{}-{SPAN}-01", "0".repeat(32)),
        format!("00-{ID}-{}-01", "0".repeat(16)),
        format!("00-{}-{SPAN}-01", ID.to_uppercase()),
        format!("00-{ID}-{}-01", SPAN.to_uppercase()),
        format!("00-{}-{SPAN}-01", ID.replace('4', "g")),
        format!("00-{ID}0-{}-01", &SPAN[1..]),
        format!("00-{}-{SPAN}0-01", &ID[1..]),
        format!("00-{ID}--{}-01", &SPAN[1..]),
        format!("00_{ID}_{SPAN}_01"),
        format!("00 {ID} {SPAN} 01"),
        format!("00-{ID}-{SPAN}-01,00-{OTHER_ID}-{OTHER_SPAN}-01"),
        "-".repeat(55),
        "0".repeat(55),
        format!("00-{ID}-{SPAN}-01{}", "0".repeat(60_000)),
    ]
}
