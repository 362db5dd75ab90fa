//! The maximum flow through a network, by Dinic's algorithm: the minimum cut of `cuts`.

/// A node of a flow network.
pub(super) type Node = u32;

/// Where the flow comes from.
pub(super) const SOURCE: Node = 0;

/// Where it goes to.
pub(super) const SINK: Node = 1;

/// More than any cut of finite edges.
pub(super) const UNBOUNDED: u64 = u64::MAX / 4;

const NONE: u32 = u32::MAX;

struct Edge {
    to: Node,
    /// What can still flow.
    residual: u64,
    /// The next edge from the same node.
    next: u32,
}

/// A network of edges with capacities; an edge and its reverse are neighbours in the list.
pub(super) struct FlowNetwork {
    first: Vec<u32>,
    edges: Vec<Edge>,
}

impl FlowNetwork {
    /// Source and sink.
    pub fn new() -> Self {
        Self { first: vec![NONE; 2], edges: Vec::new() }
    }

    pub fn node(&mut self) -> Node {
        self.first.push(NONE);
        self.first.len() as Node - 1
    }

    /// An edge with a capacity in each direction.
    pub fn edge(&mut self, from: Node, to: Node, capacity: u64, backwards: u64) {
        for (from, to, residual) in [(from, to, capacity), (to, from, backwards)] {
            let next = self.first[from as usize];
            self.first[from as usize] = self.edges.len() as u32;
            self.edges.push(Edge { to, residual, next });
        }
    }

    /// Sends as much as can be from source to sink.
    pub fn saturate(&mut self) {
        let mut levels = vec![NONE; self.first.len()];
        while self.find_levels(&mut levels) {
            let mut current = self.first.clone();
            while self.augment(&levels, &mut current) {}
        }
    }

    /// The fewest edges with capacity left from the source to each node; whether the sink has any.
    fn find_levels(&self, levels: &mut [u32]) -> bool {
        levels.fill(NONE);
        levels[SOURCE as usize] = 0;
        let mut queue = vec![SOURCE];
        let mut at = 0;
        while at < queue.len() {
            let node = queue[at];
            at += 1;
            for edge in self.from(node) {
                if edge.residual > 0 && levels[edge.to as usize] == NONE {
                    levels[edge.to as usize] = levels[node as usize] + 1;
                    queue.push(edge.to);
                }
            }
        }
        levels[SINK as usize] != NONE
    }

    /// Sends flow along one path on which the levels rise; `current` holds the first edge of each
    /// node that has not been found to lead nowhere.
    fn augment(&mut self, levels: &[u32], current: &mut [u32]) -> bool {
        let mut path: Vec<u32> = Vec::new();
        let mut node = SOURCE;
        while node != SINK {
            let edge = current[node as usize];
            if edge != NONE {
                let Edge { to, residual, next } = self.edges[edge as usize];
                if residual > 0 && levels[to as usize] == levels[node as usize] + 1 {
                    path.push(edge);
                    node = to;
                } else {
                    current[node as usize] = next;
                }
                continue;
            }
            // A dead end: back by an edge, which is not tried again.
            let Some(back) = path.pop() else { return false };
            node = self.edges[back as usize ^ 1].to;
            current[node as usize] = self.edges[back as usize].next;
        }
        let flow = path.iter().map(|edge| self.edges[*edge as usize].residual).min().unwrap_or(0);
        for edge in path {
            self.edges[edge as usize].residual -= flow;
            self.edges[edge as usize ^ 1].residual += flow;
        }
        true
    }

    fn from(&self, node: Node) -> impl Iterator<Item = &Edge> {
        let mut at = self.first[node as usize];
        std::iter::from_fn(move || {
            let edge = self.edges.get(at as usize)?;
            at = edge.next;
            Some(edge)
        })
    }

    /// For each node, whether more can flow from it to the sink: after [`Self::saturate`], the
    /// nodes behind the last of the minimum cuts.
    pub fn behind_cut(&self) -> Vec<bool> {
        let mut behind = vec![false; self.first.len()];
        behind[SINK as usize] = true;
        let mut stack = vec![SINK];
        while let Some(node) = stack.pop() {
            let mut at = self.first[node as usize];
            while let Some(edge) = self.edges.get(at as usize) {
                let into = &self.edges[at as usize ^ 1];
                if into.residual > 0 && !behind[edge.to as usize] {
                    behind[edge.to as usize] = true;
                    stack.push(edge.to);
                }
                at = edge.next;
            }
        }
        behind
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_cut_is_the_cheapest_of_all(
            edges in proptest::collection::vec((0u32..8, 0u32..8, 0u64..20, 0u64..4), 1..24),
        ) {
            let mut network = FlowNetwork::new();
            (0..6).for_each(|_| { network.node(); });
            for (from, to, capacity, backwards) in &edges {
                network.edge(*from, *to, *capacity, *backwards);
            }
            network.saturate();
            let behind = network.behind_cut();
            let cost = |behind: &dyn Fn(u32) -> bool| -> u64 {
                let crosses = |from: u32, to: u32| !behind(from) && behind(to);
                let of_edge = |(from, to, capacity, backwards): &(u32, u32, u64, u64)| {
                    let (forwards, back) = (crosses(*from, *to), crosses(*to, *from));
                    u64::from(forwards) * capacity + u64::from(back) * backwards
                };
                edges.iter().map(of_edge).sum()
            };
            prop_assert!(!behind[SOURCE as usize] && behind[SINK as usize]);
            let found = cost(&|node| behind[node as usize]);
            let all = (0u32..64).map(|set| {
                cost(&|node| node == SINK || (node != SOURCE && (set >> (node - 2)) & 1 == 1))
            });
            prop_assert_eq!(Some(found), all.min());
        }
    }
}
