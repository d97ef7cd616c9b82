//! Which name was meant.

/// The name most like the one that was written, if any is like it at all: for "*" no name is.
pub fn nearest<'a>(written: &str, names: impl Iterator<Item = &'a str>) -> Option<String> {
    names
        .map(|name| (distance(written, name), name))
        .min()
        .filter(|&(distance, name)| {
            let length = name.chars().count();
            distance <= length.max(3) / 3 + 1 && distance < length.max(written.chars().count())
        })
        .map(|(_, name)| name.to_owned())
}

/// Levenshtein's, of lower-cased text: a name written without its quotes is the commonest mistake.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
