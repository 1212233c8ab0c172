use diesel::QueryResult;
use diesel::deserialize::FromSql;
use diesel::mysql::data_types::MysqlTime;
use diesel::mysql::{Mysql, MysqlQueryBuilder, MysqlType, MysqlValue};
use diesel::query_builder::bind_collector::RawBytesBindCollector;
use diesel::query_builder::{QueryBuilder, QueryFragment};
use diesel::result::Error as DieselError;
use diesel::sql_types::Timestamp;
use mysql_async::Value;

/// A statement's text and its parameters, as the driver takes them.
pub(super) struct Query {
    pub sql: String,
    pub params: Vec<Value>,
    /// Always the same text, so its prepared statement is worth keeping.
    pub has_fixed_text: bool,
}

impl Query {
    pub fn of(source: &impl QueryFragment<Mysql>) -> QueryResult<Self> {
        let mut builder = MysqlQueryBuilder::new();
        source.to_sql(&mut builder, &Mysql)?;
        let mut binds = RawBytesBindCollector::<Mysql>::new();
        source.collect_binds(&mut binds, &mut (), &Mysql)?;
        let params = binds.metadata.into_iter().zip(binds.binds);
        Ok(Self {
            sql: builder.finish(),
            params: params
                .map(|(kind, bytes)| value(kind, bytes))
                .collect::<Result<_, _>>()?,
            has_fixed_text: source.is_safe_to_cache_prepared(&Mysql)?,
        })
    }
}

/// Diesel hands over each parameter in the machine's own representation of its type.
fn value(kind: MysqlType, bytes: Option<Vec<u8>>) -> QueryResult<Value> {
    let Some(bytes) = bytes else {
        return Ok(Value::NULL);
    };
    match kind {
        // A `bool` comes as four bytes.
        MysqlType::Tiny => Ok(Value::Int(i8::from_ne_bytes(first(&bytes)?).into())),
        MysqlType::Short => Ok(Value::Int(i16::from_ne_bytes(first(&bytes)?).into())),
        MysqlType::Long => Ok(Value::Int(i32::from_ne_bytes(first(&bytes)?).into())),
        MysqlType::LongLong => Ok(Value::Int(i64::from_ne_bytes(first(&bytes)?))),
        MysqlType::Date | MysqlType::DateTime | MysqlType::Timestamp => time(&bytes, kind),
        MysqlType::String | MysqlType::Blob => Ok(Value::Bytes(bytes)),
        other => Err(unsupported(format!("no column has the type {other:?}"))),
    }
}

fn first<const N: usize>(bytes: &[u8]) -> QueryResult<[u8; N]> {
    let bytes = bytes.first_chunk().copied();
    bytes.ok_or_else(|| unsupported(format!("a parameter has fewer than {N} bytes")))
}

fn time(bytes: &[u8], kind: MysqlType) -> QueryResult<Value> {
    let time = <MysqlTime as FromSql<Timestamp, Mysql>>::from_sql(MysqlValue::new(bytes, kind));
    let time = time.map_err(DieselError::SerializationError)?;
    let small = |part: u32| u8::try_from(part).map_err(DieselError::IntegerConversion);
    Ok(Value::Date(
        u16::try_from(time.year).map_err(DieselError::IntegerConversion)?,
        small(time.month)?,
        small(time.day)?,
        small(time.hour)?,
        small(time.minute)?,
        small(time.second)?,
        u32::try_from(time.second_part).map_err(DieselError::IntegerConversion)?,
    ))
}

fn unsupported(problem: String) -> DieselError {
    DieselError::SerializationError(problem.into())
}
