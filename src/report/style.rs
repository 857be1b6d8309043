//! How a piece of a table is to look, named by what it means. The program maps it to colours, or to nothing.

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Just text.
    Plain,
    /// A title or a column's head.
    Heading,
    /// The best of a column.
    Best,
    /// Worse than the best, beyond doubt.
    Worse,
    /// Of less weight: legends, what cannot be told apart.
    Faint,
    /// Something is wrong: overload, errors.
    Alarm,
}

/// Leaves text as it is: what is used where there are no colours.
#[must_use]
pub fn uncoloured(_: Style, text: &str) -> String {
    text.to_owned()
}
