//! Where a value is in the document: `backends[3] ("web-3").weight`.

use std::fmt;

use crate::escape::{shown, visible};

/// A path, each step on the stack of the function that took it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Path<'a> {
    Root,
    Key(&'a Path<'a>, &'a str),
    /// An index, with the element's name where it has one.
    Index(&'a Path<'a>, usize, Option<&'a str>),
}

impl Path<'_> {
    /// The path of a key in here.
    pub(crate) fn key<'b>(&'b self, key: &'b str) -> Path<'b> {
        Path::Key(self, key)
    }

    /// The path of an element in here.
    pub(crate) fn index<'b>(&'b self, index: usize, name: Option<&'b str>) -> Path<'b> {
        Path::Index(self, index, name)
    }
}

impl<'a> Path<'a> {
    /// The last key on the way, for lines to paste.
    pub(crate) fn last_key(&self) -> &'a str {
        match self {
            Self::Root => "",
            Self::Key(_, key) => key,
            Self::Index(parent, ..) => parent.last_key(),
        }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => Ok(()),
            Self::Key(Path::Root, key) => write_key(f, key),
            Self::Key(parent, key) => {
                write!(f, "{parent}.")?;
                write_key(f, key)
            }
            Self::Index(parent, index, None) => write!(f, "{parent}[{index}]"),
            Self::Index(parent, index, Some(name)) => write!(f, "{parent}[{index}] ({})", shown(name)),
        }
    }
}

/// A key as TOML would write it.
fn write_key(f: &mut fmt::Formatter<'_>, key: &str) -> fmt::Result {
    let is_bare = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
    if is_bare { f.write_str(&visible(key, 40)) } else { f.write_str(&shown(key)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_beside_the_index() {
        let root = Path::Root;
        let backends = root.key("backends");
        let member = backends.index(3, Some("web-3"));
        assert_eq!(member.key("weight").to_string(), "backends[3] (\"web-3\").weight");
        assert_eq!(root.key("a b").to_string(), "\"a b\"");
    }
}
