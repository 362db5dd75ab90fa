//! Which candidate of each layer is taken: the cheapest choice that keeps all bounds.
//!
//! What this module guarantees: where there are at most [`MOST_EXACT`] choices, the one found
//! keeps the bounds if any does, and none that keeps them costs less. Beyond, the search starts
//! from the cheapest candidates and from those that take the least of each bounded thing, changes
//! the layer with the most gain for its price until the bounds are kept, and then takes back what
//! can be taken back. It depends on nothing but its problem.

/// LUT, FF, DSP blocks and halves of block RAMs, in this order.
pub(super) const RESOURCES: usize = 4;

/// At most so many choices are all looked at.
const MOST_EXACT: usize = 1 << 16;

/// What a candidate takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Cost {
    /// Of each resource.
    pub uses: [u64; RESOURCES],
    /// Cycles that it adds to the network's latency.
    pub latency: u64,
    /// Cycles between two inputs or frames.
    pub interval: u64,
}

/// What must be kept, and what there is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The most of each resource.
    pub most: [Option<u64>; RESOURCES],
    /// What there is of each: of the budget where that says so, else of the part.
    pub available: [u64; RESOURCES],
    /// The most cycles of latency.
    pub latency: Option<u64>,
}

/// What a network takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    /// Of each resource; what corrects a sum of estimates may be negative.
    pub uses: [i64; RESOURCES],
    /// The latency in cycles.
    pub latency: i64,
}

/// The candidates of each layer, and what the network takes beside them.
#[derive(Debug)]
pub(super) struct Problem<'a> {
    pub options: &'a [Vec<Cost>],
    pub rest: Total,
    pub bounds: &'a Bounds,
}

/// A candidate for each layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Choice {
    /// The number of each layer's candidate.
    pub picks: Vec<usize>,
    /// By how much bounds are exceeded, the sum of the shares; 0 where they are kept.
    pub excess: f64,
    /// The sum of the prices.
    pub price: f64,
}

/// What share of what there is this is; where there is nothing, each counts as all of it.
fn share(used: i64, available: u64) -> f64 {
    used.max(0) as f64 / available.max(1) as f64
}

impl Total {
    /// This and a candidate.
    fn with(mut self, cost: &Cost) -> Self {
        for (sum, used) in self.uses.iter_mut().zip(cost.uses) {
            *sum += used as i64;
        }
        self.latency += cost.latency as i64;
        self
    }

    /// What this is beyond the sum of some candidates.
    pub fn beyond<'a>(self, costs: impl Iterator<Item = &'a Cost>) -> Self {
        let sum = costs.fold(Self::default(), Self::with);
        let mut rest = self;
        for (rest, used) in rest.uses.iter_mut().zip(sum.uses) {
            *rest -= used;
        }
        rest.latency -= sum.latency;
        rest
    }
}

impl Bounds {
    /// The price of a candidate: its shares of what there is, added up.
    pub fn price(&self, cost: &Cost) -> f64 {
        let shares = cost.uses.iter().zip(self.available);
        shares.map(|(used, available)| share(*used as i64, available)).sum()
    }

    /// By how much what is bounded is exceeded.
    pub fn excess(&self, total: &Total) -> f64 {
        let resources = total.uses.iter().zip(self.most);
        let over = |(used, most): (&i64, Option<u64>)| {
            most.map_or(0.0, |most| share(used - most as i64, most))
        };
        let latency = self.latency.map_or(0.0, |most| share(total.latency - most as i64, most));
        resources.map(over).sum::<f64>() + latency
    }

    /// The same of resources alone.
    pub fn excess_of_resources(&self, total: &Total) -> f64 {
        Self { latency: None, ..*self }.excess(total)
    }
}

impl Problem<'_> {
    fn total(&self, picks: &[usize]) -> Total {
        let costs = self.options.iter().zip(picks).map(|(options, pick)| &options[*pick]);
        costs.fold(self.rest, Total::with)
    }

    fn choice(&self, picks: Vec<usize>) -> Choice {
        let costs = self.options.iter().zip(&picks).map(|(options, pick)| &options[*pick]);
        let price = costs.map(|cost| self.bounds.price(cost)).sum();
        let excess = self.bounds.excess(&self.total(&picks));
        Choice { picks, excess, price }
    }

    /// The candidate of each layer for which something is least.
    fn least(&self, of: impl Fn(&Cost) -> f64) -> Choice {
        let least = |options: &Vec<Cost>| {
            let all = options.iter().enumerate();
            all.min_by(|a, b| of(a.1).total_cmp(&of(b.1))).map_or(0, |(index, _)| index)
        };
        self.choice(self.options.iter().map(least).collect())
    }

    /// Every choice that differs in one layer.
    fn neighbours<'c>(&'c self, choice: &'c Choice) -> impl Iterator<Item = Choice> + 'c {
        self.options.iter().enumerate().flat_map(move |(layer, options)| {
            let others = (0..options.len()).filter(move |pick| *pick != choice.picks[layer]);
            others.map(move |pick| {
                let mut picks = choice.picks.clone();
                picks[layer] = pick;
                self.choice(picks)
            })
        })
    }
}

impl Choice {
    /// Whether this is better than another: it exceeds less, or costs less.
    fn is_better(&self, other: &Self) -> bool {
        (self.excess, self.price) < (other.excess, other.price)
    }
}

/// The first of the best.
fn best(choices: impl Iterator<Item = Choice>) -> Option<Choice> {
    choices.reduce(|best, choice| if choice.is_better(&best) { choice } else { best })
}

/// The best choice that is found.
pub(super) fn search(problem: &Problem) -> Choice {
    let counts = problem.options.iter().map(Vec::len);
    let count = counts.clone().try_fold(1_usize, usize::checked_mul);
    let found = match count {
        Some(count) if count <= MOST_EXACT => exact(problem, count),
        _ => descent(problem),
    };
    // Each layer has a candidate; without layers there is one choice, which is empty.
    found.unwrap_or_else(|| problem.choice(vec![0; problem.options.len()]))
}

/// The best of all choices.
fn exact(problem: &Problem, count: usize) -> Option<Choice> {
    best((0..count).map(|number| {
        let mut left = number;
        let digit = |options: &Vec<Cost>| {
            let pick = left % options.len();
            left /= options.len();
            pick
        };
        problem.choice(problem.options.iter().map(digit).collect())
    }))
}

/// The best choice that single changes lead to.
fn descent(problem: &Problem) -> Option<Choice> {
    let bounds = problem.bounds;
    let mut starts = vec![problem.least(|cost| bounds.price(cost))];
    for resource in (0..RESOURCES).filter(|resource| bounds.most[*resource].is_some()) {
        starts.push(problem.least(|cost| cost.uses[resource] as f64));
    }
    if bounds.latency.is_some() {
        starts.push(problem.least(|cost| cost.latency as f64));
    }
    best(starts.into_iter().map(|start| cheapened(problem, kept(problem, start))))
}

/// Changes the layer that gains the most for its price, while bounds are exceeded.
fn kept(problem: &Problem, mut choice: Choice) -> Choice {
    while choice.excess > 0.0 {
        let gain = |next: &Choice| {
            (choice.excess - next.excess) / (next.price - choice.price).max(f64::MIN_POSITIVE)
        };
        let better = problem.neighbours(&choice).filter(|next| next.excess < choice.excess);
        match better.reduce(|best, next| if gain(&next) > gain(&best) { next } else { best }) {
            Some(next) => choice = next,
            None => break,
        }
    }
    choice
}

/// Takes what is cheaper while no bound is exceeded by more.
fn cheapened(problem: &Problem, mut choice: Choice) -> Choice {
    while let Some(next) = best(problem.neighbours(&choice)).filter(|next| next.is_better(&choice))
    {
        choice = next;
    }
    choice
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const PART: Bounds =
        Bounds { most: [None; 4], available: [1000, 2000, 100, 20], latency: None };

    fn cost(lut: u64, dsp: u64, latency: u64) -> Cost {
        Cost { uses: [lut, 0, dsp, 0], latency, interval: 1 }
    }

    fn picks(options: &[Vec<Cost>], bounds: Bounds) -> (Vec<usize>, bool) {
        let choice = search(&Problem { options, rest: Total::default(), bounds: &bounds });
        (choice.picks, choice.excess == 0.0)
    }

    #[test]
    fn without_bounds_each_layer_has_its_cheapest() {
        let options = [vec![cost(100, 0, 2), cost(10, 5, 4)], vec![cost(30, 0, 2), cost(1, 5, 4)]];
        // 100 LUT are a tenth of the part, 5 DSP blocks a twentieth.
        assert_eq!(picks(&options, PART), (vec![1, 0], true));
    }

    #[test]
    fn a_bound_moves_the_layer_that_loses_least() {
        let options = [vec![cost(100, 0, 2), cost(10, 5, 4)], vec![cost(300, 0, 2), cost(1, 5, 4)]];
        let dsp = |most| Bounds { most: [None, None, Some(most), None], ..PART };
        assert_eq!(picks(&options, dsp(10)), (vec![1, 1], true));
        assert_eq!(picks(&options, dsp(5)), (vec![0, 1], true));
        assert_eq!(picks(&options, dsp(0)), (vec![0, 0], true));
        let both = Bounds { most: [Some(399), None, Some(4), None], ..PART };
        assert!(!picks(&options, both).1);
        let fast = Bounds { latency: Some(6), ..PART };
        assert_eq!(picks(&options, fast), (vec![0, 1], true));
        let too_fast = Bounds { latency: Some(3), ..PART };
        assert_eq!(picks(&options, too_fast), (vec![0, 0], false));
    }

    #[test]
    fn what_is_beside_the_layers_counts() {
        let options = [vec![cost(100, 0, 2), cost(10, 5, 4)]];
        let bounds = Bounds { most: [Some(120), None, None, None], ..PART };
        let with_rest = |lut| {
            let rest = Total { uses: [lut, 0, 0, 0], latency: 0 };
            search(&Problem { options: &options, rest, bounds: &bounds })
        };
        assert_eq!(with_rest(110).picks, [1]);
        assert!(with_rest(111).excess > 0.0);
        assert!(with_rest(-500).excess.abs() < f64::EPSILON);
        let whole = Total { uses: [130, 1, 0, 0], latency: 5 };
        let rest = whole.beyond(options[0][..1].iter());
        assert_eq!(rest, Total { uses: [30, 1, 0, 0], latency: 3 });
    }

    proptest! {
        #[test]
        fn descent_ends_no_better_than_looking_at_all_and_where_nothing_near_is_better(
            layers in proptest::collection::vec(
                proptest::collection::vec((0_u64..200, 0_u64..9, 1_u64..9), 1..5), 1..6),
            lut in proptest::option::of(0_u64..600),
            dsp in proptest::option::of(0_u64..30),
            latency in proptest::option::of(3_u64..30),
        ) {
            let to_cost = |(lut, dsp, latency): &(u64, u64, u64)| cost(*lut, *dsp, *latency);
            let options: Vec<Vec<Cost>> =
                layers.iter().map(|layer| layer.iter().map(to_cost).collect()).collect();
            let bounds = Bounds { most: [lut, None, dsp, None], latency, ..PART };
            let problem = Problem { options: &options, rest: Total::default(), bounds: &bounds };
            let count = options.iter().map(Vec::len).product();
            let (all, steps) = (exact(&problem, count).unwrap(), descent(&problem).unwrap());
            prop_assert!(!steps.is_better(&all));
            prop_assert!(problem.neighbours(&steps).all(|next| !next.is_better(&steps)));
            if bounds.most == [None; 4] && bounds.latency.is_none() {
                prop_assert!(steps.price.total_cmp(&all.price).is_eq());
            }
        }
    }
}
