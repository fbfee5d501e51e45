//! What a process uses, with those that it has started.

use std::fs;
use std::time::Duration;

/// Sums over a process and all that come from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Memory that is in use, in bytes.
    pub resident_bytes: u64,
    /// Time on processors since the start.
    pub cpu: Duration,
    /// Open files and sockets.
    pub descriptors: usize,
}

impl Usage {
    /// That of a process now; nothing where it has ended.
    pub fn of(id: u32) -> Self {
        let mut usage = Self::default();
        for id in family(id) {
            usage.add(id);
        }
        usage
    }

    fn add(&mut self, id: u32) {
        let read =
            |name: &str| fs::read_to_string(format!("/proc/{id}/{name}")).unwrap_or_default();
        let status = read("status");
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = resident.and_then(|text| text.trim().strip_suffix(" kB"));
        let kilobytes: u64 = kilobytes.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.resident_bytes += kilobytes * 1024;
        // utime and stime, in hundredths of a second on every Linux.
        let stat = fields(&read("stat"));
        let ticks: u64 = [11, 12]
            .iter()
            .filter_map(|at| stat.get(*at)?.parse::<u64>().ok())
            .sum();
        self.cpu += Duration::from_millis(ticks * 10);
        let descriptors = fs::read_dir(format!("/proc/{id}/fd"));
        self.descriptors += descriptors.map_or(0, Iterator::count);
    }
}

/// A process, its children, and theirs.
fn family(id: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| {
            let id: u32 = entry.ok()?.file_name().to_str()?.parse().ok()?;
            let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
            Some((id, fields(&stat).get(1)?.parse().ok()?))
        })
        .collect();
    let mut family = vec![id];
    let mut at = 0;
    while let Some(parent) = family.get(at).copied() {
        let children = parents.iter().filter(|(_, of)| *of == parent);
        family.extend(children.map(|(id, _)| *id));
        at += 1;
    }
    family
}

/// Those of `/proc/ID/stat` after the program's name, which may have blanks and brackets in it.
fn fields(stat: &str) -> Vec<String> {
    let (_, rest) = stat.rsplit_once(')').unwrap_or_default();
    rest.split_whitespace().map(str::to_owned).collect()
}
