//! What happens at the ports: the stimulus that testbenches and simulators drive, and the rules
//! by which they judge the answer.
//!
//! The rules, all counted in clock edges:
//! - an input is taken at an edge with `in_valid` and `in_ready` high and `rst` low;
//! - `in_ready` is high exactly when `rst` is low and the last input was taken at least
//!   `initiation_interval_cycles` edges ago (or never since the reset);
//! - `out_valid` is high at exactly the edges that come `latency_cycles` after an edge that took
//!   an input, with that input's outputs;
//! - an edge with `rst` high discards every input whose output is not out by that edge.
//!
//! With streams each port has a handshake of its own:
//! - a transfer moves at an edge with the port's `tvalid` and `tready` high and `rst` low;
//! - an output that is offered stays, with the same data, until it is taken;
//! - the transfers of a tensor come row-major, frame by frame, and the outputs of the frames in
//!   their order, whatever the pauses of senders and receivers;
//! - when all senders offer and all receivers take without a pause, the last output of the first
//!   frame moves `latency_cycles` after its first input, and from frame `regular_from` on each
//!   frame ends `initiation_interval_cycles` after the one before;
//! - an edge with `rst` high discards all transfers that are under way.

/// The integers of one tensor, row-major, each a mantissa in its element's format.
pub type Mantissas = Vec<i128>;

/// What is driven into the circuit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stimulus {
    /// The inputs, in order.
    pub transactions: Vec<Transaction>,
    /// Streams only: whether the frames, once they have passed at full speed, come again after a
    /// reset in the middle of one, while senders and receivers pause at random.
    pub with_pauses: bool,
}

/// One input and what comes before and after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Cycles without `in_valid` before this input is offered. It is then offered until taken.
    pub idle_cycles: u16,
    /// If not 0: so many cycles after the input was taken, `rst` is high for
    /// [`RESET_CYCLES`] cycles, during which nothing is offered.
    pub reset_after_cycles: u16,
    /// One tensor an input port.
    pub inputs: Vec<Mantissas>,
}

/// How long a reset lasts.
pub const RESET_CYCLES: u16 = 2;

/// The most cycles in which nothing moves through a circuit that has not finished its frames.
pub fn patience_cycles(interface: &crate::Interface) -> u64 {
    2 * (interface.latency_cycles + interface.initiation_interval_cycles) + 1000
}

impl Transaction {
    /// An input that is offered at once.
    pub fn new(inputs: Vec<Mantissas>) -> Self {
        Self { idle_cycles: 0, reset_after_cycles: 0, inputs }
    }
}

impl Stimulus {
    /// Inputs back to back: each is offered as soon as the one before was taken.
    pub fn back_to_back(samples: impl IntoIterator<Item = Vec<Mantissas>>) -> Self {
        let transactions = samples.into_iter().map(Transaction::new).collect();
        Self { transactions, with_pauses: false }
    }

    /// Inputs of which some come back to back, some after gaps, and some are lost in a reset.
    ///
    /// The pattern is fixed: the same samples and interface give the same stimulus.
    pub fn varied(samples: impl IntoIterator<Item = Vec<Mantissas>>, latency_cycles: u64) -> Self {
        let pattern = |(index, inputs): (usize, Vec<Mantissas>)| {
            // A third of the inputs are back to back, then gaps of all small sizes follow.
            let idle_cycles = match index % 12 {
                0..4 => 0,
                position => (position % 4) as u16,
            };
            // Resets come while the input is in flight, at different depths of the pipeline, and
            // once after its output has left.
            let depth = (index as u64 * 5 / 3) % (latency_cycles + 3);
            let reset_after_cycles =
                if index % 16 == 9 { 1 + depth.min(u64::from(u16::MAX) - 1) as u16 } else { 0 };
            Transaction { idle_cycles, reset_after_cycles, inputs }
        };
        let transactions = samples.into_iter().enumerate().map(pattern).collect();
        Self { transactions, with_pauses: true }
    }
}
