//! CPU and memory of a process and all that it has started, as Linux counts them
//! (<https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>, `proc_pid_status`, `proc_pid_clear_refs`).

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use crate::Result;

/// A process and its descendants.
#[derive(Clone, Copy)]
pub(crate) struct Tree(pub(crate) u32);

/// What one process has used.
struct Stat {
    parent: u32,
    /// User and system, its own and that of children that have ended.
    ticks: u64,
}

impl Tree {
    /// User and system time of all of them, in steps of 10 ms.
    pub(crate) fn cpu(self) -> Result<Duration> {
        let stats = self.members()?;
        let ticks: u64 = stats.values().map(|stat| stat.ticks).sum();
        Ok(TICK * u32::try_from(ticks)?)
    }

    /// Resident memory of all of them, in bytes; what they share counts for each.
    pub(crate) fn resident(self) -> Result<u64> {
        let members = self.members()?;
        members.keys().map(|id| status(*id, "VmRSS:")).sum()
    }

    /// The most resident memory that the process itself had at once since [`forget_peak`](Self::forget_peak), in bytes.
    pub(crate) fn peak(self) -> Result<u64> {
        status(self.0, "VmHWM:")
    }

    /// Lets the peak begin at what is resident now.
    pub(crate) fn forget_peak(self) -> Result<()> {
        fs::write(format!("/proc/{}/clear_refs", self.0), "5")?;
        Ok(())
    }

    fn members(self) -> Result<BTreeMap<u32, Stat>> {
        let all: BTreeMap<u32, Stat> = fs::read_dir("/proc")?
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(|id| Some((id, stat(id)?)))
            .collect();
        if !all.contains_key(&self.0) {
            return Err(format!("process {} has ended", self.0).into());
        }
        let is_member = |mut id: u32| {
            // Ids are reused: a chain of parents that changes while it is read must not lead around for ever.
            for _ in 0..MOST_GENERATIONS {
                if id == self.0 {
                    return true;
                }
                match all.get(&id) {
                    Some(stat) => id = stat.parent,
                    None => return false,
                }
            }
            false
        };
        let members: Vec<u32> = all.keys().copied().filter(|id| is_member(*id)).collect();
        Ok(all
            .into_iter()
            .filter(|(id, _)| members.contains(id))
            .collect())
    }
}

/// `None` for a process that has ended since.
fn stat(id: u32) -> Option<Stat> {
    parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

fn parse(stat: &str) -> Option<Stat> {
    // The program's name is in brackets, and may have blanks and brackets itself.
    let (_, rest) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = rest.split(' ').collect();
    // Numbered from 1 with the id and the name before.
    let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
    Some(Stat {
        parent: u32::try_from(field(4)?).ok()?,
        ticks: (14..=17).map(field).sum::<Option<u64>>()?,
    })
}

/// A field of `/proc/ID/status`, in bytes.
fn status(id: u32, field: &str) -> Result<u64> {
    let text = fs::read_to_string(format!("/proc/{id}/status"))?;
    let line = text.lines().find_map(|line| line.strip_prefix(field));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    let kibibytes: u64 = kibibytes
        .ok_or_else(|| format!("/proc/{id}/status has no {field}"))?
        .parse()?;
    Ok(kibibytes * 1024)
}

/// Linux shows times to programs in hundredths of a second on every architecture of today.
const TICK: Duration = Duration::from_millis(10);
const MOST_GENERATIONS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_and_blanks_is_passed_over() {
        let line = "32191 (a) S (b) R 32182 32182 24156 0 -1 4194304 103 0 0 0 1 20 300 4000 20 0 1 0 4859097";
        let stat = parse(line).unwrap();
        assert_eq!((stat.parent, stat.ticks), (32182, 4321));
    }

    #[test]
    fn this_process_has_memory_and_a_peak_above_it() {
        let tree = Tree(std::process::id());
        let resident = tree.resident().unwrap();
        assert!(resident > 100_000);
        assert!(tree.peak().unwrap() >= status(tree.0, "VmRSS:").unwrap());
        tree.cpu().unwrap();
    }
}
