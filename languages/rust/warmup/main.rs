// What programs use most of the standard library.
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::io::{self, BufRead, Write};

fn main() {
    let line = io::stdin().lock().lines().next().unwrap().unwrap();
    let counts: HashMap<char, usize> = line.chars().map(|c| (c, 1)).collect();
    let (tree, set, queue) = (BTreeMap::from([(1, 2)]), HashSet::from([1]), VecDeque::from([1]));
    writeln!(io::stdout(), "{} {}", counts.len(), tree.len() + set.len() + queue.len()).unwrap();
}
