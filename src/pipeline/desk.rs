//! The desk: answers queries while a process holds the warehouse.
//!
//! DuckDB lets one process in at a time, and a long sync would keep all readers out. So the process that
//! holds the warehouse answers for it, on loopback, to whoever can read the file beside the warehouse in
//! which address and token stand: the person who owns it. Every answer comes from one moment between
//! two transactions, and nothing can be changed through the desk.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::table::Table;
use super::warehouse::{self, Question, Warehouse};
use crate::config::Secret;
use crate::fs;

/// An open desk. It closes when this is dropped: nothing of it holds the warehouse open any more, whatever
/// connections are still there.
#[derive(Debug)]
pub struct Desk {
    file: PathBuf,
    serving: tokio::task::JoinHandle<()>,
    counter: Arc<Counter>,
}

/// What the file beside the warehouse says.
#[derive(Debug, Serialize, Deserialize)]
struct Address {
    url: String,
    token: String,
}

/// What every answer needs.
#[derive(Debug)]
struct Counter {
    /// None once the desk is closed.
    reader: Mutex<Option<Warehouse>>,
    token: Secret,
}

impl Counter {
    fn reader(&self) -> MutexGuard<'_, Option<Warehouse>> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Desk {
    /// Opens the desk of the warehouse at `path`. Must be called inside a tokio runtime. That it cannot
    /// be opened is no reason not to go on: readers then wait, as they would without it.
    pub async fn open(warehouse: &Warehouse, path: &Path) -> Option<Self> {
        match Self::try_open(warehouse, path).await {
            Ok(desk) => Some(desk),
            Err(reason) => {
                tracing::warn!(reason, "queries must wait until this run ends");
                None
            }
        }
    }

    async fn try_open(warehouse: &Warehouse, path: &Path) -> Result<Self, String> {
        let reader = Mutex::new(Some(warehouse.reader().map_err(|error| error.to_string())?));
        let listener =
            tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.map_err(|error| error.to_string())?;
        let url = format!("http://{}", listener.local_addr().map_err(|error| error.to_string())?);
        let token = Secret::random();
        let file = beside(path);
        let address = Address { url, token: token.expose().to_owned() };
        let text = serde_json::to_vec(&address).map_err(|error| error.to_string())?;
        fs::write_private(&file, &text).map_err(|error| error.to_string())?;
        let counter = Arc::new(Counter { reader, token });
        let app = Router::new().fallback(answer).with_state(Arc::clone(&counter));
        let serving = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, app).await {
                tracing::warn!(%error, "the desk closed early");
            }
        });
        Ok(Self { file, serving, counter })
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        self.serving.abort();
        drop(self.counter.reader().take());
        if let Err(error) = fs::remove_file(&self.file) {
            tracing::warn!(%error, "the desk's address stays behind");
        }
    }
}

async fn answer(State(counter): State<Arc<Counter>>, headers: HeaderMap, asked: String) -> Response {
    let said = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if said != Some(&format!("Bearer {}", counter.token.expose())) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Ok(question) = serde_json::from_str::<Question>(&asked) else {
        return StatusCode::BAD_REQUEST.into_response();
    };
    let look = move || counter.reader().as_ref().map(|reader| reader.look(&question));
    match tokio::task::spawn_blocking(look).await {
        Ok(Some(Ok(table))) => axum::Json(table).into_response(),
        Ok(Some(Err(error))) => (StatusCode::UNPROCESSABLE_ENTITY, reason(&error)).into_response(),
        Ok(None) | Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

/// What DuckDB said, without the frame that the asking side puts around it again.
fn reason(error: &warehouse::Error) -> String {
    match error {
        warehouse::Error::Sql { source } => source.0.clone(),
        other => other.to_string(),
    }
}

/// Asks the desk of the warehouse at `path`; `None` where there is none, or nobody at it.
pub async fn ask(
    http: &reqwest::Client,
    path: &Path,
    question: &Question,
) -> Option<Result<Table, warehouse::Error>> {
    let text = fs::read_text_if_exists(&beside(path)).ok().flatten()?;
    let address: Address = serde_json::from_str(&text).ok()?;
    let request = http.post(&address.url).bearer_auth(&address.token).json(question);
    let answer = request.send().await.ok()?;
    match answer.status() {
        StatusCode::OK => Some(Ok(answer.json().await.ok()?)),
        StatusCode::UNPROCESSABLE_ENTITY => {
            let said = answer.text().await.ok()?;
            Some(Err(warehouse::Error::Sql { source: warehouse::Engine(said) }))
        }
        _ => None,
    }
}

/// The file in which the desk's address stands.
fn beside(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".desk");
    PathBuf::from(name)
}
