//! What a mark is, which decides how it looks.
//!
//! Figures name no colours: a line is *the line of series 2*, a rectangle *the time of a fault*. Plotters carries that through as a colour of
//! which the three bytes are the role, the series and the step; [`super::svg`] and [`super::png`] turn it back and look up what it means in
//! the page (a class, so that light and dark both work) or in a file (a colour of its own).

use plotters::style::RGBColor;

/// What a mark stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) enum Role {
    /// The ground of a file.
    Ground,
    /// The lines of the axes.
    Axis,
    /// Lines of the grid.
    Grid,
    /// A tick's label or an axis's name.
    Label,
    /// A title.
    Title,
    /// The time of the warm-up.
    WarmUp,
    /// The time of a fault.
    Fault,
    /// A fault's number.
    FaultNumber,
    /// A reference: what would be even.
    Even,
    /// A series' line.
    Line,
    /// Its part that is hardly known.
    Tail,
    /// Its interval.
    Band,
    /// Its bar.
    Bar,
    /// Its name at the end of its line.
    Name,
    /// The sample of its line beside its name.
    Sample,
    /// From the end of the line to its name.
    Leader,
    /// One part of a stacked bar.
    Part,
    /// What stands in such a part.
    PartLabel,
    /// A step of the scale of a heat map.
    Heat,
}

impl Role {
    const ALL: [Self; 19] = [
        Self::Ground,
        Self::Axis,
        Self::Grid,
        Self::Label,
        Self::Title,
        Self::WarmUp,
        Self::Fault,
        Self::FaultNumber,
        Self::Even,
        Self::Line,
        Self::Tail,
        Self::Band,
        Self::Bar,
        Self::Name,
        Self::Sample,
        Self::Leader,
        Self::Part,
        Self::PartLabel,
        Self::Heat,
    ];

    /// Its class in the page.
    pub(in crate::report) const fn class(self) -> &'static str {
        match self {
            Self::Ground => "ground",
            Self::Axis => "axis",
            Self::Grid => "grid",
            Self::Label => "label",
            Self::Title => "title",
            Self::WarmUp => "warm",
            Self::Fault => "fault",
            Self::FaultNumber => "fault-n",
            Self::Even => "even",
            Self::Line => "line",
            Self::Tail => "tail",
            Self::Band => "band",
            Self::Bar => "bar",
            Self::Name => "name",
            Self::Sample => "sample",
            Self::Leader => "leader",
            Self::Part => "part",
            Self::PartLabel => "part-n",
            Self::Heat => "heat",
        }
    }
}

/// A role, of which series, and of which step of a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::report) struct Ink {
    pub(in crate::report) role: Role,
    pub(in crate::report) series: Option<u8>,
    pub(in crate::report) step: u8,
}

/// No series.
const NONE: u8 = u8::MAX;

impl Ink {
    /// Of nobody.
    pub(in crate::report) const fn of(role: Role) -> Self {
        Self { role, series: None, step: 0 }
    }

    /// Of a series.
    pub(in crate::report) const fn series(role: Role, series: u8) -> Self {
        Self { role, series: Some(series), step: 0 }
    }

    /// One step of it.
    pub(in crate::report) const fn step(self, step: u8) -> Self {
        Self { step, ..self }
    }

    /// As plotters carries it.
    pub(super) fn colour(self) -> RGBColor {
        let role = Role::ALL.iter().position(|&role| role == self.role).expect("the list has all of them");
        RGBColor(role as u8, self.series.unwrap_or(NONE), self.step)
    }

    /// What was carried.
    pub(super) fn read((role, series, step): (u8, u8, u8)) -> Self {
        Self { role: Role::ALL[usize::from(role)], series: (series != NONE).then_some(series), step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ink_comes_back_as_it_was() {
        for (number, role) in Role::ALL.into_iter().enumerate() {
            let ink = Ink::series(role, number as u8).step(7);
            let RGBColor(r, g, b) = ink.colour();
            assert_eq!(Ink::read((r, g, b)), ink);
            let RGBColor(r, g, b) = Ink::of(role).colour();
            assert_eq!(Ink::read((r, g, b)), Ink::of(role));
        }
    }
}
