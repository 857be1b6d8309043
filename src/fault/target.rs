//! Who is hit: the words of `target` and `from`, looked up among the backends of a scenario.

use crate::time::parse_share;

/// A group of backends, as far as it can be named.
#[derive(Clone, Copy, Debug)]
pub struct Listed<'a> {
    /// The service it belongs to; empty where there is but one.
    pub service: &'a str,
    /// Its name; of a group of one, the backend's.
    pub name: &'a str,
    /// How many there are or may be.
    pub count: u32,
    /// Where it is.
    pub zone: Option<&'a str>,
}

impl Listed<'_> {
    /// The name of a member.
    #[must_use]
    pub fn member(&self, number: u32) -> String {
        if self.count == 1 { self.name.to_owned() } else { format!("{}-{number}", self.name) }
    }

    /// The number of the member that is called so.
    fn number(&self, name: &str) -> Option<u32> {
        if self.count == 1 {
            return (self.name == name).then_some(0);
        }
        let number = name.strip_prefix(self.name)?.strip_prefix('-')?;
        number.parse().ok().filter(|parsed: &u32| *parsed < self.count && parsed.to_string() == number)
    }
}

/// Why nobody can be hit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// Nothing is called so.
    #[error("no backend or group is called \"{0}\"")]
    Name(String),
    /// A glob that fits no name.
    #[error("no backend's name fits \"{0}\"")]
    Glob(String),
    /// No backend is there.
    #[error("no backend is in the zone \"{0}\"")]
    Zone(String),
    /// No such service.
    #[error("no service is called \"{0}\"")]
    Service(String),
    /// No source of traffic is called so.
    #[error("no traffic source is called \"{0}\"")]
    Source(String),
    /// An instance that the tier does not have.
    #[error("there is no balancer instance \"{0}\"")]
    Instance(String),
    /// A number or a share of backends that there cannot be.
    #[error("\"{0}\" is not a number or a share of the {1} backends")]
    Count(String, u32),
}

/// Backends by number, and how many of them are drawn each time.
pub type Found = (Vec<u32>, Option<u32>);

/// Looks up a target among all backends, which are numbered in order.
///
/// # Errors
/// Where it is nobody.
pub fn look_up(written: &str, groups: &[Listed<'_>]) -> Result<Found, Unknown> {
    let total: u32 = groups.iter().map(|group| group.count).sum();
    let draw = |count: Option<u32>| match count {
        Some(count) if (1..=total).contains(&count) => Ok(((0..total).collect(), Some(count))),
        _ => Err(Unknown::Count(written.to_owned(), total)),
    };
    if written == "all" {
        return Ok(((0..total).collect(), None));
    }
    if let Some(count) = written.strip_prefix("random:") {
        return draw(count.parse().ok());
    }
    if written.ends_with('%') {
        let share = parse_share(written).ok().filter(|share| *share > 0.0 && *share <= 1.0);
        return draw(share.map(|share| ((share * f64::from(total)).round() as u32).max(1)));
    }
    let all = if let Some(zone) = written.strip_prefix("zone:") {
        members(groups, |group| group.zone == Some(zone)).ok_or_else(|| Unknown::Zone(zone.to_owned()))
    } else if let Some(service) = written.strip_prefix("service:") {
        members(groups, |group| group.service == service && !service.is_empty()).ok_or_else(|| Unknown::Service(service.to_owned()))
    } else if written.contains('*') {
        globbed(written, groups).ok_or_else(|| Unknown::Glob(written.to_owned()))
    } else {
        named(written, groups).ok_or_else(|| Unknown::Name(written.to_owned()))
    };
    all.map(|all| (all, None))
}

/// All members of the groups that are meant.
fn members(groups: &[Listed<'_>], is_meant: impl Fn(&Listed<'_>) -> bool) -> Option<Vec<u32>> {
    let mut found = Vec::new();
    for (first, group) in numbered(groups) {
        if is_meant(group) {
            found.extend(first..first + group.count);
        }
    }
    Some(found).filter(|found| !found.is_empty())
}

/// A group by its name, or one backend by its own.
#[must_use]
pub fn named(name: &str, groups: &[Listed<'_>]) -> Option<Vec<u32>> {
    let one = || numbered(groups).find_map(|(first, group)| Some(vec![first + group.number(name)?]));
    members(groups, |group| group.name == name).or_else(one)
}

fn globbed(glob: &str, groups: &[Listed<'_>]) -> Option<Vec<u32>> {
    let mut found = Vec::new();
    for (first, group) in numbered(groups) {
        found.extend((0..group.count).filter(|&number| fits(glob, &group.member(number))).map(|number| first + number));
    }
    Some(found).filter(|found| !found.is_empty())
}

/// Groups with the number of their first backend.
fn numbered<'a, 'b>(groups: &'a [Listed<'b>]) -> impl Iterator<Item = (u32, &'a Listed<'b>)> {
    groups.iter().scan(0, |next, group| {
        let first = *next;
        *next += group.count;
        Some((first, group))
    })
}

/// Whether a name fits a glob, in which `*` stands for any text: the pieces between the stars, in order.
fn fits(glob: &str, name: &str) -> bool {
    let mut pieces = glob.split('*');
    let Some(mut rest) = pieces.next().and_then(|start| name.strip_prefix(start)) else { return false };
    let Some(end) = pieces.next_back() else { return rest.is_empty() };
    for piece in pieces {
        let Some(at) = rest.find(piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    rest.ends_with(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(written: &str) -> Result<Found, Unknown> {
        let listed = |service, name, count, zone| Listed { service, name, count, zone };
        look_up(written, &[listed("cart", "web", 3, Some("a")), listed("cart", "db", 1, None), listed("pay", "api", 2, Some("a"))])
    }

    #[test]
    fn words_find_backends() {
        let all = |of: Result<Found, Unknown>| of.expect("it is somebody").0;
        assert_eq!(found("all"), Ok((vec![0, 1, 2, 3, 4, 5], None)));
        assert_eq!((all(found("web")), all(found("web-2")), all(found("db"))), (vec![0, 1, 2], vec![2], vec![3]));
        assert_eq!((all(found("zone:a")), all(found("service:pay")), all(found("*-1"))), (vec![0, 1, 2, 4, 5], vec![4, 5], vec![1, 5]));
        assert_eq!(found("20%").map(|(among, draw)| (among.len(), draw)), Ok((6, Some(1))));
        assert_eq!(found("random:2").map(|found| found.1), Ok(Some(2)));
        assert_eq!(found("1%").map(|found| found.1), Ok(Some(1)));
    }

    #[test]
    fn nobody_is_a_fault() {
        for written in ["web-3", "web-03", "db-0", "", "x*", "zone:b", "service:", "random:0", "random:7", "random:x", "0%", "120%"] {
            assert!(found(written).is_err(), "{written}");
        }
    }

    #[test]
    fn stars_stand_for_any_text() {
        assert!(fits("web-*", "web-12") && fits("*", "") && fits("a*b*c", "a-b-b-c") && fits("*-1", "x-1"));
        assert!(!fits("a*a", "a") && !fits("a*b*c", "ac") && !fits("web", "web-1"));
    }
}
