//! The journal of a sweep: every finished cell, appended and never changed.
//!
//! Its first frame is the plan; then come cells (their place, their id, their packed record) and *scenes* (what a point's results are of), each scene before
//! the first cell of its point. A frame is written by one call, so a process that is killed loses at most the cells that it was simulating; what the system
//! has taken survives the process. It is asked to bring the frames to the disk every few seconds and at the end: a machine that loses its power may lose the last
//! cells, never silently.

use super::frame::{Frame, Frames, Piece, frame_at};
use super::plan::{Head, Plan, Point};
use std::fs::File;
use std::io::{self, BufReader, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The version of the format.
const FORMAT: u32 = 1;

const PLAN: u8 = b'P';
const CELL: u8 = b'C';
const SCENE: u8 = b'S';

/// A place in the file; the first frame is the plan, so 0 is none.
type Offset = u64;

/// A journal that is read and written, from any thread.
#[derive(Debug)]
pub struct Journal {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    end: u64,
    cells: Vec<Offset>,
    scenes: Vec<Offset>,
    done: usize,
    /// Bytes since the system was asked to write them to the disk.
    unsynced: u64,
}

/// What was found in a journal.
#[derive(Debug)]
pub struct Opened {
    /// The plan it is of.
    pub plan: Plan,
    /// The journal, ready to go on.
    pub journal: Journal,
    /// Bytes in its middle that are no frame: at least one cell is lost for each.
    pub damage: Vec<Range<u64>>,
    /// Where its end was torn off, if it was; a journal that is gone on with is cut there.
    pub torn: Option<u64>,
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// It could not be read.
    #[error("{0}")]
    Io(#[from] io::Error),
    /// Nothing of it is known.
    #[error("its first frame, which holds the plan, is damaged")]
    NoPlan,
    /// Another version of the format.
    #[error("it is of another version of the journal's format")]
    Version,
    /// The same cell twice, with different results.
    #[error("it holds {0} twice, with different results")]
    Twice(String),
}

impl Journal {
    /// Begins a journal in an empty file.
    ///
    /// # Errors
    /// If that cannot be written.
    pub fn create(mut file: File, plan: &Plan) -> io::Result<Self> {
        let bytes = Frame::bytes(PLAN, &plan_bytes(plan));
        file.write_all(&bytes)?;
        file.sync_all()?;
        let state =
            State { file, end: bytes.len() as u64, cells: vec![0; plan.cells()], scenes: vec![0; plan.points.len()], done: 0, unsynced: 0 };
        Ok(Self { state: Mutex::new(state) })
    }

    /// Reads what is there, checking every byte.
    ///
    /// # Errors
    /// If it cannot be read, or nobody can tell what of.
    pub fn open(file: File) -> Result<Opened, Unusable> {
        let mut frames = Frames::new(BufReader::with_capacity(1 << 17, &file))?;
        let plan = match frames.next()? {
            Some(Piece::Frame(_, frame)) if frame.kind == PLAN => read_plan(&frame.content)?,
            _ => return Err(Unusable::NoPlan),
        };
        let (mut cells, mut scenes) = (vec![0; plan.cells()], vec![0; plan.points.len()]);
        let (mut damage, mut torn, mut end) = (Vec::new(), None, 0);
        let mut twice = Vec::new();
        while let Some(piece) = frames.next()? {
            match piece {
                Piece::Damage(from, to) => damage.push(from..to),
                Piece::Torn(at) => torn = Some(at),
                Piece::Frame(at, frame) => {
                    end = at + frame.size();
                    let place = place(&frame, &plan);
                    match (frame.kind, place) {
                        (CELL, Some(cell)) if cells[cell] != 0 => twice.push((cell, cells[cell], at)),
                        (CELL, Some(cell)) => cells[cell] = at,
                        (SCENE, Some(point)) => scenes[point] = at,
                        // Whole, and nothing that this plan has: as bad as damage.
                        _ => damage.push(at..end),
                    }
                }
            }
        }
        let end = end.max(Frame::bytes(PLAN, &plan_bytes(&plan)).len() as u64);
        let done = cells.iter().filter(|&&at| at != 0).count();
        let state = State { file, end, cells, scenes, done, unsynced: 0 };
        let journal = Self { state: Mutex::new(state) };
        for (cell, one, other) in twice {
            let mut state = journal.state();
            if state.frame(one)? != state.frame(other)? {
                return Err(Unusable::Twice(plan.words(cell)));
            }
        }
        Ok(Opened { plan, journal, damage, torn })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets everything behind the last whole frame.
    ///
    /// # Errors
    /// If the file cannot be cut.
    pub fn cut(&self) -> io::Result<()> {
        let state = self.state();
        state.file.set_len(state.end)?;
        state.file.sync_all()
    }

    /// Whether a cell is there.
    #[must_use]
    pub fn has(&self, cell: usize) -> bool {
        self.state().cells[cell] != 0
    }

    /// How many cells are there.
    #[must_use]
    pub fn done(&self) -> usize {
        self.state().done
    }

    /// Whether a point's scene is there.
    #[must_use]
    pub fn has_scene(&self, point: usize) -> bool {
        self.state().scenes[point] != 0
    }

    /// Adds a cell.
    ///
    /// # Errors
    /// If it cannot be written; what was there before stays whole.
    pub fn add(&self, cell: usize, id: u64, record: &[u8]) -> io::Result<()> {
        let content = [&(cell as u32).to_le_bytes()[..], &id.to_le_bytes(), record].concat();
        let mut state = self.state();
        state.cells[cell] = state.append(CELL, &content)?;
        state.done += 1;
        Ok(())
    }

    /// Adds a point's scene, unless it is there.
    ///
    /// # Errors
    /// If it cannot be written; what was there before stays whole.
    pub fn add_scene(&self, point: usize, scene: &[u8]) -> io::Result<()> {
        let content = [&(point as u32).to_le_bytes()[..], scene].concat();
        let mut state = self.state();
        if state.scenes[point] == 0 {
            state.scenes[point] = state.append(SCENE, &content)?;
        }
        Ok(())
    }

    /// A cell's packed record.
    ///
    /// # Errors
    /// If it cannot be read, or is no longer what was written.
    pub fn cell(&self, cell: usize) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.state();
        let at = state.cells[cell];
        Ok(if at == 0 { None } else { Some(state.frame(at)?.split_off(12)) })
    }

    /// A point's scene.
    ///
    /// # Errors
    /// If it cannot be read, or is no longer what was written.
    pub fn scene(&self, point: usize) -> io::Result<Option<Vec<u8>>> {
        let mut state = self.state();
        let at = state.scenes[point];
        Ok(if at == 0 { None } else { Some(state.frame(at)?.split_off(4)) })
    }

    /// Adds everything that this one has to another, in the order of the plan; what is there already stays.
    ///
    /// # Errors
    /// If one cannot be read or the other cannot be written.
    pub fn copy(&self, plan: &Plan, to: &Self) -> io::Result<()> {
        for (at, point) in plan.points.iter().enumerate() {
            let end = plan.points.get(at + 1).map_or(plan.cells(), |next| next.first as usize);
            if let Some(scene) = self.scene(at)? {
                to.add_scene(at, &scene)?;
            }
            for cell in point.first as usize..end {
                if let (Some(record), false) = (self.cell(cell)?, to.has(cell)) {
                    to.add(cell, plan.id(cell), &record)?;
                }
            }
        }
        Ok(())
    }

    /// Asks the system to write everything to the disk.
    ///
    /// # Errors
    /// If it cannot.
    pub fn sync(&self) -> io::Result<()> {
        self.state().file.sync_data()
    }

    /// The size of the file.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.state().end
    }
}

/// After so many bytes the system is asked to write them down: a few seconds of a fast sweep.
const UNSYNCED: u64 = 4 << 20;

impl State {
    /// Where it was put. After a failure the file is cut to what was whole before.
    fn append(&mut self, kind: u8, content: &[u8]) -> io::Result<Offset> {
        let (at, bytes) = (self.end, Frame::bytes(kind, content));
        let written = self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(&bytes));
        if let Err(error) = written {
            // Where that fails too, the next to open it finds a torn tail.
            let _ = self.file.set_len(at);
            return Err(error);
        }
        self.end += bytes.len() as u64;
        self.unsynced += bytes.len() as u64;
        if self.unsynced > UNSYNCED {
            self.file.sync_data()?;
            self.unsynced = 0;
        }
        Ok(at)
    }

    fn frame(&mut self, at: Offset) -> io::Result<Vec<u8>> {
        let changed = || io::Error::new(io::ErrorKind::InvalidData, format!("the journal was changed by somebody else at byte {at}"));
        frame_at(&mut self.file, at, self.end)?.map(|frame| frame.content).ok_or_else(changed)
    }
}

/// Which cell or point a frame is of, if the plan has it under that id.
fn place(frame: &Frame, plan: &Plan) -> Option<usize> {
    let (at, rest) = frame.content.split_first_chunk()?;
    let at = u32::from_le_bytes(*at) as usize;
    match frame.kind {
        CELL => {
            let (id, _) = rest.split_first_chunk()?;
            (at < plan.cells() && plan.id(at) == u64::from_le_bytes(*id)).then_some(at)
        }
        SCENE => (at < plan.points.len()).then_some(at),
        _ => None,
    }
}

/// The format, the head as JSON after its length, then each point.
fn plan_bytes(plan: &Plan) -> Vec<u8> {
    let head = serde_json::to_vec(&plan.head).expect("it has only strings as keys and no failing fields");
    let mut bytes = FORMAT.to_le_bytes().to_vec();
    bytes.extend((head.len() as u32).to_le_bytes());
    bytes.extend(head);
    for Point { sha, entrants, replications, first, cost } in &plan.points {
        bytes.extend(sha);
        [entrants, replications, first, cost].into_iter().for_each(|number| bytes.extend(number.to_le_bytes()));
    }
    bytes
}

fn read_plan(bytes: &[u8]) -> Result<Plan, Unusable> {
    let (format, rest) = bytes.split_first_chunk().ok_or(Unusable::NoPlan)?;
    if u32::from_le_bytes(*format) != FORMAT {
        return Err(Unusable::Version);
    }
    let (length, rest) = rest.split_first_chunk().ok_or(Unusable::NoPlan)?;
    let (head, points) = rest.split_at_checked(u32::from_le_bytes(*length) as usize).ok_or(Unusable::NoPlan)?;
    let head: Head = serde_json::from_slice(head).map_err(|_| Unusable::Version)?;
    let number = |bytes: &[u8], at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    let point = |bytes: &[u8]| {
        let mut sha = [0; 32];
        sha.copy_from_slice(&bytes[..32]);
        Point { sha, entrants: number(bytes, 32), replications: number(bytes, 36), first: number(bytes, 40), cost: number(bytes, 44) }
    };
    let points: Vec<Point> = points.chunks_exact(48).map(point).collect();
    let is_sound = points.len() == head.parameters.points() && points.iter().all(|point| (point.entrants as usize) < head.entrants.len());
    if is_sound { Ok(Plan::of(head, points)) } else { Err(Unusable::NoPlan) }
}

#[cfg(test)]
mod tests {
    use super::super::plan::tests::plan;
    use super::*;

    fn sample() -> (Plan, File) {
        let plan = plan(&["traffic.arrivals.load=0.5,0.6"]).expect("planned");
        let file = tempfile::tempfile().expect("a file that nobody sees");
        let journal = Journal::create(file.try_clone().expect("a second handle"), &plan).expect("written");
        journal.add_scene(0, b"scene").expect("written");
        (0..5).for_each(|cell| journal.add(cell, plan.id(cell), &[cell as u8; 40]).expect("written"));
        (plan, file)
    }

    fn flipped(file: &File, at: u64) {
        use std::io::Read;
        let mut file = file;
        let mut byte = [0];
        file.seek(SeekFrom::Start(at)).expect("seeks");
        file.read_exact(&mut byte).expect("reads");
        file.seek(SeekFrom::Start(at)).expect("seeks");
        file.write_all(&[byte[0] ^ 0x10]).expect("writes");
    }

    #[test]
    fn what_was_added_is_there_when_it_is_opened_again() {
        let (plan, file) = sample();
        let opened = Journal::open(file).expect("it is whole");
        assert_eq!(opened.plan, plan);
        assert_eq!((opened.journal.done(), opened.damage.len(), opened.torn), (5, 0, None));
        assert_eq!(opened.journal.cell(3).expect("reads"), Some(vec![3; 40]));
        assert_eq!(opened.journal.cell(5).expect("reads"), None);
        assert_eq!(opened.journal.scene(0).expect("reads").as_deref(), Some(&b"scene"[..]));
        assert!(opened.journal.has_scene(0) && !opened.journal.has_scene(1) && !opened.journal.has(5));
    }

    #[test]
    fn a_torn_tail_costs_the_last_cell() {
        let (plan, file) = sample();
        let end = file.metadata().expect("there").len();
        file.set_len(end - 7).expect("cuts");
        let opened = Journal::open(file.try_clone().expect("a second handle")).expect("the rest is whole");
        assert_eq!((opened.journal.done(), opened.damage.len(), opened.torn.is_some()), (4, 0, true));
        opened.journal.cut().expect("cuts");
        opened.journal.add(4, plan.id(4), &[4; 40]).expect("written");
        assert_eq!(file.metadata().expect("there").len(), end);
        assert_eq!(Journal::open(file).expect("whole again").torn, None);
    }

    #[test]
    fn a_flipped_byte_costs_its_cell_and_is_told() {
        let (_, file) = sample();
        let end = file.metadata().expect("there").len();
        flipped(&file, end - 100);
        let opened = Journal::open(file).expect("the rest is whole");
        assert_eq!((opened.journal.done(), opened.damage.len(), opened.torn), (4, 1, None));
    }

    #[test]
    fn without_its_plan_a_journal_is_of_no_use() {
        let (_, file) = sample();
        flipped(&file, 60);
        assert!(matches!(Journal::open(file), Err(Unusable::NoPlan)));
        assert!(matches!(Journal::open(tempfile::tempfile().expect("a file")), Err(Unusable::NoPlan)));
    }

    #[test]
    fn a_cell_that_the_plan_does_not_have_is_not_believed() {
        let (plan, file) = sample();
        let opened = Journal::open(file.try_clone().expect("a second handle")).expect("it is whole");
        opened.journal.add(6, plan.id(6) ^ 1, b"").expect("written");
        let again = Journal::open(file).expect("the rest is whole");
        assert_eq!((again.journal.done(), again.damage.len()), (5, 1));
    }

    #[test]
    fn the_same_cell_twice_must_be_the_same() {
        let (plan, file) = sample();
        let journal = Journal::open(file.try_clone().expect("a second handle")).expect("it is whole").journal;
        journal.add(2, plan.id(2), &[2; 40]).expect("written");
        assert_eq!(Journal::open(file.try_clone().expect("a second handle")).expect("equal").journal.done(), 5);
        journal.add(2, plan.id(2), &[9; 40]).expect("written");
        assert!(matches!(Journal::open(file), Err(Unusable::Twice(_))));
    }
}
