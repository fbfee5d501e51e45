//! What an instance that answers more than one request keeps of its variables.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::Config;
use crate::host::Host;

/// The configuration of the request before. Most hosts make an instance for each request, and then it is never asked for;
/// where an instance is used again, reading thirty variables anew would be half of a warm answer.
#[derive(Debug, Default)]
pub struct Remembered(RefCell<Option<(SystemTime, Rc<Config>)>>);

impl Remembered {
    /// What the variables say, or said within the last five seconds: where their values can change under a running
    /// instance, that is how long the change takes. A configuration with problems is read anew each time.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn load(&self, host: &impl Host) -> Result<Rc<Config>, Vec<String>> {
        let now = host.now();
        let kept = self.0.take().filter(|(read, _)| {
            // A clock that was set back must not make it last.
            now.duration_since(*read).is_ok_and(|age| age < GOOD_FOR)
        });
        let (read, config) = match kept {
            Some(kept) => kept,
            None => (now, Rc::new(Config::load(host)?)),
        };
        self.0.replace(Some((read, Rc::clone(&config))));
        Ok(config)
    }
}

const GOOD_FOR: Duration = Duration::from_secs(5);
