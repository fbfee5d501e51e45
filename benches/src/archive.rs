//! Archives through Landfall, to a client that throws them away, beside the same client at their source.

use std::time::Duration;

use landfall_stand_in::{Fault, FaultKind};

use crate::Result;
use crate::bench::{Bench, OWNER};
use crate::client::{Client, Transfer};
use crate::figure::{mebibytes, middle, middle_of, number, time};
use crate::github::{GitHub, set};
use crate::server::{Instances, Server};
use crate::source::Source;
use crate::table::Table;
use crate::targets::Measured;
use crate::zip::Zip;

pub(crate) fn measure(bench: &Bench, measured: &mut Measured) -> Result<()> {
    let github = GitHub::start()?;
    github.module("archive", 1)?;
    let commit = github.commit("archive")?;
    let mut kinds: Vec<(String, Zip)> = MEGABYTES
        .iter()
        .map(|&size| {
            let name = format!("one file of {size} MB");
            (name, Zip::large(&commit, size as usize))
        })
        .collect();
    kinds.push(("20,000 small files".to_owned(), Zip::small(&commit, 20_000)));
    let lengths: Vec<(String, usize)> = kinds
        .iter()
        .map(|(name, zip)| (name.clone(), zip.len()))
        .collect();
    let source = Source::start(kinds.into_iter().map(|(_, zip)| zip).collect())?;

    let mut table = Table::new(&[
        "archive",
        "MB/s",
        "plain copy, MB/s",
        "MB per CPU second",
        "first byte",
        "plain, first byte",
        "memory",
    ]);
    for (index, (name, length)) in lengths.iter().enumerate() {
        let times = (TOTAL / length).clamp(1, MOST_TIMES);
        let plain = plain(bench, &source, index, *length, times)?;
        let through = through(bench, &github, &source, index, *length, times)?;
        // Small ones have more of a request than of an archive.
        if *length >= 100_000_000 {
            let least = measured.archive_rate.get_or_insert(f64::INFINITY);
            *least = least.min(through.per_cpu_second);
        }
        measured.archive_memory = measured.archive_memory.max(Some(through.memory));
        table.row([
            name.clone(),
            number(through.rate),
            number(plain.rate),
            number(through.per_cpu_second),
            time(through.first_byte),
            time(plain.first_byte),
            mebibytes(through.memory),
        ]);
    }
    table.print(
        "Archives through `landfall serve`",
        "Over loopback, one at a time, to a client that throws them away; plain copy is the same client at their source, in the same \
         run. CPU is user and system time of the server's process: that many MB a second is what one core moves. Memory is what the \
         process has at most while archives pass, less what it has when it has just started: the instance, and all buffers.",
    );
    Ok(())
}

/// What came of some transfers of the same archive.
struct Speed {
    /// MB a second.
    rate: f64,
    first_byte: Duration,
}

impl Speed {
    /// The medians. Fails where something is missing: the re-rooter takes the folder's name from each file, and no more.
    fn of(transfers: &[Transfer], length: usize) -> Result<Self> {
        for transfer in transfers {
            let got = usize::try_from(transfer.bytes)?;
            if got > length || got < length - length / 2 {
                return Err(format!("{got} bytes of an archive of {length}").into());
            }
        }
        let rates = transfers
            .iter()
            .map(|it| length as f64 / 1e6 / it.took.as_secs_f64());
        Ok(Self {
            rate: middle_of(rates)?,
            first_byte: middle(transfers.iter().map(|it| it.first_byte))?,
        })
    }
}

fn plain(
    bench: &Bench,
    source: &Source,
    index: usize,
    length: usize,
    times: usize,
) -> Result<Speed> {
    let client = Client::new(&bench.token);
    let transfers = (0..times).map(|_| client.discard(&source.url(index)));
    Speed::of(&transfers.collect::<Result<Vec<_>>>()?, length)
}

struct Through {
    rate: f64,
    first_byte: Duration,
    per_cpu_second: f64,
    memory: u64,
}

/// The same through a registry that has just started.
fn through(
    bench: &Bench,
    github: &GitHub,
    source: &Source,
    index: usize,
    length: usize,
    times: usize,
) -> Result<Through> {
    let location = source.url(index);
    github.stand_in.clear_faults();
    let fault = FaultKind::Redirect { location };
    github.stand_in.add_fault(Fault::api("*/zipball/*", fault));
    let mut variables = github.variables(bench);
    set(&mut variables, "github_archive_hosts", &source.address);
    let data = bench.data()?;
    let server = Server::landfall(bench, Instances::Reused, &variables, data.path())?;
    let tree = server.tree();
    let client = Client::new(&bench.token);
    client.page(&server, "/healthz")?;
    let idle = tree.resident()?;

    let download = format!("/v1/modules/{OWNER}/archive/null/1.0.0/download");
    let url = client.archive(&server, &download)?;
    tree.forget_peak()?;
    let before = tree.cpu()?;
    let transfers = (0..times).map(|_| client.discard(&url));
    let transfers = transfers.collect::<Result<Vec<_>>>();
    let transfers = transfers.map_err(|error| format!("{error}\n{}", server.said()))?;
    let cpu = tree.cpu()?.saturating_sub(before);
    let memory = tree.peak()?.saturating_sub(idle);
    let speed = Speed::of(&transfers, length)?;
    let megabytes = (length * times) as f64 / 1e6;
    Ok(Through {
        rate: speed.rate,
        first_byte: speed.first_byte,
        per_cpu_second: megabytes / cpu.as_secs_f64(),
        memory,
    })
}

const MEGABYTES: [u32; 4] = [1, 10, 100, 1_000];
/// How much is moved of each kind, in bytes, so that there is CPU time to be counted.
const TOTAL: usize = 1_000_000_000;
const MOST_TIMES: usize = 100;
