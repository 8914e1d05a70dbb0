//! PostgreSQL: a server of its own, which several processes may share.

use std::collections::HashMap;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, NoTls, Statement, config::SslMode, error::SqlState};
use rustls::pki_types::{CertificateDer, pem::PemObject};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::{Connection, DbError, Row, Value};

/// Statements kept prepared per connection.
const PREPARED: usize = 512;
/// How long connecting may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A connection to a server.
pub(super) struct Postgres {
    client: Client,
    prepared: HashMap<String, Statement>,
}

impl Postgres {
    /// Connects. TLS is used when the server offers it, and always with `sslmode=require`; its certificate must then be
    /// signed by an authority of `VIGIE_POSTGRES_CA` (a PEM file), or by one that browsers believe.
    pub(super) fn open(url: &str) -> Result<Postgres, DbError> {
        let mut config: postgres::Config = url
            .parse()
            .map_err(|error: postgres::Error| DbError::Lost(say(&error)))?;
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(PATIENCE);
        }
        if config.get_application_name().is_none() {
            config.application_name("vigie");
        }
        let local = config.get_hosts().iter().all(|host| match host {
            postgres::config::Host::Tcp(name) => matches!(name.as_str(), "localhost" | "127.0.0.1" | "::1"),
            postgres::config::Host::Unix(_) => true,
        });
        let client = if local && config.get_ssl_mode() == SslMode::Prefer {
            config.connect(NoTls)?
        } else {
            config.connect(tls()?)?
        };
        Ok(Postgres {
            client,
            prepared: HashMap::new(),
        })
    }

    fn prepare(&mut self, sql: &str) -> Result<Statement, DbError> {
        if let Some(known) = self.prepared.get(sql) {
            return Ok(known.clone());
        }
        if self.prepared.len() >= PREPARED {
            self.prepared.clear();
        }
        let statement = self.client.prepare(sql)?;
        self.prepared.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

fn tls() -> Result<MakeRustlsConnect, DbError> {
    let mut roots = rustls::RootCertStore::empty();
    match std::env::var_os("VIGIE_POSTGRES_CA") {
        Some(file) => {
            let lost = |why: String| DbError::Lost(format!("{}: {why}", file.display()));
            let certificates =
                CertificateDer::pem_file_iter(&file).map_err(|error| lost(error.to_string()))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| lost(error.to_string()))?;
                roots.add(certificate).map_err(|error| lost(error.to_string()))?;
            }
        }
        None => roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned()),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| DbError::Lost(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

impl Connection for Postgres {
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, DbError> {
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        let rows = self.client.query(&statement, &params)?;
        rows.iter().map(read_row).collect()
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, DbError> {
        let statement = self.prepare(sql)?;
        let params: Vec<&(dyn ToSql + Sync)> = params.iter().map(|value| value as _).collect();
        Ok(self.client.execute(&statement, &params)?)
    }

    fn batch(&mut self, sql: &str) -> Result<(), DbError> {
        Ok(self.client.batch_execute(sql)?)
    }

    fn is_broken(&mut self) -> bool {
        self.client.is_closed()
    }
}

fn read_row(row: &postgres::Row) -> Result<Row, DbError> {
    let mut values = Vec::with_capacity(row.len());
    for (index, column) in row.columns().iter().enumerate() {
        let kind = column.type_();
        let value = if *kind == Type::INT8 {
            row.try_get::<_, Option<i64>>(index)?.map(Value::Int)
        } else if *kind == Type::INT4 {
            row.try_get::<_, Option<i32>>(index)?
                .map(|number| Value::Int(number.into()))
        } else if *kind == Type::BOOL {
            row.try_get::<_, Option<bool>>(index)?.map(Value::from)
        } else if *kind == Type::FLOAT8 {
            row.try_get::<_, Option<f64>>(index)?.map(Value::Real)
        } else if *kind == Type::BYTEA {
            row.try_get::<_, Option<Vec<u8>>>(index)?.map(Value::Blob)
        } else if matches!(*kind, Type::TEXT | Type::VARCHAR | Type::NAME) {
            row.try_get::<_, Option<String>>(index)?.map(Value::Text)
        } else {
            let why = format!("column {} has the type {kind}: cast it", column.name());
            return Err(DbError::Other(why));
        };
        values.push(value.unwrap_or(Value::Null));
    }
    Ok(Row(values))
}

impl ToSql for Value {
    fn to_sql(
        &self,
        ty: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Value::Null => Ok(IsNull::Yes),
            Value::Int(number) if *ty == Type::INT4 => i32::try_from(*number)?.to_sql(ty, out),
            Value::Int(number) if *ty == Type::FLOAT8 => (*number as f64).to_sql(ty, out),
            Value::Int(number) if *ty == Type::INT8 => number.to_sql(ty, out),
            Value::Real(number) if *ty == Type::FLOAT8 => number.to_sql(ty, out),
            Value::Text(text) if <&str as ToSql>::accepts(ty) => text.as_str().to_sql(ty, out),
            Value::Blob(bytes) if *ty == Type::BYTEA => bytes.to_sql(ty, out),
            _ => Err(format!("a placeholder has the type {ty}: cast it").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Binary
    }

    to_sql_checked!();
}

/// The error with its causes: the outermost says only `db error`.
fn say(error: &postgres::Error) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

impl From<postgres::Error> for DbError {
    fn from(error: postgres::Error) -> DbError {
        let text = say(&error);
        let Some(code) = error.code() else {
            // Without a code it did not come from the server: the connection, or our own parameters.
            let ours = text.contains("error serializing") || text.contains("error deserializing");
            return if ours {
                DbError::Other(text)
            } else {
                DbError::Lost(text)
            };
        };
        match *code {
            SqlState::UNIQUE_VIOLATION => DbError::Unique(text),
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::LOCK_NOT_AVAILABLE => DbError::Contended(text),
            SqlState::DISK_FULL => DbError::Full(text),
            SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::TOO_MANY_CONNECTIONS
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => DbError::Lost(text),
            _ => DbError::Other(text),
        }
    }
}
