//! Hosts by scenarios, as Markdown.

use std::fmt;

use crate::host::Column;
use crate::scenario::Outcome;

/// What has come out so far.
pub(crate) struct Report {
    scenarios: Vec<&'static str>,
    columns: Vec<(Column, Vec<Outcome>)>,
}

impl Report {
    pub(crate) fn new(scenarios: impl Iterator<Item = &'static str>) -> Self {
        Self {
            scenarios: scenarios.collect(),
            columns: Vec::new(),
        }
    }

    /// Adds a host's outcomes, in the order of the scenarios.
    pub(crate) fn add(&mut self, column: Column, outcomes: Vec<Outcome>) {
        self.columns.push((column, outcomes));
    }

    pub(crate) fn failures(&self) -> usize {
        let outcomes = self.columns.iter().flat_map(|(_, outcomes)| outcomes);
        outcomes
            .filter(|it| matches!(it, Outcome::Failed(_)))
            .count()
    }

    /// Whether one of the hosts is not installed.
    pub(crate) fn lacks_a_host(&self) -> bool {
        self.columns
            .iter()
            .any(|(column, _)| column.version.is_none())
    }

    /// Why a scenario differs somewhere, each reason once.
    fn notes(&self) -> Vec<&'static str> {
        let mut notes = Vec::new();
        for row in 0..self.scenarios.len() {
            for (_, outcomes) in &self.columns {
                if let Outcome::Differs(why) = &outcomes[row]
                    && !notes.contains(why)
                {
                    notes.push(*why);
                }
            }
        }
        notes
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notes = self.notes();
        write!(f, "| scenario |")?;
        for (column, _) in &self.columns {
            write!(f, " `{}` |", column.name)?;
        }
        writeln!(f, "\n|---|{}", "---|".repeat(self.columns.len()))?;
        for (row, scenario) in self.scenarios.iter().enumerate() {
            write!(f, "| {} |", scenario.replace('_', " "))?;
            for (_, outcomes) in &self.columns {
                write!(f, " {} |", cell(&outcomes[row], &notes))?;
            }
            writeln!(f)?;
        }
        writeln!(f)?;
        for (column, outcomes) in &self.columns {
            let held = outcomes
                .iter()
                .filter(|it| matches!(it, Outcome::Holds | Outcome::Differs(_)));
            match &column.version {
                Some(version) => writeln!(
                    f,
                    "- `{}`: {version}; {} of {} hold",
                    column.name,
                    held.count(),
                    outcomes.len()
                )?,
                None => writeln!(f, "- `{}`: not installed", column.name)?,
            }
        }
        for (number, why) in notes.iter().enumerate() {
            writeln!(f, "- note {}: {why}", number + 1)?;
        }
        for (column, outcomes) in &self.columns {
            for (scenario, outcome) in self.scenarios.iter().zip(outcomes) {
                if let Outcome::Failed(why) = outcome {
                    writeln!(
                        f,
                        "- FAILED `{}`, {}: {why}",
                        column.name,
                        scenario.replace('_', " ")
                    )?;
                }
            }
        }
        Ok(())
    }
}

fn cell(outcome: &Outcome, notes: &[&str]) -> String {
    match outcome {
        Outcome::Holds => "ok".to_owned(),
        Outcome::Differs(why) => {
            let number = notes.iter().position(|note| note == why);
            format!("ok (note {})", number.map_or(0, |at| at + 1))
        }
        Outcome::Failed(_) => "FAILED".to_owned(),
        Outcome::NotTried(program) => format!("not tried (no `{}`)", program.name()),
        Outcome::NotInstalled => "not installed".to_owned(),
    }
}
