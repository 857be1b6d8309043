//! What is measured, and what can be said of it.
//!
//! Reading order: a cell hands over a [`record`] (counts, sums, [`histogram`]s); [`result`] merges the replications of one
//! balancer and keeps the values that statistics need; [`summary`] is what is said of a run, field by field as the JSON result.
//! The statistics stand alone: [`interval`] (how sure a mean is) over [`student`] and [`beta`], [`paired`] (which of two is
//! better), [`holm`] (many such questions at once), [`fairness`], [`warmup`] (MSER-5). [`metric`] finds a number by its name.
//!
//! Where something goes wrong, [`witness`] keeps a series of bins beside the record, and `impact` says what each fault did (`metastable`: what went on when it was over).
//!
//! Where a report will be drawn, [`onlooker`] keeps a [`closeup`] beside the record, and what is drawn of it is a [`detail`].
//!
//! A sweep keeps its records in [`compact`] form.
//!
//! Nothing here reads a clock, spawns a thread or calls the platform's mathematics: the same records give the same bytes.
pub mod beta;
mod bins;
pub mod closeup;
pub mod compact;
pub mod compare;
mod curve;
pub mod detail;
mod entries;
pub mod fairness;
pub mod histogram;
pub mod holm;
mod impact;
pub mod interval;
mod keys;
mod merge;
mod metastable;
pub mod metric;
pub mod onlooker;
pub mod paired;
mod periods;
pub mod record;
pub mod recorder;
pub mod result;
pub mod scoped;
mod series;
pub mod setup;
pub mod student;
pub mod summary;
pub mod surface;
mod tallies;
pub mod trace;
mod value;
pub mod warmup;
pub mod warnings;
pub mod witness;
