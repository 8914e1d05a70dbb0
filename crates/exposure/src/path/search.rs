//! The search: Dijkstra over situations, from what was observed to safe.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

use foldhash::fast::RandomState;

use super::catalogue::Catalogue;
use super::graph::{Cost, Goal, Graph};
use super::node::{Move, Node, StepId};
use super::render::Taken;
use super::situation::Situation;

/// Nodes, what the way there costs, and its last move.
type Reached = HashMap<Node, (Cost, Option<(Node, Move)>), RandomState>;

/// The steps to a safe server.
pub(super) fn search(catalogue: &Catalogue<'_>, situation: &Situation) -> Vec<Taken> {
    let solve = |goal| solve(&Graph::new(catalogue, situation, goal));
    let updated = solve(Goal::Kept).or_else(|| solve(Goal::Closed));
    let retired = (situation.management_only && catalogue.tools && !situation.closed)
        .then(|| solve(Goal::Retire))
        .flatten();
    let best = [updated, retired]
        .into_iter()
        .flatten()
        .min_by_key(|(cost, _)| *cost);
    best.or_else(|| solve(Goal::Leave))
        .map(|(_, steps)| steps)
        .unwrap_or_default()
}

/// The steps where the build must be found out first.
pub(super) fn ask(catalogue: Option<&Catalogue<'_>>, situation: &Situation) -> Vec<Taken> {
    let mut steps = vec![Taken::new(StepId::Identify)];
    let mitigable = catalogue.is_none_or(|known| known.remedy().is_none_or(|remedy| remedy.mitigated));
    if situation.published && !situation.edge && !situation.mitigated {
        if !situation.mitigations.is_empty() && mitigable && !situation.management_only {
            steps.push(Taken::mitigate(&situation.mitigations));
        } else {
            steps.push(Taken::new(StepId::Isolate).because("no_mitigation"));
        }
    }
    steps.push(Taken::new(StepId::AssessAgain));
    steps
}

/// The cheapest way to the goal, and what it costs; `None` where there is none.
pub(super) fn solve(graph: &Graph<'_, '_>) -> Option<(Cost, Vec<Taken>)> {
    if !graph.is_possible() {
        return None;
    }
    let start = graph.start();
    let mut best: Reached = HashMap::default();
    let mut queue = BinaryHeap::from([Reverse(((0, 0, 0), start))]);
    best.insert(start, ((0, 0, 0), None));
    let mut moves = Vec::new();
    while let Some(Reverse((cost, node))) = queue.pop() {
        if best.get(&node).is_some_and(|(known, _)| *known < cost) {
            continue;
        }
        if graph.is_goal(node) {
            return Some((cost, graph.tell(&way(&best, node), node)));
        }
        moves.clear();
        graph.moves(node, &mut moves);
        for &(next, step) in &moves {
            let added = graph.cost(node, step);
            let sum = (cost.0 + added.0, cost.1 + added.1, cost.2 + added.2);
            if best.get(&next).is_none_or(|(known, _)| sum < *known) {
                best.insert(next, (sum, Some((node, step))));
                queue.push(Reverse((sum, next)));
            }
        }
    }
    None
}

/// The moves from the start to a node, each with the node it is made at.
fn way(best: &Reached, node: Node) -> Vec<(Node, Move)> {
    let mut moves = Vec::new();
    let mut at = node;
    while let Some((_, Some((before, step)))) = best.get(&at) {
        moves.push((*before, *step));
        at = *before;
    }
    moves.reverse();
    moves
}
