//! Loading: pages go into the warehouse through one writer, in the order in which they came.
//!
//! A page's raw rows, its current rows, its cursor and its line in the request log are in one
//! transaction, and pages that came while others were written share it, as many as memory should hold.
//! Whatever kills the process, the warehouse stands before a page or after it, and the cursor with it:
//! nothing is lost and nothing is doubled. Readers of pages never wait for the disk, only for room in a
//! short queue.

mod batch;
mod fit;

use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::cursor::Cursor;
use super::normalize::{Row, Shape};
use super::store::{KnownPage, Listing, Stand};
use super::warehouse::{Error, ROW_GROUP, Warehouse};
use crate::artifact::RunId;

/// Pages that wait for the writer at most.
const QUEUE: usize = 4;

/// How long a page waits for others to share its transaction, if the writer has nothing to do.
const PATIENCE: Duration = Duration::from_millis(50);

/// Bytes of bodies that share a transaction at most: with [`ROW_GROUP`], what bounds its memory.
const HEAVY: usize = 4 << 20;

/// A page on its way into the warehouse.
#[derive(Debug)]
pub(crate) struct Landing {
    /// The listing it belongs to.
    pub(crate) listing: Listing,
    /// How its rows look.
    pub(crate) shape: Arc<Shape>,
    /// When it was fetched.
    pub(crate) at: jiff::Timestamp,
    /// What was asked.
    pub(crate) target: String,
    /// The status of the answer.
    pub(crate) status: u16,
    /// How long the answer took.
    pub(crate) millis: u64,
    /// How many items it had.
    pub(crate) items: usize,
    /// The link to the next page.
    pub(crate) next: Option<String>,
    /// Its rows.
    pub(crate) rows: Vec<Row>,
    /// The page to remember, where it has a tag.
    pub(crate) known: Option<KnownPage>,
    /// Where the listing stands with it.
    pub(crate) cursor: Cursor,
    /// With the listing's last page: what else must go.
    pub(crate) end: Option<End>,
    /// Whether it says only that nothing moved since the listing was last read to its end.
    pub(crate) still: bool,
}

impl Landing {
    /// Where the listing stands after it.
    fn stand(&self) -> Stand<'_> {
        Stand { listing: &self.listing, cursor: &self.cursor, at: self.at }
    }
}

/// What the end of a listing clears away.
#[derive(Debug, Default)]
pub(crate) struct End {
    /// The pages that make up the listing now.
    pub(crate) targets: Vec<String>,
    /// Every key of a listing that was read whole; other rows of it are gone at the source.
    pub(crate) keys: Option<Vec<String>>,
}

/// What pages changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Landed {
    /// Rows that were new or changed.
    pub(crate) changed: u64,
    /// Rows that went.
    pub(crate) removed: u64,
    /// Values that did not fit a declared column.
    pub(crate) rejected: u64,
}

impl AddAssign for Landed {
    fn add_assign(&mut self, more: Self) {
        self.changed += more.changed;
        self.removed += more.removed;
        self.rejected += more.rejected;
    }
}

impl Landed {
    /// What is new since an earlier count.
    pub(crate) const fn since(self, earlier: Self) -> Self {
        Self {
            changed: self.changed - earlier.changed,
            removed: self.removed - earlier.removed,
            rejected: self.rejected - earlier.rejected,
        }
    }
}

/// What pages changed so far, by resource.
pub(crate) type Tallies = HashMap<String, Landed>;

/// The way to the writer. Cheap to clone; the writer ends when all are gone.
#[derive(Debug, Clone)]
pub(crate) struct Loader {
    to_writer: mpsc::Sender<Order>,
    changed: Arc<AtomicU64>,
}

/// The writer failed; why, it says itself when it is joined.
#[derive(Debug)]
pub(crate) struct Gone;

#[derive(Debug)]
enum Order {
    Land(Box<Landing>),
    /// Answer when all that came before is in the warehouse.
    Settle(oneshot::Sender<Tallies>),
}

impl Loader {
    /// Starts the writer.
    pub(crate) fn start(warehouse: Warehouse, run: RunId) -> (Self, JoinHandle<Result<(), Error>>) {
        let (to_writer, orders) = mpsc::channel(QUEUE);
        let changed = Arc::<AtomicU64>::default();
        let writing = Writing {
            warehouse,
            run,
            changed: Arc::clone(&changed),
            tallies: Tallies::new(),
            waiting: Waiting::default(),
            under_way: None,
        };
        (Self { to_writer, changed }, tokio::spawn(writing.run(orders)))
    }

    /// Rows in the warehouse so far that were new or changed.
    pub(crate) fn changed(&self) -> u64 {
        self.changed.load(Ordering::Relaxed)
    }

    /// Hands a page over; waits while the queue is full.
    pub(crate) async fn land(&self, landing: Landing) -> Result<(), Gone> {
        self.to_writer.send(Order::Land(Box::new(landing))).await.map_err(|_closed| Gone)
    }

    /// Waits until everything handed over so far is in the warehouse; what it changed in all.
    pub(crate) async fn settle(&self) -> Result<Tallies, Gone> {
        let (tell, told) = oneshot::channel();
        self.to_writer.send(Order::Settle(tell)).await.map_err(|_closed| Gone)?;
        told.await.map_err(|_closed| Gone)
    }
}

/// The writer: gathers pages while those before them are on their way to the disk.
struct Writing {
    warehouse: Warehouse,
    run: RunId,
    changed: Arc<AtomicU64>,
    tallies: Tallies,
    waiting: Waiting,
    under_way: Option<JoinHandle<Result<Tallies, Error>>>,
}

/// Pages that share a transaction.
#[derive(Default)]
struct Waiting {
    pages: Vec<Landing>,
    rows: usize,
    bytes: usize,
    /// When they go even if nothing more comes.
    until: Option<Instant>,
}

impl Waiting {
    fn add(&mut self, page: Landing) {
        self.rows += page.rows.len();
        self.bytes += page.rows.iter().map(|row| row.body.len()).sum::<usize>();
        self.until.get_or_insert_with(|| Instant::now() + PATIENCE);
        self.pages.push(page);
    }

    const fn is_full(&self) -> bool {
        self.rows >= ROW_GROUP || self.bytes >= HEAVY
    }
}

impl Writing {
    async fn run(mut self, mut orders: mpsc::Receiver<Order>) -> Result<(), Error> {
        while let Some(order) = self.next(&mut orders).await? {
            match order {
                Order::Land(page) => self.waiting.add(*page),
                Order::Settle(tell) => {
                    self.begin().await?;
                    self.end().await?;
                    // Nobody listens any more only when the extraction was dropped.
                    drop(tell.send(self.tallies.clone()));
                }
            }
        }
        self.begin().await?;
        self.end().await
    }

    /// The next order. Until it comes, what waits goes when it is time.
    async fn next(&mut self, orders: &mut mpsc::Receiver<Order>) -> Result<Option<Order>, Error> {
        if self.waiting.is_full() {
            self.begin().await?;
        }
        loop {
            let idle = self.under_way.is_none();
            let due = self.waiting.until.filter(|_| idle);
            tokio::select! {
                order = orders.recv() => return Ok(order),
                ended = self.end(), if !idle => ended?,
                () = tokio::time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    self.begin().await?;
                }
            }
        }
    }

    /// Sends what waits on its way, after what is under way.
    async fn begin(&mut self) -> Result<(), Error> {
        self.end().await?;
        let Waiting { pages, .. } = std::mem::take(&mut self.waiting);
        if !pages.is_empty() {
            let (warehouse, run) = (self.warehouse.clone(), self.run.clone());
            let landing = tokio::task::spawn_blocking(move || batch::land(&warehouse, &run, pages));
            self.under_way = Some(landing);
        }
        Ok(())
    }

    /// Waits for what is under way and counts it.
    async fn end(&mut self) -> Result<(), Error> {
        let Some(landing) = &mut self.under_way else { return Ok(()) };
        let landed = landing.await;
        self.under_way = None;
        for (resource, landed) in landed.map_err(|_panicked| Error::Writer)?? {
            self.changed.fetch_add(landed.changed, Ordering::Relaxed);
            *self.tallies.entry(resource).or_default() += landed;
        }
        Ok(())
    }
}
