//! How many threads work on what was asked for.

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::failure::Failure;

/// So many threads to work on; as many as there are processors, where the user says nothing.
///
/// They end with the pool: a process that forks afterwards has none that its child would wait for.
///
/// # Errors
/// When the system gives no threads.
pub fn pool(threads: Option<u16>) -> Result<ThreadPool, Failure> {
    let threads = threads.map_or(0, usize::from);
    ThreadPoolBuilder::new().num_threads(threads).build().map_err(Failure::Threads)
}

/// Does what is to be done on so many threads, as [`pool`] has them.
///
/// # Errors
/// When the system gives no threads.
pub fn on_threads<R: Send>(
    threads: Option<u16>,
    work: impl FnOnce() -> R + Send,
) -> Result<R, Failure> {
    Ok(pool(threads)?.install(work))
}
