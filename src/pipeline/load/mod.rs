//! Loading: pages go into the warehouse through one writer, in the order in which they came.
//!
//! A page's raw rows, its current rows, its cursor and its line in the request log are in one
//! transaction, and pages that are waiting share it. Whatever kills the process, the warehouse stands
//! before a page or after it, and the cursor with it: nothing is lost and nothing is doubled. Readers
//! of pages never wait for the disk, only for room in a short queue.

mod batch;
mod fit;

use std::collections::HashMap;
use std::ops::AddAssign;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use super::cursor::Cursor;
use super::normalize::{Row, Shape};
use super::store::{KnownPage, Listing, Stand};
use super::warehouse::{Error, ROW_GROUP, Warehouse};
use crate::artifact::RunId;

/// Pages that wait for the writer at most.
const QUEUE: usize = 16;

/// How long a page waits for others to share its transaction.
const PATIENCE: Duration = Duration::from_millis(50);

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
    pub(crate) fn start(
        warehouse: Warehouse,
        run: RunId,
    ) -> (Self, tokio::task::JoinHandle<Result<(), Error>>) {
        let (to_writer, orders) = mpsc::channel(QUEUE);
        let changed = Arc::<AtomicU64>::default();
        let writing = tokio::spawn(write((warehouse, run), orders, Arc::clone(&changed)));
        (Self { to_writer, changed }, writing)
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

async fn write(
    (warehouse, run): (Warehouse, RunId),
    mut orders: mpsc::Receiver<Order>,
    changed: Arc<AtomicU64>,
) -> Result<(), Error> {
    let mut tallies = Tallies::new();
    while let Some(order) = orders.recv().await {
        let (batch, settled) = gather(order, &mut orders).await;
        let (warehouse, run) = (warehouse.clone(), run.clone());
        let landing = tokio::task::spawn_blocking(move || batch::land(&warehouse, &run, batch));
        let landed = landing.await.map_err(|_panicked| Error::Writer)??;
        for (resource, landed) in landed {
            changed.fetch_add(landed.changed, Ordering::Relaxed);
            *tallies.entry(resource).or_default() += landed;
        }
        if let Some(tell) = settled {
            // Nobody listens any more only when the extraction was dropped.
            drop(tell.send(tallies.clone()));
        }
    }
    Ok(())
}

/// This page and those that come soon after it, up to a transaction's size or until somebody waits.
async fn gather(
    first: Order,
    orders: &mut mpsc::Receiver<Order>,
) -> (Vec<Landing>, Option<oneshot::Sender<Tallies>>) {
    let mut batch = Vec::new();
    let mut rows = 0;
    let until = tokio::time::Instant::now() + PATIENCE;
    let mut next = Some(first);
    while let Some(order) = next {
        match order {
            Order::Settle(tell) => return (batch, Some(tell)),
            Order::Land(landing) => {
                rows += landing.rows.len();
                batch.push(*landing);
            }
        }
        if rows >= ROW_GROUP {
            break;
        }
        next = tokio::time::timeout_at(until, orders.recv()).await.ok().flatten();
    }
    (batch, None)
}
