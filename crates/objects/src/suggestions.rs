//! "Did you mean": the nearest name, by CPython's weighted edit distance (Python/suggestions.c).

const MAX_CANDIDATES: usize = 750;
const MAX_LENGTH: usize = 40;
const MOVE_COST: usize = 2;
const CASE_COST: usize = 1;

/// The candidate nearest to `name`, if one is near enough.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut best: Option<(usize, &str)> = None;
    for (count, candidate) in candidates.enumerate() {
        if count >= MAX_CANDIDATES {
            return None;
        }
        if candidate == name {
            continue;
        }
        // No more than a third of the characters may need changing.
        let limit = (name.len() + candidate.len() + 3) * MOVE_COST / 6;
        let limit = best.map_or(limit, |(distance, _)| limit.min(distance.saturating_sub(1)));
        let distance = distance(name, candidate, limit);
        if distance <= limit && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate.to_owned())
}

/// `. Did you mean 'x'?`, or nothing if no candidate is near enough.
pub fn hint<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or(String::new(), |near| format!(". Did you mean '{near}'?"))
}

fn substitution_cost(a: u8, b: u8) -> usize {
    if a == b {
        0
    } else if a.eq_ignore_ascii_case(&b) {
        CASE_COST
    } else {
        MOVE_COST
    }
}

/// The edit distance, or something above `limit` if it is above.
fn distance(a: &str, b: &str, limit: usize) -> usize {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    while let (Some(x), Some(y)) = (a.first(), b.first())
        && x == y
    {
        (a, b) = (&a[1..], &b[1..]);
    }
    while let (Some(x), Some(y)) = (a.last(), b.last())
        && x == y
    {
        (a, b) = (&a[..a.len() - 1], &b[..b.len() - 1]);
    }
    if a.is_empty() || b.is_empty() {
        return (a.len() + b.len()) * MOVE_COST;
    }
    if a.len() > MAX_LENGTH || b.len() > MAX_LENGTH {
        return limit + 1;
    }
    if b.len() < a.len() {
        (a, b) = (b, a);
    }
    if (b.len() - a.len()) * MOVE_COST > limit {
        return limit + 1;
    }
    let mut row: Vec<usize> = (1..=a.len()).map(|i| i * MOVE_COST).collect();
    let mut result = 0;
    for (j, y) in b.iter().enumerate() {
        let mut left_above = j * MOVE_COST;
        result = left_above;
        let mut least = usize::MAX;
        for (i, x) in a.iter().enumerate() {
            let substituted = left_above + substitution_cost(*x, *y);
            left_above = row[i];
            let moved = result.min(left_above) + MOVE_COST;
            result = substituted.min(moved);
            row[i] = result;
            least = least.min(result);
        }
        if least > limit {
            return limit + 1;
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let near = |name, candidates: &[&str]| nearest(name, candidates.iter().copied());
        assert_eq!(near("prnt", &["print", "len"]).as_deref(), Some("print"));
        assert_eq!(near("blech", &["bluch", "BLECH", "black"]).as_deref(), Some("bluch"));
        assert_eq!(near("somethingverywrong", &["x", "print"]), None);
        assert_eq!(near("a", &["b"]), None);
    }
}
