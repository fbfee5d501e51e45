//! What the figures were measured on.

use std::fs;
use std::process::Command;

use crate::Result;
use crate::bench::Bench;
use crate::programs::Program;

/// Prints the machine, the programs and how busy it is, and warns where that is too much.
pub(crate) fn print(bench: &Bench) -> Result<()> {
    let read = |path: &str| fs::read_to_string(path).map_err(|error| format!("{path}: {error}"));
    let cpus = read("/proc/cpuinfo")?;
    let of = |field: &str| -> Vec<&str> {
        let lines = cpus.lines().filter(|line| line.starts_with(field));
        lines
            .filter_map(|line| Some(line.split_once(": ")?.1))
            .collect()
    };
    let count = std::thread::available_parallelism()?;
    let model = of("model name").first().copied().unwrap_or("CPU");
    let kernel = read("/proc/sys/kernel/osrelease")?;
    let load = read("/proc/loadavg")?;
    let load: Vec<&str> = load.split(' ').take(3).collect();
    println!("## Figures\n");
    println!("- {count} x {model}, Linux {}", kernel.trim());
    println!("- load average at the start: {}", load.join(" "));
    println!("- {}", landfall(bench)?);
    for program in Program::ALL {
        match program.version() {
            Some(version) => println!("- {version}"),
            None => println!("- no {}", program.name()),
        }
    }
    println!();
    let minute: f64 = load.first().unwrap_or(&"0").parse()?;
    if minute > 1.0 {
        println!(
            "**The machine is busy: times and rates below are worse than they would be, and CPU a little.**\n"
        );
        eprintln!("warning: the load average is {minute}; wait until it is below 1");
    }
    Ok(())
}

fn landfall(bench: &Bench) -> Result<String> {
    let output = Command::new(&bench.landfall).arg("--version").output()?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}
